"""Who stayed, by small examples; and the numbers of the contract."""

from __future__ import annotations

import pytest

from stream.report import QueryError
from stream.report.crr import answer
from stream.report.periods import Period
from tests.stream.report.counted import answer_to, ask_crr, counted, event, install, purchase, session

NOVEMBER: dict[str, str] = {"from_": "2026-11-11", "to": "2026-11-20"}
BEFORE, WITHIN = "2026-11-05", "2026-11-15"


def test_1000_at_the_start_950_at_the_end_and_100_gained_are_85_percent() -> None:
    said = answer(Period(1, 10), {"cs": 1000, "ce": 950, "stayed": 850, "new": 80}, complete=True)
    assert [said[name] for name in ("cs", "ce", "cn", "new", "resurrected")] == [1000, 950, 100, 80, 20]
    assert (said["crr"], said["churn"]) == (85.0, 15.0)
    assert said["low"] < 85 < said["high"]


async def test_the_same_from_events() -> None:
    people = [session(f"was {i}", BEFORE) for i in range(1000)]
    people += [session(f"was {i}", WITHIN) for i in range(850)]
    people += [session(f"new {i}", WITHIN) for i in range(80)]
    people += [session(f"back {i}", day) for i in range(20) for day in ("2026-09-01", WITHIN)]
    said = await ask_crr(await counted(*people), **NOVEMBER)
    assert [said[name] for name in ("cs", "ce", "cn", "new", "resurrected")] == [1000, 950, 100, 80, 20]
    assert (said["crr"], said["churn"], said["complete"]) == (85.0, 15.0, True)
    assert (said["from"], said["to"]) == ("2026-11-11", "2026-11-20")


async def test_the_range_before_is_of_equal_length() -> None:
    store = await counted(session("a", "2026-11-01"), session("b", "2026-10-31"))
    assert (await ask_crr(store, **NOVEMBER))["cs"] == 1
    assert (await ask_crr(store, from_="2026-11-02", to="2026-11-02"))["cs"] == 1


async def test_who_is_gained_is_new_or_resurrected_and_new_by_the_very_first_activity() -> None:
    store = await counted(
        session("new", WITHIN), session("back", "2020-01-01"), install("back", WITHIN), session("stays", BEFORE),
        session("stays", WITHIN), session("gone", BEFORE),
    )  # fmt: skip
    said = await ask_crr(store, **NOVEMBER)
    assert [said[name] for name in ("cs", "ce", "cn", "new", "resurrected", "crr", "churn")] == [
        2,
        3,
        2,
        1,
        1,
        50.0,
        50.0,
    ]


async def test_customers_are_who_bought() -> None:
    store = await counted(
        purchase("stays", BEFORE), purchase("stays", WITHIN), purchase("gone", BEFORE), session("gone", WITHIN),
        session("new", BEFORE), purchase("new", WITHIN), purchase("back", "2026-01-01"), purchase("back", WITHIN),
        session("never", BEFORE), session("never", WITHIN),
    )  # fmt: skip
    said = await ask_crr(store, population="customers", **NOVEMBER)
    assert [said[name] for name in ("cs", "ce", "cn", "new", "resurrected", "crr")] == [2, 3, 2, 1, 1, 50.0]


async def test_a_refund_makes_no_customer() -> None:
    refund = event(
        "purchases", "a", f"{WITHIN}T10:00:00Z", amount="1.00", currency="USD", refund_of="a", event_id="r"
    )
    store = await counted(purchase("a", BEFORE), refund)
    said = await ask_crr(store, population="customers", **NOVEMBER)
    assert (said["ce"], said["crr"]) == (0, 0.0)


async def test_conditions_hold_for_everybody_counted() -> None:
    store = await counted(
        session("a", BEFORE, country="VN"), session("a", WITHIN), session("b", BEFORE, country="US"),
        session("c", WITHIN, country="VN"), session("d", WITHIN),
    )  # fmt: skip
    vn = await ask_crr(store, where="country:VN", **NOVEMBER)
    assert [vn[name] for name in ("cs", "ce", "cn", "new", "crr")] == [1, 2, 1, 1, 100.0]
    unset = await ask_crr(store, where="country:(not set)", **NOVEMBER)
    assert [unset[name] for name in ("cs", "ce", "cn", "new", "crr")] == [0, 1, 1, 1, None]


async def test_whoever_answered_last_as_a_promoter_can_be_asked_about() -> None:
    store = await counted(
        session("a", BEFORE), session("a", WITHIN), answer_to("nps", "a", BEFORE, 10), session("b", BEFORE),
        answer_to("nps", "b", BEFORE, 3),
    )  # fmt: skip
    said = [
        (await ask_crr(store, where=f"nps:{group}", **NOVEMBER))["crr"] for group in ("promoter", "detractor")
    ]
    assert said == [100.0, 0.0]


async def test_while_the_range_runs_there_is_no_rate() -> None:
    store = await counted(session("a", BEFORE), session("a", WITHIN))
    running = await ask_crr(store, now="2026-11-20T23:59:59Z", **NOVEMBER)
    assert [running[name] for name in ("cs", "ce", "crr", "low", "high", "churn", "complete")] == [
        *(1, 1, None, None, None, None, False)
    ]
    assert (await ask_crr(store, now="2026-11-21T00:00:00Z", **NOVEMBER))["crr"] == 100.0


async def test_nobody_before_is_no_rate() -> None:
    said = await ask_crr(await counted(session("a", WITHIN)), **NOVEMBER)
    assert (said["cs"], said["crr"], said["churn"], said["complete"]) == (0, None, None, True)


async def test_activity_after_as_of_does_not_exist() -> None:
    store = await counted(session("a", BEFORE), session("a", WITHIN))
    assert (await ask_crr(store, as_of="2026-11-14", **NOVEMBER))["ce"] == 0
    assert (await ask_crr(store, as_of="2026-11-15", **NOVEMBER))["ce"] == 1
    future = await ask_crr(store, as_of="2026-10-01", **NOVEMBER)
    assert (future["cs"], future["ce"], future["complete"]) == (0, 0, False)


async def test_without_dates_it_is_about_the_last_30_days_that_are_over() -> None:
    said = await ask_crr(await counted(), now="2026-11-20T12:00:00Z")
    assert (said["from"], said["to"], said["complete"]) == ("2026-10-21", "2026-11-19", True)
    said = await ask_crr(await counted(), now="2026-11-20T12:00:00Z", from_="2026-11-20")
    assert (said["from"], said["to"], said["complete"]) == ("2026-11-20", "2026-11-20", False)


async def test_ranges_without_end_are_refused_and_the_first_days_of_the_calendar_are_not() -> None:
    with pytest.raises(QueryError, match="10,000 days"):
        await ask_crr(await counted(), from_="2000-01-01", to="2026-11-20")
    assert (await ask_crr(await counted(), from_="0002-01-01", to="0013-01-01"))["cs"] == 0
