"""Who stayed, which variant keeps more and what users say: do these answers say what the oracle says?"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stream.report import compare, crr, feedback
from stream.report.questions import parse_compare, parse_crr, parse_feedback
from tests.laws.checks import oracle_of, same
from tests.laws.profiles import LIMIT, examples
from tests.laws.test_answers import counted
from tests.oracle_calendar import day_start_ms
from tests.questions import compare_queries, crr_queries, feedback_queries, wheres
from tests.strategies import DAYS, Story, stories

pytestmark = LIMIT


def known(answer: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """The members of an answer that the oracle has too; what we add to the contract has tests of its own."""
    return {
        name: [known(one, other) for one, other in zip(value, theirs[name], strict=True)]
        if isinstance(value, list)
        else known(value, theirs[name])
        if isinstance(value, dict)
        else value
        for name, value in answer.items()
        if name in theirs
    }


def moments_of(data: st.DataObject, story: Story) -> int:
    """When it is asked: on some day, at its beginning or later."""
    day = story.first + timedelta(days=data.draw(st.integers(0, DAYS + 2)))
    return day_start_ms(story.zone, day) + data.draw(st.sampled_from([0, 1000, 12 * 3_600_000]))


@examples(60, shrink=False)
@given(data=st.data(), story=stories(size_max=40, garbage=False), shards=st.sampled_from([1, 3]))
async def test_crr_answers_what_the_oracle_answers(data: st.DataObject, story: Story, shards: int) -> None:
    store, oracle, now_ms = await counted(story, shards), oracle_of(story), moments_of(data, story)
    for _ in range(6):
        query = data.draw(crr_queries(story))
        if data.draw(st.booleans()):
            query["where"] = data.draw(wheres())
        answer, theirs = await crr(store, parse_crr(query), now_ms=now_ms), oracle.crr(now_ms=now_ms, **query)
        same(known(answer, theirs), theirs)
        assert answer["cn"] == answer["new"] + answer["resurrected"]
        assert 0 <= answer["ce"] - answer["cn"] <= answer["cs"]
        assert (answer["crr"] is None) == (not answer["complete"] or not answer["cs"])


@examples(60, shrink=False)
@given(data=st.data(), story=stories(size_max=40, garbage=False), shards=st.sampled_from([1, 3]))
async def test_compare_answers_what_the_oracle_answers(
    data: st.DataObject, story: Story, shards: int
) -> None:
    store, oracle, now_ms = await counted(story, shards), oracle_of(story), moments_of(data, story)
    for _ in range(4):
        query = data.draw(compare_queries(story))
        if data.draw(st.booleans()):
            query["where"] = data.draw(wheres())
        answer = await compare(store, parse_compare(query), now_ms=now_ms)
        theirs = oracle.compare(now_ms=now_ms, **query)
        same(known(answer, theirs), theirs)
        for one in answer.get("pairs", [answer]):
            if one["difference"] is not None:
                assert -1 - 1e-12 <= one["low"] <= one["difference"] + 1e-12
                assert one["difference"] - 1e-12 <= one["high"] <= 1 + 1e-12
            assert one["p"] is None or 0 <= one["p"] <= 1


@examples(60, shrink=False)
@given(data=st.data(), story=stories(size_max=40, garbage=False), shards=st.sampled_from([1, 3]))
async def test_feedback_answers_what_the_oracle_answers(
    data: st.DataObject, story: Story, shards: int
) -> None:
    store, oracle, now_ms = await counted(story, shards), oracle_of(story), moments_of(data, story)
    for _ in range(6):
        query = data.draw(feedback_queries(story))
        answer = await feedback(store, parse_feedback(query), now_ms=now_ms)
        theirs = oracle.feedback(now_ms=now_ms, **query)
        same(known(answer, theirs), theirs)
        # The rows of the days are the answers of the range, and a day is a range too.
        for kind in ("nps", "csat"):
            assert sum(row["answers"][kind] for row in answer["rows"]) == answer["answers"][kind]
        for row in answer["rows"]:
            alone = query | {"from": row["date"], "to": row["date"]}
            day = oracle.feedback(now_ms=now_ms, **alone)
            assert row["answers"] == day["answers"]
            for name in ("nps", "csat"):
                assert row[name] == day[name] or math.isclose(row[name], day[name], abs_tol=1e-12)
