"""What users say: over answers, by day or by cohort."""

from __future__ import annotations

from typing import Any

import pytest

from stream.report import QueryError
from stream.store.memory import MemoryStore
from tests.stream.report.counted import APP, answer_to, ask_feedback, counted, install, session

TWO_DAYS: dict[str, str] = {"from_": "2026-11-20", "to": "2026-11-21"}


def holding(**counters: dict[str, int]) -> MemoryStore:
    """A store that holds these counters; `__` is `:` and `_` between digits is `-`."""
    store = MemoryStore()
    users = store._app(0, APP)
    for name, fields in counters.items():
        *words, day = name.split("__")
        users.counters[":".join([*words, day.replace("_", "-")])] = fields
    return store


async def test_what_users_say_is_counted_where_it_was_said() -> None:
    store = await counted(
        install("a", "2026-11-20"), answer_to("nps", "a", "2026-11-20", 9), answer_to("nps", "a", "2026-11-21", 6),
        session("b", "2026-11-19"), answer_to("csat", "b", "2026-11-21", 4),
    )  # fmt: skip
    rows = (await ask_feedback(store, **TWO_DAYS))["rows"]
    assert [(row["nps"], row["csat"]) for row in rows] == [(100.0, None), (-100.0, 1.0)]
    rows = (await ask_feedback(store, by="cohort", **TWO_DAYS))["rows"]
    assert [(row["nps"], row["csat"]) for row in rows] == [(0.0, None), (None, None)], "b has not installed"
    seen = await ask_feedback(store, by="cohort", cohort="first_seen", from_="2026-11-19", to="2026-11-19")
    assert seen["rows"][0]["csat"] == 1.0
    assert seen["answers"] == {"nps": 0, "csat": 0}, "nobody answered on that date"


async def test_nps_is_promoters_less_detractors_in_percent_points() -> None:
    # 100 answers: 50 promoters, 31 passives, 19 detractors.
    store = holding(
        feedback__nps__2026_11_20={"10": 30, "9": 10, "8": 31},
        feedback__nps__2026_11_21={"9": 10, "6": 9, "0": 10},
    )
    said = await ask_feedback(store, **TWO_DAYS)
    assert said["nps"] == 31.0
    assert [said[name] for name in ("promoters", "passives", "detractors")] == [50, 31, 19]
    assert said["answers"] == {"nps": 100, "csat": 0}
    assert {said[name] for name in ("csat", "csat_low", "csat_high")} == {None}


async def test_csat_is_the_share_of_4_and_5() -> None:
    store = holding(feedback__csat__2026_11_20={"5": 30, "4": 10, "3": 8, "1": 2})
    said = await ask_feedback(store, **TWO_DAYS)
    assert said["csat"] == 0.8
    assert (said["csat_low"], said["csat_high"]) == pytest.approx((0.6696, 0.8876), abs=5e-5)
    assert said["nps"] is None


async def test_there_is_a_row_a_day_and_null_without_answers() -> None:
    store = holding(feedback__nps__2026_11_20={"10": 1}, feedback__nps__2026_11_22={"0": 1})
    rows = (await ask_feedback(store, now="2026-11-21T10:00:00Z", **TWO_DAYS))["rows"]
    assert [(row["date"], row["nps"], row["answers"]["nps"], row["complete"]) for row in rows] == [
        ("2026-11-20", 100.0, 1, True),
        ("2026-11-21", None, 0, False),
    ]


async def test_by_cohort_it_is_what_the_members_answered_since_their_day() -> None:
    store = holding(
        feedback__nps__2026_11_21={"10": 1, "0": 1},
        feedback__nps__install__2026_11_20={"0:10": 1, "1:0": 1, "5:0": 2},
        feedback__csat__install__2026_11_21={"0:4": 1},
    )
    said = await ask_feedback(store, by="cohort", as_of="2026-11-21", **TWO_DAYS)
    assert said["nps"] == 0.0, "the answers of these dates, whoever gave them"
    assert [(row["cohort"], row["nps"], row["csat"], row["answers"]) for row in said["rows"]] == [
        ("2026-11-20", 0.0, None, {"nps": 2, "csat": 0}),
        ("2026-11-21", None, 1.0, {"nps": 0, "csat": 1}),
    ]
    later = await ask_feedback(store, by="cohort", **TWO_DAYS)
    assert later["rows"][0]["answers"]["nps"] == 4
    seen = await ask_feedback(store, by="cohort", cohort="first_seen", **TWO_DAYS)
    assert seen["rows"][0]["answers"]["nps"] == 0


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"by": "week"}, "by='week' is unknown; choose one of day, cohort"),
        ({"cohort": "install"}, "add by=cohort"),
        ({"by": "cohort", "cohort": "session"}, "choose one of install, first_seen"),
        ({"where": "country:VN"}, "there is no parameter 'where'"),
        ({"from_": "1900-01-01"}, "more than 10,000 days"),
    ],
)
async def test_what_cannot_be_answered_is_told_what_to_change(query: dict[str, Any], says: str) -> None:
    with pytest.raises(QueryError, match=says):
        await ask_feedback(MemoryStore(), **query)
