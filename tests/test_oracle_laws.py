"""Does what the oracle answers hang together? Laws over random stories and every question of the interface."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.garbage import TOPICS
from tests.laws.profiles import LIMIT, examples
from tests.oracle import Oracle
from tests.oracle_calendar import day_start_ms
from tests.questions import (
    Query,
    active_queries,
    compare_queries,
    crr_queries,
    feedback_queries,
    retention_queries,
    revenue_queries,
)
from tests.strategies import DAYS, HOUR_MS, Story, crowds, stories

pytestmark = LIMIT
QUESTIONS = {
    "retention": retention_queries,
    "active": active_queries,
    "crr": crr_queries,
    "revenue": revenue_queries,
    "compare": compare_queries,
    "feedback": feedback_queries,
}
STORIES = stories(size_min=10, size_max=40, topics=TOPICS, erased=True) | crowds(users_max=12)


def told(story: Story, records: Any = None) -> Oracle:
    oracle = Oracle(zone=story.zone)
    for record in story.records if records is None else records:
        oracle.add(record.topic, record.value, record.timestamp)
    for erasure in story.erasures:
        oracle.erase(*erasure)
    return oracle


def nows(story: Story) -> st.SearchStrategy[int]:
    """Moments of the story and the days after it."""
    days = st.integers(0, DAYS + 1).map(lambda i: day_start_ms(story.zone, story.first + timedelta(days=i)))
    steps = st.sampled_from([0, -1000, HOUR_MS // 2, HOUR_MS, 12 * HOUR_MS])
    return st.builds(lambda start, step: start + step, days, steps)


def cells_of(answer: dict[str, Any]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """(cohort, n, label) -> cell with the size of its cohort."""
    return {
        (row["cohort"], cell["n"], cell.get("label")): cell | {"size": row["size"]}
        for row in answer["rows"]
        for cell in row["cells"]
    }


def undivided(query: Query) -> Query:
    return {name: word for name, word in query.items() if name not in ("breakdown", "limit", "as_of")}


@examples(30)
@given(data=st.data(), story=STORIES)
def test_answers_depend_on_the_set_of_events_only(data: st.DataObject, story: Story) -> None:
    again = data.draw(st.permutations([*story.records, *story.records[:5]]))
    one, other, now_ms = told(story), told(story, again), data.draw(nows(story))
    for name, questions in QUESTIONS.items():
        query = data.draw(questions(story))
        assert getattr(one, name)(now_ms=now_ms, **query) == getattr(other, name)(now_ms=now_ms, **query)


@examples(80)
@given(data=st.data(), story=STORIES)
def test_a_complete_cell_is_final_unless_any_later_period_counts(data: st.DataObject, story: Story) -> None:
    query = undivided(data.draw(retention_queries(story, {"criterion": ("on", "up_to")})))
    oracle = told(story)
    early, late = sorted(data.draw(st.tuples(nows(story), nows(story))))
    before, after = (cells_of(oracle.retention(now_ms=now_ms, **query)) for now_ms in (early, late))
    assert set(before) <= set(after)
    for where, cell in before.items():
        if cell["complete"]:
            assert after[where] == cell, where


@examples(60)
@given(data=st.data(), story=STORIES)
def test_revenue_cells_are_final_too_and_agree_with_the_triangle_of_revenue(
    data: st.DataObject, story: Story
) -> None:
    query, oracle = data.draw(revenue_queries(story)), told(story)
    query.pop("as_of", None)
    early, late = sorted(data.draw(st.tuples(nows(story), nows(story))))
    before, after = (cells_of(oracle.revenue(now_ms=now_ms, **query)) for now_ms in (early, late))
    for where, cell in before.items():
        assert not cell["complete"] or after[where] == cell
    money = cells_of(oracle.retention(now_ms=late, **query, **{"return": "revenue"}))
    bought = cells_of(oracle.retention(now_ms=late, **query, **{"return": "purchase", "criterion": "up_to"}))
    assert set(money) == set(after)
    for where, cell in after.items():
        assert (cell["payers"], cell["revenue"]) == (money[where]["users"], money[where]["revenue"])
        assert 0 <= cell["payers"] <= cell["active"] <= cell["size"]
        if where[1] == 0:
            assert cell["conversion"] == bought[where]["rate"]


@examples(60)
@given(data=st.data(), story=STORIES)
def test_on_is_never_above_up_to_or_on_or_after(data: st.DataObject, story: Story) -> None:
    words = {"brackets": ("",), "criterion": ("on",)}
    query, oracle = undivided(data.draw(retention_queries(story, words))), told(story)
    query.pop("criterion", None)
    now_ms = data.draw(nows(story))
    on, up_to, later = (
        cells_of(oracle.retention(now_ms=now_ms, **query, criterion=criterion))
        for criterion in ("on", "up_to", "on_or_after")
    )
    assert set(on) == set(up_to) == set(later)
    for where, cell in on.items():
        assert cell["users"] <= min(up_to[where]["users"], later[where]["users"])
        assert max(up_to[where]["users"], later[where]["users"]) <= cell["size"]


@examples(60)
@given(data=st.data(), story=STORIES)
def test_who_is_counted_in_life_is_counted_once(data: st.DataObject, story: Story) -> None:
    oracle, now_ms = told(story), data.draw(nows(story))
    for row in oracle.active(now_ms=now_ms, **data.draw(active_queries(story)))["rows"]:
        assert row["active"] == row["new"] + row["returning"] + row["resurrected"]
        assert row["dau"] <= row["wau"] <= row["mau"]
        assert (row["dormant"] is None) == (not row["complete"])
    found = oracle.crr(now_ms=now_ms, **data.draw(crr_queries(story)))
    assert 0 <= found["ce"] - found["cn"] <= found["cs"]
    assert found["cn"] == found["new"] + found["resurrected"]
    assert found["crr"] is None or found["complete"]
