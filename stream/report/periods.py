"""Which whole days, weeks or months does a range of days touch? Days are ordinals; a period is never cut."""

from datetime import date
from typing import NamedTuple

_DAYS_A_WEEK = 7


class Period(NamedTuple):
    """First and last day of one period, both in it."""

    first: int
    last: int


def period_of(kind: str, day: int, week_start: str = "monday") -> Period:
    """The day, week or month that a day lies in."""
    if kind == "week":
        # Day 1 of the calendar was a Monday.
        first = day - (day - 1 if week_start == "monday" else day) % _DAYS_A_WEEK
        return Period(first, first + _DAYS_A_WEEK - 1)
    if kind == "month":
        first = date.fromordinal(day).replace(day=1).toordinal()
        return Period(first, date.fromordinal(first + 31).replace(day=1).toordinal() - 1)
    return Period(day, day)


def periods_between(kind: str, first: int, last: int, week_start: str = "monday") -> list[Period]:
    """The periods that begin on `last` or before, from the one that `first` lies in."""
    found = []
    period = period_of(kind, first, week_start)
    while period.first <= last:
        found.append(period)
        period = period_of(kind, period.last + 1, week_start)
    return found
