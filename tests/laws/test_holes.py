"""What if Kafka has cut the beginning of a partition off? What is missing is counted and shown, what is left is counted right."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stream.store.memory import MemoryStore
from tests.laws.checks import check_store, oracle_of
from tests.laws.profiles import LIMIT, examples
from tests.laws.test_laws import SEEDS
from tests.laws.world import Log, World
from tests.strategies import Record, Story, stories

pytestmark = LIMIT


@examples(60, shrink=False)
@given(story=stories(), seed=SEEDS, shards=st.sampled_from([1, 3]), zombies=st.booleans())
async def test_a_cut_log_counts_what_is_left_and_shows_what_is_missing(
    story: Story, seed: int, shards: int, zombies: bool
) -> None:
    rng, store = random.Random(seed), MemoryStore(shards)
    log = Log(story.records, rng)
    missing = cut(log, rng)
    world = World(log, store, rng, story.zone, zombies=zombies)
    await world.run()
    await check_store(store, oracle_of(Story(story.zone, story.first, tuple(left(log)))))
    totals = await store.totals()
    assert totals.get("offset_holes", 0) == missing
    assert totals.get("applied", 0) + totals.get("dead_letters", 0) == len(left(log))


def cut(log: Log, rng: random.Random) -> int:
    """Cuts the beginning off some partitions, not all of any; how many offsets are gone."""
    for where, records in log.partitions.items():
        if records and rng.random() < 0.5:
            log.begins[where] = rng.choice(records).offset
    return sum(log.begins.values())


def left(log: Log) -> list[Any]:
    """The records that can still be read."""
    return [
        Record(topic, record.value, record.timestamp, record.key)
        for (topic, number), records in log.partitions.items()
        for record in records
        if record.offset >= log.begins[topic, number]
    ]
