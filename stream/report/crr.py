"""Which part of those who were there stayed? Customer retention rate and churn, the answer of GET /api/v1/crr.

    CRR = (CE - CN) / CS x 100

CS were active in the range of equal length just before, CE in the range, CN are those of CE who are not in CS.
So CE - CN is who stayed, and never more than CS.
"""

import asyncio
from typing import Any

import numpy as np

from stream.report.conditions import KEEP, read_where
from stream.report.parameters import Asked, QueryError
from stream.report.periods import Period
from stream.report.questions import CrrQuery
from stream.report.sets import (
    Bitmap,
    active_on,
    any_of,
    blocks,
    cohort_names,
    cohort_of,
    count,
    return_names,
)
from stream.report.span import DAYS_DEFAULT, Span, span_of
from stream.retention.days import iso, zone
from stream.retention.rates import rate
from stream.store.protocol import Store, View

DAYS_MAX = 10_000  # of both ranges together
PERCENT = 100
_FIRST_DAY = 1
# Of each population what keeps a member in it, and the cohort of its new members.
_POPULATIONS = {"users": ("any", "first_seen"), "customers": ("purchase", "first_purchase")}


async def crr(store: Store, query: CrrQuery, *, now_ms: int, default_zone: str = "UTC") -> dict[str, Any]:
    """The answer, in the words and the order of the interface; arguments as of `retention`."""
    span = span_of(query, zone((await store.zones()).get(query.app, default_zone)), now_ms)
    asked = whole_range(query, span)
    before = Period(2 * asked.first - asked.last - 1, asked.first - 1)
    if asked.last - before.first >= DAYS_MAX:
        raise QueryError(
            f"the range and the one before it would be more than {DAYS_MAX:,} days; "
            "ask for a shorter range (from, to)"
        )
    days = _begun(before, span), _begun(asked, span)
    returns, cohort = _POPULATIONS[query.population]
    names = [name for part in days for day in part for name in return_names(returns, day)]
    names += [name for day in days[1] for name in cohort_names(cohort, day)]
    view = await read_where(store, query.app, query.where, span.today, sets=names)
    counts = await asyncio.to_thread(counted, query.population, *days, view)
    return answer(asked, counts, complete=span.complete(asked.last))


def whole_range(asked: Asked, span: Span) -> Period:
    """The days asked for, in whole; without `to` up to yesterday, since a range that is still open has no rate."""
    last = asked.last
    if last is None:
        last = max(span.begun - 1, asked.first or 0)
    first = last - DAYS_DEFAULT + 1 if asked.first is None else asked.first
    return Period(first, last)


def _begun(part: Period, span: Span) -> range:
    return range(max(part.first, _FIRST_DAY), min(part.last, span.today) + 1)


def counted(population: str, before: range, within: range, view: View) -> dict[str, int]:
    """CS, CE, who is in both, and who is new in the range."""
    returns, cohort = _POPULATIONS[population]
    counts = dict.fromkeys(("cs", "ce", "stayed", "new"), 0)
    for take in blocks(view.sets):
        start = _any_of([active_on(take, returns, day) for day in before])
        end = _any_of([active_on(take, returns, day) for day in within])
        new = _any_of([cohort_of(take, cohort, day) for day in within])
        if KEEP in view.sets:
            start, end, new = (users & take(KEEP) for users in (start, end, new))
        for name, users in zip(counts, (start, end, start & end, new), strict=True):
            counts[name] += count(users)
    return counts


def _any_of(days: list[Bitmap]) -> Bitmap:
    return any_of(days) if days else np.zeros(1, np.uint64)


def answer(asked: Period, counts: dict[str, int], *, complete: bool) -> dict[str, Any]:
    """The answer from its counts. A rate needs the whole range, and somebody to be the rate of."""
    cs, ce, stayed, new = counts.values()
    share, low, high = rate(stayed, cs if complete else 0)
    crr = None if share is None else PERCENT * stayed / cs
    return {
        "from": iso(asked.first),
        "to": iso(asked.last),
        "cs": cs,
        "ce": ce,
        "cn": ce - stayed,
        "new": new,
        "resurrected": ce - stayed - new,
        "crr": crr,
        "low": None if low is None else PERCENT * low,
        "high": None if high is None else PERCENT * high,
        "churn": None if crr is None else PERCENT - crr,
        "complete": complete,
    }
