"""When may the numbers be judged? While no more records wait than are always on their way."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from consumers.kafka_access import KafkaUnavailable
from consumers.watch.health import RECENT_MS, Health
from stream.events.schema import TOPICS
from stream.store.memory import MemoryStore
from stream.store.protocol import Partition, Position, Progress

SESSIONS = ("sessions", 0)
START_MS = 1_780_000_000_000


class Log:
    """The topics of Kafka that there are, empty but for one, which is so long."""

    def __init__(self) -> None:
        self.end, self.topics = 0, set(TOPICS)

    async def log_id(self) -> str:
        return "log"

    async def end_offsets(self, topics: Iterable[str]) -> dict[Partition, int]:
        ends = dict.fromkeys(((topic, 0) for topic in topics if topic in self.topics), 0)
        return ends | ({SESSIONS: self.end} if "sessions" in topics else {})


class Counted:
    """A store in which so many records are counted, the log that they came from, and how both are judged."""

    def __init__(self) -> None:
        self.log, self._store, self._at = Log(), MemoryStore(), 0
        self._health = Health(self._store, self._opened)

    async def count(self, records: int) -> None:
        before = Position(self._at, "log") if self._at else None
        self._at = self.log.end = self._at + records
        moved = Progress(SESSIONS, before, Position(self._at, "log"), {"applied": records})
        assert await self._store.advance(0, moved) == moved.position

    async def trouble(self, minute: int, *, waiting: int) -> str:
        self.log.end = self._at + waiting
        return await self._health.trouble(START_MS + minute * 60_000)

    async def _opened(self) -> Log:
        return self.log


async def test_a_few_records_are_always_on_their_way() -> None:
    counted = Counted()
    await counted.count(100)
    assert await counted.trouble(0, waiting=20) == ""
    assert await counted.trouble(0, waiting=21) == "21 records are not counted yet, more than 20"


async def test_a_busy_pipeline_may_have_a_fiftieth_of_a_quarter_of_an_hour_waiting() -> None:
    counted = Counted()
    await counted.count(1_000_000)  # before the watch began: nobody knows how fast
    assert await counted.trouble(0, waiting=21)
    await counted.count(5_000)
    assert await counted.trouble(1, waiting=100) == ""
    assert await counted.trouble(1, waiting=101) == "101 records are not counted yet, more than 100"


async def test_what_was_applied_longer_ago_allows_nothing() -> None:
    counted, minutes = Counted(), RECENT_MS // 60_000
    assert await counted.trouble(0, waiting=0) == ""
    await counted.count(5_000)
    for minute in range(1, minutes + 1):
        assert await counted.trouble(minute, waiting=100) == "", minute
    assert await counted.trouble(minutes + 1, waiting=100) == "100 records are not counted yet, more than 20"


async def test_a_kafka_that_gives_no_answer_allows_no_verdict() -> None:
    async def away() -> Log:
        raise KafkaUnavailable("nobody listens")

    health = Health(MemoryStore(), away)
    assert await health.trouble(START_MS) == "Kafka gives no answer: nobody listens"


@pytest.mark.parametrize("log_id", ["log", "another"])
async def test_positions_of_another_log_count_for_nothing(log_id: str) -> None:
    store, log = MemoryStore(), Log()
    log.end = 100

    async def opened() -> Log:
        return log

    await store.advance(0, Progress(SESSIONS, None, Position(100, log_id), {}))
    assert bool(await Health(store, opened).trouble(START_MS)) == (log_id == "another")


async def test_a_topic_that_is_gone_may_hold_whatever_nobody_counted() -> None:
    counted = Counted()
    await counted.count(100)
    counted.log.topics -= {"purchases"}
    assert (
        await counted.trouble(0, waiting=0)
        == "Kafka shows no topic purchases, so nobody knows what waits there"
    )
    counted.log.topics |= {"purchases"}
    assert await counted.trouble(1, waiting=0) == ""
