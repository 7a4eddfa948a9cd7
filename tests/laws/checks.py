"""Does a store say what the oracle says? Counters number by number, memberships user by user, answers word by word.

The names of sets and counters are written out here once more on purpose: they are what the read model relies on.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from datetime import date
from typing import Any

import numpy as np

from stream.store.protocol import Store
from tests.laws.world import World
from tests.oracle import Oracle, Person
from tests.strategies import APP, Story

Counters = dict[str, dict[str, int]]
SETS = ("session", "other", "purchase", "dim", "install", "seen+", "seen-", "first_purchase")
COUNTERS = ("triangle", "reinstalls", "values")


def oracle_of(story: Story) -> Oracle:
    oracle = Oracle(zone=story.zone)
    for record in story.records:
        oracle.add(record.topic, record.value, record.timestamp)
    for erasure in story.erasures:
        oracle.erase(*erasure)
    return oracle


def memberships(person: Person) -> set[str]:
    """The sets that a user belongs to."""
    sets = {f"session:{day}" for day in person.sessions} | {
        f"other:{day}" for day in person.any - person.sessions
    }
    sets |= {f"purchase:{day}" for day in person.purchases} | {
        f"dim:{name}={value}" for name, value in person.dims.items()
    }
    install, seen = next(iter(person.installs), None), min(person.any, default=None)
    if install:
        sets.add(f"install:{install}")
    if seen and seen != install:
        sets |= {f"seen+:{seen}"} | ({f"seen-:{install}"} if install else set())
    if person.purchases:
        sets.add(f"first_purchase:{min(person.purchases)}")
    return sets


def expected_counters(people: list[Person]) -> Counters:
    """What the counters of an app add up to."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for person in people:
        for cohort, start in (
            ("install", next(iter(person.installs), None)),
            ("first_seen", min(person.any, default=None)),
        ):
            if start is not None:
                _triangle(sums[f"triangle:{cohort}:{start}"], start, person.sessions)
        for day in person.installs[1:]:
            sums["reinstalls"][day.isoformat()] += 1
        for name, value in person.dims.items():
            sums[f"values:{name}"][value] += 1
    return {counter: dict(fields) for counter, fields in sums.items() if fields}


def _triangle(fields: dict[str, int], start: date, sessions: set[date]) -> None:
    fields["0"] += 1
    for day in sessions:
        if day > start:
            fields[str((day - start).days)] += 1


async def stored_counters(store: Store) -> Counters:
    """All counters of the app, summed over shards."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for counters in (await store.stored_counters(APP)).values():
        for counter, fields in counters.items():
            assert all(fields.values()), f"a zero stands in {counter}"
            sums[counter].update(fields)
    return {counter: dict(fields) for counter, fields in sums.items() if fields and is_named_here(counter)}


def is_named_here(name: str) -> bool:
    """Whether a set or counter is among those that are written out here; the answers show whether the others are right."""
    return name.partition(":")[0] in {*SETS, *COUNTERS}


async def stored_memberships(store: Store) -> Counter[frozenset[str]]:
    """For each user the sets it is in, without saying which user: indexes may be named otherwise."""
    users: dict[tuple[int, int], set[str]] = defaultdict(set)
    for shard, sets in (await store.stored_sets(APP)).items():
        for name, bitmap in sets.items():
            if not is_named_here(name):
                continue
            for index in np.flatnonzero(np.unpackbits(bitmap.view(np.uint8))):
                users[shard, int(index)].add(name)
    return Counter(frozenset(sets) for sets in users.values())


async def check_store(store: Store, oracle: Oracle) -> None:
    """The store holds what the oracle counts, no more and no less."""
    people = [person for (app, _), person in oracle.people.items() if app == APP]
    assert await stored_counters(store) == expected_counters(people)
    expected = Counter(frozenset(memberships(person)) for person in people)
    expected.pop(frozenset(), None)
    assert await stored_memberships(store) == expected


async def check_world(world: World, oracle: Oracle) -> None:
    """After a run: the numbers, every offset once, every dead letter where it belongs."""
    await check_store(world.store, oracle)
    records = sum(map(len, world.log.partitions.values()))
    totals = await world.store.totals()
    assert sum(totals.get(name, 0) for name in ("applied", "dead_letters", "erased")) == records
    assert totals.get("dead_letters", 0) == len(oracle.refused)
    assert totals.get("offset_holes", 0) == 0
    ends = {where: end for where, end in world.log.ends.items() if end}
    assert {where: at.next for where, at in (await world.store.positions()).items() if at.next} == ends
    named = {(letter.topic, letter.partition, letter.record.offset): letter for letter in world.dead_letters}
    assert len(named) == len(oracle.refused)
    for where, letter in named.items():
        assert letter.record in world.log.partitions[where[:2]]
    if not world.deaths and not world.zombies:
        assert len(world.dead_letters) == len(named), "a dead letter was sent twice without a crash"


def same(ours: Any, theirs: Any, path: str = "") -> None:
    """Two answers are equal: floats to 1e-12, everything else exactly, the order of rows included."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict), path
        assert set(ours) == set(theirs), f"{path}: {set(ours) ^ set(theirs)}"
        for name in theirs:
            same(ours[name], theirs[name], f"{path}.{name}")
    elif isinstance(theirs, list):
        assert isinstance(ours, list), path
        assert len(ours) == len(theirs), f"{path}: {len(ours)} instead of {len(theirs)}"
        for at, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            same(one, other, f"{path}[{at}]")
    elif isinstance(theirs, float) and isinstance(ours, float):
        assert math.isclose(ours, theirs, rel_tol=0, abs_tol=1e-12), f"{path}: {ours} instead of {theirs}"
    else:
        assert ours == theirs, f"{path}: {ours!r} instead of {theirs!r}"


def no_cell_above_its_cohort(answer: dict[str, Any]) -> None:
    """No rate is above 1, no interval leaves [0, 1], and the rate lies in its interval."""
    for row in answer["rows"]:
        for cell in row["cells"]:
            assert 0 <= cell["users"] <= row["size"]
            if row["size"]:
                assert 0 <= cell["low"] <= cell["rate"] + 1e-12 <= cell["high"] + 2e-12 <= 1 + 3e-12
