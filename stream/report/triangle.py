"""How many users of each cohort came back? The answer of GET /api/v1/retention.

The plain triangle (install or first_seen, session, on, everybody) is read from counters in one go. Everything
else is set algebra: the members of a cohort and of the segment, and who was active on each day.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from stream.report.query import QueryError, RetentionQuery, moment_text
from stream.report.segments import Ranking, Segment, Weights, known_values, unset, values_of
from stream.report.sets import (
    NOT_SET,
    Bitmap,
    active_on,
    blocks,
    cohort_names,
    cohort_of,
    count,
    counts_with,
    return_names,
    triangle_counter,
)
from stream.report.span import Span, check_cells, periods_of_answer, span_of
from stream.retention.days import iso, zone
from stream.retention.names import value_name, values_counter
from stream.retention.rates import pooled, rate
from stream.store.protocol import Store, View

DAYS_MAX = 10_000  # whose sets one answer may look at; the counters of the plain triangle know no such limit

_KEEP = "#where"  # masks stand among the sets under names that no stored set has
_SEGMENT = "#segment "


class Table(NamedTuple):
    """The numbers of one segment: users[row][n] of every cell there is; users[row][0] is the size."""

    segment: str | None
    users: list[list[int]]


async def retention(
    store: Store, query: RetentionQuery, *, now_ms: int, default_zone: str = "UTC"
) -> dict[str, Any]:
    """The answer, in the words and the order of the interface.

    Args:
        now_ms: what as_of is where the question does not say.
        default_zone: the zone of an app without data.
    Raises QueryError when the answer would be too large, StoreUnavailable.
    """
    span = span_of(query, zone((await store.zones()).get(query.app, default_zone)), now_ms)
    periods = periods_of_answer(span, query.periods)
    if query.plain:
        counters = [triangle_counter(query.cohort, day) for day in span.days]
        tables = [plain_table(query, span, periods, await store.view(query.app, counters=counters))]
    else:
        tables = await _tables_of_sets(store, query, span, periods)
    return await asyncio.to_thread(answer, query, span, tables)


def plain_table(query: RetentionQuery, span: Span, periods: int, view: View) -> Table:
    """The plain triangle from its counters."""
    users = []
    for day in span.days:
        counted = view.counters[triangle_counter(query.cohort, day)]
        row = [counted.get(str(n), 0) for n in range(min(periods, span.today - day) + 1)]
        users.append(row + [0] * (span.periods_of(day, periods) + 1 - len(row)))
    return Table(None, users)


async def _tables_of_sets(store: Store, query: RetentionQuery, span: Span, periods: int) -> list[Table]:
    days = return_days(query, span, periods)
    if len(span.days) + len(days) > DAYS_MAX:
        raise QueryError(
            f"the answer would look at more than {DAYS_MAX:,} days; ask for a shorter range (from, to, as_of)"
        )
    spread = [name for name, value in query.where if value == NOT_SET]
    spread += [query.breakdown] if query.breakdown is not None and query.breakdown not in spread else []
    names = [name for day in span.days for name in cohort_names(query.cohort, day)]
    names += [name for day in days for name in return_names(query.returns, day)]
    names += [value_name(*condition) for condition in query.where if condition[1] != NOT_SET]
    names += await known_values(store, query.app, spread)
    counters = [values_counter(name) for name in spread]
    view = await store.view(query.app, counters=counters, sets=list(dict.fromkeys(names)))
    sets = dict(view.sets)
    keep = await _keep(store, query, view)
    if keep is not None:
        sets[_KEEP] = keep
    segments = await _segments(store, query, span, view, sets)
    check_cells(span, periods, segments=len(segments))
    return await asyncio.to_thread(tables_of_sets, query, span, periods, sets, segments)


async def _keep(store: Store, query: RetentionQuery, view: View) -> Bitmap | None:
    """The users of whom every condition holds; None without conditions."""
    keep: Bitmap | None = None
    words = max((users.size for users in view.sets.values()), default=0)
    for name, value in query.where:
        if value == NOT_SET:
            users = await unset(store, query.app, name, view, words)
        else:
            users = view.sets[value_name(name, value)]
        keep = users if keep is None else keep & users
    return keep


async def _segments(
    store: Store, query: RetentionQuery, span: Span, view: View, sets: Mapping[str, Bitmap]
) -> list[Segment]:
    if query.breakdown is None:
        return [Segment(None, None)]
    ranking = Ranking(await asyncio.to_thread(_weights, query, span, sets), query.limit)
    async for values in values_of(store, query.app, query.breakdown, view):
        await asyncio.to_thread(ranking.add, values)
    return await asyncio.to_thread(ranking.close)


def _weights(query: RetentionQuery, span: Span, sets: Mapping[str, Bitmap]) -> Weights:
    weights = Weights()
    for day in span.days:
        members = cohort_of(sets.__getitem__, query.cohort, day)
        weights.add(members & sets[_KEEP] if _KEEP in sets else members)
    return weights


def return_days(query: RetentionQuery, span: Span, periods: int) -> range:
    """The days whose activity is in some cell; `on_or_after` looks on to as_of."""
    if not span.days or not periods:
        return range(0)
    last = span.today if query.criterion == "on_or_after" else min(span.last + periods, span.today)
    return range(span.first + 1, last + 1)


def tables_of_sets(
    query: RetentionQuery, span: Span, periods: int, sets: Mapping[str, Bitmap], segments: Sequence[Segment]
) -> list[Table]:
    """The triangles of all segments, counted from the sets."""
    everything = dict(sets)
    for at, segment in enumerate(segments):
        if segment.users is not None:
            everything[f"{_SEGMENT}{at}"] = segment.users
    users = np.zeros((len(segments), len(span.days), periods + 1), np.int64)
    days = return_days(query, span, periods)
    for take in blocks(everything):
        active = [active_on(take, query.returns, day) for day in days]
        if query.criterion == "on_or_after":
            for at in range(len(active) - 2, -1, -1):
                active[at] = active[at] | active[at + 1]
        for row, day in enumerate(span.days):
            members = cohort_of(take, query.cohort, day)
            if _KEEP in everything:
                members = members & take(_KEEP)
            for at, segment in enumerate(segments):
                some = members if segment.users is None else members & take(f"{_SEGMENT}{at}")
                after = active[day - span.first : day - span.first + periods]
                users[at, row, : len(after) + 1] += [count(some), *counts_with(some, after)]
    return [Table(segment.label, _cells(users[at], span, periods)) for at, segment in enumerate(segments)]


def _cells(users: np.ndarray[Any, Any], span: Span, periods: int) -> list[list[int]]:
    return [users[row, : span.periods_of(day, periods) + 1].tolist() for row, day in enumerate(span.days)]


def answer(query: RetentionQuery, span: Span, tables: Sequence[Table]) -> dict[str, Any]:
    """The answer from its numbers."""
    return {
        "app": query.app,
        "timezone": span.zone.name,
        "period": "day",
        "cohort": query.cohort,
        "return": query.returns,
        "criterion": query.criterion,
        "window": "calendar",
        "as_of": moment_text(span.as_of_ms),
        "rows": [
            {
                "cohort": iso(day),
                "segment": table.segment,
                "size": users[0],
                "size_complete": span.complete(day),
                "cells": [_cell(span, day, n, some, users[0]) for n, some in enumerate(users)],
            }
            for table in tables
            for day, users in zip(span.days, table.users, strict=True)
        ],
        "average": [cell for table in tables for cell in _average(span, table)],
    }


def _cell(span: Span, day: int, n: int, users: int, size: int) -> dict[str, Any]:
    share, low, high = rate(users, size)
    complete = span.complete(day + n)
    return {"n": n, "users": users, "rate": share, "low": low, "high": high, "complete": complete}


def _average(span: Span, table: Table) -> list[dict[str, Any]]:
    """Over complete cells: row by row fewer of them, as later cohorts have had less time."""
    average = []
    for n in range(max(map(len, table.users), default=0)):
        rows = zip(span.days, table.users, strict=True)
        complete = [(row[n], row[0]) for day, row in rows if n < len(row) and span.complete(day + n)]
        if not complete:
            break
        users, size = pooled(complete)
        share, low, high = rate(users, size)
        cell: dict[str, Any] = {"n": n, "users": users, "size": size, "rate": share, "low": low, "high": high}
        average.append(cell | {"segment": table.segment})
    return average
