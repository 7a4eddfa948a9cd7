"""Does the doctor see what is wrong with Kafka, on a real one?"""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from consumers.doctor.findings import Told
from consumers.doctor.kafka import kafka_findings
from consumers.doctor.store import Counted
from consumers.kafka import Kafka
from consumers.settings import Settings
from stream.store.protocol import Position
from tests.consumers.ingest.conftest import own
from tests.consumers.ingest.rig import produce
from tests.servers import ApacheKafka, Broker

pytestmark = pytest.mark.slow


@pytest.fixture
async def admin(kafka: ApacheKafka) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await client.start()
    yield client
    await client.close()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def seen(
    settings: Settings, positions: Any = None, records: int = 0
) -> dict[str, tuple[Told, str, str]]:
    """The findings that are not all right."""
    found = await kafka_findings(settings, Counted(positions or {}, positions or {}, records), now_ms())
    return {one.check: (one.told, one.seen, one.do) for one in found if one.told is not Told.OK}


async def test_topics_of_ours_give_nothing_to_do_but_to_start_a_worker(kafka: ApacheKafka) -> None:
    settings = await own(kafka)
    found = await seen(settings)
    assert found.keys() == {"workers"}
    assert found["workers"][0] is Told.WARNING
    await produce(settings, "sessions", [b"{}"])
    assert (await seen(settings))["workers"][:2] == (
        Told.WRONG,
        f"none is in group {settings.group}; 1 record(s) are not counted yet",
    )


async def test_the_embedded_broker_gives_nothing_to_do(broker: Broker) -> None:
    assert (await seen(await own(broker))).keys() <= {"workers"}


async def test_topics_that_are_missing_are_named(kafka: ApacheKafka) -> None:
    settings = Settings(kafka=kafka.bootstrap, topic_prefix="none.", group="none.")
    told, said, do = (await seen(settings))["topics"]
    assert (told, "none.sessions" in said) == (Told.WRONG, True)
    assert "retention topics" in do


@pytest.mark.parametrize(
    ("config", "check", "told"),
    [
        ({"retention.ms": "604800000"}, "retention", Told.WARNING),
        ({"cleanup.policy": "compact", "retention.ms": "-1"}, "retention", Told.WRONG),
        ({"message.timestamp.type": "CreateTime", "retention.ms": "-1"}, "timestamps", Told.WARNING),
    ],
)
async def test_a_topic_that_forgets_or_has_other_times_is_named_with_the_command(
    kafka: ApacheKafka, admin: AIOKafkaAdminClient, config: dict[str, str], check: str, told: Told
) -> None:
    prefix = kafka.prefix()
    settings = Settings(kafka=kafka.bootstrap, topic_prefix=prefix, group=prefix)
    right = {"message.timestamp.type": "LogAppendTime"}
    await admin.create_topics([NewTopic(prefix + "sessions", 2, 1, topic_configs=right | config)])
    async with Kafka(settings) as ours:
        await ours.ensure_topics()
    found = await seen(settings)
    assert found[check][0] is told
    assert f"--topic {prefix}sessions" in found[check][2]


async def test_a_log_that_begins_after_what_is_counted_has_lost_events(
    kafka: ApacheKafka, admin: AIOKafkaAdminClient
) -> None:
    settings = await own(kafka)
    await produce(settings, "sessions", [json.dumps({"n": n}).encode() for n in range(40)])
    async with Kafka(settings) as ours:
        ends, log_id = await ours.end_offsets(["sessions"]), await ours.log_id()
    where, end = max(ends.items(), key=lambda one: one[1])
    topic = TopicPartition(settings.topic("sessions"), where[1])
    await admin.delete_records({topic: RecordsToDelete(before_offset=end - 1)})
    assert (await seen(settings, {where: Position(1, log_id)}))["log"][0] is Told.WRONG
    told, said, _ = (await seen(settings, {where: Position(end, log_id)}))["log"]
    assert (told, "rebuilt from zero" in said) == (Told.WARNING, True)
    assert (await seen(settings, {where: Position(end, "other")}))["log"][0] is Told.WARNING


async def test_numbers_that_hold_more_than_the_log_are_not_said_to_be_rebuilt_from_it(broker: Broker) -> None:
    settings = await own(broker)
    await produce(settings, "sessions", [json.dumps({"n": n}).encode() for n in range(3)])
    async with Kafka(settings) as ours:
        ends, log_id = await ours.end_offsets(["sessions"]), await ours.log_id()
    positions = {where: Position(end, log_id) for where, end in ends.items()}
    assert "log" not in await seen(settings, positions, records=3)
    told, said, do = (await seen(settings, positions, records=1_003))["log"]
    assert (told, "1,000 of 1,003" in said, "cannot be rebuilt" in said) == (Told.WARNING, True, True)
    assert "no FLUSHALL" in do
    elsewhere = {where: Position(7, "other") for where in ends}
    assert "cannot be rebuilt" in (await seen(settings, elsewhere, records=7))["log"][1]


async def test_a_clock_of_kafka_that_is_ahead_is_named(kafka: ApacheKafka) -> None:
    settings = await own(kafka)
    await produce(settings, "sessions", [b"{}"])
    # As if this machine were an hour behind.
    early = await kafka_findings(settings, Counted({}, {}, 0), now_ms() - 3_600_000)
    (clock,) = [one for one in early if one.check == "clock"]
    assert clock.told is Told.WARNING
    assert settings.topic("sessions") in clock.seen


async def test_a_broker_that_is_away_is_said_in_one_line(kafka: ApacheKafka) -> None:
    (one,) = await kafka_findings(Settings(kafka="127.0.0.1:1"), None, 0)
    assert (one.check, one.told) == ("kafka", Told.WRONG)
    assert "\n" not in one.seen
