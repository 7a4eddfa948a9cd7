"""How does a triangle read? The answer of GET /api/v1/retention from its tables, in the words and the order of the interface."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from stream.report.definition import definition
from stream.report.grid import Column, Grid
from stream.report.parameters import moment_text
from stream.report.query import RetentionQuery
from stream.report.tables import Money, Table
from stream.retention.money import decimal_text
from stream.retention.rates import Rate, pooled, rates


def answer(query: RetentionQuery, grid: Grid, tables: Sequence[Table]) -> dict[str, Any]:
    """The answer, named by its words."""
    complete_to = [grid.complete_to(row) for row in grid.rows]
    return {
        **_named(query, grid),
        "rows": [row for table in tables for row in _rows(grid, table, complete_to)],
        "average": [cell for table in tables for cell in _average(grid, table, complete_to)],
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


def _rows(grid: Grid, table: Table, complete_to: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The rows of one segment. Their rates are worked out all at once."""
    users = [number for cells in table.users for number in cells]
    shares = iter(
        rates(users, [size for size, cells in zip(table.sizes, table.users, strict=True) for _ in cells])
    )
    for at, row in enumerate(grid.rows):
        over = complete_to[at]
        cells = [
            _shown(column, number, share) | {"complete": column.end <= over}
            for column, number, share in zip(grid.columns, table.users[at], shares, strict=False)
        ]
        for cell, money in zip(cells, table.money[at] if table.money is not None else (), strict=False):
            cell["revenue"] = money_text(money)
        yield {
            "cohort": grid.label(row),
            "segment": table.segment,
            "size": table.sizes[at],
            "size_complete": grid.size_complete(row),
            "cells": cells,
        }


def _shown(column: Column, users: int, share: Rate, **more: int) -> dict[str, Any]:
    rate, low, high = share
    shown = {"n": column.n, "users": users, **more, "rate": rate, "low": low, "high": high}
    return shown if column.label is None else {"n": column.n, "label": column.label} | shown


def money_text(money: Mapping[str, int]) -> dict[str, str]:
    """Amounts as decimal texts, by currency in the order of their codes; nothing is not shown."""
    return {name: decimal_text(amount, name) for name, amount in sorted(money.items()) if amount}


def _average(grid: Grid, table: Table, complete_to: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Over complete cells: row by row fewer of them, as later cohorts have had less time."""
    found: list[tuple[Column, list[int]]] = [(column, []) for column in grid.columns]
    for at, over in enumerate(complete_to):
        for (column, rows), _ in zip(found, table.users[at], strict=False):
            if column.end <= over:
                rows.append(at)
    found = [(column, rows) for column, rows in found if rows]
    places = {column: place for place, column in enumerate(grid.columns)}
    sums = [
        pooled((table.users[at][places[column]], table.sizes[at]) for at in rows) for column, rows in found
    ]
    shares = rates(*([one[side] for one in sums] for side in (0, 1)))
    for (column, rows), (users, size), share in zip(found, sums, shares, strict=True):
        cell = _shown(column, users, share, size=size)
        if table.money is not None:
            cell["revenue"] = money_text(_added(table.money[at][places[column]] for at in rows))
        yield cell | {"segment": table.segment}


def _added(amounts: Iterable[Money]) -> Money:
    total: Money = {}
    for money in amounts:
        for currency, amount in money.items():
            total[currency] = total.get(currency, 0) + amount
    return total
