"""Does the oracle count money to the last unit? Revenue cells and the revenue answer, a small story each."""

from __future__ import annotations

from typing import Any

from tests.oracle_money import per_head
from tests.told import ask, install, purchase, refund, session, shown, told

ASKED = {"from_": "2026-03-01", "periods": "2", "return_": "revenue"}


def test_a_refund_takes_money_back_on_its_own_date_and_no_payer() -> None:
    oracle = told(
        install("u", "2026-03-01"), purchase("u", "2026-03-01", "9.99"), refund("u", "2026-03-03", "10")
    )
    answer = ask(oracle, **ASKED)
    assert shown(answer, "revenue") == [{"USD": "9.99"}, {}, {"USD": "-10.00"}]
    assert shown(answer, "users") == [1, 0, 0]
    assert [cell["revenue"] for cell in answer["average"]] == [{"USD": "9.99"}, {}, {"USD": "-10.00"}]


def test_a_currency_that_cancels_out_is_not_there_and_currencies_are_never_added() -> None:
    oracle = told(
        install("u", "2026-03-01T00:00:00Z"),
        purchase("u", "2026-03-01", "5", currency="JPY"), refund("u", "2026-03-01", "5", currency="JPY"),
        purchase("u", "2026-03-01", "1.005", currency="KWD"), purchase("u", "2026-03-01", "0.10"),
        purchase("u", "2026-03-01", "0", currency="VND"),
    )  # fmt: skip
    assert shown(ask(oracle, **ASKED), "revenue")[0] == {"KWD": "1.005", "USD": "0.10"}


def test_money_before_the_slot_of_the_start_is_in_no_cell() -> None:
    oracle = told(
        install("u", "2026-03-01T12:30:00Z"),
        purchase("u", "2026-03-01T11:00:00Z", "4"), refund("u", "2026-03-01T11:30:00Z", "3"),
        refund("u", "2026-03-01T12:00:00Z", "2"),
    )  # fmt: skip
    assert shown(ask(oracle, **ASKED), "revenue") == [{"USD": "-2.00"}, {}, {}]
    assert shown(ask(oracle, **ASKED, criterion="on_or_after"), "revenue") == [{"USD": "-2.00"}, {}, {}]


def test_criteria_and_brackets_add_the_money_of_their_periods() -> None:
    oracle = told(
        install("u", "2026-03-01"), purchase("u", "2026-03-01", "1"), purchase("u", "2026-03-02", "2"),
        purchase("u", "2026-03-03", "4"),
    )  # fmt: skip

    def dollars(**more: str) -> list[dict[str, str]]:
        return shown(ask(oracle, **{"from_": "2026-03-01", "return_": "revenue"} | more), "revenue")

    assert dollars(periods="1", criterion="on_or_after") == [{"USD": "7.00"}, {"USD": "6.00"}]
    assert dollars(periods="2", criterion="up_to") == [{"USD": "1.00"}, {"USD": "2.00"}, {"USD": "6.00"}]
    assert dollars(brackets="1-2") == [{"USD": "1.00"}, {"USD": "6.00"}]


def test_money_per_user_is_rounded_half_to_even_with_two_digits_more_than_the_currency() -> None:
    assert per_head({"USD": 100, "JPY": 100, "KWD": 1}, 3) == {
        "USD": "0.3333",
        "JPY": "33.33",
        "KWD": "0.00033",
    }
    assert per_head({"JPY": 1}, 200) == {"JPY": "0.00"}
    assert per_head({"JPY": 3}, 200) == {"JPY": "0.02"}
    assert per_head({"JPY": -1}, 8) == {"JPY": "-0.12"}
    assert per_head({"USD": 1}, 0) == {}


