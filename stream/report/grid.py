"""Which rows and cells does a triangle have, and which of them are complete? Spans are nominal and never taken from members.

A row is a day, week or month by its number (periods.py), or an hour by the UTC start of its slot in epoch milliseconds.

    calendar   the cell of periods a to b spans the periods row + a to row + b
    elapsed    it spans from a lengths after the beginning of the row to b + 1 lengths after its end

Before its span a cell is absent, after it complete, between them open.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from stream.report.parameters import CELLS_MAX, QueryError, moment_text
from stream.report.periods import Calendar
from stream.report.query import RetentionQuery
from stream.report.span import Span
from stream.retention.days import DAY_MS, HOUR_MS, SLOTS_PER_DAY, Zone, iso

HOURS_A_DAY_MIN = 20  # of days that are not skipped altogether
# A period of an elapsed window in windows of 24 hours.
WINDOWS = {"day": 1, "week": 7}


class Column(NamedTuple):
    """One cell of every row: its first and last period, and the name of a bracket."""

    n: int
    end: int
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """The rows that have begun, and the columns in the order of their n; a row has the first few of them."""

    span: Span
    calendar: Calendar
    length_ms: int | None
    rows: Sequence[int]
    columns: tuple[Column, ...]

    @property
    def by_hour(self) -> bool:
        """Whether a row is an hour."""
        return self.calendar.kind == "hour"

    def begin_ms(self, row: int) -> int:
        """The first instant of a row."""
        return row if self.by_hour else self.span.zone.day_start_ms(self.calendar.first_day(row))

    def end_ms(self, row: int) -> int:
        """The first instant after a row."""
        return row + HOUR_MS if self.by_hour else self.begin_ms(row + 1)

    def reach(self, row: int) -> int:
        """The largest period of a row that has begun."""
        if self.length_ms is not None:
            return (self.span.as_of_ms - self.begin_ms(row)) // self.length_ms
        return self.calendar.number(self.span.begun) - row

    def cells(self, row: int) -> int:
        """How many columns the row has."""
        return bisect_right(self.columns, self.reach(row), key=lambda column: column.n)

    def complete_to(self, row: int) -> int:
        """The last period of a row that is over, in cells that end with it."""
        if self.length_ms is not None:
            return (self.span.as_of_ms - self.end_ms(row)) // self.length_ms - (not self.by_hour)
        return self.calendar.number(self.span.begun) - row - 1

    def complete(self, row: int, column: Column) -> bool:
        """Whether a cell is over."""
        return column.end <= self.complete_to(row)

    def size_complete(self, row: int) -> bool:
        """Whether nobody can start in the row any more."""
        return self.span.as_of_ms >= self.end_ms(row)

    def days(self, row: int) -> range:
        """The days of a row on which activity exists."""
        first, last = self.calendar.period(row)
        return range(first, min(last, self.span.today) + 1)

    def label(self, row: int) -> str:
        """The name of a row: its first date; of an hour its UTC start."""
        return moment_text(row) if self.by_hour else iso(self.calendar.first_day(row))

    def check_cells(self, segments: int = 1) -> None:
        """Raises QueryError when the answer would have too many cells."""
        cells = 0
        for row in self.rows:
            cells += segments * self.cells(row)
            if cells > CELLS_MAX:
                raise QueryError(
                    f"the answer would have more than {CELLS_MAX:,} cells; "
                    "ask for a shorter range (from, to), fewer periods or a smaller limit"
                )


def grid_of(query: RetentionQuery, span: Span) -> Grid:
    """The rows and columns of an answer. Raises QueryError when it would have too many cells."""
    calendar = Calendar(query.period, query.week_start)
    length_ms, rows = None, _rows(query, calendar, span)
    if query.period == "hour":
        length_ms = HOUR_MS
    elif query.is_elapsed:
        length_ms = WINDOWS[query.period] * DAY_MS
    columns = tuple(Column(a, b, _label(a, b)) for a, b in ((0, 0), *query.brackets))
    grid = Grid(span, calendar, length_ms, rows, columns)
    if not query.brackets:
        grid = Grid(span, calendar, length_ms, rows, _columns(grid, query.periods))
    grid.check_cells()
    return grid


def _label(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _columns(grid: Grid, asked: int | None) -> tuple[Column, ...]:
    """A column for each period: as many as asked, else up to as_of as far as the limit of cells goes."""
    reach = grid.reach(grid.rows[0]) if grid.rows else 0
    periods = reach if asked is None else min(asked, reach)
    if asked is None:
        periods = max(0, min(periods, CELLS_MAX // max(len(grid.rows), 1) - 1))
    return tuple(Column(n, n) for n in range(periods + 1))


def _rows(query: RetentionQuery, calendar: Calendar, span: Span) -> Sequence[int]:
    if query.period == "hour":
        # Where a clock went back over midnight, the first hour of the next date may have begun before this one is over.
        last = span.last if query.last is None else min(query.last, span.begun)
        return _hours(span, range(span.first, last + 1))
    return range(calendar.number(span.first), calendar.number(span.last) + 1)


def _hours(span: Span, days: range) -> list[int]:
    if len(days) * HOURS_A_DAY_MIN > CELLS_MAX:
        raise QueryError(
            f"the answer would have more than {CELLS_MAX:,} cells; ask for a shorter range (from, to)"
        )
    starts = {start for day in days for start in hours_of(span.zone, day) if start <= span.as_of_ms}
    return sorted(starts)


def hours_of(zone: Zone, day: int) -> list[int]:
    """The UTC starts of the slots of a local date, also of one that comes back after the next date began."""
    found = []
    for slot in range(day * SLOTS_PER_DAY, (day + 1) * SLOTS_PER_DAY):
        start = zone.slot_start_ms(slot)
        if slot in (zone.slot(start), zone.slot(start + HOUR_MS - 1)):
            found.append(start)
    return found
