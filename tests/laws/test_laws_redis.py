"""Do the laws hold on a real server too? Fewer runs of the same worlds over Valkey, and its own ways of losing data."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stream.store.redis import RedisStore
from tests.laws.checks import check_world, oracle_of
from tests.laws.profiles import LIMIT, SCALE, examples
from tests.laws.test_laws import SEEDS
from tests.laws.test_mutations import story as fixed_story
from tests.laws.world import Log, Nemesis, World
from tests.servers import Valkey
from tests.strategies import Story, stories

pytestmark = LIMIT


async def run(server: Valkey, story: Story, seed: int, *, shards: int, **how: Any) -> World:
    """One run over an empty server, compared with the oracle; the world is handed back for more questions."""
    rng, store = random.Random(seed), RedisStore.connect(server.url, shards)
    connect = lambda: RedisStore.connect(server.url, shards, timeout_seconds=5.0)  # noqa: E731
    world = World(Log(story.records, rng), store, rng, story.zone, connect=connect, **how)
    try:
        await world.run()
        await check_world(world, oracle_of(story))
    finally:
        await store.aclose()
    return world


@examples(12, shrink=False)
@given(story=stories(), seed=SEEDS, shards=st.sampled_from([1, 3]), zombies=st.booleans())
async def test_crashes_outages_and_zombies_change_no_number(
    valkey: Valkey, story: Story, seed: int, shards: int, zombies: bool
) -> None:
    assert valkey.ask("FLUSHALL", "SYNC") == "+OK\r\n"
    await run(valkey, story, seed, shards=shards, zombies=zombies)


def flush(server: Valkey, rng: random.Random) -> Nemesis:
    """FLUSHALL at any moment."""

    async def nemesis(turn: Callable[[], Awaitable[None]]) -> None:
        for _ in range(rng.randint(0, 60)):
            await turn()
        assert server.ask("FLUSHALL", "SYNC") == "+OK\r\n"

    return nemesis


def fall_back(server: Valkey, rng: random.Random) -> Nemesis:
    """A snapshot at any moment, and later the server is killed and comes back with it; its scripts are forgotten as well."""

    async def nemesis(turn: Callable[[], Awaitable[None]]) -> None:
        for _ in range(rng.randint(0, 40)):
            await turn()
        assert server.ask("SAVE") == "+OK\r\n"
        for _ in range(rng.randint(0, 40)):
            await turn()
        server.kill()
        await server.start_beside()

    return nemesis


async def test_a_flush_is_repaired_by_the_replay(valkey: Valkey) -> None:
    for seed in range(8 * SCALE):
        assert valkey.ask("FLUSHALL", "SYNC") == "+OK\r\n"
        await run(
            valkey, fixed_story(seed), seed, shards=1 + seed % 2, nemesis=flush(valkey, random.Random(seed))
        )


async def test_a_restart_with_an_old_snapshot_is_repaired_by_the_replay(
    make_valkey: Callable[..., Valkey],
) -> None:
    server = make_valkey("--appendonly", "no", "--save", "", keep=True)
    for seed in range(5 * SCALE):
        assert server.ask("FLUSHALL", "SYNC") == "+OK\r\n"
        nemesis = fall_back(server, random.Random(seed))
        await run(server, fixed_story(seed), seed, shards=1 + seed % 2, nemesis=nemesis)
