"""Revenue, by small examples: who paid how much, per user, and whether they came back to buy."""

from __future__ import annotations

import pytest

from tests.stream.report.counted import ask_revenue, counted, install, session
from tests.stream.report.sold import COHORT, DAY, bought, column


async def test_a_cohort_is_followed_by_what_it_pays_per_user_and_per_payer() -> None:
    store = await counted(
        *(install(name, DAY) for name in "abc"),
        bought("a", f"{DAY}T14:00:00Z", "10.00"),
        bought("a", f"{DAY}T15:00:00Z", "0.01"),
        bought("b", "2026-11-21T14:00:00Z", "5.00"),
        session("c", "2026-11-21"),
    )
    answer = await ask_revenue(store, **COHORT)
    (row,) = answer["rows"]
    assert (row["cohort"], row["size"], row["size_complete"]) == (DAY, 3, True)
    assert column(answer, "active") == [3, 2, 0]
    assert column(answer, "payers") == [1, 1, 0]
    assert column(answer, "purchases") == [2, 1, 0]
    assert column(answer, "revenue") == [{"USD": "10.01"}, {"USD": "5.00"}, {}]
    assert column(answer, "arpu") == [{"USD": "3.3367"}, {"USD": "2.5000"}, {}]
    assert column(answer, "arppu") == [{"USD": "10.0100"}, {"USD": "5.0000"}, {}]
    assert column(answer, "ltv") == [{"USD": "3.3367"}, {"USD": "5.0033"}, {"USD": "5.0033"}]
    assert column(answer, "conversion") == [1 / 3, 2 / 3, 2 / 3]
    assert column(answer, "complete") == [True, True, False]


async def test_cells_are_absent_before_their_span_began_and_cohorts_before_they_began() -> None:
    answer = await ask_revenue(
        await counted(install("a", DAY)), from_=DAY, to="2026-12-01", now=COHORT["now"]
    )
    assert [len(row["cells"]) for row in answer["rows"]] == [3, 2, 1]
    assert [row["size_complete"] for row in answer["rows"]] == [True, True, False]
    store = await counted(bought("a", f"{DAY}T01:00:00Z", "5.00"), install("a", DAY))
    answer = await ask_revenue(store, from_="2026-12-01", to="2026-12-02", now=COHORT["now"])
    assert answer["rows"] == []
    assert answer["total"]["revenue"] == {}
    assert (answer["total"]["buyers"], answer["total"]["repeat_rate"]) == (0, None)


async def test_the_average_pools_the_cohorts_for_which_n_is_over() -> None:
    store = await counted(
        *(install(name, DAY) for name in "abc"),
        install("d", "2026-11-21"),
        bought("a", f"{DAY}T14:00:00Z", "10.00"),
        bought("d", "2026-11-21T14:00:00Z", "2.00"),
        bought("b", "2026-11-21T14:00:00Z", "6.00"),
        bought("c", "2026-11-22T14:00:00Z", "9.00"),
    )
    answer = await ask_revenue(store, **COHORT | {"to": "2026-11-22"})
    told = [(cell["n"], cell["size"], cell["ltv"], cell["conversion"]) for cell in answer["average"]]
    assert told == [(0, 4, {"USD": "3.0000"}, 1 / 2), (1, 3, {"USD": "5.3333"}, 2 / 3)]
    assert (await ask_revenue(await counted(), **COHORT))["average"][0]["ltv"] == {}


async def test_nobody_has_no_averages_and_no_shares() -> None:
    answer = await ask_revenue(await counted(), **COHORT)
    cell = answer["rows"][0]["cells"][0]
    assert [cell[name] for name in ("revenue", "arpu", "arppu", "ltv")] == [{}, {}, {}, {}]
    assert (cell["conversion"], cell["low"], cell["high"]) == (None, None, None)
    row = answer["rows"][0]
    names = ("repeat_rate", "low", "high", "frequency", "days_between")
    assert [row[name] for name in names] == [None] * 5
    assert [answer["total"][name] for name in names] == [None] * 5
    assert answer["projection"] is None


