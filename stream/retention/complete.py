"""Which cells of the plain triangle were complete already when something arrived? Their change is a revision."""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from stream.retention.days import SLOTS_PER_DAY, Zone
from stream.retention.names import TRIANGLE, Sum


def open_day(now_ms: int, zone: Zone) -> int:
    """The local date of a moment: the days before it are over."""
    return zone.slot(now_ms) // SLOTS_PER_DAY


def complete_cells(sums: Iterable[Sum], first_open: int) -> list[Sum]:
    """The cells among some sums whose day is before the first that is still open."""
    return [
        (counter, field)
        for counter, field in sums
        if counter.startswith(TRIANGLE) and _start(counter) + int(field) < first_open
    ]


@lru_cache(maxsize=65_536)
def _start(counter: str) -> int:
    return date.fromisoformat(counter.rpartition(":")[2]).toordinal()
