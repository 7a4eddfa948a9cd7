"""What can be asked about: apps with their zones, and values by how many users have them."""

from __future__ import annotations

import pytest

from stream.report import QueryError, apps, values
from stream.report.choices import parse_values
from stream.store.memory import MemoryStore
from tests.stream.report.counted import APP, counted, install, session

RECORDS = (
    install("anna", "2026-11-20", country="VN"),
    install("bo", "2026-11-20", country="US"),
    install("cem", "2026-11-20", country="US"),
    install("dao", "2026-11-20", country="BR"),
    install("eva", "2026-11-20", country="(not set)"),
    session("fay", "2026-11-20"),
)


async def test_an_app_is_there_once_something_of_it_is_counted() -> None:
    assert await apps(MemoryStore()) == []
    store = await counted(*RECORDS, zone="Asia/Ho_Chi_Minh")
    await store.claim_zone("game", "UTC")
    assert await apps(store) == [
        {"app": "game", "timezone": "UTC"},
        {"app": APP, "timezone": "Asia/Ho_Chi_Minh"},
    ]


async def test_where_apps_are_named_those_are_there_with_the_zone_of_their_data() -> None:
    store = await counted(*RECORDS, zone="Asia/Ho_Chi_Minh")
    await store.claim_zone("old", "UTC")
    assert await apps(store, {"soon": "Europe/Berlin", APP: "UTC"}) == [
        {"app": APP, "timezone": "Asia/Ho_Chi_Minh"},
        {"app": "soon", "timezone": "Europe/Berlin"},
    ]


async def test_values_come_by_users_and_then_by_their_text() -> None:
    store = await counted(*RECORDS)
    answer = await values(store, parse_values({"app": APP, "dimension": "country"}))
    assert answer == {
        "app": APP,
        "dimension": "country",
        "values": [
            {"value": "US", "users": 2},
            {"value": "BR", "users": 1},
            {"value": "VN", "users": 1},
        ],
        "more": 0,
    }


async def test_the_limit_says_how_many_are_left_out() -> None:
    store = await counted(*RECORDS)
    answer = await values(store, parse_values({"app": APP, "dimension": "country", "limit": "1"}))
    assert (answer["values"], answer["more"]) == ([{"value": "US", "users": 2}], 2)


async def test_a_value_that_nobody_has_any_more_is_none() -> None:
    # The install came after the session had said something else, and it is the install that counts.
    store = await counted(
        session("gus", "2026-11-21", country="US"), install("gus", "2026-11-20", country="VN")
    )
    answer = await values(store, parse_values({"app": APP, "dimension": "country"}))
    assert answer["values"] == [{"value": "VN", "users": 1}]


async def test_a_dimension_that_nobody_has_has_no_values() -> None:
    answer = await values(MemoryStore(), parse_values({"app": APP, "dimension": "country"}))
    assert (answer["values"], answer["more"]) == ([], 0)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "app is missing"),
        ({"app": APP}, "dimension is missing"),
        ({"app": APP, "dimension": "contry"}, "the dimensions are country"),
        ({"app": APP, "dimension": "country", "limit": "0"}, "whole number from 1"),
        (
            {"app": APP, "dimension": "country", "from": "2026-11-20"},
            "the parameters are app, dimension, limit",
        ),
    ],
)
def test_what_cannot_be_answered_is_told_what_to_change(given: dict[str, str], says: str) -> None:
    with pytest.raises(QueryError, match=says):
        parse_values(given, ["country"])