async def test_shares_carry_their_wilson_interval() -> None:
    store = await counted(
        *(install(str(user), DAY) for user in range(20)), bought("0", f"{DAY}T14:00:00Z", "1.00")
    )
    cell = (await ask_revenue(store, **COHORT))["rows"][0]["cells"][0]
    assert (cell["low"], cell["conversion"], cell["high"]) == pytest.approx((0.0089, 0.05, 0.2361), abs=1e-4)


@pytest.mark.parametrize(
    ("currency", "amount", "average"),
    [
        ("VND", "50000", "25000.00"),
        ("JPY", "501", "250.50"),
        ("KWD", "1.005", "0.50250"),
        ("EUR", "0.01", "0.0050"),
    ],
)
async def test_every_currency_has_its_own_digits(currency: str, amount: str, average: str) -> None:
    store = await counted(
        install("a", DAY), install("b", DAY), bought("a", f"{DAY}T14:00:00Z", amount, currency)
    )
    cell = (await ask_revenue(store, **COHORT))["rows"][0]["cells"][0]
    assert cell["revenue"] == {currency: amount}
    assert cell["arpu"] == cell["ltv"] == {currency: average}


async def test_currencies_stand_beside_each_other_and_are_never_added() -> None:
    store = await counted(
        install("a", DAY),
        bought("a", f"{DAY}T14:00:00Z", "5", "USD"),
        bought("a", f"{DAY}T15:00:00Z", "5", "EUR"),
        bought("a", "2026-11-21T15:00:00Z", "5000", "VND"),
    )
    answer = await ask_revenue(store, **COHORT)
    assert column(answer, "revenue")[:2] == [{"EUR": "5.00", "USD": "5.00"}, {"VND": "5000"}]
    assert column(answer, "ltv")[1] == {"EUR": "5.0000", "USD": "5.0000", "VND": "5000.00"}
    assert column(answer, "payers")[:2] == [1, 1]
    assert answer["total"]["revenue"] == {"EUR": "5.00", "USD": "5.00"}


async def test_a_refund_subtracts_on_its_own_date_and_payers_stay() -> None:
    store = await counted(
        install("a", DAY),
        bought("a", f"{DAY}T14:00:00Z", "5.00"),
        bought("a", "2026-11-21T14:00:00Z", "7.50", refund_of="x"),
    )
    answer = await ask_revenue(store, **COHORT)
    assert column(answer, "revenue") == [{"USD": "5.00"}, {"USD": "-7.50"}, {}]
    assert column(answer, "ltv")[1:] == [{"USD": "-2.5000"}, {"USD": "-2.5000"}]
    assert column(answer, "payers") == [1, 0, 0]
    assert column(answer, "purchases") == [1, 0, 0]
    assert column(answer, "arpu")[1] == {}
    assert column(answer, "conversion") == [1.0, 1.0, 1.0]


async def test_a_sum_of_nothing_is_left_out() -> None:
    store = await counted(
        install("a", DAY),
        bought("a", f"{DAY}T14:00:00Z", "5.00"),
        bought("a", f"{DAY}T15:00:00Z", "5.00", refund_of="x"),
        bought("b", f"{DAY}T14:00:00Z", "0"),
    )
    answer = await ask_revenue(store, **COHORT)
    assert column(answer, "revenue")[0] == column(answer, "arppu")[0] == {}
    assert answer["total"]["revenue"] == {}
    assert (answer["total"]["buyers"], answer["total"]["purchases"]) == (2, 2)


async def test_who_buys_on_two_days_repeats_and_the_gap_between_is_measured() -> None:
    store = await counted(
        *(install(name, DAY) for name in "abc"),
        bought("a", f"{DAY}T14:00:00Z", "1.00"),
        bought("a", f"{DAY}T15:00:00Z", "1.00"),
        bought("b", f"{DAY}T14:00:00Z", "1.00"),
        bought("b", "2026-11-21T14:00:00Z", "1.00"),
        bought("b", "2026-11-25T14:00:00Z", "1.00"),
        bought("b", "2026-12-25T14:00:00Z", "1.00"),
    )
    asked = {"from_": DAY, "to": "2026-11-21", "as_of": "2026-11-30T00:00:00Z", "periods": "1"}
    answer = await ask_revenue(store, **asked)
    assert column(answer, "conversion") == [2 / 3, 2 / 3]
    row, total = answer["rows"][0], answer["total"]
    assert [row[name] for name in ("buyers", "purchases", "repeat_rate", "frequency", "days_between")] == [
        *(2, 5, 0.5, 2.5, 2.5)
    ]
    assert [total[name] for name in ("buyers", "purchases", "repeat_rate", "frequency", "days_between")] == [
        *(2, 4, 0.5, 2.0, 1.0)
    ]


