"""Does every answer about money say what the oracle says, to the last digit of every currency, in whatever order events came?"""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stream.report import revenue
from stream.report.revenue_query import parse_revenue
from stream.retention.money import MINOR_DIGITS
from stream.store.memory import MemoryStore
from stream.store.protocol import Store
from stream.store.redis import RedisStore
from tests.laws.checks import oracle_of, same
from tests.laws.profiles import LIMIT, examples
from tests.laws.world import Log, World
from tests.oracle import Oracle, day_start_ms
from tests.oracle_question import Question
from tests.oracle_rates import wilson
from tests.oracle_revenue import _members
from tests.questions import revenue_queries, wheres
from tests.servers import Valkey
from tests.strategies import APP, DAYS, Story, stories

pytestmark = LIMIT


async def counted(story: Story, shards: int, seed: int = 0, server: str | None = None) -> Store:
    """A store that has counted a story in an order of its own: one in memory, or at the URL of a server."""
    rng = random.Random(seed)
    connect = (lambda: RedisStore.connect(server, shards)) if server else None
    store: Store = connect() if connect else MemoryStore(shards)
    await store.claim_zone(APP, story.zone)
    calm = {"workers": 1, "kill_rate": 0.0, "outage_rate": 0.0}
    await World(Log(story.records, rng), store, rng, story.zone, connect=connect, **calm).run()
    return store


@st.composite
def asked(draw: st.DrawFn, story: Story) -> dict[str, str]:
    """A question, of everybody or of a segment."""
    query = draw(revenue_queries(story))
    return query | {"where": draw(wheres())} if draw(st.integers(0, 2)) == 0 else query


def moments_of(story: Story) -> st.SearchStrategy[int]:
    """Now: some time in the days of the story or soon after."""
    days = st.integers(0, DAYS + 1).map(lambda i: day_start_ms(story.zone, story.first + timedelta(days=i)))
    return st.builds(int.__add__, days, st.sampled_from([0, 1000, 12 * 3_600_000]))


@examples(80, shrink=False)
@given(data=st.data(), story=stories(size_max=40, garbage=False), shards=st.sampled_from([1, 3]))
async def test_revenue_answers_what_the_oracle_answers(
    data: st.DataObject, story: Story, shards: int
) -> None:
    store, oracle = await counted(story, shards), oracle_of(story)
    now_ms = data.draw(moments_of(story))
    for _ in range(4):
        query = data.draw(asked(story))
        answer = await revenue(store, parse_revenue(query), now_ms=now_ms)
        theirs = oracle.revenue(now_ms=now_ms, **query)
        same(_only(answer, theirs), theirs)
        _habits_are_those_of(answer, oracle, Question(story.zone, now_ms, query))


@examples(15, shrink=False)
@given(data=st.data(), story=stories(size_max=40, garbage=False), seed=st.integers(1, 2**32))
async def test_the_order_of_events_changes_no_answer(data: st.DataObject, story: Story, seed: int) -> None:
    stores = [await counted(story, shards, order) for shards, order in ((1, 0), (1, seed), (3, seed + 1))]
    now_ms, query = data.draw(moments_of(story)), parse_revenue(data.draw(asked(story)))
    one, other, third = [await revenue(store, query, now_ms=now_ms) for store in stores]
    assert repr(one) == repr(other) == repr(third)


@examples(10, shrink=False)
@given(data=st.data(), story=stories(size_max=40, garbage=False), shards=st.sampled_from([1, 3]))
async def test_a_server_gives_the_same_answer(
    valkey: Valkey, data: st.DataObject, story: Story, shards: int
) -> None:
    assert valkey.ask("FLUSHALL", "SYNC") == "+OK\r\n"
    now_ms, query = data.draw(moments_of(story)), parse_revenue(data.draw(asked(story)))
    server = await counted(story, shards, server=valkey.url)
    try:
        told = await revenue(server, query, now_ms=now_ms)
    finally:
        await server.aclose()
    assert repr(told) == repr(await revenue(await counted(story, 1), query, now_ms=now_ms))


def _only(ours: Any, theirs: Any) -> Any:
    """Of our answer what the oracle's has; everything else is checked here or by examples."""
    if isinstance(theirs, dict) and not MINOR_DIGITS.keys() & theirs.keys() and theirs:
        return {name: _only(ours[name], theirs[name]) for name in theirs}
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        return [_only(one, other) for one, other in zip(ours, theirs, strict=True)]
    return ours


def _habits_are_those_of(answer: dict[str, Any], oracle: Oracle, question: Question) -> None:
    """Intervals, purchases per buyer and days between them, counted buyer by buyer."""
    people = question.asked_about(oracle.of_app(APP))
    first, last = question.widened
    dated = [[day for day, _ in person.slots("purchase") if first <= day <= last] for person in people]
    _habit_is(answer["total"], dated)
    for row, key in zip(answer["rows"], question.keys, strict=True):
        members = _members(question, key, people)
        _habit_is(row, [[act.slot[0] for act in member.purchases] for member in members])
        for cell in row["cells"]:
            low, high = wilson(round((cell["conversion"] or 0) * row["size"]), row["size"])
            same([cell["low"], cell["high"]], [low, high])


def _habit_is(told: dict[str, Any], bought: list[list[Any]]) -> None:
    bought = [sorted(days) for days in bought if days]
    purchases, buyers = sum(map(len, bought)), len(bought)
    repeaters = sum(len(set(days)) > 1 for days in bought)
    gaps = [(later - day).days for days in bought for day, later in pairwise(sorted(set(days)))]
    assert (told["buyers"], told["purchases"]) == (buyers, purchases)
    same(told["frequency"], purchases / buyers if buyers else None)
    same(told["days_between"], sum(gaps) / len(gaps) if gaps else None)
    same([told["low"], told["high"]], list(wilson(repeaters, buyers)))
