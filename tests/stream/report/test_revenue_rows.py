"""In which row and cell is a payment? Starts, weeks and months, and what does not exist yet."""

from __future__ import annotations

from tests.stream.report.counted import ask_revenue, counted, install
from tests.stream.report.sold import COHORT, DAY, bought, column


async def test_what_lies_before_the_start_is_in_no_cell_but_in_the_total() -> None:
    store = await counted(
        bought("a", "2026-11-19T14:00:00Z", "100.00"),
        bought("a", f"{DAY}T01:00:00Z", "10.00"),
        bought("a", f"{DAY}T02:00:00Z", "1.00", refund_of="x"),
        install("a", DAY),
        bought("b", f"{DAY}T01:00:00Z", "2.00"),
        install("b", DAY),
        bought("b", f"{DAY}T12:30:00Z", "3.00"),
        bought("b", f"{DAY}T23:00:00Z", "4.00"),
    )
    answer = await ask_revenue(store, **COHORT)
    assert column(answer, "payers") == [1, 0, 0]
    assert column(answer, "purchases") == [2, 0, 0]
    assert column(answer, "revenue")[0] == {"USD": "7.00"}
    assert column(answer, "conversion")[2] == 0.5
    assert (answer["rows"][0]["buyers"], answer["rows"][0]["purchases"]) == (1, 2)
    total = answer["total"]
    assert (total["revenue"], total["buyers"], total["purchases"]) == ({"USD": "18.00"}, 2, 4)


async def test_money_of_a_start_day_that_comes_to_nothing_is_still_cut_at_the_start() -> None:
    store = await counted(
        bought("a", f"{DAY}T01:00:00Z", "5.00"),
        install("a", DAY),
        bought("a", f"{DAY}T20:00:00Z", "5.00", refund_of="x"),
    )
    answer = await ask_revenue(store, **COHORT)
    assert column(answer, "revenue")[0] == {"USD": "-5.00"}
    assert answer["total"]["revenue"] == {}


async def test_a_first_purchase_makes_a_customer_and_a_refund_does_not() -> None:
    store = await counted(
        bought("a", f"{DAY}T01:00:00Z", "2.00", refund_of="x"),
        bought("a", f"{DAY}T14:00:00Z", "5.00"),
        bought("a", "2026-11-22T14:00:00Z", "6.00"),
        install("b", DAY),
    )
    answer = await ask_revenue(store, cohort="first_purchase", **COHORT)
    (row,) = answer["rows"]
    assert (row["size"], row["repeat_rate"], row["days_between"]) == (1, 1.0, 2.0)
    assert column(answer, "revenue") == [{"USD": "5.00"}, {}, {"USD": "6.00"}]
    assert column(answer, "active") == [1, 0, 1]
    assert answer["total"]["revenue"] == {"USD": "3.00"}


async def test_first_seen_counts_what_was_bought_before_the_install() -> None:
    store = await counted(bought("a", f"{DAY}T01:00:00Z", "2.00"), install("a", DAY))
    answer = await ask_revenue(store, cohort="first_seen", **COHORT)
    assert column(answer, "revenue")[0] == {"USD": "2.00"}
    assert column(answer, "payers")[0] == 1


async def test_in_a_week_each_member_starts_on_its_own_day() -> None:
    """2026-11-16 is a Monday. Anna installs on Wednesday; what she bought on Tuesday is before her time."""
    store = await counted(
        bought("anna", "2026-11-17T14:00:00Z", "100.00"),
        install("anna", "2026-11-18"),
        bought("anna", "2026-11-18T14:00:00Z", "1.00"),
        install("bo", "2026-11-16"),
        bought("bo", "2026-11-17T14:00:00Z", "2.00"),
        bought("bo", "2026-11-19T14:00:00Z", "2.50"),
        bought("bo", "2026-11-23T14:00:00Z", "4.00"),
    )
    asked = {"from_": "2026-11-19", "to": "2026-11-19", "now": "2026-11-24T00:00:00Z", "period": "week"}
    answer = await ask_revenue(store, **asked)
    assert (answer["rows"][0]["cohort"], answer["rows"][0]["size"]) == ("2026-11-16", 2)
    assert column(answer, "payers") == [2, 1]
    assert column(answer, "purchases") == [3, 1]
    assert column(answer, "revenue") == [{"USD": "5.50"}, {"USD": "4.00"}]
    assert column(answer, "complete") == [True, False]
    assert answer["total"]["revenue"] == {"USD": "105.50"}
    sunday = await ask_revenue(store, week_start="sunday", **asked)
    assert sunday["rows"][0]["cohort"] == "2026-11-15"


async def test_months_are_those_of_the_calendar() -> None:
    store = await counted(install("a", "2026-01-31"), bought("a", "2026-02-01T14:00:00Z", "1.00"))
    answer = await ask_revenue(
        store, from_="2026-01-15", to="2026-01-20", now="2026-03-01T00:00:00Z", period="month"
    )
    assert answer["rows"][0]["cohort"] == "2026-01-01"
    assert column(answer, "revenue") == [{}, {"USD": "1.00"}, {}]
    assert column(answer, "complete") == [True, True, False]


async def test_what_lies_behind_the_last_cell_asked_for_is_in_no_other() -> None:
    store = await counted(
        install("a", DAY), install("b", "2026-11-21"), bought("a", "2026-11-22T14:00:00Z", "1.00")
    )
    asked = {"from_": DAY, "to": "2026-11-21", "periods": "1"}
    answer = await ask_revenue(store, **asked)
    assert [column(answer, "purchases", row) for row in (0, 1)] == [[0, 0], [0, 0]]
    assert [column(answer, "revenue", row) for row in (0, 1)] == [[{}, {}], [{}, {}]]
    assert answer["rows"][0]["buyers"] == 1


async def test_as_of_hides_what_came_on_later_dates() -> None:
    store = await counted(
        install("a", DAY),
        bought("a", "2026-11-21T23:00:00Z", "1.00"),
        bought("a", "2026-11-22T00:00:00Z", "2.00"),
    )
    answer = await ask_revenue(store, from_=DAY, to="2026-11-25", as_of="2026-11-21T00:30:00Z")
    assert column(answer, "revenue") == [{}, {"USD": "1.00"}]
    assert (answer["rows"][0]["repeat_rate"], answer["total"]["purchases"]) == (0.0, 1)
