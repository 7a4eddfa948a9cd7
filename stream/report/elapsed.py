"""Who came back in which 24 or 168 hours after the own start? Activity by windows, from their sets and ledgers.

The sets of windows know no as_of: they are right for cells that are over, and where nobody did anything after it.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from stream.report.activity import Names, Paid
from stream.report.grid import WINDOWS, Grid
from stream.report.query import RetentionQuery
from stream.report.sets import (
    Bitmap,
    Block,
    Stack,
    any_of,
    cohort_names,
    entries_of,
    flags_of,
    from_each_on,
    stack_of,
)
from stream.report.starts import Starts, members_of
from stream.retention.days import DAY_MS, SLOTS_PER_DAY
from stream.retention.names import APART_FIRST_SEEN, hour, late_hour, moved, window_ledger, window_name
from stream.store.protocol import Ledger

_KINDS = {
    "session": ("session",),
    "any": ("session", "other"),
    "purchase": ("purchase",),
    "revenue": ("purchase",),
}


class ByWindow:
    """Windows from each user's own start; `last` is the last period of a row that counts in a cell."""

    def __init__(self, query: RetentionQuery, grid: Grid, last: int) -> None:
        self.query, self.grid = query, grid
        self.width = WINDOWS[query.period]
        # The first windows of the session sets would be the cohort, so there are none.
        self.first = 0 if query.is_of_buying else self.width
        self.windows = range(self.first, (last + 1) * self.width)

    def names(self, currencies: Sequence[str]) -> Names:
        """The sets of all windows; those of first_seen hold only users who did not install in that very slot."""
        starts = [day for row in self.grid.rows for day in self.grid.days(row)]
        sets = [name for day in starts for name in cohort_names(self.query.cohort, day)]
        sets += [APART_FIRST_SEEN] if self.query.cohort == "first_seen" else []
        for cohort in self.cohorts():
            sets += [
                window_name(cohort, kind, number)
                for number in self.windows
                for kind in _KINDS[self.query.returns]
            ]
        ledgers = [
            window_ledger(cohort, number, currency)
            for cohort in self.cohorts()
            for number in self.windows
            for currency in currencies
        ]
        return Names(sets, ledgers)

    def cohorts(self) -> tuple[str, ...]:
        """The cohorts whose windows are looked at."""
        return ("install", "first_seen") if self.query.cohort == "first_seen" else (self.query.cohort,)

    def activity(self, block: Block, currencies: Sequence[str]) -> "WindowedActivity":
        """Of one block."""
        return WindowedActivity(self, block, currencies)


class WindowedActivity:
    """The activity of one block by period since each user's own start."""

    def __init__(self, way: ByWindow, block: Block, currencies: Sequence[str]) -> None:
        self._way, self._block = way, block
        self.periods = self._united()
        self._paid = [
            (number // way.width, currency, entries)
            for currency in currencies
            for number in way.windows
            for entries in self._entries(number, currency)
        ]

    def _united(self) -> Stack:
        way = self._way
        windows = [self._window(number) for number in way.windows]
        begun = way.first // way.width
        periods = [any_of(windows[at : at + way.width]) for at in range(0, len(windows), way.width)]
        united = stack_of([np.zeros_like(periods[0])] * begun + periods if periods else [])
        if way.query.is_unbounded:
            from_each_on(united[begun:])
        return united

    def _window(self, number: int) -> Bitmap:
        kinds = _KINDS[self._way.query.returns]
        named = {
            cohort: any_of([self._block(window_name(cohort, kind, number)) for kind in kinds])
            for cohort in self._way.cohorts()
        }
        if self._way.query.cohort != "first_seen":
            return named[self._way.query.cohort]
        return (named["install"] & ~self._block(APART_FIRST_SEEN)) | named["first_seen"]

    def _entries(self, number: int, currency: str) -> Iterator[Ledger]:
        for cohort in self._way.cohorts():
            entries = self._block.ledger(window_ledger(cohort, number, currency))
            if cohort != self._way.query.cohort:
                entries = entries_of(entries, flags_of(~self._block(APART_FIRST_SEEN)))
            yield entries

    def offset(self, at: int) -> int:
        """Windows are counted from the start, whatever the row."""
        return 0

    def own(self, starts: Starts) -> Bitmap:
        """Who bought in the first window."""
        first: Bitmap = self.periods[0]
        return members_of(starts) & first

    def paid(self, at: int, starts: Starts, currency: str) -> Iterator[Paid]:
        """What every window added."""
        members = flags_of(members_of(starts))
        for period, its_currency, entries in self._paid:
            if its_currency == currency:
                yield Paid(period, entries_of(entries, members))


def hours_after(query: RetentionQuery, grid: Grid, last: int) -> dict[str, int]:
    """The counters that tell whether somebody did something after as_of that is in the windows of this answer, with first slots.

    Where every cell is over, and none counts what comes later, only what was said late on the last day can matter.
    """
    first = grid.span.today * SLOTS_PER_DAY
    asked = {name for name, _ in query.where} | ({query.breakdown} if query.breakdown else set())
    found = {late_hour(name, first)[0]: first for name in sorted(asked)}
    if not grid.rows or (not query.is_unbounded and _all_complete(grid)):
        return found
    span, width = grid.span, WINDOWS[query.period]
    end = span.zone.day(grid.end_ms(grid.rows[-1]) + (last + 1) * width * DAY_MS)
    slots = [day * SLOTS_PER_DAY for day in range(span.today, max(end, span.today) + 1)]
    found |= {hour(slot)[0]: slot for slot in slots}
    if query.returns == "revenue":
        # A refund is no activity, but money.
        found |= {moved(slot)[0]: slot for slot in slots}
    elif asked:
        found[moved(first)[0]] = first  # and it may say something of a user who began on the last day
    return found


def _all_complete(grid: Grid) -> bool:
    return all(grid.complete(row, column) for row in grid.rows for column in grid.columns[: grid.cells(row)])


def is_quiet(grid: Grid, hours: Mapping[str, int], counters: Mapping[str, Mapping[str, int]]) -> bool:
    """Whether nobody did anything in the slots after that of as_of."""
    last = grid.span.zone.slot(grid.span.as_of_ms)
    return not any(
        first + int(k) > last
        for name, first in hours.items()
        for k, users in counters[name].items()
        if users > 0
    )
