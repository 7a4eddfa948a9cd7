"""What do the purchases of an answer add up to? Numbers of cells, rows and the total, exactly and by currency."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.report.buyers import Buyers, Entries, own_payments, own_purchases
from stream.report.conditions import KEEP
from stream.report.exact import Exact
from stream.report.revenue_rows import Rows
from stream.report.sets import (
    Bitmap,
    Stack,
    active_on,
    any_of,
    blocks,
    cohort_of,
    count,
    counts_with,
    stack_of,
)
from stream.retention.projection import Cohorts, Payments
from stream.store.protocol import View

Ints = npt.NDArray[np.int64]


class Habit(NamedTuple):
    """How some buyers buy: gaps are those between one purchase day of a buyer and the next."""

    buyers: int
    repeaters: int
    purchases: int
    gaps: int
    gap_days: int


class Money(NamedTuple):
    """One currency: minor units of every cell, up to every cell, and of the total; the entries in complete cells."""

    cells: list[list[int]]
    up_to: list[list[int]]
    total: int
    complete: Payments


class Sums(NamedTuple):
    """The numbers of an answer: row by row, and in a row cell by cell."""

    sizes: list[int]
    active: list[list[int]]
    payers: list[list[int]]
    purchases: list[list[int]]
    converted: list[list[int]]
    habits: list[Habit]
    total_active: int
    total: Habit
    money: dict[str, Money]


class _Cells(NamedTuple):
    """In which cell each entry lies, entries in none left out."""

    entries: Entries
    rows: Ints
    ns: Ints


def sums_of(rows: Rows, cohort: str, view: View, keep: Bitmap | None, buyers: Buyers) -> Sums:
    """All numbers of an answer."""
    total_active, active = _active(rows, cohort, view, keep)
    row_of = _row_of(rows, buyers)
    own = own_purchases(buyers, cohort, view)
    inside = _cells(rows, row_of, own)
    dated = buyers.purchases.where(buyers.purchases.days < rows.days.stop)
    return Sums(
        [cells[0] for cells in active],
        active,
        _table(rows, *_once(row_of, inside)),
        _table(rows, inside.rows, inside.ns, inside.entries.numbers),
        [list(accumulate(cells)) for cells in _table(rows, *_first(row_of, inside))],
        _habits(own, row_of, rows.count),
        total_active,
        _habits(dated, np.zeros_like(row_of), 1)[0],
        {
            currency: _money(
                rows, row_of, buyers.paid[currency], own_payments(buyers, cohort, currency, view)
            )
            for currency in buyers.paid
        },
    )


def _active(rows: Rows, cohort: str, view: View, keep: Bitmap | None) -> tuple[int, list[list[int]]]:
    """Users active in the days of the rows, and members active in each cell: in cell 0 all of them, as the start is activity."""
    total, found = 0, [[0] * rows.cells(row) for row in range(rows.count)]
    shown = [days for days in map(rows.days_of, range(rows.shown)) if days]
    for take in blocks(view.sets if keep is None else {**view.sets, KEEP: keep}):
        active = stack_of([_united([active_on(take, "any", day) for day in days]) for days in shown])
        everybody = _united(active[: rows.count])
        total += count(everybody if keep is None else everybody & take(KEEP))
        for row, numbers in enumerate(found):
            members = _united([cohort_of(take, cohort, day) for day in rows.days_of(row)])
            members = members if keep is None else members & take(KEEP)
            later = counts_with(members, active[row + 1 : row + len(numbers)])
            for n, users in enumerate([count(members), *later.tolist()]):
                numbers[n] += users
    return total, found


def _united(sets: Sequence[Bitmap] | Stack) -> Bitmap:
    return any_of(sets) if len(sets) else np.zeros(1, np.uint64)


def _places_of_days(rows: Rows) -> Ints:
    """The place in `periods` of each day from the first on."""
    return np.repeat(
        np.arange(len(rows.periods)), [period.last - period.first + 1 for period in rows.periods]
    )


def _row_of(rows: Rows, buyers: Buyers) -> Ints:
    """The row of each buyer, -1 for who is in none."""
    if not rows.count:
        return np.zeros(0, np.int64)
    places = _places_of_days(rows)
    return np.where(buyers.starts > 0, places[np.maximum(buyers.starts - rows.days.start, 0)], -1)


def _cells(rows: Rows, row_of: Ints, own: Entries) -> _Cells:
    row = row_of[own.buyers]
    n = _places_of_days(rows)[own.days - rows.days.start] - row if own.days.size else row
    inside = n < rows.width
    return _Cells(own.where(inside), row[inside], n[inside])


def _once(row_of: Ints, cells: _Cells) -> tuple[Ints, Ints]:
    """Row and cell of each buyer, once for every cell in which there is a purchase."""
    width = int(cells.ns.max(initial=0)) + 1
    keys = np.sort(cells.entries.buyers * width + cells.ns)
    buyers, ns = np.divmod(keys[np.flatnonzero(np.diff(keys, prepend=-1))], width)
    return row_of[buyers], ns


def _first(row_of: Ints, cells: _Cells) -> tuple[Ints, Ints]:
    """Row and cell of the first purchase of each buyer: entries are in the order of days."""
    first = np.full(row_of.size, -1)
    first[cells.entries.buyers[::-1]] = cells.ns[::-1]
    some = first >= 0
    return row_of[some], first[some]


def _table(rows: Rows, row: Ints, n: Ints, numbers: Ints | None = None) -> list[list[int]]:
    """Numbers, or how many there are, by row and cell."""
    total = Exact(rows.count, rows.width)
    total.add((row, n), np.ones_like(row) if numbers is None else numbers)
    return [cells[: rows.cells(at)] for at, cells in enumerate(total.values())]


def _habits(purchases: Entries, group_of: Ints, groups: int) -> list[Habit]:
    """The habits of the buyers of each group; who has none (-1) does not count."""
    people = group_of.size
    days = np.bincount(purchases.buyers, minlength=people)
    first, last, bought = (np.zeros(people, np.int64) for _ in range(3))
    first[purchases.buyers[::-1]] = purchases.days[::-1]
    last[purchases.buyers] = purchases.days
    np.add.at(bought, purchases.buyers, purchases.numbers)
    some = (days > 0) & (group_of >= 0)
    group, gaps = group_of[some], days[some] - 1
    columns = (np.ones_like(gaps), gaps > 0, bought[some], gaps, (last - first)[some])
    counted = np.zeros((len(columns), groups), np.int64)
    for row, numbers in zip(counted, columns, strict=True):
        np.add.at(row, group, numbers)
    return [Habit(*numbers) for numbers in counted.T.tolist()]


def _money(rows: Rows, row_of: Ints, paid: Entries, own: Entries) -> Money:
    cells = _cells(rows, row_of, own)
    table = _table(rows, cells.rows, cells.ns, cells.entries.numbers)
    complete = np.array([rows.complete_cells(row) for row in range(rows.count)], np.int64)
    over = cells.ns < complete[cells.rows]
    payments = Payments(
        cells.entries.buyers[over], cells.rows[over], cells.ns[over], cells.entries.numbers[over]
    )
    total = sum(paid.numbers[paid.days < rows.days.stop].tolist())
    return Money(table, [list(accumulate(row)) for row in table], total, payments)


def cohorts_of(rows: Rows, sums: Sums) -> Cohorts:
    """The rows as a projection takes them."""
    complete = [rows.complete_cells(row) for row in range(rows.count)]
    return Cohorts(np.array(sums.sizes, np.int64), np.array(complete, np.int64))
