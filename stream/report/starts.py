"""Who starts in a row, and on which of its days? Activity of the row's own period counts from each member's own start."""

from collections.abc import Iterable

from stream.report.query import RECURRING
from stream.report.sets import Bitmap, Take, any_of, cohort_of

# The days of a row, and who starts on each of them.
Starts = list[tuple[int, Bitmap]]


def starts_of(take: Take, cohort: str, days: Iterable[int]) -> Starts:
    """The members of a row by day of their start; in a cohort that recurs it is the first day with the event."""
    found: Starts = []
    known: Bitmap | None = None
    for day in days:
        users = cohort_of(take, cohort, day)
        if cohort not in RECURRING:
            found.append((day, users))
            continue
        found.append((day, users if known is None else users & ~known))
        known = users if known is None else known | users
    return found


def members_of(starts: Starts) -> Bitmap:
    """All members of a row."""
    return any_of([users for _, users in starts])
