"""When a return counts: criteria and brackets, period 0 of buying, and what is exact about money."""

from __future__ import annotations

from typing import Any

from tests.stream.report.counted import ask, counted, event, install, purchase, session, users

ONE_DAY: dict[str, str] = {"from_": "2026-11-01", "to": "2026-11-01", "now": "2026-11-11T00:00:00Z"}


def cells(answer: dict[str, Any], name: str) -> list[Any]:
    return [cell[name] for cell in answer["rows"][0]["cells"]]


def paid(user: str, time: str, amount: str, currency: str = "USD", **fields: Any) -> Any:
    return event("purchases", user, time, amount=amount, currency=currency, **fields)


async def test_up_to_counts_a_user_from_the_first_return_on_but_not_before_the_first_period() -> None:
    store = await counted(install("a", "2026-11-01"), session("a", "2026-11-01"), session("a", "2026-11-03"))
    answer = await ask(store, criterion="up_to", periods="3", **ONE_DAY)
    assert users(answer) == {"2026-11-01": [1, 0, 1, 1]}


async def test_brackets_count_who_came_back_in_any_of_their_periods() -> None:
    store = await counted(install("a", "2026-11-01"), session("a", "2026-11-03"), session("a", "2026-11-05"))
    answer = await ask(store, brackets="1-2,3-3,4-20", **ONE_DAY)
    assert cells(answer, "n") == [0, 1, 3, 4]
    assert cells(answer, "label") == ["0", "1-2", "3", "4-20"]
    assert cells(answer, "users") == [1, 1, 0, 1]
    assert cells(answer, "complete") == [True, True, True, False]
    assert [cell["label"] for cell in answer["average"]] == ["0", "1-2", "3"]
    answer = await ask(store, brackets="1-2,3,4-20", criterion="on_or_after", **ONE_DAY)
    assert cells(answer, "users") == [1, 1, 1, 1]


async def test_a_bracket_is_absent_before_its_first_period() -> None:
    store = await counted(install("a", "2026-11-01"))
    answer = await ask(store, brackets="1-2,10,11", **ONE_DAY)
    assert cells(answer, "label") == ["0", "1-2", "10"]


async def test_brackets_may_overlap_and_begin_with_the_start() -> None:
    store = await counted(install("a", "2026-11-01"), purchase("a", "2026-11-02"))
    answer = await ask(store, brackets="1-7,0-3,2-3", return_="purchase", **ONE_DAY)
    assert list(zip(cells(answer, "label"), cells(answer, "users"), strict=True)) == [
        ("0", 0),
        ("0-3", 1),
        ("1-7", 1),
        ("2-3", 0),
    ]


async def test_a_purchase_counts_in_period_0_unless_it_was_in_an_hour_before_the_start() -> None:
    store = await counted(
        *(event("installs", user, "2026-11-01T12:30:00Z") for user in "abc"),
        paid("a", "2026-11-01T11:59:00Z", "1"),
        paid("b", "2026-11-01T12:00:00Z", "2"),
        paid("c", "2026-11-01T11:00:00Z", "3"),
        paid("c", "2026-11-01T13:00:00Z", "4"),
    )
    answer = await ask(store, return_="revenue", periods="0", **ONE_DAY)
    assert (cells(answer, "users"), cells(answer, "revenue")) == ([2], [{"USD": "6.00"}])
    # They were all first seen at their first purchase or install, so nothing lies before that.
    answer = await ask(store, return_="revenue", cohort="first_seen", periods="0", **ONE_DAY)
    assert (cells(answer, "users"), cells(answer, "revenue")) == ([3], [{"USD": "10.00"}])


async def test_every_day_of_a_recurring_cohort_has_its_own_start() -> None:
    store = await counted(
        paid("a", "2026-11-01T08:00:00Z", "1"),
        event("sessions", "a", "2026-11-01T09:00:00Z"),
        paid("a", "2026-11-02T10:00:00Z", "2"),
        event("sessions", "a", "2026-11-02T09:00:00Z"),
    )
    asked = ONE_DAY | {"to": "2026-11-02", "cohort": "session", "return_": "revenue", "periods": "1"}
    rows = (await ask(store, **asked))["rows"]
    assert [[cell["revenue"] for cell in row["cells"]] for row in rows] == [
        [{}, {"USD": "2.00"}],
        [{"USD": "2.00"}, {}],
    ]
    # In a week the first of the two days is the start of both.
    (row,) = (await ask(store, period="week", **asked))["rows"][:1]
    assert (row["size"], [cell["users"] for cell in row["cells"]]) == (1, [0, 1])


async def test_refunds_take_money_back_on_their_own_date_and_payers_stay() -> None:
    store = await counted(
        install("a", "2026-11-01"),
        paid("a", "2026-11-02T10:00:00Z", "10"),
        paid("a", "2026-11-04T10:00:00Z", "10", refund_of="x"),
    )
    answer = await ask(store, return_="revenue", periods="3", **ONE_DAY)
    assert cells(answer, "revenue") == [{}, {"USD": "10.00"}, {}, {"USD": "-10.00"}]
    assert cells(answer, "users") == [0, 1, 0, 0]
    answer = await ask(store, return_="revenue", criterion="on_or_after", periods="3", **ONE_DAY)
    assert cells(answer, "revenue") == [{}, {}, {"USD": "-10.00"}, {"USD": "-10.00"}]
    assert cells(answer, "users") == [1, 1, 0, 0]


async def test_currencies_are_never_added_and_keep_their_digits() -> None:
    store = await counted(
        install("a", "2026-11-01", country="VN"),
        install("b", "2026-11-01", country="US"),
        paid("a", "2026-11-02T10:00:00Z", "1000000000000", "VND"),
        paid("a", "2026-11-02T11:00:00Z", "1000000000000", "VND"),
        paid("b", "2026-11-02T10:00:00Z", "0.01", "USD"),
        paid("b", "2026-11-02T10:00:01Z", "0.001", "KWD"),
    )
    asked = ONE_DAY | {"return_": "revenue", "periods": "1"}
    answer = await ask(store, **asked)
    assert list(cells(answer, "revenue")[1].items()) == [
        ("KWD", "0.001"),
        ("USD", "0.01"),
        ("VND", "2000000000000"),
    ]
    assert answer["average"][1]["revenue"] == cells(answer, "revenue")[1]
    assert cells(await ask(store, where="country:VN", **asked), "revenue")[1] == {"VND": "2000000000000"}
    rows = (await ask(store, breakdown="country", **asked))["rows"]
    assert [(row["segment"], row["cells"][1]["revenue"]) for row in rows] == [
        ("US", {"KWD": "0.001", "USD": "0.01"}),
        ("VN", {"VND": "2000000000000"}),
    ]
