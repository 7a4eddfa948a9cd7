"""Does it matter how far the counting was when somebody was erased?

The log grows: events come with clocks that are late or ahead, erasures are ordered between them, and of each partition more or less
is counted by then. In the end it must be what a replay from zero gives, and what the oracle counts by hand.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream import persons
from stream.engine import Engine
from stream.events.schema import Event
from stream.retention.days import zone
from stream.retention.people import erased
from stream.retention.scope import Scope
from stream.store.audit import audit
from stream.store.memory import MemoryStore
from tests.garbage import TOPICS
from tests.laws.checks import check_world, oracle_of, stored_counters, stored_memberships
from tests.laws.profiles import LIMIT, examples
from tests.laws.world import Log, World, told
from tests.oracle_events import epoch_ms
from tests.oracle_people import Erasure
from tests.strategies import APP, HOUR_MS, Record, Story, stories

pytestmark = LIMIT
RUNS = 30
START_MS = 1_709_164_800_000  # 2024-02-29T00:00:00Z
# By how much the clock of a device is ahead of Kafka's; below zero it is late, or the event was.
AHEAD_MS = (-24 * HOUR_MS, -1000, 0, 1, 20_000, HOUR_MS // 2, 2 * HOUR_MS, 24 * HOUR_MS)

# So long after an event came, its user is erased.
SOON_MS = (0, 1, 10_000, HOUR_MS // 2, 12 * HOUR_MS)


@st.composite
def live_stories(draw: st.DrawFn) -> Story:
    """A story as Kafka gets it: in the order of time, with users who are erased soon after something of theirs came."""
    story = draw(stories(topics=TOPICS, size_min=15, garbage=False))
    came = [replace(one, timestamp=_ts_ms(one) - draw(st.sampled_from(AHEAD_MS))) for one in story.records]
    return replace(
        story,
        records=tuple(sorted(came, key=lambda one: one.timestamp)),
        erasures=tuple(_erasure(one, draw(st.sampled_from(SOON_MS))) for one in draw(some_of(came))),
    )


def some_of(records: list[Record]) -> st.SearchStrategy[list[Record]]:
    return st.lists(st.sampled_from(records), min_size=2, max_size=5)


def _erasure(record: Record, later_ms: int) -> Erasure:
    users = frozenset({json.loads(record.value or b"")["user_id"]})
    return Erasure(APP, users, record.timestamp + later_ms)


def _ts_ms(record: Record) -> int:
    said = json.loads(record.value or b"")["timestamp"]
    return said if isinstance(said, int) else epoch_ms(said)


class GrowingLog(Log):
    """A log of which only a beginning is there yet."""

    def __init__(self, story: Story, rng: random.Random) -> None:
        super().__init__(sorted(told(story), key=lambda one: one.timestamp), rng)
        self.all_of_it = self.ends
        self.ends = dict.fromkeys(self.ends, 0)
        self._rng = rng

    def grow(self, now_ms: int) -> None:
        """All erasures that were ordered by now are there, and of the events that came by now at least what was there before."""
        for where, records in self.partitions.items():
            came = [one.offset + 1 for one in records if one.timestamp <= now_ms]
            ends = [self.ends[where], *(end for end in came if end > self.ends[where])]
            self.ends[where] = ends[-1] if where[0] == "erasures" else self._rng.choice(ends)

    def finish(self) -> None:
        self.ends = self.all_of_it


async def lived(story: Story, seed: int, make: type[World] = World, **how: Any) -> World:
    """What came of a story that was counted while it happened."""
    rng = random.Random(seed)
    log = GrowingLog(story, rng)
    world = make(log=log, rng=rng, zone=story.zone, **how)
    orders = [one.erased_until_ms for one in story.erasures]
    for now_ms in sorted(order - 1 for order in orders + rng.choices(orders)):
        log.grow(now_ms)
        await world.run()
    log.finish()
    await world.run()
    return world


@examples(60, shrink=False)
@given(
    story=live_stories(), seed=st.integers(0, 2**32), shards=st.sampled_from([1, 3]), zombies=st.booleans()
)
async def test_whatever_is_counted_when_an_erasure_comes_a_replay_gives_the_same(
    story: Story, seed: int, shards: int, zombies: bool
) -> None:
    world = await lived(story, seed, store=MemoryStore(shards), zombies=zombies)
    await check_world(world, oracle_of(story))
    again = World(log=world.log, store=MemoryStore(shards), rng=world.rng, zone=story.zone)
    await again.run()
    assert await stored_counters(world.store) == await stored_counters(again.store)
    assert await stored_memberships(world.store) == await stored_memberships(again.store)
    found = await audit(world.store, APP, Scope(zone(story.zone)))
    assert not found.differences, found.differences


class NoForesight(World):
    """Erasures are counted in their turn and not before."""

    async def _foresee(self, engine: Engine) -> None:
        return


def keep_what_says_later(monkeypatch: pytest.MonkeyPatch) -> type[World]:
    """An erasure leaves what has a later time."""
    monkeypatch.setattr(
        persons, "erased", lambda record, until, zone, late: erased(record, until, zone, late=True)
    )
    return World


def go_by_the_time_of_the_event(monkeypatch: pytest.MonkeyPatch) -> type[World]:
    """When Kafka got an event does not matter."""
    monkeypatch.setattr(Event, "done_ms", property(lambda event: event.ts_ms))
    return World


def without_foresight(monkeypatch: pytest.MonkeyPatch) -> type[World]:
    return NoForesight


# Anna is erased an hour after the first session. The clock of the second is ahead, the third is a new user's.
ANNA = Story(
    "UTC",
    date(2024, 2, 29),
    tuple(
        Record(
            "sessions", json.dumps(said | {"timestamp": START_MS + hours * HOUR_MS}).encode(), START_MS + came
        )
        for hours, came, said in (
            (0, 0, {"event_id": "1", "app_id": APP, "user_id": "anna", "country": "DE"}),
            (24, 60_000, {"event_id": "2", "app_id": APP, "user_id": "anna", "country": "VN"}),
            (48, 48 * HOUR_MS, {"event_id": "3", "app_id": APP, "user_id": "anna", "country": "FR"}),
        )
    ),
    (Erasure(APP, frozenset({"anna"}), START_MS + HOUR_MS),),
)


async def red_runs(make: type[World]) -> int:
    """How many of some runs of Anna's story come to something else than the oracle."""
    red = 0
    for seed in range(RUNS):
        world = await lived(ANNA, seed, make, store=MemoryStore(), kill_rate=0.0, outage_rate=0.0)
        try:
            await check_world(world, oracle_of(ANNA))
        except AssertionError:
            red += 1
    return red


@pytest.mark.parametrize("broken", [keep_what_says_later, go_by_the_time_of_the_event, without_foresight])
async def test_each_mechanism_matters(
    broken: Callable[[pytest.MonkeyPatch], type[World]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await red_runs(World) == 0
    assert await red_runs(broken(monkeypatch)) > 0
