"""Do the numbers depend on anything but the set of accepted events?

Any order, any repetition, any split into batches, four partitions a topic, two workers that both believe to own them all, killed
at any call, with a store that fails before or after it did what was asked: the counters are byte-identical to a count by hand.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stream.retention.days import zone
from stream.retention.scope import Scope
from stream.store.audit import AuditReport, audit
from stream.store.memory import MemoryStore
from tests.garbage import TOPICS
from tests.laws.checks import check_store, check_world, oracle_of, stored_counters, stored_memberships
from tests.laws.profiles import LIMIT, examples
from tests.laws.world import Log, World, told
from tests.strategies import APP, Record, Story, stories

pytestmark = LIMIT
SEEDS = st.integers(0, 2**32)


def world_of(story: Story, seed: int, *, shards: int = 1, **how: Any) -> World:
    rng = random.Random(seed)
    return World(log=Log(told(story), rng), store=MemoryStore(shards), rng=rng, zone=story.zone, **how)


@examples(60, shrink=False)
@given(story=stories(), seed=SEEDS, shards=st.sampled_from([1, 3]))
async def test_one_worker_in_peace_counts_what_the_oracle_counts(
    story: Story, seed: int, shards: int
) -> None:
    world = world_of(story, seed, shards=shards, workers=1, kill_rate=0.0, outage_rate=0.0, zombies=False)
    await world.run()
    assert not world.deaths
    await check_world(world, oracle_of(story))


@examples(100, shrink=False)
@given(story=stories(), seed=SEEDS, shards=st.sampled_from([1, 3]), zombies=st.booleans())
async def test_crashes_outages_and_zombies_change_no_number(
    story: Story, seed: int, shards: int, zombies: bool
) -> None:
    world = world_of(story, seed, shards=shards, zombies=zombies)
    await world.run()
    await check_world(world, oracle_of(story))


@examples(40, shrink=False)
@given(story=stories(garbage=False), seed=SEEDS, again=st.lists(st.integers(0, 24), max_size=25))
async def test_repeating_events_changes_no_number(story: Story, seed: int, again: list[int]) -> None:
    repeated = tuple(story.records[i % len(story.records)] for i in again)
    world = world_of(Story(story.zone, story.first, story.records + repeated), seed)
    await world.run()
    await check_store(world.store, oracle_of(story))


@examples(40, shrink=False)
@given(story=stories(), seeds=st.tuples(SEEDS, SEEDS))
async def test_two_histories_of_the_same_events_give_the_same_bytes(
    story: Story, seeds: tuple[int, int]
) -> None:
    one, other = (world_of(_shuffled(story, seed), seed) for seed in seeds)
    await one.run()
    await other.run()
    assert await stored_counters(one.store) == await stored_counters(other.store)
    assert await stored_memberships(one.store) == await stored_memberships(other.store)


@examples(40, shrink=False)
@given(story=stories(), seed=SEEDS, shards=st.sampled_from([1, 2]))
async def test_the_audit_agrees_with_what_was_counted(story: Story, seed: int, shards: int) -> None:
    world = world_of(story, seed, shards=shards)
    await world.run()
    assert_clean(await audit(world.store, APP, Scope(zone(story.zone))))


@examples(25, shrink=False)
@given(story=stories(size_max=12), seed=SEEDS, heavy=st.integers(33, 80))
async def test_a_record_too_large_for_one_value_counts_the_same(story: Story, seed: int, heavy: int) -> None:
    many = Story(story.zone, story.first, story.records + _many(story, heavy, seed))
    world = world_of(many, seed, batch_max=30)
    await world.run()
    await check_world(world, oracle_of(many))
    assert_clean(await audit(world.store, APP, Scope(zone(story.zone))))


@examples(120, shrink=False)
@given(
    story=stories(topics=TOPICS, erased=True),
    seed=SEEDS,
    shards=st.sampled_from([1, 3]),
    zombies=st.booleans(),
)
async def test_joined_and_erased_users_count_as_if_it_had_always_been_so(
    story: Story, seed: int, shards: int, zombies: bool
) -> None:
    world = world_of(story, seed, shards=shards, zombies=zombies)
    await world.run()
    await check_world(world, oracle_of(story))
    assert_clean(await audit(world.store, APP, Scope(zone(story.zone))))


def _shuffled(story: Story, seed: int) -> Story:
    records = list(story.records)
    random.Random(seed).shuffle(records)
    return replace(story, records=tuple(records))


def _many(story: Story, count: int, seed: int) -> tuple[Record, ...]:
    """One user's purchases and installs by the dozen, some of them under one id with two contents."""
    rng, stamp = random.Random(seed), story.records[0].timestamp
    found = []
    for _ in range(count):
        kind = rng.choice(["purchases", "purchases", "installs"])
        ts_ms = stamp - rng.choice([1, 2, 30, 70]) * 3_600_000 - rng.choice([0, 0, 1])
        money = f',"amount":"{rng.choice([1, 2])}","currency":"USD"' if kind == "purchases" else ""
        refund = ',"refund_of":"1"' if money and rng.random() < 0.1 else ""
        dims = rng.choice(["", ',"country":"US"', ',"country":"DE","platform":"ios"'])
        who = f'"event_id":"m{rng.randrange(60)}","app_id":"game","user_id":"heavy","timestamp":{ts_ms}'
        found.append(Record(kind, f"{{{who}{money}{refund}{dims}}}".encode(), stamp))
    return tuple(found)


def assert_clean(found: AuditReport) -> None:
    assert not found.differences, found.differences
