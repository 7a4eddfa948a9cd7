"""What if the store loses its latest writes (failover, restore, flush)? It is noticed, and the replay repairs the numbers."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

from hypothesis import given
from hypothesis import strategies as st

from stream.store.memory import MemoryStore
from tests.garbage import TOPICS
from tests.laws.checks import check_world, oracle_of
from tests.laws.profiles import LIMIT, examples
from tests.laws.test_laws import SEEDS
from tests.laws.world import Log, Nemesis, World
from tests.strategies import Story, stories

pytestmark = LIMIT


def rollback(store: MemoryStore, rng: random.Random, *, flush: bool) -> Nemesis:
    """Goes back to a snapshot, or to nothing, at any moment: between two users of a batch, between users and offset."""

    async def nemesis(turn: Callable[[], Awaitable[None]]) -> None:
        empty = store.snapshot()
        for _ in range(rng.randint(0, 40)):
            await turn()
        before = empty if flush else store.snapshot()
        for _ in range(rng.randint(0, 40)):
            await turn()
        store.restore(before)

    return nemesis


@examples(80, shrink=False)
@given(
    story=stories(), seed=SEEDS, flush=st.booleans(), shards=st.sampled_from([1, 2]), zombies=st.booleans()
)
async def test_a_rollback_at_any_moment_is_repaired(
    story: Story, seed: int, flush: bool, shards: int, zombies: bool
) -> None:
    rng, store = random.Random(seed), MemoryStore(shards)
    how = {"zombies": zombies, "kill_rate": 0.01, "outage_rate": 0.01}
    world = World(
        Log(story.records, rng), store, rng, story.zone, nemesis=rollback(store, rng, flush=flush), **how
    )
    await world.run()
    await check_world(world, oracle_of(story))


def partial_rollback(store: MemoryStore, rng: random.Random) -> Nemesis:
    """Some shards go back and the others do not, as when one master of a cluster fails over to a replica that lags."""

    async def nemesis(turn: Callable[[], Awaitable[None]]) -> None:
        for _ in range(rng.randint(0, 40)):
            await turn()
        before = store.snapshot()
        for _ in range(rng.randint(0, 40)):
            await turn()
        store.restore_shards(before, rng.sample(range(store.shards), rng.randint(1, store.shards - 1)))

    return nemesis


@examples(80, shrink=False)
@given(
    story=stories(topics=TOPICS),
    seed=SEEDS,
    shards=st.sampled_from([2, 3, 5]),
    zombies=st.booleans(),
)
async def test_a_rollback_of_some_shards_is_repaired(
    story: Story, seed: int, shards: int, zombies: bool
) -> None:
    rng, store = random.Random(seed), MemoryStore(shards)
    how = {"zombies": zombies, "kill_rate": 0.01, "outage_rate": 0.01}
    world = World(
        Log(story.records, rng), store, rng, story.zone, nemesis=partial_rollback(store, rng), **how
    )
    await world.run()
    await check_world(world, oracle_of(story))
