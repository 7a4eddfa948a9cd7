"""What did one user do, hour by hour? Starts and returns by slot, read off the record itself.

This is the slow way to every triangle: it needs no sets, and it cuts at any slot. Pure functions of one record and of the
question; scan.py adds the users up.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stream.report.activity import Counted
from stream.report.grid import Grid
from stream.report.query import RetentionQuery
from stream.retention.anchors import begins
from stream.retention.days import SLOTS_PER_DAY
from stream.retention.records import Record

# The cohorts in which a user starts once, in the order of begins().
_ONCE = ("install", "first_seen", "first_purchase")


class Timeline(NamedTuple):
    """How slots become rows and periods; `last_slot` is the last one that exists."""

    grid: Grid
    rows: dict[int, int]
    last_slot: int

    def row(self, slot: int) -> int | None:
        """The place of the row in which somebody starts who starts in a slot."""
        grid = self.grid
        key = (
            grid.span.zone.slot_start_ms(slot)
            if grid.by_hour
            else grid.calendar.number(slot // SLOTS_PER_DAY)
        )
        return self.rows.get(key)

    def period(self, start: int, slot: int) -> int:
        """How many periods after the start a slot lies."""
        zone, calendar = self.grid.span.zone, self.grid.calendar
        if self.grid.length_ms is not None:
            return (zone.slot_start_ms(slot) - zone.slot_start_ms(start)) // self.grid.length_ms
        return calendar.number(slot // SLOTS_PER_DAY) - calendar.number(start // SLOTS_PER_DAY)


def timeline_of(grid: Grid) -> Timeline:
    """With hours and elapsed windows as_of cuts at its slot, else its date counts whole."""
    span = grid.span
    whole_day = (span.today + 1) * SLOTS_PER_DAY - 1
    last_slot = whole_day if grid.length_ms is None else span.zone.slot(span.as_of_ms)
    return Timeline(grid, {row: at for at, row in enumerate(grid.rows)}, last_slot)


def starts(record: Record, query: RetentionQuery, timeline: Timeline) -> Iterator[tuple[int, int]]:
    """The rows in which the user stands, each with the slot of the start."""
    seen: set[int] = set()
    for slot in _starting(record, query.cohort):
        if slot is None or slot > timeline.last_slot:
            return
        at = timeline.row(slot)
        if at is not None and at not in seen:
            seen.add(at)
            yield at, slot


def _starting(record: Record, cohort: str) -> Sequence[int | None]:
    match cohort:
        case "session":
            return record.sessions
        case "purchase":
            return sorted(record.summary.purchases)
    return [begins(record)[_ONCE.index(cohort)]]


def returns_of(record: Record, returns: str, timeline: Timeline) -> list[int]:
    """The slots of everything that counts as coming back and exists, in order."""
    summary = record.summary
    if returns == "session":
        slots = record.sessions
    elif returns == "any":
        slots = sorted({*record.sessions, *summary.installs, *summary.purchases, *summary.answers})
    else:
        slots = sorted(summary.purchases)
    return slots[: bisect_right(slots, timeline.last_slot)]


def periods_of(returned: list[int], start: int, timeline: Timeline, last: int) -> list[int]:
    """The periods up to `last` in which the user came back, not before the slot of the start, in order."""
    periods: list[int] = []
    for at in range(bisect_left(returned, start), len(returned)):
        period = timeline.period(start, returned[at])
        if period > last:
            break
        if not periods or periods[-1] != period:
            periods.append(period)
    return periods


def columns_of(query: RetentionQuery, periods: Sequence[int], spans: Sequence[Counted]) -> Sequence[int]:
    """The places of the cells in which a user counts who came back in these periods."""
    if not periods:
        return ()
    if query.brackets:
        return [at for at, span in enumerate(spans) if _is_in(periods, span)]
    if query.is_unbounded:
        return range(min(periods[-1] + 1, len(spans)))
    if query.criterion == "up_to":
        later = next((period for period in periods if period), len(spans))
        return [*(() if periods[0] else (0,)), *range(later, len(spans))]
    return [period for period in periods if period < len(spans)]


def _is_in(periods: Sequence[int], span: Counted) -> bool:
    first, last = span
    at = bisect_left(periods, first)
    return at < len(periods) and (last is None or periods[at] <= last)


def paid_of(record: Record, start: int, timeline: Timeline) -> Iterator[tuple[int, str, int]]:
    """What the user paid from the slot of the start on: period, currency, minor units."""
    for slot, amounts in record.summary.money.items():
        if start <= slot <= timeline.last_slot:
            for currency, amount_minor in amounts.items():
                yield timeline.period(start, slot), currency, amount_minor
