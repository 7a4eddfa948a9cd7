"""In which 24 hours after the start was a user active? Memberships and money by windows of real hours.

A slot lies in window floor((its start - the start's) / 24 h). Windows cut across local dates, so a change on one date can touch the
windows of its neighbours; 168-hour windows are seven of these.
"""

from collections.abc import Collection, Iterable

from stream.retention.days import DAY_MS, SLOTS_PER_DAY, Zone
from stream.retention.found import Facts, slots_between
from stream.retention.names import window_ledger, window_name
from stream.retention.records import Record

# A window of 24 hours touches three dates where the middle one has 23.
_REACH_DAYS = 2


def add_windows(
    record: Record, cohort: str, start: int, days: Collection[int] | None, zone: Zone, found: Facts
) -> None:
    """The facts of one cohort that began in slot `start`: of all windows, or of those that touch some days."""
    if days is not None and not days:
        return
    origin = zone.slot_start_ms(start)
    touched = None if days is None else _touched(days, origin, zone)
    summary = record.summary

    def numbers(slots: Collection[int]) -> dict[int, int]:
        """Slot -> number of its window, of the slots whose windows are asked for."""
        some: Iterable[int] = slots
        if days is not None and slots:
            first = (min(days) - _REACH_DAYS) * SLOTS_PER_DAY
            some = slots_between(slots, first, (max(days) + _REACH_DAYS + 1) * SLOTS_PER_DAY)
        every = {slot: (zone.slot_start_ms(slot) - origin) // DAY_MS for slot in some}
        return {
            slot: number
            for slot, number in every.items()
            if number >= 0 and (touched is None or number in touched)
        }

    sessions = set(numbers(record.sessions).values())
    bought = set(numbers(summary.purchases).values())
    other = bought.union(numbers(summary.installs).values(), numbers(summary.answers).values()) - sessions
    found.sets.update(window_name(cohort, "session", number) for number in sessions if number)
    found.sets.update(window_name(cohort, "other", number) for number in other if number)
    found.sets.update(window_name(cohort, "purchase", number) for number in bought)
    for slot, number in numbers(summary.money).items():
        for currency, amount_minor in summary.money[slot].items():
            ledger = window_ledger(cohort, number, currency)
            found.ledgers[ledger] = found.ledgers.get(ledger, 0) + amount_minor


def _touched(days: Collection[int], origin: int, zone: Zone) -> set[int]:
    """The windows in which a slot of these days can lie; a date that comes back has its last slot 24 hours after its first."""
    firsts = [(zone.day_start_ms(day) - origin) // DAY_MS for day in days]
    return {number for first in firsts for number in (first, first + 1)}
