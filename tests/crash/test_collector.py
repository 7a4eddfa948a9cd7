"""Is anything lost that was accepted? Collector and broker are killed while apps send; every id with a 202 must stand in Kafka."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consumers.intake.client import CollectorSender, Record
from consumers.kafka import Kafka, stored_records
from consumers.settings import Settings
from tests.consumers.collector.process import Collector
from tests.servers import ApacheKafka
from tests.waiting import wait_until

pytestmark = pytest.mark.crash

SENDERS, BATCH_EVENTS = 8, 50
TOPICS = ("sessions", "installs")


class App:
    """Devices that send as docs/sdk.md says, without end. `accepted` are the ids of requests that got a 202."""

    def __init__(self, url: str, name: str) -> None:
        self._sender = CollectorSender(url, sleep=self._short, give_up_seconds=120)
        self._name, self.accepted, self.waits = name, set[str](), 0
        self._stopping = False

    async def run(self) -> None:
        """Sends until told to stop; the batch that is under way is sent until it is accepted."""
        async with self._sender:
            number = 0
            while not self._stopping:
                ids = [f"{self._name}-{number}-{n}" for n in range(BATCH_EVENTS)]
                answer = await self._sender.post([_record(one, n) for n, one in enumerate(ids)])
                assert answer == {"accepted": BATCH_EVENTS, "rejected": []}
                self.accepted.update(ids)
                number += 1

    def stop(self) -> None:
        self._stopping = True

    async def _short(self, seconds: float) -> None:
        self.waits += 1
        await asyncio.sleep(min(seconds, 0.2))


def _record(event_id: str, number: int) -> Record:
    event = {"event_id": event_id, "app_id": "shop", "user_id": event_id, "timestamp": 1_795_200_000_000}
    return TOPICS[number % 2], json.dumps(event).encode()


@pytest.fixture
async def collector(kafka: ApacheKafka, tmp_path: Path) -> AsyncIterator[Collector]:
    settings = Settings(kafka=kafka.bootstrap, topic_prefix=kafka.prefix(), partitions=4)
    async with Kafka(settings) as admin:
        await admin.ensure_topics()
    one = Collector(
        tmp_path,
        kafka=settings.kafka,
        topic_prefix=settings.topic_prefix,
        collector_events_per_second=0,
        log_level="warning",
    )
    assert one.settings.kafka_idempotence
    one.start()
    await wait_until(one.ready, 20)
    yield one
    one.kill()


async def test_every_event_that_was_accepted_stands_in_kafka_whatever_is_killed(
    collector: Collector, kafka: ApacheKafka, crash_runs: int
) -> None:
    apps = [App(collector.url, f"app{number}") for number in range(SENDERS)]
    sending = asyncio.gather(*(app.run() for app in apps))

    async def more() -> None:
        """Some further batches are accepted, so that the next trouble comes in the middle of sending."""
        before = _count(apps)
        await wait_until(
            lambda: sending.done() or _count(apps) >= before + 1_000, 60, what="events are accepted"
        )
        assert not sending.done(), sending.result()

    for _ in range(crash_runs):
        await more()
        collector.kill()
        collector.start()
        await more()
        kafka.kill()
        await kafka.start_beside()
        await more()
        collector.end()
        assert await collector.code() == 0
        collector.start()
        await more()
        kafka.kill()
        collector.kill()
        await kafka.start_beside()
        collector.start()
    await more()
    for app in apps:
        app.stop()
    await sending
    accepted = set().union(*(app.accepted for app in apps))
    stored = await _ids(collector.settings)
    assert not accepted - stored
    assert all(app.waits for app in apps), "each was sent away at least once"
    print(
        f"{len(accepted):,} accepted, {len(stored):,} stored, {sum(app.waits for app in apps)} times sent away"
    )


def _count(apps: list[App]) -> int:
    return sum(len(app.accepted) for app in apps)


async def _ids(settings: Settings) -> set[str]:
    return {
        json.loads(record.value)["event_id"]
        for topic in TOPICS
        async for record in stored_records(settings, topic)
    }
