"""What can be asked of money, and how it is read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.report import QueryError
from stream.report.revenue_query import REVENUE_PARAMETERS, parse_revenue
from stream.store.memory import MemoryStore
from stream.store.protocol import View
from tests.stream.report.counted import ask_revenue, counted, install
from tests.stream.report.sold import COHORT, DAY, bought


class Growing(MemoryStore):
    """Remembers how often it was read; a currency turns up after the first read."""

    def __init__(self, late: str = "") -> None:
        super().__init__()
        self.late, self.views = late, 0

    async def view(self, app: str, **names: Any) -> View:
        self.views += 1
        view = await super().view(app, **names)
        if self.views == 1:
            view.counters["currencies"].pop(self.late, None)
        return view


@pytest.mark.parametrize(("late", "views"), [("", 2), ("USD", 3)])
async def test_everything_is_read_at_once_after_the_currencies_and_again_when_one_turned_up(
    late: str, views: int
) -> None:
    store = Growing(late)
    await counted(install("a", DAY), bought("a", f"{DAY}T14:00:00Z", "5.00"), store=store)
    answer = await ask_revenue(store, **COHORT)
    assert answer["total"]["revenue"] == {"USD": "5.00"}
    assert store.views == views


async def test_an_answer_that_would_be_too_large_is_refused() -> None:
    store = await counted()
    with pytest.raises(QueryError, match="100,000 cells"):
        await ask_revenue(store, from_="2025-01-01", to="2025-12-31", periods="400")
    with pytest.raises(QueryError, match="10,000 days"):
        await ask_revenue(store, from_="1950-01-01", to="1950-01-01")
    answer = await ask_revenue(store, from_="2025-01-01", to="2026-12-01")
    assert 90_000 < sum(len(row["cells"]) for row in answer["rows"]) <= 100_000


def test_what_is_not_asked_for_has_a_default() -> None:
    query = parse_revenue({"app": "shop"})
    assert (query.period, query.week_start, query.cohort, query.periods) == ("day", "monday", "install", None)


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ({"period": "hour"}, "choose one of day, week, month"),
        ({"cohort": "session"}, "choose one of install, first_seen, first_purchase"),
        ({"week_start": "friday"}, "choose one of monday, sunday"),
        ({"breakdown": "country"}, ", ".join(REVENUE_PARAMETERS)),
        ({"periods": "-1"}, "whole number"),
        ({"where": "planet:mars"}, "there is no dimension 'planet'"),
    ],
)
def test_what_cannot_be_asked_is_told_what_can(given: dict[str, str], detail: str) -> None:
    with pytest.raises(QueryError, match=detail.replace("(", r"\(")):
        parse_revenue({"app": "shop"} | given, ["country"])


TEXTS = st.text() | st.sampled_from(
    ["day", "week", "2026-11-20", "0", "-1", "9" * 50, "a:b,c:%", "9999-12-31"]
)


@given(st.dictionaries(st.sampled_from([*REVENUE_PARAMETERS, "x"]), TEXTS), st.booleans())
def test_whatever_is_given_is_understood_or_refused(given: dict[str, str], with_app: bool) -> None:
    try:
        parse_revenue(given | {"app": "shop"} if with_app else given)
    except QueryError as refusal:
        said = refusal.detail
        assert said
