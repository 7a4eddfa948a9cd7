"""How does a triangle read? The answer of GET /api/v1/retention from its tables, in the words and the order of the interface."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stream.report.definition import definition
from stream.report.grid import Column, Grid
from stream.report.parameters import moment_text
from stream.report.query import RetentionQuery
from stream.report.tables import Money, Table
from stream.retention.money import decimal_text
from stream.retention.rates import pooled, rate


def answer(query: RetentionQuery, grid: Grid, tables: Sequence[Table]) -> dict[str, Any]:
    """The answer, named by its words."""
    return {
        **_named(query, grid),
        "rows": [
            {
                "cohort": grid.label(row),
                "segment": table.segment,
                "size": table.sizes[at],
                "size_complete": grid.size_complete(row),
                "cells": _cells(grid, table, at, row),
            }
            for table in tables
            for at, row in enumerate(grid.rows)
        ],
        "average": [cell for table in tables for cell in _average(grid, table)],
    }


def _named(query: RetentionQuery, grid: Grid) -> dict[str, Any]:
    zone = grid.span.zone.name
    said: dict[str, Any] = {"app": query.app, "timezone": zone, "period": query.period}
    if query.period == "week":
        said["week_start"] = query.week_start
    said |= {"cohort": query.cohort, "return": query.returns, "criterion": query.criterion}
    said["window"] = query.window
    if query.brackets:
        said["brackets"] = ",".join(column.label for column in grid.columns[1:] if column.label)
    if query.preset is not None:
        said["preset"] = query.preset
    return said | {"as_of": moment_text(grid.span.as_of_ms), "definition": definition(query, zone)}


def _cells(grid: Grid, table: Table, at: int, row: int) -> list[dict[str, Any]]:
    cells = []
    for place, users in enumerate(table.users[at]):
        column = grid.columns[place]
        cell = _shown(column, users, table.sizes[at]) | {"complete": grid.complete(row, column)}
        if table.money is not None:
            cell["revenue"] = money_text(table.money[at][place])
        cells.append(cell)
    return cells


def _shown(column: Column, users: int, of: int, **more: int) -> dict[str, Any]:
    share, low, high = rate(users, of)
    label = {} if column.label is None else {"label": column.label}
    return {"n": column.n, **label, "users": users, **more, "rate": share, "low": low, "high": high}


def money_text(money: Mapping[str, int]) -> dict[str, str]:
    """Amounts as decimal texts, by currency in the order of their codes; nothing is not shown."""
    return {name: decimal_text(amount, name) for name, amount in sorted(money.items()) if amount}


def _average(grid: Grid, table: Table) -> list[dict[str, Any]]:
    """Over complete cells: row by row fewer of them, as later cohorts have had less time."""
    average = []
    for place, column in enumerate(grid.columns):
        complete = [
            at
            for at, row in enumerate(grid.rows)
            if place < len(table.users[at]) and grid.complete(row, column)
        ]
        if not complete:
            continue
        users, size = pooled((table.users[at][place], table.sizes[at]) for at in complete)
        cell = _shown(column, users, size, size=size)
        if table.money is not None:
            cell["revenue"] = money_text(_added(table.money[at][place] for at in complete))
        average.append(cell | {"segment": table.segment})
    return average


def _added(amounts: Iterable[Money]) -> Money:
    total: Money = {}
    for money in amounts:
        for currency, amount in money.items():
            total[currency] = total.get(currency, 0) + amount
    return total
