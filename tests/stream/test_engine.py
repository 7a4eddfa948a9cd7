"""What does a batch tell of itself? How many of its events were known already, and how many an erasure made void."""

import json
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any, NamedTuple

import pytest

from stream import applying
from stream.cache import RecordCache
from stream.engine import BatchOutcome, DeadLetter, Engine, RecordBatch
from stream.events.decode import Decoder
from stream.events.schema import TOPICS
from stream.retention.days import DAY_MS, zone
from stream.store.memory import MemoryStore
from stream.store.protocol import IdentityMismatch, Partition, UserWrite

APP, NOW_MS = "demo", 1_700_000_000_000


class Record(NamedTuple):
    offset: int
    value: bytes
    timestamp: int = NOW_MS
    headers: Sequence[tuple[str, bytes]] = ()


class Counting:
    """An engine on a store in memory, and batches for it."""

    def __init__(self, store: MemoryStore | None = None, zone_name: str = "UTC") -> None:
        here = zone(zone_name)
        self.decoder = Decoder(zones=lambda app: here, secret=b"secret", earliest_ms=0)
        self._engine = Engine(
            store or MemoryStore(), self.decoder, lambda app: here, log_id="log", clock=lambda: 0.0, now_ms=lambda: NOW_MS
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
            RecordBatch(topic, 0, first, self._next[topic], records), self.deliver
        )

    async def erase(self, *users: str) -> BatchOutcome:
        ids = [self.decoder.user(APP, user).hex() for user in users]
        return await self.batch("erasures", {"users": ids, "erased_until": NOW_MS})

    def forget(self) -> None:
        """As in a new process, which remembers no user."""
        self._engine._cache = RecordCache()

    async def deliver(self, letters: list[DeadLetter]) -> None:
        raise AssertionError(letters)


class Posted(Counting):
    """As the other, and what cannot be counted is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[DeadLetter] = []

    async def deliver(self, letters: list[DeadLetter]) -> None:
        self.letters += letters


async def test_what_cannot_be_counted_says_its_origin_its_reason_and_its_field() -> None:
    posted = Posted()
    await posted.begin()
    paid = {"user_id": "u", "currency": "USD"}
    await posted.batch("purchases", paid | {"amount": "1.00"}, paid | {"amount": "1.001"}, paid)
    assert [
        (one.topic, one.partition, one.record.offset, one.reason, one.field) for one in posted.letters
    ] == [
        ("purchases", 0, 1, "bad_field", "amount"),
        ("purchases", 0, 2, "missing_field", "amount"),
    ]


async def test_events_that_are_known_are_repeated_whoever_they_are_of() -> None:
    counting = await Counting().begin()
    both = {"user_id": "alone"}, {"user_id": "joined"}
    assert (await counting.batch("sessions", *both)).repeated == 0
    assert (await counting.batch("sessions", *both)).repeated == 2
    await counting.batch("identities", {"user_id": "joined", "alias": "another"})
    assert (await counting.batch("sessions", *both)).repeated == 2
    later = {"user_id": "another", "timestamp": NOW_MS - 7_200_000}
    assert (await counting.batch("sessions", later, *both)).repeated == 1, "the person has something new"


async def test_sessions_of_users_whom_the_process_has_forgotten_take_the_short_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def long_way(*_: object) -> None:
        raise AssertionError("for others only")

    monkeypatch.setattr(applying, "plan", long_way)
    counting = await Counting().begin()
    began_ms = NOW_MS - 10 * DAY_MS
    await counting.batch("installs", {"user_id": "u", "timestamp": began_ms})
    for days in (9, 2, 5, 2):
        counting.forget()
        outcome = await counting.batch("sessions", {"user_id": "u", "timestamp": began_ms + days * DAY_MS})
    assert outcome.repeated == 1


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
    await counting.erase("gone")
    outcome = await counting.batch("sessions", {"user_id": "gone"}, {"user_id": "here"})
    assert (outcome.applied, outcome.erased) == (1, 1)
    assert outcome.types == {"session": 1}


async def test_erasures_alone_make_no_app_known_and_hold_all_the_same() -> None:
    store = MemoryStore()
    counting = await Counting(store).begin()
    for _ in range(2):
        await counting.erase("gone", "never")
        assert await store.zones() == {}
    other = await Counting(store, "Asia/Tokyo").begin()
    assert (await other.batch("sessions", {"user_id": "gone"})).erased == 1
    assert await store.zones() == {APP: "Asia/Tokyo"}, "the zone is that of who counted the first event"


@pytest.mark.parametrize("is_faster", [False, True], ids=["before", "at_the_same_moment"])
async def test_an_erasure_of_somebody_who_was_counted_in_another_zone_changes_nothing(
    is_faster: bool,
) -> None:
    store = Overtaken()
    counting, other = await Counting(store).begin(), await Counting(store, "Asia/Tokyo").begin()
    if is_faster:
        store.other = lambda: counting.batch("sessions", {"user_id": "anna"})
    else:
        await counting.batch("sessions", {"user_id": "anna"})
    with pytest.raises(IdentityMismatch, match="Asia/Tokyo"):
        await other.erase("anna")
    assert store.other is None
    assert (await counting.batch("sessions", {"user_id": "anna"})).repeated == 1
