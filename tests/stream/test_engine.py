"""What does a batch tell of itself? How many of its events were known already, and how many an erasure made void."""

import json
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any, NamedTuple

import pytest

from stream.engine import BatchOutcome, DeadLetter, Engine, RecordBatch
from stream.events.decode import Decoder
from stream.events.schema import TOPICS
from stream.retention.days import zone
from stream.store.memory import MemoryStore
from stream.store.protocol import Partition, UserWrite

APP, NOW_MS = "demo", 1_700_000_000_000


class Record(NamedTuple):
    offset: int
    value: bytes
    timestamp: int = NOW_MS
    headers: Sequence[tuple[str, bytes]] = ()


class Counting:
    """An engine on a store in memory, and batches for it."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.decoder = Decoder(zones=lambda app: zone("UTC"), secret=b"secret", earliest_ms=0)
        self._engine = Engine(
            store or MemoryStore(), self.decoder, lambda app: zone("UTC"), log_id="log", clock=lambda: 0.0, now_ms=lambda: NOW_MS
        )  # fmt: skip
        self._next = dict.fromkeys(TOPICS, 0)
        self._ids = count()

    async def begin(self) -> "Counting":
        await self.assigned()
        return self

    async def assigned(self, ends: dict[Partition, int] | None = None) -> dict[Partition, int]:
        return await self._engine.assigned([(topic, 0) for topic in TOPICS], ends)

    async def batch(self, topic: str, *said: dict[str, Any]) -> BatchOutcome:
        first = self._next[topic]
        self._next[topic] += len(said)
        common = {"app_id": APP, "timestamp": NOW_MS - 1}
        records = [
            Record(first + at, json.dumps(common | {"event_id": f"{next(self._ids)}"} | one).encode())
            for at, one in enumerate(said)
        ]
        return await self._engine.count(
            RecordBatch(topic, 0, first, self._next[topic], records), self._no_letters
        )

    async def _no_letters(self, letters: list[DeadLetter]) -> None:
        raise AssertionError(letters)


async def test_events_that_are_known_are_repeated_whoever_they_are_of() -> None:
    counting = await Counting().begin()
    both = {"user_id": "alone"}, {"user_id": "joined"}
    assert (await counting.batch("sessions", *both)).repeated == 0
    assert (await counting.batch("sessions", *both)).repeated == 2
    await counting.batch("identities", {"user_id": "joined", "alias": "another"})
    assert (await counting.batch("sessions", *both)).repeated == 2
    later = {"user_id": "another", "timestamp": NOW_MS - 7_200_000}
    assert (await counting.batch("sessions", later, *both)).repeated == 1, "the person has something new"


class Overtaken(MemoryStore):
    """A store in which another worker is once a moment faster."""

    def __init__(self) -> None:
        super().__init__()
        self.other: Callable[[], Awaitable[Any]] | None = None

    async def apply(self, app: str, shard: int, writes: Sequence[UserWrite]) -> dict[int, bytes | None]:
        if self.other is not None:
            other, self.other = self.other, None
            await other()
        return await super().apply(app, shard, writes)


@pytest.mark.parametrize("user", ["alone", "joined"])
async def test_events_that_another_worker_counts_at_the_same_moment_are_not_repeated(user: str) -> None:
    store = Overtaken()
    first, second = await Counting(store).begin(), await Counting(store).begin()
    await first.batch("identities", {"user_id": "joined", "alias": "another"})
    store.other = lambda: second.batch("sessions", {"user_id": user})
    outcome = await first.batch("sessions", {"user_id": user})
    assert store.other is None
    assert (outcome.applied, outcome.repeated, outcome.conflicts) == (1, 0, 1)


async def test_a_partition_that_ends_before_its_position_is_of_a_topic_made_anew() -> None:
    store = MemoryStore()
    await (await Counting(store).begin()).batch("sessions", *({"user_id": f"u{at}"} for at in range(3)))
    sessions = ("sessions", 0)
    assert (await Counting(store).assigned())[sessions] == 3
    assert (await Counting(store).assigned({sessions: 3}))[sessions] == 3
    counting = Counting(store)
    assert (await counting.assigned({sessions: 2}))[sessions] == 0
    outcome = await counting.batch("sessions", {"user_id": "u0"}, {"user_id": "new"})
    assert (outcome.repeated, outcome.hole) == (1, 0)
    assert (await counting.assigned({sessions: 2}))[sessions] == 2


async def test_events_that_an_erasure_made_void_are_applied_by_no_count() -> None:
    counting = await Counting().begin()
    gone = counting.decoder.user(APP, "gone").hex()
    await counting.batch("erasures", {"users": [gone], "erased_until": NOW_MS})
    outcome = await counting.batch("sessions", {"user_id": "gone"}, {"user_id": "here"})
    assert (outcome.applied, outcome.erased) == (1, 1)
    assert outcome.types == {"session": 1}
