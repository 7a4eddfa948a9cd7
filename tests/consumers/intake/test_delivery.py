"""Accepted means acknowledged: what happens when Kafka is not there, goes, stalls, or refuses."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.partitioner import DefaultPartitioner

from consumers.intake import delivery as delivering
from consumers.intake.delivery import Delivery
from consumers.intake.refused import Refused
from consumers.intake.room import Room
from consumers.kafka import stored_records
from consumers.kafka_access import KafkaUnavailable
from consumers.local.servers import free_port
from consumers.settings import Settings
from stream.events.posted import Posted
from tests.servers import ApacheKafka, Broker
from tests.waiting import wait_until


def records(count: int, size_bytes: int = 10) -> list[Posted]:
    return [Posted("sessions", b"user-%d" % number, b"x" * size_bytes) for number in range(count)]


async def opened(settings: Settings, room: Room | None = None, **more: Any) -> Delivery:
    found = Delivery(settings, room or Room(10_000, 2**24), **more)
    found.start()
    await wait_until(lambda: found.trouble is None, 15, what="Kafka is connected to")
    return found


async def _limit(settings: Settings, size_bytes: int) -> None:
    """The topic takes no larger batch from now on."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    await admin.start()
    topic = ConfigResource(
        ConfigResourceType.TOPIC, settings.topic("sessions"), {"max.message.bytes": str(size_bytes)}
    )
    await admin.alter_configs([topic])
    await admin.close()


async def count(settings: Settings) -> int:
    return len([one async for one in stored_records(settings, "sessions")])


@pytest.fixture(params=["broker", "kafka"])
def settings(request: pytest.FixtureRequest) -> Settings:
    server = request.getfixturevalue(request.param)
    idempotent = isinstance(server, ApacheKafka)
    return Settings(
        kafka=server.bootstrap, topic_prefix=server.prefix(), partitions=2, kafka_idempotence=idempotent
    )


async def test_when_it_returns_the_records_stand_in_kafka(settings: Settings) -> None:
    room = Room(10_000, 2**24)
    delivery = await opened(settings, room)
    await asyncio.gather(*(delivery.deliver(records(50)) for _ in range(20)))
    assert (room.events, room.size_bytes) == (0, 0)
    await delivery.close()
    assert await count(settings) == 1_000


async def test_a_user_goes_to_the_partition_that_other_clients_choose(settings: Settings) -> None:
    delivery = await opened(settings)
    await delivery.deliver(records(50))
    await delivery.close()
    found = {one.key: one.partition async for one in stored_records(settings, "sessions")}
    choose = DefaultPartitioner()
    assert found == {key: choose(key, [0, 1], [0, 1]) for _, key, _ in records(50)}


async def test_without_kafka_nothing_is_accepted_until_it_is_there(broker: Broker) -> None:
    broker.stop()
    settings = Settings(kafka=broker.bootstrap, topic_prefix=broker.prefix(), kafka_idempotence=False)
    delivery = Delivery(settings, Room(10, 1_000))
    delivery.start()
    with pytest.raises(KafkaUnavailable):
        await delivery.deliver(records(1))
    assert delivery.trouble
    broker.start()
    await wait_until(lambda: delivery.trouble is None, 15)
    await delivery.deliver(records(1))
    await delivery.close()


async def test_a_kafka_that_stalls_is_told_in_time_and_gets_what_it_holds_when_it_moves(
    broker: Broker,
) -> None:
    settings = Settings(
        kafka=broker.bootstrap, topic_prefix=broker.prefix(), kafka_idempotence=False, partitions=1
    )
    room = Room(100, 2**20)
    delivery = await opened(settings, room, acknowledge_seconds=0.3)
    await delivery.deliver(records(1))
    broker.pause()
    with pytest.raises(KafkaUnavailable, match="acknowledges nothing"):
        await delivery.deliver(records(60))
    assert room.events == 60, "what may still be written keeps its place"
    with pytest.raises(KafkaUnavailable):
        await asyncio.wait_for(delivery.deliver(records(1)), 0.1)
    broker.resume()
    await wait_until(lambda: room.events == 0, 10)
    assert delivery.trouble is None
    await delivery.deliver(records(1))
    await delivery.close()
    assert await count(settings) == 62


async def test_a_full_room_is_told_to_come_again(broker: Broker) -> None:
    settings = Settings(kafka=broker.bootstrap, topic_prefix=broker.prefix(), kafka_idempotence=False)
    delivery = await opened(settings, Room(10, 1_000))
    for some in (records(11), records(5, 300)):
        with pytest.raises(Refused) as refused:
            await delivery.deliver(some)
        assert (refused.value.status, refused.value.retry_seconds) == (429, 1)
    await delivery.deliver(records(10))
    await delivery.close()


async def test_what_kafka_refuses_for_good_hurts_nothing_that_comes_after(kafka: ApacheKafka) -> None:
    settings = Settings(kafka=kafka.bootstrap, topic_prefix=kafka.prefix(), partitions=1)
    delivery = await opened(settings)
    await delivery.deliver(records(3))
    await _limit(settings, 1_000)
    with pytest.raises(KafkaUnavailable, match="MESSAGE_SIZE_TOO_LARGE"):
        await delivery.deliver(records(1, 20_000))
    await wait_until(lambda: delivery.trouble is None, 10)
    for _ in range(3):
        await delivery.deliver(records(3))
    await delivery.close()
    assert await count(settings) == 12


async def test_when_the_process_ends_who_waits_is_told_soon(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "DRAIN_SECONDS_MAX", 0.2)
    monkeypatch.setattr(delivering, "CLOSE_SECONDS_MAX", 0.2)
    settings = Settings(kafka=broker.bootstrap, topic_prefix=broker.prefix(), kafka_idempotence=False)
    delivery = await opened(settings)
    await delivery.deliver(records(1))
    broker.pause()
    waiting = asyncio.create_task(delivery.deliver(records(5)))
    delivery.hurry()
    with pytest.raises(KafkaUnavailable):
        await asyncio.wait_for(waiting, 2)
    await asyncio.wait_for(delivery.close(), 5)
    broker.resume()


async def test_nobody_at_the_address_is_one_line() -> None:
    delivery = Delivery(Settings(kafka=f"127.0.0.1:{free_port()}"), Room(10, 1_000))
    delivery.start()
    await wait_until(lambda: "RETENTION_KAFKA" in (delivery.trouble or ""), 15)
    assert "\n" not in str(delivery.trouble)
    await delivery.close()
