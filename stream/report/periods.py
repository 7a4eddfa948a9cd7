"""Which whole days, weeks or months does a range of days touch? Days are ordinals; a period is never cut.

Periods of one kind are numbered through from the beginning of the calendar, so that the one n periods later is `number + n`.
"""

from datetime import date
from typing import NamedTuple

_DAYS_A_WEEK = 7
_MONTHS_A_YEAR = 12


class Period(NamedTuple):
    """First and last day of one period, both in it."""

    first: int
    last: int


class Calendar(NamedTuple):
    """The days, weeks (from `week_start`) or months, by number."""

    kind: str
    week_start: str = "monday"

    def number(self, day: int) -> int:
        """The period that a day lies in."""
        if self.kind == "week":
            # Day 1 of the calendar was a Monday.
            return (day - (self.week_start == "monday")) // _DAYS_A_WEEK
        if self.kind == "month":
            found = date.fromordinal(day)
            return found.year * _MONTHS_A_YEAR + found.month - 1
        return day

    def first_day(self, number: int) -> int:
        """The day on which a period begins."""
        if self.kind == "week":
            return number * _DAYS_A_WEEK + (self.week_start == "monday")
        if self.kind == "month":
            return date(number // _MONTHS_A_YEAR, number % _MONTHS_A_YEAR + 1, 1).toordinal()
        return number

    def period(self, number: int) -> Period:
        """The days of a period."""
        return Period(self.first_day(number), self.first_day(number + 1) - 1)


def period_of(kind: str, day: int, week_start: str = "monday") -> Period:
    """The day, week or month that a day lies in."""
    calendar = Calendar(kind, week_start)
    return calendar.period(calendar.number(day))


def periods_between(kind: str, first: int, last: int, week_start: str = "monday") -> list[Period]:
    """The periods that begin on `last` or before, from the one that `first` lies in."""
    calendar = Calendar(kind, week_start)
    return [calendar.period(number) for number in range(calendar.number(first), calendar.number(last) + 1)]
