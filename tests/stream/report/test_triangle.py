"""The triangle, by small examples: cohorts go down, days after the start go right."""

from __future__ import annotations

from typing import Any

import pytest

from stream.report import QueryError
from stream.store.memory import MemoryStore
from stream.store.protocol import View
from tests.stream.report.counted import ask, counted, install, purchase, session, users

COHORTS: dict[str, str] = {"from_": "2026-11-20", "to": "2026-11-22", "now": "2026-11-22T18:00:00Z"}


class Watched(MemoryStore):
    """Remembers what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.views: list[tuple[int, int]] = []

    async def view(self, app: str, *, counters: Any = (), sets: Any = (), ledgers: Any = ()) -> View:
        self.views.append((len(counters), len(sets)))
        return await super().view(app, counters=counters, sets=sets, ledgers=ledgers)


async def test_cells_are_absent_before_they_begin_and_open_until_they_end() -> None:
    store = await counted(install("a", "2026-11-20"), session("a", "2026-11-22"))
    answer = await ask(store, **COHORTS)
    assert users(answer) == {"2026-11-20": [1, 0, 1], "2026-11-21": [0, 0], "2026-11-22": [0]}
    complete = [[cell["complete"] for cell in row["cells"]] for row in answer["rows"]]
    assert complete == [[True, True, False], [True, False], [False]]
    assert [row["size_complete"] for row in answer["rows"]] == [True, True, False]


async def test_a_cohort_without_users_has_no_rates() -> None:
    answer = await ask(await counted(install("a", "2026-11-20")), **COHORTS)
    assert {(cell["rate"], cell["low"], cell["high"]) for cell in answer["rows"][1]["cells"]} == {
        (None, None, None)
    }


async def test_cohorts_of_the_future_are_absent() -> None:
    answer = await ask(await counted(), from_="2026-11-23", to="2026-11-25", now="2026-11-22T18:00:00Z")
    assert (answer["rows"], answer["average"]) == ([], [])


async def test_as_of_hides_later_dates_and_counts_its_own_whole() -> None:
    store = await counted(install("a", "2026-11-20"), session("a", "2026-11-21"), session("a", "2026-11-22"))
    for more in ({}, {"return_": "any"}):
        answer = await ask(store, from_="2026-11-20", to="2026-11-20", as_of="2026-11-21T00:30:00Z", **more)
        assert users(answer) == {"2026-11-20": [1, 1]}
        assert answer["as_of"] == "2026-11-21T00:30:00Z"


async def test_a_date_as_as_of_is_its_first_instant_in_the_zone_of_the_app() -> None:
    store = await counted(install("a", "2026-11-20"), zone="Asia/Kolkata")
    answer = await ask(store, from_="2026-11-20", to="2026-11-22", as_of="2026-11-21")
    assert answer["as_of"] == "2026-11-20T18:30:00Z"
    assert users(answer) == {"2026-11-20": [1, 0], "2026-11-21": [0]}


async def test_on_or_after_counts_a_user_in_every_cell_up_to_the_last_return() -> None:
    store = await counted(install("a", "2026-11-20"), session("a", "2026-11-23"), session("a", "2026-11-25"))
    asked = {"from_": "2026-11-20", "to": "2026-11-20", "periods": "4", "criterion": "on_or_after"}
    assert users(await ask(store, **asked)) == {"2026-11-20": [1, 1, 1, 1, 1]}
    assert users(await ask(store, as_of="2026-11-24T12:00:00Z", **asked)) == {"2026-11-20": [1, 1, 1, 1, 0]}


async def test_a_recurring_cohort_has_a_user_in_many_rows_and_nothing_before_the_start() -> None:
    store = await counted(session("a", "2026-11-20"), session("a", "2026-11-22"), purchase("a", "2026-11-21"))
    assert users(await ask(store, cohort="session", **COHORTS)) == {
        "2026-11-20": [1, 0, 1],
        "2026-11-21": [0, 0],
        "2026-11-22": [1],
    }


async def test_any_return_is_any_activity() -> None:
    store = await counted(
        install("a", "2026-11-20"), purchase("a", "2026-11-21"), install("a", "2026-11-22", event_id="2")
    )
    assert users(await ask(store, **COHORTS))["2026-11-20"] == [1, 0, 0]
    assert users(await ask(store, return_="any", **COHORTS))["2026-11-20"] == [1, 1, 1]


async def test_first_seen_is_the_first_activity_even_before_the_install() -> None:
    store = await counted(session("a", "2026-11-20"), install("a", "2026-11-21"), session("a", "2026-11-22"))
    for more in ({}, {"return_": "any"}, {"where": "country:(not set)"}):
        assert users(await ask(store, cohort="first_seen", **more, **COHORTS))["2026-11-20"][0] == 1
        assert users(await ask(store, cohort="first_seen", **more, **COHORTS))["2026-11-21"][0] == 0
        assert users(await ask(store, cohort="install", **more, **COHORTS))["2026-11-21"] == [1, 1]


async def test_the_average_pools_complete_cells_of_a_segment() -> None:
    store = await counted(
        *(install(name, "2026-11-20", country="VN") for name in "abc"),
        install("d", "2026-11-21", country="VN"),
        session("a", "2026-11-21"),
        session("d", "2026-11-22"),
    )
    answer = await ask(store, **COHORTS)
    assert [(cell["n"], cell["users"], cell["size"]) for cell in answer["average"]] == [(0, 4, 4), (1, 1, 3)]
    answer = await ask(store, breakdown="country", **COHORTS)
    assert [(cell["n"], cell["users"], cell["segment"]) for cell in answer["average"]] == [
        (0, 4, "VN"),
        (1, 1, "VN"),
    ]


async def test_conditions_are_joined_by_and() -> None:
    store = await counted(
        install("a", "2026-11-20", country="VN", platform="ios"),
        install("b", "2026-11-20", country="VN", platform="android"),
        install("c", "2026-11-20", platform="ios", source="a,b:c%"),
    )
    size = {}
    for where in (
        "country:VN",
        "country:VN,platform:ios",
        "country:VN,country:US",
        "country:(not set)",
        "platform:tv",
    ):
        size[where] = users(await ask(store, where=where, **COHORTS))["2026-11-20"][0]
    assert list(size.values()) == [2, 1, 0, 1, 0]
    assert users(await ask(store, where="source:a%2Cb%3Ac%25", **COHORTS))["2026-11-20"][0] == 1


async def test_the_plain_triangle_is_one_read_of_counters() -> None:
    store = Watched()
    await ask(store, from_="2026-11-01", to="2026-11-30")
    assert store.views == [(30, 0)]


async def test_a_triangle_of_sets_is_one_read() -> None:
    store = Watched()
    await ask(store, from_="2026-11-01", to="2026-11-30", return_="any", where="country:VN", periods="30")
    assert len(store.views) == 1


async def test_periods_reach_to_as_of_when_they_are_not_said() -> None:
    answer = await ask(await counted(), from_="2026-11-01", to="2026-11-02", now="2026-11-22T18:00:00Z")
    assert [len(row["cells"]) for row in answer["rows"]] == [22, 21]


async def test_periods_that_are_not_said_stay_below_the_limit_of_cells() -> None:
    answer = await ask(await counted(), from_="2020-01-01", to="2020-12-31")
    cells = sum(len(row["cells"]) for row in answer["rows"])
    assert 99_000 < cells <= 100_000


async def test_more_than_100_000_cells_are_refused_by_what_the_answer_would_hold() -> None:
    store = await counted()
    with pytest.raises(QueryError, match="100,000 cells"):
        await ask(store, from_="2020-01-01", to="2020-12-31", periods="300")
    answer = await ask(store, from_="2026-12-01", to="2026-12-30", periods="99999")
    assert sum(len(row["cells"]) for row in answer["rows"]) == 495


async def test_days_without_end_are_not_looked_at() -> None:
    store = await counted()
    for more in ({"from_": "0900-01-01", "to": "0900-01-01"}, {"from_": "2026-11-20", "as_of": "9000-01-01"}):
        with pytest.raises(QueryError, match="10,000 days"):
            await ask(store, criterion="on_or_after", periods="1", **({"to": "2026-11-20"} | more))


async def test_cells_of_all_segments_count_against_the_limit() -> None:
    store = await counted(*(install(str(i), "2026-11-20", country=f"c{i}") for i in range(20)))
    asked = {"from_": "2026-01-01", "to": "2026-11-20", "breakdown": "country", "periods": "40"}
    with pytest.raises(QueryError, match="smaller limit"):
        await ask(store, limit="20", **asked)
    assert len((await ask(store, limit="5", **asked))["rows"]) == 6 * 324
