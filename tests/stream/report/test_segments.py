"""Which segments a breakdown shows, and who is in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.report import past, segments
from stream.report.segments import NOT_SET, OTHER, Ranking, Weights
from stream.store.chunks import bitmap_of, members_of
from tests.stream.report.counted import ask, counted, install, session, users

DAY: dict[str, str] = {
    "from_": "2026-11-20",
    "to": "2026-11-21",
    "periods": "1",
    "now": "2026-11-25T00:00:00Z",
}


def people(**sizes: int) -> list[Any]:
    """That many installs of each country; `none` has no country."""
    return [
        install(f"{country} {i}", "2026-11-20", **({} if country == "none" else {"country": country}))
        for country, size in sizes.items()
        for i in range(size)
    ]


def labels(answer: dict[str, Any]) -> dict[str, int]:
    """Segments in their order, with their sizes."""
    found: dict[str, int] = {}
    for row in answer["rows"]:
        found[row["segment"]] = found.get(row["segment"], 0) + row["size"]
    return found


async def test_the_largest_values_are_shown_and_the_rest_is_other() -> None:
    store = await counted(*people(US=3, VN=4, DE=1, FR=1))
    answer = await ask(store, breakdown="country", limit="2", **DAY)
    assert list(labels(answer).items()) == [("VN", 4), ("US", 3), (OTHER, 2)]


async def test_equal_values_stand_in_the_order_of_their_text() -> None:
    store = await counted(*people(b=1, a=1, c=1))
    assert list(labels(await ask(store, breakdown="country", limit="2", **DAY))) == ["a", "b", OTHER]


async def test_users_without_a_value_are_a_segment_of_their_own() -> None:
    store = await counted(*people(US=1, none=2))
    assert list(labels(await ask(store, breakdown="country", **DAY)).items()) == [(NOT_SET, 2), ("US", 1)]
    assert list(labels(await ask(store, breakdown="country", limit="1", **DAY)).items()) == [
        (NOT_SET, 2),
        (OTHER, 1),
    ]


async def test_users_who_literally_say_not_set_are_not_set() -> None:
    store = await counted(*people(none=1), install("x", "2026-11-20", country=NOT_SET))
    assert labels(await ask(store, breakdown="country", **DAY)) == {NOT_SET: 2}
    assert labels(await ask(store, where=f"country:{NOT_SET}", **DAY)) == {None: 2}


async def test_a_real_value_other_joins_the_rest() -> None:
    store = await counted(*people(other=5, US=1))
    assert list(labels(await ask(store, breakdown="country", **DAY)).items()) == [("US", 1), (OTHER, 5)]


async def test_values_of_nobody_in_the_answer_are_not_shown() -> None:
    store = await counted(*people(US=1), install("z", "2026-01-01", country="ZZ"))
    assert labels(await ask(store, breakdown="country", **DAY)) == {"US": 1}
    assert (await ask(store, breakdown="country", where="country:XX", **DAY))["rows"] == []


async def test_a_recurring_user_counts_once_a_row_towards_the_size_of_a_segment() -> None:
    store = await counted(
        session("a", "2026-11-20", country="VN"),
        session("a", "2026-11-21"),
        session("b", "2026-11-20", country="US"),
    )
    answer = await ask(store, breakdown="country", cohort="session", limit="1", **DAY)
    assert list(labels(answer).items()) == [("VN", 2), (OTHER, 1)]
    assert users(answer, "VN") == {"2026-11-20": [1, 1], "2026-11-21": [1, 0]}


async def test_very_many_values_are_read_in_slices_and_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    store = await counted(*people(none=2, other=1, **{f"c{i}": 1 + i % 3 for i in range(20)}))
    asked = {"breakdown": "country", "limit": "4", "where": f"platform:{NOT_SET}", **DAY}
    at_once = await ask(store, **asked)
    monkeypatch.setattr(segments, "VALUES_AT_ONCE", 3)
    monkeypatch.setattr(past, "VALUES_AT_ONCE", 3)
    assert await ask(store, **asked) == at_once
    where = await ask(store, where=f"country:{NOT_SET}", **DAY)
    assert labels(where) == {None: 2}


@given(st.lists(st.sets(st.integers(0, 130)), max_size=12), st.sets(st.integers(0, 130)))
def test_weights_are_the_sum_over_all_that_was_added(added: list[set[int]], asked: set[int]) -> None:
    weights = Weights()
    for members in added:
        weights.add(_bitmap(members))
    assert weights.of(_bitmap(asked)) == sum(len(members & asked) for members in added)


def test_users_who_came_after_the_answer_was_read_are_left_out() -> None:
    weights = Weights()
    weights.add(_bitmap({1, 2}))
    ranking = Ranking(weights, limit=3)
    longer = bitmap_of(np.array([1, 70_000]), 2)
    ranking.add([("VN", longer)])
    (unset, one) = ranking.close()
    assert (unset.label, one.label) == (NOT_SET, "VN")
    assert one.users is not None
    assert list(members_of(one.users)) == [1]


def _bitmap(members: set[int]) -> Any:
    return bitmap_of(np.array(sorted(members), dtype=np.int64), 1)
