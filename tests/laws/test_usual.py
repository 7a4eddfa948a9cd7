"""Do the short ways hold? Traffic as it usually comes: an install, then sessions in order, with a little of everything between.

The other laws shuffle so much that the engine nearly always goes the long way. Here it remembers users and appends, and now and
then something comes that a short way must leave alone: an earlier session, another dimension, a tie, a repeat, a second writer.
"""

from __future__ import annotations

import asyncio
import json
import random
from datetime import date
from typing import Any

import pytest

from stream.engine import DeadLetter, Engine, RecordBatch
from stream.events.decode import Decoder
from stream.retention.days import zone
from stream.retention.scope import Scope
from stream.store.audit import audit
from stream.store.memory import MemoryStore
from tests.laws.checks import check_store, oracle_of
from tests.laws.profiles import LIMIT, SCALE
from tests.laws.world import LogRecord
from tests.oracle_events import epoch_ms
from tests.strategies import APP, HOUR_MS, Record, Story

pytestmark = LIMIT
START_MS = epoch_ms("2024-03-08T00:00:00Z")
ZONE = "America/New_York"
DAY_MS = 24 * HOUR_MS
UUID = "{:08x}-1111-4111-8111-111111111111"


def usual(rng: random.Random) -> list[Record]:
    """Events of a few users nearly in the order of their time."""
    told = []
    for user in range(5):
        began = START_MS + rng.randrange(2 * DAY_MS)
        said: dict[str, Any] = {"country": rng.choice(["US", "VN"])} if rng.random() < 0.7 else {}
        if rng.random() < 0.8:
            told.append((began, "installs", user, said))
        at = began
        for _ in range(rng.randrange(12)):
            at += rng.choice([0, 0, 1, HOUR_MS // 2, HOUR_MS, 7 * HOUR_MS, DAY_MS, 9 * DAY_MS, -1, -DAY_MS])
            says = said if rng.random() < 0.7 else rng.choice([{}, {"country": "DE"}, {"platform": "ios"}])
            kind = "sessions" if rng.random() < 0.9 else rng.choice(["installs", "purchases"])
            told.append((at, kind, user, says))
    told.sort(key=lambda one: one[0] + rng.choice([0, 0, 0, 0, 0, 2 * DAY_MS]))
    return [_record(rng, *one) for one in told]


def _record(rng: random.Random, at: int, topic: str, user: int, said: dict[str, Any]) -> Record:
    fields = {
        "event_id": UUID.format(rng.getrandbits(32)),
        "app_id": APP,
        "user_id": str(user),
        "timestamp": at,
    }
    money = {"amount": "1", "currency": "USD"} if topic == "purchases" else {}
    return Record(topic, json.dumps(fields | money | said).encode(), START_MS + 400 * DAY_MS)


def engine_of(store: Any) -> Engine:
    """An engine that remembers nobody yet."""
    decoder = Decoder(zones=lambda app: zone(ZONE), secret=b"s", earliest_ms=0)
    return Engine(store, decoder, lambda app: zone(ZONE), log_id="log", clock=lambda: 0.0, now_ms=lambda: 0)


class Distant:
    """A store that lets others go first before it does anything."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not asyncio.iscoroutinefunction(found):
            return found

        async def later(*args: Any, **named: Any) -> Any:
            await asyncio.sleep(0)
            return await found(*args, **named)

        return later


async def count_in_order(store: MemoryStore, records: list[Record], rng: random.Random, engines: int) -> int:
    """Each run of one topic is a batch; every engine keeps its memory of users. How many events changed nothing."""
    made = []
    for number in range(engines):
        one = engine_of(store.client())
        await one.assigned([(topic, number) for topic in ("installs", "sessions", "purchases")])
        made.append(one)
    nexts: dict[tuple[str, int], int] = {}
    repeated = at = 0
    while at < len(records):
        end = at + 1
        while end < len(records) and records[end].topic == records[at].topic and rng.random() < 0.6:
            end += 1
        where = records[at].topic, rng.randrange(engines)
        first = nexts.get(where, 0)
        batch = [
            LogRecord(first + i, one.timestamp, one.key, one.value) for i, one in enumerate(records[at:end])
        ]
        outcome = await made[where[1]].count(
            RecordBatch(*where, first, first + len(batch), batch), _no_letters
        )
        repeated += outcome.repeated
        nexts[where] = first + len(batch)
        at = end
    return repeated


async def _no_letters(letters: list[DeadLetter]) -> None:
    raise AssertionError(letters)


@pytest.mark.parametrize("engines", [1, 2])
async def test_usual_traffic_counts_what_the_oracle_counts(engines: int) -> None:
    for seed in range(150 * SCALE):
        rng = random.Random(seed)
        records = usual(rng)
        store = MemoryStore()
        await count_in_order(store, records, rng, engines)
        again = rng.sample(records, len(records) // 4)
        await count_in_order(store.client(), again, rng, 1)
        await check_store(store, oracle_of(Story(ZONE, date(2024, 3, 8), tuple(records))))
        assert not (await audit(store, APP, Scope(zone(ZONE)))).differences, seed


async def test_a_repeat_of_usual_traffic_changes_nothing() -> None:
    for seed in range(30 * SCALE):
        records = [one for one in usual(random.Random(seed)) if one.topic == "sessions"]
        store = MemoryStore()
        await count_in_order(store, records, random.Random(1), 1)
        before = store.snapshot()
        other = MemoryStore()
        other.restore(before)
        for position in other._data.positions:
            position.clear()
        assert await count_in_order(other, records, random.Random(2), 1) == len(records)
        assert other.snapshot()["apps"] == before["apps"]


async def test_batches_that_are_counted_at_the_same_time_plan_no_user_twice() -> None:
    engine = engine_of(Distant(MemoryStore()))
    batches = []
    for topic, number in (("installs", 0), ("sessions", 0), ("sessions", 1), ("purchases", 0)):
        values = [_record(random.Random(user), START_MS + user, topic, user, {}) for user in range(20)]
        records = [LogRecord(at, one.timestamp, one.key, one.value) for at, one in enumerate(values)]
        batches.append(RecordBatch(topic, number, 0, len(records), records))
    await engine.assigned([(batch.topic, batch.partition) for batch in batches])
    outcomes = await asyncio.gather(*(engine.count(batch, _no_letters) for batch in batches))
    assert [outcome.users for outcome in outcomes] == [20] * 4
    assert [outcome.conflicts for outcome in outcomes] == [0] * 4
