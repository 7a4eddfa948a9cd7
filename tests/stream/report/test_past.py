"""Segments as they stood at as_of: what was said later is taken back, and nobody else moves."""

from __future__ import annotations

from typing import Any

import pytest

from stream.report import QueryError, past
from stream.report.sets import NOT_SET
from tests.stream.report.counted import (
    answer_to,
    ask,
    ask_compare,
    ask_crr,
    ask_revenue,
    counted,
    event,
    install,
    purchase,
    session,
)

COHORT = {"from_": "2026-11-20", "to": "2026-11-20", "periods": "1"}


def sizes(answer: dict[str, Any]) -> dict[str | None, int]:
    return {row["segment"]: row["size"] for row in answer["rows"]}


async def test_a_value_that_was_said_later_is_not_there_yet() -> None:
    store = await counted(
        install("a", "2026-11-20"),
        session("a", "2026-11-23", country="VN"),
        install("b", "2026-11-20", country="VN"),
    )
    for as_of, said in (("2026-11-22T12:00:00Z", 1), ("2026-11-23T00:00:00Z", 2)):
        assert sizes(await ask(store, where="country:VN", as_of=as_of, **COHORT)) == {None: said}
        unset = {} if said == 2 else {NOT_SET: 1}
        assert sizes(await ask(store, breakdown="country", as_of=as_of, **COHORT)) == {"VN": said} | unset
        assert sizes(await ask(store, where="country:(not set)", as_of=as_of, **COHORT)) == {None: 2 - said}


async def test_a_value_that_nobody_has_any_more_was_somebodys() -> None:
    store = await counted(session("a", "2026-11-20", country="VN"), install("a", "2026-11-22", country="US"))
    asked = COHORT | {"cohort": "first_seen"}
    for as_of, country in (("2026-11-21", "VN"), ("2026-11-22", "US")):
        assert sizes(await ask(store, breakdown="country", as_of=as_of, **asked)) == {country: 1}
        assert sizes(await ask(store, where=f"country:{country}", as_of=as_of, **asked)) == {None: 1}


async def test_a_promoter_who_was_none_yet() -> None:
    scores = {"2026-11-20": 9, "2026-11-22": 2, "2026-11-24": 8}
    store = await counted(
        install("a", "2026-11-20"), *(answer_to("nps", "a", day, score) for day, score in scores.items())
    )
    groups = [
        next(iter(sizes(await ask(store, breakdown="nps", as_of=f"2026-11-{day}", **COHORT))))
        for day in range(20, 26)
    ]
    assert groups == ["promoter", "promoter", "detractor", "detractor", "passive", "passive"]


async def test_what_was_said_in_a_later_hour_does_not_exist_where_hours_count() -> None:
    store = await counted(
        event("installs", "a", "2026-11-20T08:00:00Z"),
        event("sessions", "a", "2026-11-20T11:00:00Z", country="VN"),
        event("sessions", "a", "2026-11-21T10:00:00Z", platform="ios"),
    )
    hours, windows = {"period": "hour"} | COHORT, {"window": "elapsed"} | COHORT
    for asked in (hours, windows):
        for as_of, country in (("2026-11-20T10:59:00Z", 0), ("2026-11-20T11:00:00Z", 1)):
            answer = await ask(store, where="country:VN", as_of=as_of, **asked)
            assert sum(row["size"] for row in answer["rows"]) == country
        for as_of, platform in (("2026-11-21T09:59:00Z", 0), ("2026-11-21T10:00:00Z", 1)):
            answer = await ask(store, where="platform:ios", as_of=as_of, **asked)
            assert sum(row["size"] for row in answer["rows"]) == platform


async def test_cells_that_are_over_look_from_the_hour_too() -> None:
    store = await counted(
        install("a", "2026-11-20"), event("sessions", "a", "2026-11-25T10:00:00Z", platform="ios")
    )
    for as_of, size in (("2026-11-25T09:59:00Z", 0), ("2026-11-25T10:00:00Z", 1)):
        answer = await ask(store, window="elapsed", where="platform:ios", as_of=as_of, **COHORT)
        assert all(cell["complete"] for cell in answer["rows"][0]["cells"])
        assert sizes(answer) == {None: size}


