"""Which numbers does a user's record add up to? Memberships in sets and sums in counters, and what a change of record changes.

    facts(record)       everything the record adds up to
    delta(old, new, …)  facts(new) - facts(old), at the cost of what is new where the cohorts of the user stay the same

A set is named by a string ("session:2026-11-20"), a sum by (counter, field) (("triangle:install:2026-11-20", "7")).
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from stream.retention.days import SLOTS_PER_DAY, iso
from stream.retention.records import Record, has_slot_between

Sum = tuple[str, str]


class Facts(NamedTuple):
    """Memberships, and sums that are not zero."""

    sets: set[str]
    sums: dict[Sum, int]


class Delta(NamedTuple):
    """How facts change: sets that are joined and left, sums that are added (never zero)."""

    joins: list[str]
    leaves: list[str]
    sums: dict[Sum, int]


class Anchors(NamedTuple):
    """The days at which a user's cohorts begin, and the dimensions; a day is None where there is no such event."""

    install: int | None
    seen: int | None
    bought: int | None
    dims: dict[str, str]


@lru_cache(maxsize=65_536)
def set_name(kind: str, day: int) -> str:
    """The name of the set of one kind on one day."""
    return f"{kind}:{iso(day)}"


@lru_cache(maxsize=65_536)
def cell(cohort: str, start: int, day: int) -> Sum:
    """The sum in which a return on `day` of the cohort that began on `start` is counted; its own day holds the size."""
    return f"triangle:{cohort}:{iso(start)}", str(day - start)


def anchors(record: Record) -> Anchors:
    """Where the cohorts of this record begin. The dimensions are those of the first install, else the earliest said ones."""
    summary = record.summary
    first = summary.first_install
    bought = min(summary.purchases, default=None)
    slots = [
        slot
        for slot in (min(summary.installs, default=None), bought, *record.sessions[:1])
        if slot is not None
    ]
    return Anchors(
        None if first is None else first.slot // SLOTS_PER_DAY,
        min(slots) // SLOTS_PER_DAY if slots else None,
        None if bought is None else bought // SLOTS_PER_DAY,
        _dims(record),
    )


def _dims(record: Record) -> dict[str, str]:
    earliest = dict(record.summary.said)
    for name, said in record.said.items():
        if name not in earliest or said < earliest[name]:
            earliest[name] = said
    dims = {name: said[2] for name, said in earliest.items()}
    if record.summary.first_install is not None:
        dims.update(record.summary.first_install.dims)
    return dims


def active_days(record: Record) -> set[int]:
    """The local dates on which the user did anything."""
    summary = record.summary
    return {
        slot // SLOTS_PER_DAY
        for slots in (record.sessions, summary.installs, summary.purchases)
        for slot in slots
    }


def facts(record: Record) -> Facts:
    """Everything the record adds up to."""
    start = anchors(record)
    found = Facts(set(), {})
    _cohorts(start, found)
    _days(record, start, active_days(record), found)
    return found


def delta(old: Record | None, new: Record, days: Iterable[int], after: Anchors) -> Delta:
    """facts(new) - facts(old), where `days` are the local dates whose activity can differ, and `after` are new's anchors."""
    if old is None:
        found = Facts(set(), {})
        _cohorts(after, found)
        _days(new, after, days, found)
        return Delta(sorted(found.sets), [], found.sums)
    before = anchors(old)
    if before[:2] != after[:2]:
        days = active_days(old) | active_days(new)
    was, now = Facts(set(), {}), Facts(set(), {})
    if before != after:
        _cohorts(before, was)
        _cohorts(after, now)
    days = set(days)
    _days(old, before, days, was)
    _days(new, after, days, now)
    for key, amount in was.sums.items():
        now.sums[key] = now.sums.get(key, 0) - amount
    sums = {key: amount for key, amount in now.sums.items() if amount}
    return Delta(sorted(now.sets - was.sets), sorted(was.sets - now.sets), sums)


def _cohorts(start: Anchors, found: Facts) -> None:
    """The facts that do not depend on single days: which cohorts, which segments.

    First seen is the same day as the install for nearly everybody, so only the exceptions have sets of their own:
    first_seen = (install | seen+) & ~seen-.
    """
    if start.install is not None:
        found.sets.add(set_name("install", start.install))
        found.sums[cell("install", start.install, start.install)] = 1
    if start.seen is not None:
        found.sums[cell("first_seen", start.seen, start.seen)] = 1
        if start.seen != start.install:
            found.sets.add(set_name("seen+", start.seen))
            if start.install is not None:
                found.sets.add(set_name("seen-", start.install))
    if start.bought is not None:
        found.sets.add(set_name("first_purchase", start.bought))
    for name, value in start.dims.items():
        found.sets.add(f"dim:{name}={value}")
        found.sums["values:" + name, value] = 1


def _days(record: Record, start: Anchors, days: Iterable[int], found: Facts) -> None:
    """The facts of single days: active how, and in which cells of the triangles."""
    sessions, summary = record.sessions, record.summary
    for day in days:
        first, end = day * SLOTS_PER_DAY, (day + 1) * SLOTS_PER_DAY
        installs = _count(summary.installs, first, end)
        bought = _count(summary.purchases, first, end) > 0
        if has_slot_between(sessions, first, end):
            found.sets.add(set_name("session", day))
            if start.install is not None and day > start.install:
                found.sums[cell("install", start.install, day)] = 1
            if start.seen is not None and day > start.seen:
                found.sums[cell("first_seen", start.seen, day)] = 1
        elif installs or bought:
            found.sets.add(set_name("other", day))
        if bought:
            found.sets.add(set_name("purchase", day))
        again = installs - (day == start.install)
        if again > 0:
            found.sums["reinstalls", iso(day)] = again


def _count(slots: dict[int, int], first: int, end: int) -> int:
    if not slots:
        return 0
    if len(slots) <= SLOTS_PER_DAY:
        return sum(count for slot, count in slots.items() if first <= slot < end)
    return sum(slots.get(slot, 0) for slot in range(first, end))
