"""What did users pay? The answer of GET /api/v1/revenue: what each cohort brought, period by period, and what was sold.

Money is exact and stands by currency; no two currencies are ever added. Averages per user are rounded once, when written.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from stream.report.buyers import buyers_of, names_of
from stream.report.conditions import mask
from stream.report.fits import Fits
from stream.report.parameters import moment_text
from stream.report.past import Past, Wanted, view_at
from stream.report.revenue_query import RevenueQuery
from stream.report.revenue_rows import Rows, rows_of
from stream.report.revenue_sums import Habit, Sums, cohorts_of, sums_of
from stream.report.sets import Bitmap, return_names
from stream.report.span import span_of
from stream.retention.days import iso, zone
from stream.retention.money import average_text, decimal_text
from stream.retention.names import CURRENCIES
from stream.retention.projection import METHOD
from stream.retention.rates import Rate, rate, rates
from stream.store.protocol import Store, View

# How far LTV is projected where the data carries it.
HORIZONS = {"day": (7, 14, 30, 60, 90, 180, 365), "week": (4, 8, 13, 26, 52), "month": (3, 6, 12, 24)}
# An estimate is written with the digits of an average, so it is rounded to this part of a minor unit.
_ESTIMATE = 100
_FITS = Fits(256)  # a projection takes a kilobyte or two


async def revenue(
    store: Store, query: RevenueQuery, *, now_ms: int, default_zone: str = "UTC"
) -> dict[str, Any]:
    """The answer, in the words and the order of the interface; arguments as of `retention`."""
    span = span_of(query, zone((await store.zones()).get(query.app, default_zone)), now_ms)
    rows = rows_of(query, span)
    view, past, currencies = await _read(store, query, rows)
    keep = await mask(store, query.app, query.where, view, past)
    return await asyncio.to_thread(_answer, query, rows, view, currencies, keep)


async def _read(store: Store, query: RevenueQuery, rows: Rows) -> tuple[View, Past, list[str]]:
    """Everything in one state; once more where a currency turned up between asking for the currencies and for the rest."""
    wanted = Wanted.of(query.where, (), rows.span.today)
    active = [name for day in rows.days_of_cells for name in return_names("any", day)]
    view = await store.view(query.app, counters=[CURRENCIES])
    while True:
        currencies = sorted(view.counters[CURRENCIES])
        sets, ledgers = names_of(rows, query.cohort, currencies)
        view, past = await view_at(
            store, query.app, wanted, counters=[CURRENCIES], sets=[*sets, *active], ledgers=ledgers
        )
        if view.counters[CURRENCIES].keys() <= set(currencies):
            return view, past, currencies


def _answer(
    query: RevenueQuery, rows: Rows, view: View, currencies: list[str], keep: Bitmap | None
) -> dict[str, Any]:
    sums = sums_of(rows, query.cohort, view, keep, buyers_of(rows, query.cohort, currencies, view, keep))
    return {
        "app": query.app,
        "timezone": rows.span.zone.name,
        "period": query.period,
        "cohort": query.cohort,
        "as_of": moment_text(rows.span.as_of_ms),
        "rows": [_row(rows, sums, row) for row in range(rows.count)],
        "total": _total(sums),
        "average": _average(rows, sums),
        "projection": _projection(query, rows, sums),
    }


def _row(rows: Rows, sums: Sums, row: int) -> dict[str, Any]:
    conversions = rates(sums.converted[row], [sums.sizes[row]] * rows.cells(row))
    complete = rows.complete_cells(row)
    return {
        "cohort": iso(rows.periods[row].first),
        "size": sums.sizes[row],
        "size_complete": complete > 0,
        **_habit(sums.habits[row]),
        "cells": [
            {**_cell(sums, row, n, conversion), "complete": n < complete}
            for n, conversion in enumerate(conversions)
        ],
    }


def _cell(sums: Sums, row: int, n: int, conversion: Rate) -> dict[str, Any]:
    paid = {currency: money.cells[row][n] for currency, money in sums.money.items()}
    so_far = {currency: money.up_to[row][n] for currency, money in sums.money.items()}
    active, payers = sums.active[row][n], sums.payers[row][n]
    share, low, high = conversion
    return {
        "n": n,
        "active": active,
        "payers": payers,
        "purchases": sums.purchases[row][n],
        "revenue": _amounts(paid),
        "arpu": _averages(paid, active),
        "arppu": _averages(paid, payers),
        "ltv": _averages(so_far, sums.sizes[row]),
        "conversion": share,
        "low": low,
        "high": high,
    }


def _total(sums: Sums) -> dict[str, Any]:
    """What was sold in the days of the rows, whoever bought it."""
    paid = {currency: money.total for currency, money in sums.money.items()}
    return {
        "revenue": _amounts(paid),
        "active": sums.total_active,
        "arpu": _averages(paid, sums.total_active),
        "arppu": _averages(paid, sums.total.buyers),
        **_habit(sums.total),
    }


def _average(rows: Rows, sums: Sums) -> list[dict[str, Any]]:
    """LTV and conversion pooled over complete cells: row by row fewer of them, as later cohorts have had less time."""
    found, complete = [], [rows.complete_cells(row) for row in range(rows.count)]
    for n in range(max(complete, default=0)):
        over = [row for row in range(rows.count) if n < complete[row]]
        size = sum(sums.sizes[row] for row in over)
        so_far = {name: sum(money.up_to[row][n] for row in over) for name, money in sums.money.items()}
        conversion, low, high = rate(sum(sums.converted[row][n] for row in over), size)
        shares = {"conversion": conversion, "low": low, "high": high}
        found.append({"n": n, "size": size, "ltv": _averages(so_far, size), **shares})
    return found


def _habit(habit: Habit) -> dict[str, Any]:
    """How buyers buy: who comes back, how often, and after how many days."""
    repeat_rate, low, high = rate(habit.repeaters, habit.buyers)
    return {
        "buyers": habit.buyers,
        "purchases": habit.purchases,
        "repeat_rate": repeat_rate,
        "low": low,
        "high": high,
        "frequency": habit.purchases / habit.buyers if habit.buyers else None,
        "days_between": habit.gap_days / habit.gaps if habit.gaps else None,
    }


def _projection(query: RevenueQuery, rows: Rows, sums: Sums) -> list[dict[str, Any]] | None:
    """What a user of these cohorts is worth later on, by currency; None where the data carries no projection."""
    horizons = [*HORIZONS[query.period], *([] if query.periods is None else [query.periods])]
    found = []
    for currency, money in sums.money.items():
        projection = _FITS.project(cohorts_of(rows, sums), money.complete, horizons)
        if projection is not None:
            points = [
                {"n": point.n}
                | {
                    name: average_text(round(minor * _ESTIMATE), _ESTIMATE, currency)
                    for name, minor in zip(("ltv", "low", "high"), point[1:], strict=True)
                }
                for point in projection.points
            ]
            about = {"currency": currency, "method": METHOD, "cells": projection.cells}
            found.append({**about, "users": projection.users, "points": points})
    return found or None


def _amounts(paid: Mapping[str, int]) -> dict[str, str]:
    return {currency: decimal_text(minor, currency) for currency, minor in paid.items() if minor}


def _averages(paid: Mapping[str, int], users: int) -> dict[str, str]:
    if not users:
        return {}
    return {currency: average_text(minor, users, currency) for currency, minor in paid.items() if minor}
