"""Variants against each other: the numbers are those of the triangle."""

from __future__ import annotations

from typing import Any

import pytest

from stream.report import QueryError
from stream.report.compare import answer, compare
from stream.report.query import RetentionQuery
from stream.report.questions import CompareQuery, parse_compare
from stream.retention.scope import FAMILIES
from tests.oracle_events import epoch_ms
from tests.stream.report.counted import APP, ask, ask_compare, counted, install, session

DAYS: dict[str, str] = {"from_": "2026-11-01", "to": "2026-11-03", "day": "1"}


def people(sizes: dict[str, tuple[int, int]], day: str = "2026-11-01", back: str = "2026-11-02") -> list[Any]:
    """By variant: how many come back, of how many."""
    found = []
    for variant, (users, size) in sizes.items():
        found += [install(f"{variant} {i}", day, variant=variant) for i in range(size)]
        found += [session(f"{variant} {i}", back) for i in range(users)]
    return found


def asked(*values: str, ratio: tuple[float, ...] = (), pair: bool = True) -> CompareQuery:
    return CompareQuery(RetentionQuery("shop"), values, 7, ratio or (1.0,) * len(values), pair)


async def test_two_values_of_a_dimension_are_compared() -> None:
    store = await counted(*people({"old": (48, 80), "new": (56, 70), "more": (1, 5)}))
    said = await ask_compare(store, a="old", b="new", **DAYS)
    assert list(said) == ["a", "b", "difference", "low", "high", "z", "p", "warning"]
    assert list(said["a"]) == ["size", "users", "rate", "low", "high"]
    assert [(said[side]["users"], said[side]["size"]) for side in "ab"] == [(48, 80), (56, 70)]
    assert said["difference"] == pytest.approx(0.2)
    assert (said["low"], said["high"]) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert said["z"] == pytest.approx(2.6502, abs=5e-5)
    assert said["p"] == pytest.approx(0.008045, abs=5e-7)


async def test_the_numbers_are_those_of_the_triangle() -> None:
    store = await counted(
        *people({"old": (3, 9), "new": (4, 8)}),
        *people({"late": (1, 2)}, "2026-11-03", "2026-11-04"),
        *(install(f"old late {i}", "2026-11-02", variant="old") for i in range(4)),
    )
    said = await ask_compare(store, a="old", b="new", **DAYS)
    triangle = await ask(store, breakdown="variant", from_="2026-11-01", to="2026-11-03", periods="1")
    for side, value in (("a", "old"), ("b", "new")):
        (cell,) = [one for one in triangle["average"] if one["segment"] == value and one["n"] == 1]
        assert said[side] == {name: cell[name] for name in said[side]}


async def test_only_cells_that_are_over_count() -> None:
    store = await counted(*people({"old": (1, 2)}), *people({"new": (1, 2)}, "2026-11-02", "2026-11-03"))
    said = await ask_compare(store, a="old", b="new", now="2026-11-03T12:00:00Z", **DAYS)
    assert said["a"]["size"] == 2
    assert said["b"] == {"size": 0, "users": 0, "rate": None, "low": None, "high": None}
    assert {said[name] for name in ("difference", "low", "high", "z", "p", "warning")} == {None}


async def test_nobody_has_a_value_that_does_not_exist() -> None:
    said = await ask_compare(await counted(*people({"old": (1, 2)})), a="old", b="nwe", **DAYS)
    assert (said["a"]["size"], said["b"]["size"], said["p"]) == (2, 0, None)


async def test_users_without_a_value_and_values_named_other_can_be_compared() -> None:
    store = await counted(
        *people({"other": (1, 3), "x": (1, 1)}), install("none", "2026-11-01"), session("none", "2026-11-02")
    )
    said = await ask_compare(store, a="other", b="(not set)", **DAYS)
    assert [(said[side]["users"], said[side]["size"]) for side in "ab"] == [(1, 3), (1, 1)]


async def test_only_the_sets_of_the_values_are_read_however_many_there_are() -> None:
    store, asked_for = await counted(*people({str(i): (0, 1) for i in range(300)})), []
    view = store.view

    async def watched(app: str, **names: Any) -> Any:
        asked_for.append([name for name in names.get("sets", ()) if name.startswith("dim:")])
        return await view(app, **names)

    store.view = watched  # type: ignore[method-assign]
    said = await ask_compare(store, variants="1,2,3", **DAYS)
    assert asked_for == [["dim:variant=1", "dim:variant=2", "dim:variant=3"]]
    assert [one["size"] for one in said["variants"]] == [1, 1, 1]


