"""Does every answer that somebody sees say what the oracle says, cell by cell and in the same order?"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stream.report import active, retention
from stream.report.query import parse_active, parse_retention
from stream.store.memory import MemoryStore
from stream.store.protocol import Store
from tests.cases import iso
from tests.garbage import TOPICS
from tests.laws.checks import no_cell_above_its_cohort, oracle_of, same
from tests.laws.profiles import LIMIT, examples
from tests.laws.world import Log, World, told
from tests.oracle import day_start_ms
from tests.questions import active_queries, retention_queries
from tests.strategies import DAYS, Story, stories

pytestmark = LIMIT

EXPLAINING = {"week_start", "brackets", "preset", "definition"}


async def counted(story: Story, shards: int = 1) -> Store:
    """A store that has counted a story; an app of which nothing was accepted keeps its zone all the same."""
    rng, store = random.Random(0), MemoryStore(shards)
    await store.claim_zone("game", story.zone)
    world = World(Log(told(story), rng), store, rng, story.zone, workers=1, kill_rate=0.0, outage_rate=0.0)
    await world.run()
    return store


async def ask_retention(store: Store, now_ms: int, query: dict[str, str]) -> dict[str, Any]:
    return await retention(store, parse_retention(query), now_ms=now_ms)


async def ask_active(store: Store, now_ms: int, query: dict[str, str]) -> dict[str, Any]:
    return await active(store, parse_active(query), now_ms=now_ms)


def _shown(answer: dict[str, Any]) -> dict[str, Any]:
    """The oracle's answer with as_of as text, as everybody gets it."""
    return {name: value for name, value in answer.items() if name != "as_of_ms"} | {
        "as_of": iso(answer["as_of_ms"])
    }


def _counted_of(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer without the members that only say how it was counted."""
    return {name: value for name, value in answer.items() if name not in EXPLAINING}


@examples(60, shrink=False)
@given(
    data=st.data(),
    story=stories(size_max=40, garbage=False, topics=TOPICS, erased=True),
    shards=st.sampled_from([1, 3]),
)
async def test_retention_answers_what_the_oracle_answers(
    data: st.DataObject, story: Story, shards: int
) -> None:
    store, oracle = await counted(story, shards), oracle_of(story)
    now_ms = day_start_ms(
        story.zone, story.first + timedelta(days=data.draw(st.integers(0, DAYS + 1)))
    ) + data.draw(st.sampled_from([0, 1000, 12 * 3_600_000]))
    for _ in range(4):
        query = data.draw(retention_queries(story))
        answer = await ask_retention(store, now_ms, query)
        no_cell_above_its_cohort(answer)
        same(_counted_of(answer), _shown(oracle.retention(now_ms=now_ms, **query)))


@examples(50, shrink=False)
@given(data=st.data(), story=stories(size_max=40, garbage=False))
async def test_active_answers_what_the_oracle_answers(data: st.DataObject, story: Story) -> None:
    store, oracle = await counted(story), oracle_of(story)
    now_ms = day_start_ms(story.zone, story.first + timedelta(days=data.draw(st.integers(0, 40))))
    for _ in range(4):
        query = data.draw(active_queries(story))
        same(await ask_active(store, now_ms, query), oracle.active(now_ms=now_ms, **query))
