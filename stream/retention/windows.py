"""In which 24 hours after the start was a user active? Memberships and money by windows of real hours.

A slot lies in window floor((its start - the start's) / 24 h). Windows cut across local dates; 168-hour windows are seven of these.
"""

from bisect import bisect_left
from collections.abc import Collection

from stream.retention.days import DAY_MS, Zone
from stream.retention.found import Facts, has_between, slots_between
from stream.retention.names import window_ledger, window_name
from stream.retention.records import Record, has_slot_between


def add_windows(
    record: Record, cohort: str, start: int, slots: Collection[int] | None, zone: Zone, found: Facts
) -> None:
    """The facts of one cohort that began in slot `start`: of all windows, or of those that some slots lie in."""
    summary = record.summary
    if slots is None:
        others = *summary.installs, *summary.purchases, *summary.answers, *summary.money
        slots = (*record.sessions[bisect_left(record.sessions, start) :], *others)
    origin = zone.slot_start_ms(start)
    for number in {(zone.slot_start_ms(slot) - origin) // DAY_MS for slot in slots if slot >= start}:
        _add_window(record, cohort, number, *zone.window(start, number), found)


def _add_window(record: Record, cohort: str, number: int, first: int, end: int, found: Facts) -> None:
    """The facts of one window, which holds the slots first <= slot < end."""
    summary = record.summary
    bought = has_between(summary.purchases, first, end)
    if bought:
        found.sets.add(window_name(cohort, "purchase", number))
    # Window 0 is the cohort itself: of it only purchases are counted.
    if number:
        if has_slot_between(record.sessions, first, end):
            found.sets.add(window_name(cohort, "session", number))
        elif bought or has_between(summary.installs, first, end) or has_between(summary.answers, first, end):
            found.sets.add(window_name(cohort, "other", number))
    if summary.money:
        for slot in slots_between(summary.money, first, end):
            for currency, amount_minor in summary.money[slot].items():
                ledger = window_ledger(cohort, number, currency)
                found.ledgers[ledger] = found.ledgers.get(ledger, 0) + amount_minor
