"""How many users of each cohort came back? The answer of GET /api/v1/retention.

The plain triangle (install or first_seen by day, session, on, everybody) is read from counters in one go. Nearly everything
else is set algebra: who starts in a row, who is in a segment, and who came back when. Hours, and windows cut at a past
moment, are read off the records (scan.py).
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from stream.report.activity import Way
from stream.report.answer import answer
from stream.report.calendar import ByDate
from stream.report.conditions import KEEP, mask
from stream.report.elapsed import ByWindow, hours_after, is_quiet
from stream.report.grid import Grid, grid_of
from stream.report.parameters import QueryError
from stream.report.past import Past, Wanted, view_at
from stream.report.query import RetentionQuery
from stream.report.scan import scanned
from stream.report.segments import Ranking, Segment, Weights, chosen, values_of
from stream.report.sets import Bitmap, triangle_counter
from stream.report.span import span_of
from stream.report.starts import members_of, starts_of
from stream.report.tables import Counting, Read, Table, last_period
from stream.retention.days import zone
from stream.retention.names import CURRENCIES
from stream.retention.scope import ELAPSED, FAMILIES, HOURS, MONEY
from stream.store.protocol import Store, View

DAYS_MAX = 10_000  # whose sets one answer may look at; the counters of the plain triangle know no such limit


async def retention(
    store: Store,
    query: RetentionQuery,
    *,
    now_ms: int,
    default_zone: str = "UTC",
    families: Collection[str] = FAMILIES,
) -> dict[str, Any]:
    """The answer, in the words and the order of the interface.

    Args:
        now_ms: what as_of is where the question does not say.
        default_zone: the zone of an app without data.
        families: the facts that are counted; without those it needs an answer is read off the records.
    Raises QueryError when the answer would be too large, StoreUnavailable.
    """
    span = span_of(query, zone((await store.zones()).get(query.app, default_zone)), now_ms)
    grid = grid_of(query, span)
    if query.plain:
        counters = [triangle_counter(query.cohort, day) for day in span.days]
        tables = [plain_table(query, grid, await store.view(query.app, counters=counters))]
    else:
        found = await _tables_of_sets(store, query, grid) if needed(query) <= set(families) else None
        tables = await scanned(store, query, grid) if found is None else found
    return await asyncio.to_thread(answer, query, grid, tables)


def needed(query: RetentionQuery) -> set[str]:
    """The families of facts by which sets can answer; a family of no name where they cannot."""
    if query.period == "hour":
        return {"records"}
    windows = {ELAPSED, HOURS} if query.is_elapsed else set()
    return windows | ({MONEY} if query.is_of_buying else set())


def plain_table(query: RetentionQuery, grid: Grid, view: View) -> Table:
    """The plain triangle from its counters."""
    sizes, users = [], []
    for day in grid.rows:
        counted = view.counters[triangle_counter(query.cohort, day)]
        row = [counted.get(str(n), 0) for n in range(min(grid.cells(day), grid.span.today - day + 1))]
        sizes.append(row[0])
        users.append(row + [0] * (grid.cells(day) - len(row)))
    return Table(None, sizes, users)


async def _tables_of_sets(store: Store, query: RetentionQuery, grid: Grid) -> list[Table] | None:
    """The tables; None where the sets say more than there was at as_of."""
    last = last_period(query, grid)
    way: Way = ByWindow(query, grid, last) if query.is_elapsed else ByDate(query, grid, last)
    _check_days(grid, last)
    hours = hours_after(query, grid, last) if query.is_elapsed else {}
    view, past, currencies = await _view(store, query, grid, way, hours)
    if not is_quiet(grid, hours, view.counters):
        return None
    read = Read(dict(view.sets), view.ledgers, currencies)
    keep = await mask(store, query.app, query.where, view, past)
    if keep is not None:
        read = read._replace(sets={**view.sets, KEEP: keep})
    segments = await _segments(store, query, grid, view, past, read.sets)
    grid.check_cells(len(segments))
    return await asyncio.to_thread(lambda: Counting(query, grid, read, segments).count(way))


def _check_days(grid: Grid, last: int) -> None:
    if not grid.rows:
        return
    calendar, today = grid.calendar, grid.span.today
    end = min(today, calendar.period(min(grid.rows[-1] + last, calendar.number(today))).last)
    starts = sum(len(grid.days(row)) for row in grid.rows[: DAYS_MAX + 1])
    if starts + end - calendar.first_day(grid.rows[0]) > DAYS_MAX:
        raise QueryError(
            f"the answer would look at more than {DAYS_MAX:,} days; ask for a shorter range (from, to, as_of)"
        )


async def _view(
    store: Store, query: RetentionQuery, grid: Grid, way: Way, hours: Iterable[str]
) -> tuple[View, Past, list[str]]:
    """Everything but the values of very many-valued dimensions in one state, and the currencies it has."""
    wanted = _wanted(query, grid)
    money = [CURRENCIES] if query.returns == "revenue" else []
    counters = [*money, *hours]
    currencies: list[str] = []
    if money:
        currencies = _currencies((await store.view(query.app, counters=money)).counters)
    while True:
        names = way.names(currencies)
        view, past = await view_at(
            store, query.app, wanted, counters=counters, sets=names.sets, ledgers=names.ledgers
        )
        if not money or set(currencies) >= set(_currencies(view.counters)):
            return view, past, currencies
        currencies = _currencies(view.counters)


def _wanted(query: RetentionQuery, grid: Grid) -> Wanted:
    """The values of the conditions and those that are chosen; without a choice all of the breakdown."""
    spread = [query.breakdown] if query.breakdown is not None and not query.values else []
    values = [(query.breakdown or "", value) for value in query.values]
    return Wanted.of([*query.where, *values], spread, grid.span.today)


def _currencies(counters: Mapping[str, Mapping[str, int]]) -> list[str]:
    return sorted(name for name, entries in counters[CURRENCIES].items() if entries > 0)


async def _segments(
    store: Store, query: RetentionQuery, grid: Grid, view: View, past: Past, sets: Mapping[str, Bitmap]
) -> list[Segment]:
    if query.breakdown is None:
        return [Segment(None, None)]
    if query.values:
        return await chosen(store, query.app, query.breakdown, query.values, view, past)
    ranking = Ranking(await asyncio.to_thread(_weights, query, grid, sets), query.limit)
    async for values in values_of(store, query.app, query.breakdown, view, past):
        await asyncio.to_thread(ranking.add, values)
    return await asyncio.to_thread(ranking.close)


def _weights(query: RetentionQuery, grid: Grid, sets: Mapping[str, Bitmap]) -> Weights:
    weights = Weights()
    for row in grid.rows:
        members = members_of(starts_of(sets.__getitem__, query.cohort, grid.days(row)))
        weights.add(members & sets[KEEP] if KEEP in sets else members)
    return weights