@pytest.mark.parametrize("families", [FAMILIES, ()])
async def test_windows_are_compared_too_also_where_the_records_are_read(families: tuple[str, ...]) -> None:
    store = await counted(*people({"old": (1, 2), "new": (2, 2), "other": (1, 1)}))
    query = parse_compare(
        {
            "app": APP,
            "a": "old",
            "b": "other",
            "window": "elapsed",
            "day": "1",
            "from": "2026-11-01",
            "to": "2026-11-03",
        }
    )
    said = await compare(store, query, now_ms=epoch_ms("2026-12-31T00:00:00Z"), families=families)
    assert [(said[side]["users"], said[side]["size"]) for side in "ab"] == [(1, 2), (1, 1)]


async def test_conditions_and_words_of_the_triangle_hold_here_too() -> None:
    store = await counted(
        install("a", "2026-11-01", variant="old", country="VN"), install("b", "2026-11-01", variant="old"),
        install("c", "2026-11-01", variant="new", country="VN"), session("c", "2026-11-05"),
    )  # fmt: skip
    said = await ask_compare(
        store, a="old", b="new", where="country:VN", criterion="on_or_after", return_="any", **DAYS
    )
    assert [(said[side]["users"], said[side]["size"]) for side in "ab"] == [(0, 1), (1, 1)]


def test_more_than_two_are_compared_pair_by_pair_with_p_corrected_for_their_number() -> None:
    found = {"A": (100, 1000), "B": (130, 1000), "C": (101, 1000)}
    said = answer(asked("A", "B", "C", pair=False), found)
    assert [one["variant"] for one in said["variants"]] == ["A", "B", "C"]
    assert [(one["a"], one["b"]) for one in said["pairs"]] == [("A", "B"), ("A", "C"), ("B", "C")]
    alone = answer(asked("A", "B"), found)
    first = said["pairs"][0]
    assert {name: first[name] for name in ("difference", "low", "high", "z")} == {
        name: alone[name] for name in ("difference", "low", "high", "z")
    }
    assert (first["p_raw"], first["p"]) == (alone["p"], pytest.approx(3 * alone["p"]))
    assert said["pairs"][1]["p"] == said["pairs"][1]["p_raw"], "the largest stays as it is"


def test_sizes_that_chance_would_hardly_give_are_warned_of() -> None:
    even = answer(asked("A", "B"), {"A": (10, 1000), "B": (20, 1010)})
    assert even["warning"] is None
    said = answer(asked("A", "B"), {"A": (10, 1000), "B": (20, 1200)})["warning"]
    assert said["kind"] == "sample_ratio_mismatch"
    assert said["p"] < 0.001
    assert "1000:1200" in said["detail"]
    meant = answer(asked("A", "B", ratio=(10, 12)), {"A": (10, 1000), "B": (20, 1200)})
    assert meant["warning"] is None


@pytest.mark.parametrize("pair", [True, False])
def test_where_a_value_has_nobody_its_size_is_no_split_to_be_warned_of(pair: bool) -> None:
    said = answer(asked("A", "Z", pair=pair), {"A": (10, 1000)})
    assert said["warning"] is None
    three = asked("A", "Z", "B", pair=False, ratio=(50, 10, 40))
    assert answer(three, {"A": (1, 1000), "B": (1, 800)})["warning"] is None
    others = answer(three, {"A": (1, 1000), "B": (1, 1000)})["warning"]
    assert "sizes of 1000:1000 are very unlikely where users are split 50:40" in others["detail"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"a": "x"}, "a, b: name 2 to 20 values that differ"),
        ({"a": "x", "b": "x"}, "values that differ"),
        ({"variants": "x"}, "variants: name 2 to 20"),
        ({"variants": "x,x"}, "values that differ"),
        ({"variants": ",".join(map(str, range(21)))}, "2 to 20"),
        ({"variants": "x,%FF"}, "not UTF-8"),
        ({"variants": "x,y", "a": "x"}, "either variants or a and b"),
        ({"a": "x", "b": "y", "day": "seven"}, "day='seven' must be a whole number"),
        ({"a": "x", "b": "y", "ratio": "50"}, "2 numbers above 0 like 50:50"),
        ({"a": "x", "b": "y", "ratio": "50:0"}, "above 0"),
        ({"a": "x", "b": "y", "ratio": "nan:1"}, "above 0"),
        (
            {"a": "x", "b": "y", "return_": "revenue"},
            "return='revenue' is unknown; choose one of session, purchase, any",
        ),
        ({"a": "x", "b": "y", "periods": "3"}, "there is no parameter 'periods'"),
    ],
)
async def test_what_cannot_be_compared_is_told_what_to_change(query: dict[str, str], says: str) -> None:
    with pytest.raises(QueryError, match=says):
        await ask_compare(await counted(), **query)
