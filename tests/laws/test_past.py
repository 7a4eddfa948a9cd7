"""Do segments of the past hold who was in them then? Users say late who they are, say it again otherwise, and answer surveys.

In the stories of the other laws most users say everything at once. Here nearly nobody does, and every question is about segments at
some moment of the story.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.report import compare, crr, retention, revenue
from stream.report.query import parse_retention
from stream.report.questions import parse_compare, parse_crr
from stream.report.revenue_query import parse_revenue
from stream.retention.days import zone
from stream.retention.scope import Scope
from stream.store.audit import audit
from stream.store.protocol import Store
from stream.store.redis import RedisStore
from tests.laws.checks import oracle_of, same
from tests.laws.profiles import LIMIT, examples
from tests.laws.test_answers import counted
from tests.laws.test_other_answers import known
from tests.laws.world import Log, World, told
from tests.oracle_calendar import DAY, day_start_ms
from tests.oracle_people import Erasure
from tests.questions import (
    DIMENSIONS,
    SURVEYS,
    as_ofs,
    compare_queries,
    crr_queries,
    retention_queries,
    revenue_queries,
    wheres,
)
from tests.servers import Valkey
from tests.strategies import APP, DAYS, HOUR_MS, LABELS, PLACES, Record, Story

pytestmark = LIMIT

TOPICS = ("installs", "sessions", "sessions", "purchases", "feedback", "feedback")
USERS = 6
SAYS = (None, *LABELS[:3])
# Counted word by word by the oracle; what we add to an answer has tests of its own.
Ask = Callable[[Store, dict[str, str], int], Any]
ASK: dict[str, Ask] = {
    "retention": lambda store, query, now_ms: retention(store, parse_retention(query), now_ms=now_ms),
    "crr": lambda store, query, now_ms: crr(store, parse_crr(query), now_ms=now_ms),
    "revenue": lambda store, query, now_ms: revenue(store, parse_revenue(query), now_ms=now_ms),
    "compare": lambda store, query, now_ms: compare(store, parse_compare(query), now_ms=now_ms),
}


def late_stories(*, joined: bool = False) -> st.SearchStrategy[Story]:
    """Users who come first without a word, and say who they are some other day or hour; an install may say something else."""
    return st.builds(lambda seed: _late_story(random.Random(seed), joined), st.integers(0, 2**32))


def _late_story(rng: random.Random, joined: bool) -> Story:
    name, hard = rng.choice(PLACES)
    first = hard - timedelta(days=rng.randrange(DAYS))
    start_ms, hours = day_start_ms(name, first), (0, 0, 1, 5, 24, 24, 50)
    story: list[Record] = []
    for user in range(rng.randint(2, USERS)):
        at_ms = start_ms + rng.randrange(30) * HOUR_MS
        for number in range(rng.randint(2, 7)):
            topic = "sessions" if not number else rng.choice(TOPICS)
            fields = _fields(rng, topic) | {"event_id": f"{user} {number}", "user_id": f"user {user}"}
            said = {dimension: rng.choice(SAYS) for dimension in DIMENSIONS if number}
            fields |= {dimension: value for dimension, value in said.items() if value is not None}
            story.append(_record(topic, fields | {"timestamp": at_ms}, start_ms))
            at_ms += rng.choice(hours) * HOUR_MS + rng.randrange(2)
    for number in range(rng.randrange(4) if joined else 0):
        user, alias = (f"user {rng.randrange(USERS)}" for _ in range(2))
        fields = {"event_id": f"i{number}", "user_id": user, "alias": alias, "timestamp": start_ms + number}
        story.append(_record("identities", fields, start_ms))
    gone = [
        Erasure(
            APP, frozenset({f"user {rng.randrange(USERS)}"}), start_ms + rng.randrange(1, 99) * HOUR_MS - 1
        )
        for _ in range(rng.randrange(2) if joined else 0)
    ]
    return Story(name, first, tuple(rng.sample(story, len(story))), tuple(gone))


def _fields(rng: random.Random, topic: str) -> dict[str, Any]:
    """What an event of a topic needs; a refund of nothing says something in an hour in which nothing happens."""
    if topic == "feedback":
        survey = rng.choice(["nps", "csat"])
        return {"kind": survey, "score": rng.choice([0, 7, 10] if survey == "nps" else [1, 5])}
    if topic == "purchases":
        paid = {"amount": rng.choice(["0", "9.99"]), "currency": "USD"}
        return paid | rng.choice([{}, {"refund_of": "1"}])
    return {}


def _record(topic: str, fields: dict[str, Any], start_ms: int) -> Record:
    return Record(topic, json.dumps(fields | {"app_id": APP}).encode(), start_ms + 60 * 24 * HOUR_MS)


@st.composite
def segmented(draw: st.DrawFn, story: Story, what: str) -> dict[str, str]:
    """A question about segments as they stood at some moment of the story."""
    strategies: dict[str, st.SearchStrategy[dict[str, str]]] = {
        "retention": retention_queries(story),
        "crr": crr_queries(story),
        "revenue": revenue_queries(story),
        "compare": compare_queries(story),
    }
    query = draw(strategies[what])
    query |= draw(as_ofs(story)) or {"as_of": (story.first + DAY).isoformat()}
    if what == "retention" and draw(st.booleans()):
        query["breakdown"] = draw(st.sampled_from((*DIMENSIONS, *SURVEYS)))
    if "breakdown" not in query and (what != "compare" or draw(st.booleans())):
        query["where"] = draw(wheres(tuple(SURVEYS)))
    if what == "compare" and draw(st.integers(0, 3)) == 0:
        query["dimension"] = "nps"
        values = "passive", "(not set)"
        query |= dict(zip("ab", values, strict=True)) if "a" in query else {"variants": ",".join(values)}
    return query


@pytest.mark.parametrize("what", ASK)
@examples(35, shrink=False)
@given(data=st.data(), story=late_stories(joined=True), shards=st.sampled_from([1, 3]))
async def test_segments_of_the_past_are_those_of_the_oracle(
    what: str, data: st.DataObject, story: Story, shards: int
) -> None:
    store, oracle = await counted(story, shards), oracle_of(story)
    now_ms = day_start_ms(story.zone, story.first + timedelta(days=40))
    for _ in range(6):
        query = data.draw(segmented(story, what))
        theirs = getattr(oracle, what)(now_ms=now_ms, **query)
        theirs.pop("as_of_ms", None)
        ours = await ASK[what](store, query, now_ms)
        same(known(ours, theirs) if what != "revenue" else _told(ours, theirs), theirs)
    assert not (await audit(store, APP, Scope(zone(story.zone)))).differences


def _told(ours: Any, theirs: Any) -> Any:
    """Members that the oracle has too, but all currencies."""
    if isinstance(theirs, list):
        return [_told(one, other) for one, other in zip(ours, theirs, strict=True)]
    if isinstance(theirs, dict) and theirs.keys() <= ours.keys() and not any(map(str.isupper, ours)):
        return {name: _told(ours[name], theirs[name]) for name in theirs}
    return ours


@examples(20, shrink=False)
@given(data=st.data(), story=late_stories(), seed=st.integers(1, 2**32))
async def test_the_order_of_what_is_said_changes_no_answer(
    data: st.DataObject, story: Story, seed: int
) -> None:
    again = Story(
        story.zone, story.first, tuple(random.Random(seed).sample(story.records * 2, 2 * len(story.records)))
    )
    stores = [await counted(story), await counted(again), await counted(again, 3)]
    now_ms = day_start_ms(story.zone, story.first + timedelta(days=40))
    for what in ASK:
        query = data.draw(segmented(story, what))
        one, other, third = [repr(await ASK[what](store, query, now_ms)) for store in stores]
        assert one == other == third


@examples(15, shrink=False)
@given(data=st.data(), story=late_stories(joined=True), shards=st.sampled_from([1, 3]))
async def test_a_server_knows_the_same_past(
    valkey: Valkey, data: st.DataObject, story: Story, shards: int
) -> None:
    assert valkey.ask("FLUSHALL", "SYNC") == "+OK\r\n"
    memory, server = await counted(story), RedisStore.connect(valkey.url, shards)
    try:
        await server.claim_zone(APP, story.zone)
        rng = random.Random(1)
        world = World(
            Log(told(story), rng),
            server,
            rng,
            story.zone,
            workers=1,
            kill_rate=0.0,
            outage_rate=0.0,
            connect=lambda: RedisStore.connect(valkey.url, shards),
        )
        await world.run()
        now_ms = day_start_ms(story.zone, story.first + timedelta(days=40))
        for what in ASK:
            query = data.draw(segmented(story, what))
            assert repr(await ASK[what](server, query, now_ms)) == repr(
                await ASK[what](memory, query, now_ms)
            )
        assert not (await audit(server, APP, Scope(zone(story.zone)))).differences
    finally:
        await server.aclose()
