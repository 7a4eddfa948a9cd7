"""Who was active, and who is new, came back or went away? The answer of GET /api/v1/active, one row a day."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from stream.report.query import ActiveQuery, QueryError
from stream.report.sets import (
    Take,
    active_on,
    blocks,
    cohort_names,
    cohort_of,
    count,
    counts_with,
    return_names,
    sliding,
)
from stream.report.span import Span, span_of
from stream.retention.days import iso, zone
from stream.store.protocol import Store, View

WEEK, MONTH = 7, 30
ROWS_MAX = 10_000
REINSTALLS = "reinstalls"
# What is counted of a day, in the order of the columns that `_day_counts` gives.
_COLUMNS = ("dau", "wau", "mau", "before", "returning", "new", "installs")


async def active(
    store: Store, query: ActiveQuery, *, now_ms: int, default_zone: str = "UTC"
) -> dict[str, Any]:
    """The answer, in the words and the order of the interface; arguments as of `retention`."""
    span = span_of(query, zone((await store.zones()).get(query.app, default_zone)), now_ms)
    if len(span.days) > ROWS_MAX:
        raise QueryError(
            f"the answer would have more than {ROWS_MAX:,} rows; ask for a shorter range (from, to)"
        )
    names = [name for day in span.days for name in cohort_names("first_seen", day)]
    names += [name for day in _looked_at(span) for name in return_names("any", day)]
    view = await store.view(query.app, counters=[REINSTALLS], sets=names)
    return await asyncio.to_thread(answer, span, view)


def _looked_at(span: Span) -> range:
    """The rows' days and those before that their months reach back to."""
    return range(span.first - MONTH + 1, span.last + 1) if span.days else range(0)


def answer(span: Span, view: View) -> dict[str, Any]:
    """The answer from what was read."""
    counts = np.zeros((len(span.days), len(_COLUMNS)), np.int64)
    for take in blocks(view.sets):
        for row, numbers in enumerate(_day_counts(span, take)):
            counts[row] += numbers
    reinstalls = view.counters[REINSTALLS]
    return {
        "rows": [
            _row(span, day, dict(zip(_COLUMNS, numbers, strict=True)), reinstalls.get(iso(day), 0))
            for day, numbers in zip(span.days, counts.tolist(), strict=True)
        ]
    }


def _day_counts(span: Span, take: Take) -> Iterator[Sequence[int]]:
    active = [active_on(take, "any", day) for day in _looked_at(span)]
    weeks, months = sliding(active, WEEK), sliding(active, MONTH)
    for at, day in enumerate(span.days, start=MONTH - 1):
        today, before = active[at], active[at - 1]
        seen, installed = cohort_of(take, "first_seen", day), cohort_of(take, "install", day)
        windows = (count(today), count(weeks[at]), count(months[at]))
        yield *windows, *counts_with(before, [before, today]), count(seen), count(installed)


def _row(span: Span, day: int, counts: dict[str, int], reinstalls: int) -> dict[str, Any]:
    dau, mau, returning = counts["dau"], counts["mau"], counts["returning"]
    return {
        "date": iso(day),
        "active": dau,
        "dau": dau,
        "wau": counts["wau"],
        "mau": mau,
        "stickiness": dau / mau if mau else None,
        "new": counts["new"],
        "returning": returning,
        "resurrected": dau - counts["new"] - returning,
        "dormant": counts["before"] - returning if span.complete(day) else None,
        "installs": counts["installs"],
        "reinstalls": reinstalls,
        "complete": span.complete(day),
    }
