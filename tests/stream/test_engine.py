"""What does a batch tell of itself? How many of its events were known already, and how many an erasure made void."""

import json
from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple

from stream.engine import BatchOutcome, DeadLetter, Engine, RecordBatch
from stream.events.decode import Decoder
from stream.events.schema import TOPICS
from stream.retention.days import zone
from stream.store.memory import MemoryStore

APP, NOW_MS = "demo", 1_700_000_000_000


class Record(NamedTuple):
    offset: int
    value: bytes
    timestamp: int = NOW_MS
    headers: Sequence[tuple[str, bytes]] = ()


class Counting:
    """An engine on a store in memory, and batches for it."""

    def __init__(self) -> None:
        self.decoder = Decoder(zones=lambda app: zone("UTC"), secret=b"secret", earliest_ms=0)
        self._engine = Engine(
            MemoryStore(), self.decoder, lambda app: zone("UTC"), log_id="log", clock=lambda: 0.0, now_ms=lambda: NOW_MS
        )  # fmt: skip
        self._next = dict.fromkeys(TOPICS, 0)
        self._ids = count()

    async def begin(self) -> "Counting":
        await self._engine.assigned([(topic, 0) for topic in TOPICS])
        return self

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


async def test_events_that_an_erasure_made_void_are_applied_by_no_count() -> None:
    counting = await Counting().begin()
    gone = counting.decoder.user(APP, "gone").hex()
    await counting.batch("erasures", {"users": [gone], "erased_until": NOW_MS})
    outcome = await counting.batch("sessions", {"user_id": "gone"}, {"user_id": "here"})
    assert (outcome.applied, outcome.erased) == (1, 1)
    assert outcome.types == {"session": 1}
