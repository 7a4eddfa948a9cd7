"""Rows and cells by week, month and hour, and when they are complete."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.report import QueryError
from stream.report.grid import hours_of
from stream.report.periods import Calendar
from stream.retention.days import zone
from tests.stream.report.counted import ask, counted, event, install, purchase, session, users

DAYS = st.integers(date(2, 1, 1).toordinal(), date(9998, 12, 31).toordinal())


@given(
    DAYS, st.sampled_from([Calendar("day"), Calendar("week"), Calendar("week", "sunday"), Calendar("month")])
)
def test_periods_follow_each_other_without_a_gap(day: int, calendar: Calendar) -> None:
    number = calendar.number(day)
    first, last = calendar.period(number)
    assert first <= day <= last
    assert (calendar.number(first), calendar.number(last), calendar.number(last + 1)) == (
        number,
        number,
        number + 1,
    )


@given(DAYS)
def test_weeks_begin_on_the_day_that_is_asked_for(day: int) -> None:
    for start, weekday in (("monday", 0), ("sunday", 6)):
        calendar = Calendar("week", start)
        assert date.fromordinal(calendar.first_day(calendar.number(day))).weekday() == weekday


def completes(answer: dict[str, Any]) -> list[list[bool]]:
    return [[cell["complete"] for cell in row["cells"]] for row in answer["rows"]]


async def test_a_week_is_one_row_whose_members_start_on_their_own_days() -> None:
    store = await counted(
        install("a", "2026-11-16"),
        install("b", "2026-11-22"),
        session("a", "2026-11-22"),
        session("b", "2026-11-23"),
    )
    asked = {"from_": "2026-11-18", "to": "2026-11-18", "period": "week", "now": "2026-11-25T00:00:00Z"}
    answer = await ask(store, **asked)
    assert users(answer) == {"2026-11-16": [2, 1]}
    assert completes(answer) == [[True, False]]
    assert users(await ask(store, week_start="sunday", **asked)) == {"2026-11-15": [1, 1]}


async def test_a_month_is_as_long_as_it_is() -> None:
    store = await counted(install("a", "2024-01-31"), session("a", "2024-02-01"), session("a", "2024-03-31"))
    answer = await ask(store, from_="2024-01-05", to="2024-02-05", period="month", now="2024-03-01T00:00:00Z")
    assert users(answer) == {"2024-01-01": [1, 1, 0], "2024-02-01": [0, 0]}
    assert completes(answer) == [[True, True, False], [True, False]]


async def test_a_recurring_user_starts_a_week_on_the_first_day_with_the_event() -> None:
    store = await counted(
        session("a", "2026-11-17"),
        purchase("a", "2026-11-16"),
        session("a", "2026-11-18"),
        session("a", "2026-11-23"),
    )
    asked = {"from_": "2026-11-16", "to": "2026-11-22", "period": "week", "cohort": "session", "periods": "1"}
    assert users(await ask(store, **asked)) == {"2026-11-16": [1, 1]}
    assert users(await ask(store, return_="purchase", **asked)) == {"2026-11-16": [0, 0]}


async def test_an_hour_is_a_row_named_by_its_beginning_in_utc() -> None:
    store = await counted(
        event("installs", "a", "2026-11-20T10:59:00Z"),
        event("sessions", "a", "2026-11-20T11:00:00Z"),
        event("sessions", "a", "2026-11-20T13:30:00Z"),
        zone="Asia/Kolkata",
    )
    answer = await ask(
        store, from_="2026-11-20", to="2026-11-20", period="hour", periods="4", now="2026-11-20T13:31:00Z"
    )
    assert len(answer["rows"]) == 20
    assert users(answer)["2026-11-20T10:30:00Z"] == [1, 0, 0, 1]
    assert users(answer)["2026-11-20T12:30:00Z"] == [0, 0]
    assert completes(answer)[-2:] == [[True, False], [False]]


async def test_hours_cut_activity_at_the_slot_of_as_of() -> None:
    store = await counted(
        event("installs", "a", "2026-11-20T10:00:00Z"), event("sessions", "a", "2026-11-20T12:00:00Z")
    )
    asked = {
        "from_": "2026-11-20",
        "to": "2026-11-20",
        "period": "hour",
        "criterion": "on_or_after",
        "periods": "1",
    }
    for as_of, back in (("2026-11-20T11:59:59Z", 0), ("2026-11-20T12:00:00Z", 1)):
        assert users(await ask(store, as_of=as_of, **asked))["2026-11-20T10:00:00Z"] == [1, back]


@pytest.mark.parametrize(
    ("name", "day", "hours"),
    [
        ("UTC", "2026-11-20", 24),
        ("America/New_York", "2024-03-10", 23),
        ("America/New_York", "2024-11-03", 25),
        ("Australia/Lord_Howe", "2024-04-07", 25),
        ("Australia/Lord_Howe", "2024-10-06", 24),
        ("America/St_Johns", "2010-11-06", 25),
        ("Pacific/Apia", "2011-12-30", 0),
    ],
)
def test_a_date_has_the_hours_that_its_zone_gives_it(name: str, day: str, hours: int) -> None:
    assert len(hours_of(zone(name), date.fromisoformat(day).toordinal())) == hours


async def test_hours_of_years_are_too_many_cells() -> None:
    store = await counted()
    with pytest.raises(QueryError, match="100,000 cells"):
        await ask(store, from_="2000-01-01", to="2026-11-20", period="hour")
    with pytest.raises(QueryError, match="100,000 cells"):
        await ask(store, from_="2026-01-01", to="2026-11-20", period="hour", periods="30")
    assert len((await ask(store, from_="2026-10-22", to="2026-11-20", period="hour"))["rows"]) == 720
