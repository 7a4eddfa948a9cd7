"""Who came back in which calendar period? Activity by local date, from the sets and ledgers of days."""

from collections.abc import Iterator, Sequence

import numpy as np

from stream.report.activity import Names, Paid
from stream.report.grid import Grid
from stream.report.query import RECURRING, RetentionQuery
from stream.report.sets import (
    Bitmap,
    Block,
    Stack,
    active_on,
    cohort_names,
    entries_of,
    flags_of,
    from_each_on,
    return_names,
    stack_of,
)
from stream.report.starts import Starts, members_of
from stream.retention.names import EARLY_INSTALL, before_ledger, paid_ledger, set_name
from stream.store.protocol import Ledger


class ByDate:
    """Local days, weeks or months; `last` is the last period of a row that counts in a cell."""

    def __init__(self, query: RetentionQuery, grid: Grid, last: int) -> None:
        self.query, self.grid, self.last = query, grid, last
        # Where cell 0 is the cohort, it needs no activity.
        self.needs_activity = query.is_of_buying or last > 0
        self.days = self._days()

    def _days(self) -> range:
        """The days whose activity is in some cell."""
        rows, calendar = self.grid.rows, self.grid.calendar
        if not rows or not self.needs_activity:
            return range(0)
        last = calendar.period(min(rows[-1] + self.last, calendar.number(self.grid.span.today))).last
        return range(calendar.first_day(rows[0]), min(last, self.grid.span.today) + 1)

    def names(self, currencies: Sequence[str]) -> Names:
        """The sets of all days, and what the days of starts have before the start."""
        cohort, starts = self.query.cohort, [day for row in self.grid.rows for day in self.grid.days(row)]
        sets = [name for day in starts for name in cohort_names(cohort, day)]
        sets += [name for day in self.days for name in return_names(self.query.returns, day)]
        if self.query.is_of_buying:
            sets += [name for day in starts if (name := self.early_name(day)) is not None]
        ledgers = [paid_ledger(day, currency) for currency in currencies for day in self.days]
        ledgers += [name for currency in currencies for name in self.before_names(currency, starts).values()]
        return Names(sets, list(dict.fromkeys(ledgers)))

    def early_name(self, day: int) -> str | None:
        """The set of those who bought on the day of their start, but only before it; None where nobody can have."""
        if self.query.cohort == "install":
            return EARLY_INSTALL
        return set_name("early:session", day) if self.query.cohort == "session" else None

    def before_names(self, currency: str, starts: Sequence[int]) -> dict[int | None, str]:
        """The ledgers of what moved on the day of a start before it: of each day, or under None of all."""
        if self.query.cohort in RECURRING:
            return {day: before_ledger(self.query.cohort, currency, day) for day in starts}
        return {None: before_ledger(self.query.cohort, currency)}

    def activity(self, block: Block, currencies: Sequence[str]) -> "DatedActivity":
        """Of one block."""
        return DatedActivity(self, block, currencies)


class DatedActivity:
    """The activity of one block by period of the calendar, from that of the first row."""

    def __init__(self, way: ByDate, block: Block, currencies: Sequence[str]) -> None:
        self._way, self._block = way, block
        self.periods = self._united()
        self._paid = {
            (currency, day): block.ledger(paid_ledger(day, currency))
            for currency in currencies
            for day in way.days
        }

    def _united(self) -> Stack:
        way, calendar = self._way, self._way.grid.calendar
        periods: list[Bitmap] = []
        last = None
        for day in way.days:
            users = active_on(self._block, way.query.returns, day)
            if calendar.number(day) == last:
                periods[-1] = periods[-1] | users
            else:
                periods.append(users)
            last = calendar.number(day)
        united = stack_of(periods)
        return from_each_on(united) if way.query.is_unbounded else united

    def offset(self, at: int) -> int:
        """Rows follow each other as periods do."""
        return at

    def own(self, starts: Starts) -> Bitmap:
        """Day by day: who has started by then, less who bought only before starting on that very day."""
        started = bought = np.zeros_like(starts[0][1])
        for day, new in starts:
            early = self._way.early_name(day)
            counts = started | (new if early is None else new & ~self._block(early))
            bought = bought | (self._block(set_name("purchase", day)) & counts)
            started = started | new
        return bought

    def paid(self, at: int, starts: Starts, currency: str) -> Iterator[Paid]:
        """What every day added, and what of the first day does not count."""
        way, members = self._way, members_of(starts)
        calendar, row = way.grid.calendar, way.grid.rows[at]
        started = np.zeros_like(members)
        for day, new in starts:
            started = started | new
            yield Paid(0, entries_of(self._paid[currency, day], flags_of(started)))
        befores = way.before_names(currency, [day for day, _ in starts])
        for begun, name in befores.items():
            users = members if begun is None else dict(starts)[begun]
            before = entries_of(self._block.ledger(name), flags_of(users))
            yield Paid(0, Ledger(before.users, -before.amounts))
        flags = flags_of(members)
        for day in way.days[calendar.first_day(row + 1) - way.days.start :]:
            period = calendar.number(day) - row
            if period > way.last:
                return
            yield Paid(period, entries_of(self._paid[currency, day], flags))