async def test_the_total_is_about_what_was_sold_in_the_days_asked_for_whoever_bought_it() -> None:
    store = await counted(
        session("old", "2026-10-01"),
        bought("old", f"{DAY}T14:00:00Z", "8.00"),
        bought("old", "2026-11-21T14:00:00Z", "9.00"),
        install("a", DAY),
    )
    answer = await ask_revenue(store, **COHORT)
    total = answer["total"]
    assert (total["revenue"], total["buyers"], total["active"]) == ({"USD": "8.00"}, 1, 2)
    assert total["purchases"] == 1
    assert (total["arpu"], total["arppu"]) == ({"USD": "4.0000"}, {"USD": "8.0000"})
    assert column(answer, "revenue") == [{}, {}, {}]


async def test_ltv_is_projected_from_complete_cells_alone() -> None:
    """Twelve users come and buy again and again; on the last day, which is not over, one spends a fortune."""
    users = [f"user {number}" for number in range(12)]
    days = [f"2026-11-{day}" for day in range(10, 22)]
    told = [install(user, days[0]) for user in users]
    told += [
        bought(user, f"{day}T14:00:00Z", f"{1 + place % 3}.00")
        for at, day in enumerate(days[:-1])
        for place, user in enumerate(users[: 12 - at // 2])
    ]
    rich = bought("user 0", f"{days[-1]}T01:00:00Z", "9999999.00")
    asked = {"from_": days[0], "to": days[0], "now": f"{days[-1]}T18:00:00Z", "periods": "50"}
    answer = await ask_revenue(await counted(*told), **asked)
    (found,) = answer["projection"]
    assert [found[name] for name in ("currency", "method", "cells", "users")] == [
        "USD",
        "shifted_power",
        10,
        12,
    ]
    assert [point["n"] for point in found["points"]] == [14, 30, 50, 60, 90]
    observed = float(column(answer, "ltv")[10]["USD"])
    for point in found["points"]:
        low, ltv, high = (float(point[name]) for name in ("low", "ltv", "high"))
        assert low < ltv < high
        assert ltv > observed
        assert len(point["ltv"].partition(".")[2]) == 4
    assert (await ask_revenue(await counted(*told, rich), **asked))["projection"] == answer["projection"]
    assert (await ask_revenue(await counted(*told), **asked | {"periods": "5"}))["projection"] is None


async def test_conditions_hold_for_members_buyers_and_the_total() -> None:
    store = await counted(
        install("a", DAY, country="VN"),
        install("b", DAY, country="US"),
        install("c", DAY),
        *(bought(name, f"{DAY}T14:00:00Z", "1.00") for name in "abc"),
        *(bought(name, "2026-11-21T14:00:00Z", "2.00", refund_of="x") for name in "abc"),
    )
    for where in ("country:VN", "country:(not set)"):
        answer = await ask_revenue(store, where=where, **COHORT)
        assert (answer["rows"][0]["size"], answer["total"]["buyers"], answer["total"]["active"]) == (1, 1, 1)
        assert column(answer, "revenue") == [{"USD": "1.00"}, {"USD": "-2.00"}, {}]
    assert (await ask_revenue(store, where="country:XX", **COHORT))["total"]["revenue"] == {}


@pytest.mark.parametrize("shards", [1, 3])
async def test_sums_of_the_largest_amounts_are_exact(shards: int) -> None:
    users = [f"user {number}" for number in range(30)]
    store = await counted(
        *(install(user, DAY) for user in users),
        *(bought(user, f"{DAY}T14:00:00Z", "9999999999.99") for user in users),
        shards=shards,
    )
    answer = await ask_revenue(store, **COHORT)
    assert column(answer, "revenue")[0] == answer["total"]["revenue"] == {"USD": "299999999999.70"}
    assert column(answer, "arpu")[0] == {"USD": "9999999999.9900"}