def revenue(**more: str) -> dict[str, Any]:
    """Three users of one cohort, one of whom came before the tracker's range."""
    oracle = told(
        install("a", "2026-03-01"), purchase("a", "2026-03-01", "3.00"), purchase("a", "2026-03-01", "3.00"),
        purchase("a", "2026-03-02", "1.00"),
        install("b", "2026-03-01"), session("b", "2026-03-02"), refund("b", "2026-03-02", "0.50"),
        install("c", "2026-03-01"), purchase("c", "2026-03-03", "2.00"),
        install("d", "2026-02-01"), purchase("d", "2026-03-01", "7.00"),
    )  # fmt: skip
    return ask(oracle, "revenue", **{"from_": "2026-03-01", "periods": "2"} | more)


def test_the_revenue_answer_adds_up() -> None:
    (row,) = revenue()["rows"]
    assert (row["cohort"], row["size"], row["repeat_rate"]) == ("2026-03-01", 3, 0.5)
    assert row["cells"] == [
        {
            "n": 0, "active": 3, "payers": 1, "purchases": 2, "revenue": {"USD": "6.00"},
            "arpu": {"USD": "2.0000"}, "arppu": {"USD": "6.0000"}, "ltv": {"USD": "2.0000"},
            "conversion": 1 / 3, "complete": True,
        },
        {
            "n": 1, "active": 2, "payers": 1, "purchases": 1, "revenue": {"USD": "0.50"},
            "arpu": {"USD": "0.2500"}, "arppu": {"USD": "0.5000"}, "ltv": {"USD": "2.1667"},
            "conversion": 1 / 3, "complete": True,
        },
        {
            "n": 2, "active": 1, "payers": 1, "purchases": 1, "revenue": {"USD": "2.00"},
            "arpu": {"USD": "2.0000"}, "arppu": {"USD": "2.0000"}, "ltv": {"USD": "2.8333"},
            "conversion": 2 / 3, "complete": True,
        },
    ]  # fmt: skip


def test_the_total_is_what_is_dated_in_the_range_whoever_bought_it() -> None:
    assert revenue()["total"] == {
        "revenue": {"USD": "13.00"},
        "buyers": 2,
        "purchases": 3,
        "repeat_rate": 0.0,
    }
    assert revenue(to="2026-03-03")["total"] == {
        "revenue": {"USD": "15.50"},
        "buyers": 3,
        "purchases": 5,
        "repeat_rate": 1 / 3,
    }


def test_the_total_widens_to_whole_periods_and_ends_with_as_of() -> None:
    week = revenue(period="week", to="2026-03-02")["total"]
    assert week == {"revenue": {"USD": "15.50"}, "buyers": 3, "purchases": 5, "repeat_rate": 1 / 3}
    assert revenue(period="week", as_of="2026-02-23")["total"] == {
        "revenue": {},
        "buyers": 0,
        "purchases": 0,
        "repeat_rate": None,
    }


def test_repeat_buyers_bought_on_two_dates_from_the_start_on() -> None:
    oracle = told(
        install("a", "2026-03-01"), purchase("a", "2026-02-28"), purchase("a", "2026-03-05"),
        install("b", "2026-03-01"), purchase("b", "2026-03-05"), purchase("b", "2026-03-09"),
    )  # fmt: skip
    asked = {"from_": "2026-03-01", "periods": "0"}
    assert ask(oracle, "revenue", **asked)["rows"][0]["repeat_rate"] == 0.5
    assert ask(oracle, "revenue", **asked, as_of="2026-03-08")["rows"][0]["repeat_rate"] == 0.0
    assert ask(oracle, "revenue", **asked, as_of="2026-03-04")["rows"][0]["repeat_rate"] is None


def test_who_is_nobody_pays_nothing_per_head() -> None:
    answer = ask(told(), "revenue", from_="2026-03-01", periods="0")
    assert answer["rows"][0]["cells"][0] | {"n": 0} == {
        "n": 0, "active": 0, "payers": 0, "purchases": 0, "revenue": {}, "arpu": {}, "arppu": {}, "ltv": {},
        "conversion": None, "complete": True,
    }  # fmt: skip
