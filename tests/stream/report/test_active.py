"""Actives and lifecycle, by small examples."""

from __future__ import annotations

from tests.stream.report.counted import ask_active, counted, install, purchase, session


async def test_users_are_new_then_returning_then_dormant_then_resurrected() -> None:
    store = await counted(session("a", "2026-11-20"), session("a", "2026-11-21"), session("a", "2026-11-23"))
    rows = await ask_active(store, from_="2026-11-20", to="2026-11-23", now="2026-11-30T00:00:00Z")
    lives = [[row[name] for name in ("new", "returning", "resurrected", "dormant")] for row in rows]
    assert lives == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]


async def test_who_is_dormant_is_not_known_while_the_day_runs() -> None:
    store = await counted(session("a", "2026-11-20"))
    (row,) = await ask_active(store, from_="2026-11-21", to="2026-11-25", now="2026-11-21T12:00:00Z")
    assert (row["date"], row["dormant"], row["complete"]) == ("2026-11-21", None, False)


async def test_churn_is_who_went_away_of_those_of_the_period_before() -> None:
    store = await counted(*(session(name, "2026-11-20") for name in "abcd"), session("a", "2026-11-21"))
    asked = {"from_": "2026-11-20", "to": "2026-11-22", "now": "2026-11-22T12:00:00Z"}
    rows = await ask_active(store, **asked)
    assert [row["churn"] for row in rows] == [None, 0.75, None], "nobody before; three of four; still open"


async def test_weeks_begin_when_they_are_said_to() -> None:
    store = await counted(session("a", "2026-11-15"), session("b", "2026-11-16"))
    asked = {"from_": "2026-11-16", "to": "2026-11-16", "period": "week"}
    for start, date, users in (("monday", "2026-11-16", 1), ("sunday", "2026-11-15", 2)):
        (row,) = await ask_active(store, week_start=start, **asked)
        assert (row["date"], row["active"]) == (date, users)


async def test_weeks_and_months_reach_back_before_the_first_row() -> None:
    store = await counted(session("a", "2026-10-22"), session("b", "2026-11-14"), session("c", "2026-11-20"))
    (row,) = await ask_active(store, from_="2026-11-20", to="2026-11-20")
    assert (row["dau"], row["wau"], row["mau"], row["stickiness"]) == (1, 2, 3, 1 / 3)
    (row,) = await ask_active(store, from_="2026-11-21", to="2026-11-21")
    assert (row["dau"], row["wau"], row["mau"], row["stickiness"]) == (0, 1, 2, 0.0)


async def test_nobody_in_a_month_has_no_stickiness() -> None:
    (row,) = await ask_active(await counted(), from_="2026-11-20", to="2026-11-20")
    assert row["stickiness"] is None


async def test_purchases_and_installs_are_activity_and_reinstalls_are_counted() -> None:
    store = await counted(
        install("a", "2026-11-20"),
        install("a", "2026-11-21", event_id="again"),
        purchase("b", "2026-11-21"),
    )
    rows = await ask_active(store, from_="2026-11-20", to="2026-11-21")
    assert [(row["active"], row["new"], row["installs"], row["reinstalls"]) for row in rows] == [
        (1, 1, 1, 0),
        (2, 1, 0, 1),
    ]


async def test_accepted_events_of_the_future_stay_invisible_until_their_date() -> None:
    store = await counted(session("a", "2026-11-21"))
    rows = await ask_active(store, from_="2026-11-20", to="2026-11-22", now="2026-11-20T23:00:00Z")
    assert [(row["date"], row["active"]) for row in rows] == [("2026-11-20", 0)]
    rows = await ask_active(
        store, from_="2026-11-20", to="2026-11-22", as_of="2026-11-21", now="2026-11-20T23:00:00Z"
    )
    assert [(row["date"], row["active"]) for row in rows] == [("2026-11-20", 0), ("2026-11-21", 1)]
