"""Which cohorts and cells does an answer about money have? Days, weeks or months, and what of them has begun or is over."""

from dataclasses import dataclass

from stream.report.parameters import CELLS_MAX, QueryError
from stream.report.periods import Period, periods_between
from stream.report.revenue_query import RevenueQuery
from stream.report.span import Span

DAYS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of an answer and the periods in which its cells lie: cell n of a row is the period n places after it.

    periods   those that have begun, from the first row on, whole
    over      how many of them are over: they come first
    count     how many of them are rows
    width     how many cells the first row has; the others have no more
    """

    span: Span
    periods: list[Period]
    over: int
    count: int
    width: int

    def cells(self, row: int) -> int:
        """How many cells a row has."""
        return min(self.width, len(self.periods) - row)

    def complete_cells(self, row: int) -> int:
        """How many cells of a row are over: they come first."""
        return min(self.cells(row), max(0, self.over - row))

    def days_of(self, at: int) -> range:
        """The days of a period on which there can be activity."""
        period = self.periods[at]
        return range(period.first, min(period.last, self.span.today) + 1)

    @property
    def shown(self) -> int:
        """How many of the periods are in some row or cell."""
        return min(self.count + self.width - 1, len(self.periods)) if self.count else 0

    @property
    def days(self) -> range:
        """The days of all rows: those on which members start, and those that the total is about."""
        return range(self.periods[0].first, self.days_of(self.count - 1).stop) if self.count else range(0)

    @property
    def days_to_now(self) -> range:
        """The days from the first row to as_of."""
        return range(self.periods[0].first, self.span.today + 1) if self.count else range(0)

    @property
    def days_of_cells(self) -> range:
        """The days of all rows and cells."""
        return range(self.periods[0].first, self.days_of(self.shown - 1).stop) if self.count else range(0)


def rows_of(query: RevenueQuery, span: Span) -> Rows:
    """The rows and cells of a question. Raises QueryError when the answer would be too large."""
    kind, week_start = query.period, query.week_start
    if span.begun - span.first > DAYS_MAX:
        raise QueryError(
            f"the answer would look at more than {DAYS_MAX:,} days; ask for a shorter range (from, to, as_of)"
        )
    count = len(periods_between(kind, span.first, span.last, week_start))
    periods = periods_between(kind, span.first, span.begun, week_start) if count else []
    width = len(periods) if query.periods is None else min(query.periods + 1, len(periods))
    if query.periods is None and count:
        width = min(width, max(1, CELLS_MAX // count))
    over = sum(span.complete(period.last) for period in periods)
    rows = Rows(span, periods, over, count, width)
    if sum(rows.cells(row) for row in range(count)) > CELLS_MAX:
        raise QueryError(
            f"the answer would have more than {CELLS_MAX:,} cells; ask for a shorter range (from, to) or fewer periods"
        )
    return rows
