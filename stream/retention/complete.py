"""Which cells of the plain triangle were complete already when something arrived? Their change is a revision."""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from stream.retention.days import SLOTS_PER_DAY, Zone
from stream.retention.names import TRIANGLE, Sum

_NEVER = 1 << 62


def open_day(now_ms: int, zone: Zone) -> int:
    """The local date of a moment: the days before it are over."""
    return zone.slot(now_ms) // SLOTS_PER_DAY


def complete_cells(sums: Iterable[Sum], first_open: int) -> list[Sum]:
    """The cells among some sums whose day is before the first that is still open."""
    return [key for key in sums if _day(key) < first_open]


@lru_cache(maxsize=65_536)
def _day(key: Sum) -> int:
    """The local date of a cell of the plain triangle; of any other sum a day that never comes."""
    counter, field = key
    if not counter.startswith(TRIANGLE):
        return _NEVER
    return date.fromisoformat(counter.rpartition(":")[2]).toordinal() + int(field)
