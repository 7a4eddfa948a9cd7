"""Is one answer one state, whatever is being applied meanwhile? No cell ever stands above its cohort's size.

The reader is scheduled like the workers: between any two of its calls to the store they may apply and crash.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stream.report import active, retention
from stream.report.query import parse_active, parse_retention
from stream.store.memory import MemoryStore
from tests.laws.checks import check_world, no_cell_above_its_cohort, oracle_of
from tests.laws.profiles import LIMIT, examples
from tests.laws.test_laws import SEEDS
from tests.laws.world import Gate, Log, Nemesis, Scheduler, World
from tests.oracle import day_start_ms
from tests.questions import retention_queries
from tests.strategies import APP, DAYS, Story, stories

pytestmark = LIMIT
READS = 6


class Turns(Scheduler):
    """Lets a reader take turns with the workers; its calls never fail."""

    def __init__(self, turn: Callable[[], Awaitable[None]]) -> None:
        super().__init__(random.Random(0))
        self.turn = turn  # type: ignore[method-assign]


def reader(
    store: MemoryStore, story: Story, query: dict[str, str], now_ms: int, answers: list[Any]
) -> Nemesis:
    """Asks the same questions again and again while others write."""

    async def nemesis(turn: Callable[[], Awaitable[None]]) -> None:
        behind: Any = Gate(store, Turns(turn))
        days = {"app": APP, "from": story.first.isoformat(), "to": story.days()[-1].isoformat()}
        for _ in range(READS):
            answers.append(await retention(behind, parse_retention(query), now_ms=now_ms))
            rows = (await active(behind, parse_active(days), now_ms=now_ms))["rows"]
            assert all(row["dau"] <= row["wau"] <= row["mau"] for row in rows)
            assert all(row["active"] == row["new"] + row["returning"] + row["resurrected"] for row in rows)
            assert all(row[name] >= 0 for row in rows for name in ("new", "returning", "resurrected"))

    return nemesis


@examples(60, shrink=False)
@given(data=st.data(), story=stories(size_max=40, garbage=False), seed=SEEDS, shards=st.sampled_from([1, 2]))
async def test_no_answer_is_torn(data: st.DataObject, story: Story, seed: int, shards: int) -> None:
    store, rng, answers = MemoryStore(shards), random.Random(seed), []  # type: ignore[var-annotated]
    await store.claim_zone(APP, story.zone)
    query = data.draw(retention_queries(story))
    now_ms = day_start_ms(story.zone, story.first + timedelta(days=DAYS + 1))
    nemesis = reader(store, story, query, now_ms, answers)
    world = World(Log(story.records, rng), store, rng, story.zone, batch_max=2, nemesis=nemesis)
    await world.run()
    for answer in answers:
        no_cell_above_its_cohort(answer)
    await check_world(world, oracle_of(story))
