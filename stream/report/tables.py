"""How many of each row came back in each cell, segment by segment? Counted from sets and ledgers, block by block."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.report.activity import Activity, Way, counted
from stream.report.conditions import KEEP
from stream.report.exact import Exact
from stream.report.grid import Column, Grid
from stream.report.query import RetentionQuery
from stream.report.segments import Segment
from stream.report.sets import Bitmap, Block, Spans, any_of, blocks, count, counts_over
from stream.report.starts import Starts, members_of, starts_of
from stream.store.chunks import members_of as users_of
from stream.store.protocol import Ledger

_SEGMENT = "#segment "  # a mask as that of the conditions

Money = dict[str, int]


class Table(NamedTuple):
    """The numbers of one segment: sizes of rows; users, and money in minor units by currency, of every cell there is."""

    segment: str | None
    sizes: list[int]
    users: list[list[int]]
    money: list[list[Money]] | None = None


class Read(NamedTuple):
    """What was read, in one state; the mask of `where` is the set KEEP."""

    sets: Mapping[str, Bitmap]
    ledgers: Mapping[str, Ledger]
    currencies: Sequence[str]


def last_period(query: RetentionQuery, grid: Grid) -> int:
    """The last period of a row that counts in some cell and can have begun."""
    if not grid.rows:
        return 0
    reach = max(0, grid.reach(grid.rows[0]))
    return reach if query.is_unbounded else min(reach, max(column.end for column in grid.columns))


class _Later(NamedTuple):
    """The cells of a row: those that begin in period 0, by place, with the last period that counts; and the spans of the others."""

    begun: list[tuple[int, int]]
    spans: Spans


class Counting:
    """The numbers of all segments, grown block by block."""

    def __init__(self, query: RetentionQuery, grid: Grid, read: Read, segments: Sequence[Segment]) -> None:
        self.query, self.grid, self.read, self.segments = query, grid, read, segments
        shape = len(segments), len(grid.rows), len(grid.columns)
        self._sizes = np.zeros(shape[:2], np.int64)
        self._users = np.zeros(shape, np.int64)
        self._money = {currency: Exact(*shape) for currency in read.currencies}
        self._last = last_period(query, grid)
        self._rows: dict[int, _Later] = {}

    def count(self, way: Way) -> list[Table]:
        """The tables."""
        sets = dict(self.read.sets)
        for at, segment in enumerate(self.segments):
            if segment.users is not None:
                sets[f"{_SEGMENT}{at}"] = segment.users
        for block in blocks(sets, self.read.ledgers):
            activity = way.activity(block, self.read.currencies)
            labels = self._labels(block) if self._money else None
            for at, starts in enumerate(self._starts(block)):
                self._add_users(block, activity, at, starts)
                if labels is not None:
                    self._add_money(activity, at, starts, labels)
        return self._tables()

    def _starts(self, block: Block) -> Iterator[Starts]:
        for row in self.grid.rows:
            starts = starts_of(block, self.query.cohort, self.grid.days(row))
            yield [(day, users & block(KEEP)) for day, users in starts] if KEEP in self.read.sets else starts

    def _columns(self, at: int) -> tuple[Column, ...]:
        return self.grid.columns[: self.grid.cells(self.grid.rows[at])]

    def _spans(self, at: int) -> list[tuple[int, int]]:
        """First and last period that count in every cell of a row."""
        spans = [counted(self.query, column) for column in self._columns(at)]
        return [(first, self._last if last is None else last) for first, last in spans]

    def _later(self, at: int, base: int, periods: int) -> _Later:
        """Which cells of a row count who came back after period 0; every block has the same."""
        if at not in self._rows:
            begun, spans = [], []
            for place, (first, last) in enumerate(self._spans(at)):
                # With an unbounded criterion every period stands for all later ones too.
                end = base + (min(last, max(first, 1)) if self.query.is_unbounded else last)
                if first:
                    spans.append((base + first, end))
                else:
                    begun.append((place, end))
            self._rows[at] = _Later(begun, Spans.of(spans, periods))
        return self._rows[at]

    def _add_users(self, block: Block, activity: Activity, at: int, starts: Starts) -> None:
        members, base = members_of(starts), activity.offset(at)
        own = activity.own(starts) if self.query.is_of_buying else members
        begun, later = self._later(at, base, len(activity.periods))
        from_start = [
            any_of([own, *activity.periods[base + 1 : end + 1]]) if self.query.is_of_buying else own
            for _, end in begun
        ]
        for which, segment in enumerate(self.segments):
            some = members if segment.users is None else members & block(f"{_SEGMENT}{which}")
            self._sizes[which, at] += count(some)
            # Cells that begin in period 0 come first.
            cells = slice(len(begun), len(begun) + len(later.spans))
            self._users[which, at, cells] += counts_over(some, activity.periods, later)
            for (place, _), users in zip(begun, from_start, strict=True):
                self._users[which, at, place] += count(some & users)

    def _labels(self, block: Block) -> npt.NDArray[np.int64] | None:
        """The segment of each user of the block, -1 of whom is in none; None where there is only one."""
        if self.segments and self.segments[0].users is None:
            return np.zeros(0, np.int64)
        labels: npt.NDArray[np.int64] | None = None
        for which in range(len(self.segments)):
            users = block(f"{_SEGMENT}{which}")
            if labels is None:
                labels = np.full(users.size * 64, -1, np.int64)
            labels[users_of(users)] = which
        return labels

    def _add_money(self, activity: Activity, at: int, starts: Starts, labels: npt.NDArray[np.int64]) -> None:
        for currency, total in self._money.items():
            row = Exact(len(self.segments), self._last + 1)
            for period, entries in activity.paid(at, starts, currency):
                which = labels[entries.users] if labels.size else np.zeros(entries.users.size, np.int64)
                row.add((which[which >= 0], period), entries.amounts[which >= 0])
            total.merge((slice(None), at, slice(len(self._columns(at)))), row.over(self._spans(at)))

    def _tables(self) -> list[Table]:
        money = {currency: total.values() for currency, total in self._money.items()}
        tables = []
        for which, segment in enumerate(self.segments):
            users = [
                self._users[which, at, : self.grid.cells(row)].tolist()
                for at, row in enumerate(self.grid.rows)
            ]
            amounts = {currency: segments[which] for currency, segments in money.items()}
            cells = money_of(amounts, users) if self.query.returns == "revenue" else None
            tables.append(Table(segment.label, self._sizes[which].tolist(), users, cells))
        return tables


def money_of(amounts: Mapping[str, list[list[int]]], users: list[list[int]]) -> list[list[Money]]:
    """The money of every cell there is, from rows and columns by currency; nothing is not there."""
    return [
        [{name: rows[at][n] for name, rows in amounts.items() if rows[at][n]} for n in range(len(row))]
        for at, row in enumerate(users)
    ]