async def test_a_refund_says_something_in_its_hour() -> None:
    back = {"amount": "1.00", "currency": "USD", "refund_of": "x", "country": "VN"}
    store = await counted(install("a", "2026-11-20"), event("purchases", "a", "2026-11-20T15:00:00Z", **back))
    for as_of, size in (("2026-11-20T14:59:00Z", 0), ("2026-11-20T15:00:00Z", 1)):
        assert sizes(await ask(store, window="elapsed", where="country:VN", as_of=as_of, **COHORT)) == {
            None: size
        }


async def test_a_value_of_some_hours_is_found_in_them() -> None:
    store = await counted(
        session("a", "2026-11-20", country="VN"),
        event("installs", "a", "2026-11-20T16:00:00Z", country="US"),
        session("b", "2026-11-19"),
        answer_to("nps", "b", "2026-11-20", 10),
        event("feedback", "b", "2026-11-20T18:00:00Z", kind="nps", score=1),
    )
    asked = {"from_": "2026-11-19", "to": "2026-11-20", "period": "hour", "cohort": "first_seen"}
    for where, hours in (("country:VN", range(13, 16)), ("nps:promoter", range(15, 18))):
        found = [
            sum(row["size"] for row in (await ask(store, where=where, as_of=as_of, **asked))["rows"])
            for as_of in (f"2026-11-20T{hour}:30:00Z" for hour in range(12, 20))
        ]
        assert found == [int(hour in hours) for hour in range(12, 20)]


async def test_every_answer_with_conditions_looks_from_as_of() -> None:
    store = await counted(
        *(one(user, "2026-11-20") for one in (install, purchase) for user in "ab"),
        *(session(user, "2026-11-21") for user in "ab"),
        session("a", "2026-11-24", variant="new"),
        session("b", "2026-11-26", variant="new"),
    )
    found = []
    for as_of in ("2026-11-23", "2026-11-24", "2026-11-26"):
        asked = {"from_": "2026-11-20", "to": "2026-11-21", "as_of": as_of}
        where = asked | {"where": "variant:new"}
        money = (await ask_revenue(store, **where))["total"]["buyers"]
        stayed = (await ask_crr(store, **where | {"from_": "2026-11-21"}))["cs"]
        compared = await ask_compare(store, a="new", b="(not set)", day="1", **asked)
        found.append((money, stayed, compared["a"]["size"], compared["b"]["size"]))
    assert found == [(0, 0, 0, 2), (1, 1, 1, 1), (2, 2, 2, 0)]


async def test_what_a_joined_id_has_said_is_known_for_the_past_too() -> None:
    store = await counted(
        install("a", "2026-11-20"),
        session("b", "2026-11-20", country="VN"),
        session("a", "2026-11-24", country="US"),
        event("identities", "a", "2026-11-25T00:00:00Z", alias="b"),
    )
    # Identity is as known now: what b said on the first day, a has said.
    assert sizes(await ask(store, breakdown="country", as_of="2026-11-21", **COHORT)) == {"VN": 1}


async def test_an_answer_takes_back_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    store = await counted(
        *(install(str(day), "2026-11-20") for day in range(3)),
        *(session(str(day), f"2026-11-2{day + 2}", country="VN") for day in range(3)),
    )
    monkeypatch.setattr(past, "CHANGES_MAX", 2)
    assert sizes(await ask(store, where="country:VN", as_of="2026-11-22", **COHORT)) == {None: 1}
    with pytest.raises(QueryError, match="later as_of"):
        await ask(store, where="country:VN", as_of="2026-11-21", **COHORT)


async def test_many_values_that_ended_are_read_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "VALUES_AT_ONCE", 2)
    store = await counted(
        *(session(str(number), "2026-11-20", country=f"c{number}") for number in range(7)),
        *(install(str(number), f"2026-11-2{number % 3 + 2}", country="US") for number in range(7)),
    )
    asked = COHORT | {"cohort": "first_seen", "breakdown": "country", "as_of": "2026-11-21"}
    assert sizes(await ask(store, **asked)) == {f"c{number}": 1 for number in range(7)}
