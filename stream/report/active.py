"""Who was active, and who is new, came back or went away? The answer of GET /api/v1/active, one row a period."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from stream.report.parameters import QueryError
from stream.report.periods import Period, period_of, periods_between
from stream.report.query import ActiveQuery
from stream.report.sets import (
    Bitmap,
    Take,
    active_on,
    any_of,
    blocks,
    cohort_names,
    cohort_of,
    count,
    return_names,
    sliding,
    stack_of,
)
from stream.report.span import Span, span_of
from stream.retention.days import iso, zone
from stream.retention.names import REINSTALLS
from stream.store.protocol import Store, View

WEEK, MONTH = 7, 30
DAYS_MAX = 10_000
# What is counted of a period, in the order of the columns that `_counts` gives.
_COLUMNS = ("active", "dau", "wau", "mau", "before", "returning", "new", "installs")


class Rows(NamedTuple):
    """The periods of an answer, oldest first, and for each the one before it and its last day that has begun."""

    periods: list[Period]
    before: list[Period]
    shown: list[int]

    def days(self, at: int) -> range:
        """The days of one row that have begun."""
        return range(self.periods[at].first, self.shown[at] + 1)

    def looked_at(self) -> range:
        """The days of all rows, and those before that the period before and their months reach back to."""
        if not self.periods:
            return range(0)
        return range(min(self.before[0].first, self.shown[0] - MONTH + 1), self.shown[-1] + 1)


async def active(
    store: Store, query: ActiveQuery, *, now_ms: int, default_zone: str = "UTC"
) -> dict[str, Any]:
    """The answer, in the words and the order of the interface; arguments as of `retention`."""
    span = span_of(query, zone((await store.zones()).get(query.app, default_zone)), now_ms)
    if len(span.days) > DAYS_MAX:
        raise QueryError(
            f"the answer would reach over more than {DAYS_MAX:,} days; ask for a shorter range (from, to)"
        )
    rows = _rows(query, span)
    names = [
        name
        for at in range(len(rows.periods))
        for day in rows.days(at)
        for name in cohort_names("first_seen", day)
    ]
    names += [name for day in rows.looked_at() for name in return_names("any", day)]
    view = await store.view(query.app, counters=[REINSTALLS], sets=names)
    return await asyncio.to_thread(answer, span, rows, view)


def _rows(query: ActiveQuery, span: Span) -> Rows:
    periods = periods_between(query.period, span.first, span.last, query.week_start)
    before = [period_of(query.period, period.first - 1, query.week_start) for period in periods]
    return Rows(periods, before, [min(period.last, span.today) for period in periods])


def answer(span: Span, rows: Rows, view: View) -> dict[str, Any]:
    """The answer from what was read."""
    counts = np.zeros((len(rows.periods), len(_COLUMNS)), np.int64)
    for take in blocks(view.sets):
        for at, numbers in enumerate(_counts(rows, take)):
            counts[at] += numbers
    return {
        "rows": [
            _row(span, rows, at, dict(zip(_COLUMNS, numbers, strict=True)), view.counters[REINSTALLS])
            for at, numbers in enumerate(counts.tolist())
        ]
    }


def _counts(rows: Rows, take: Take) -> Iterator[Sequence[int]]:
    days = rows.looked_at()
    active = stack_of([active_on(take, "any", day) for day in days])
    weeks, months = sliding(active, WEEK), sliding(active, MONTH)
    known: dict[tuple[int, int], tuple[Bitmap, int]] = {}

    def union(first: int, last: int) -> tuple[Bitmap, int]:
        """Who was active from one day to another, and how many; a period comes again as the one before the next."""
        if (first, last) not in known:
            users = any_of(active[first - days.start : last + 1 - days.start])
            known[first, last] = users, count(users)
        return known[first, last]

    for at, before in enumerate(rows.before):
        last = rows.shown[at]
        now, active_users = union(rows.periods[at].first, last)
        then, active_before = union(*before)
        # A user is first seen, and first installs, on one day only, so days add up.
        seen = sum(count(cohort_of(take, "first_seen", day)) for day in rows.days(at))
        installed = sum(count(cohort_of(take, "install", day)) for day in rows.days(at))
        windows = (count(stack[last - days.start]) for stack in (weeks, months))
        yield active_users, union(last, last)[1], *windows, active_before, count(then & now), seen, installed


def _row(
    span: Span, rows: Rows, at: int, counts: dict[str, int], reinstalls: dict[str, int]
) -> dict[str, Any]:
    dau, mau, before, returning = (counts[name] for name in ("dau", "mau", "before", "returning"))
    complete = span.complete(rows.periods[at].last)
    dormant = before - returning if complete else None
    return {
        "date": iso(rows.periods[at].first),
        "active": counts["active"],
        "dau": dau,
        "wau": counts["wau"],
        "mau": mau,
        "stickiness": dau / mau if mau else None,
        "new": counts["new"],
        "returning": returning,
        "resurrected": counts["active"] - counts["new"] - returning,
        "dormant": dormant,
        "churn": dormant / before if dormant is not None and before else None,
        "installs": counts["installs"],
        "reinstalls": sum(reinstalls.get(iso(day), 0) for day in rows.days(at)),
        "complete": complete,
    }
