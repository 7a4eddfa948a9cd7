"""Which numbers does a user's record add up to? Memberships in sets, sums in counters, entries in ledgers, and how they change.

    facts(record)       everything the record adds up to
    delta(old, new, …)  facts(new) - facts(old), at the cost of what is new where the cohorts of the user stay the same

Names are those of names.py.
"""

from collections.abc import Iterable

from stream.retention.amounts import add_answers, add_money
from stream.retention.anchors import NOWHERE, Anchors, anchors
from stream.retention.days import SLOTS_PER_DAY, iso
from stream.retention.found import Delta, Facts, slots_between
from stream.retention.names import (
    APART_FIRST_SEEN,
    REINSTALLS,
    cell,
    hour,
    late,
    late_hour,
    late_name,
    segments,
    set_name,
    was_counter,
    was_name,
)
from stream.retention.records import Record, has_slot_between
from stream.retention.scope import ELAPSED, FEEDBACK, HOURS, MONEY, Scope
from stream.retention.windows import add_windows


def active_days(record: Record) -> set[int]:
    """The local dates on which the user did anything, or money moved."""
    summary = record.summary
    return {
        slot // SLOTS_PER_DAY
        for slots in (record.sessions, summary.installs, summary.purchases, summary.answers, summary.money)
        for slot in slots
    }


def facts(record: Record, scope: Scope) -> Facts:
    """Everything the record adds up to."""
    start = anchors(record, scope.zone)
    found = Facts(set(), {}, {})
    _add_cohorts(start, found)
    _add_segments(start, found)
    _add_days(record, start, active_days(record), scope, found)
    summary = record.summary
    if HOURS in scope.families:
        slots = {*record.sessions, *summary.installs, *summary.purchases, *summary.answers}
        found.sums.update((hour(slot), 1) for slot in slots)
    if ELAPSED in scope.families:
        for cohort, slot in start.starts():
            add_windows(record, cohort, slot, None, scope.zone, found)
    return found


def delta(old: Record | None, new: Record, slots: set[int], after: Anchors, scope: Scope) -> Delta:
    """facts(new) - facts(old), where `slots` are those in which something can differ, and `after` are new's anchors."""
    was, now = Facts(set(), {}, {}), Facts(set(), {}, {})
    days = {slot // SLOTS_PER_DAY for slot in slots}
    before = NOWHERE if old is None else anchors(old, scope.zone)
    if before[:2] != after[:2]:
        days = active_days(new) | (set() if old is None else active_days(old))
    elif before.bought_slot != after.bought_slot:
        days |= {day for day in (before.bought, after.bought) if day is not None}
    if before[:3] != after[:3]:
        _add_cohorts(before, was)
        _add_cohorts(after, now)
    if before[-2:] != after[-2:]:
        _add_segments(before, was)
        _add_segments(after, now)
    if old is not None:
        _add_days(old, before, days, scope, was)
    _add_days(new, after, days, scope, now)
    if HOURS in scope.families:
        if old is not None:
            _add_hours(old, slots, was)
        _add_hours(new, slots, now)
    if ELAPSED in scope.families:
        if old is not None:
            _add_all_windows(old, before, after, slots, scope, was)
        _add_all_windows(new, after, before, slots, scope, now)
    return now.minus(was)


def _add_hours(record: Record, slots: set[int], found: Facts) -> None:
    """In which of some slots the user was active."""
    summary = record.summary
    for slot in slots:
        others = slot in summary.installs or slot in summary.purchases or slot in summary.answers
        if others or has_slot_between(record.sessions, slot, slot + 1):
            found.sums[hour(slot)] = 1


def _add_all_windows(
    record: Record, start: Anchors, other: Anchors, slots: set[int], scope: Scope, found: Facts
) -> None:
    """The windows of a record that can differ: of a cohort whose start moved all of them, else those of some slots."""
    others = dict(other.starts())
    for cohort, slot in start.starts():
        touched = slots if others.get(cohort) == slot else None
        add_windows(record, cohort, slot, touched, scope.zone, found)


def _add_cohorts(start: Anchors, found: Facts) -> None:
    """Which cohorts the user belongs to.

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
    if start.is_seen_apart:
        found.sets.add(APART_FIRST_SEEN)
    if start.bought is not None:
        found.sets.add(set_name("first_purchase", start.bought))


def _add_segments(start: Anchors, found: Facts) -> None:
    """Which segments the user belongs to, and belonged to before."""
    names, sums = segments(tuple(start.dims.items()))
    found.sets.update(names)
    found.sums.update(sums)
    for name, day, was, slots in start.late:
        found.sets.add(late_name(name, day))
        found.sums[late(name, day)] = 1
        found.sums.update((late_hour(name, slot), 1) for slot in slots)
        if was is not None:
            found.sets.add(was_name(name, was, day))
            found.sums[was_counter(name, day), was] = 1


def _add_days(record: Record, start: Anchors, days: Iterable[int], scope: Scope, found: Facts) -> None:
    """The facts of single days: active how, in which cells of the triangles, with which money and answers."""
    summary, sums, sets = record.summary, found.sums, found.sets
    has_money = MONEY in scope.families and (summary.money or summary.purchases)
    for day in days:
        first, end = day * SLOTS_PER_DAY, (day + 1) * SLOTS_PER_DAY
        sessions = slots_between(record.sessions, first, end)
        installs = slots_between(summary.installs, first, end) if summary.installs else ()
        purchases = slots_between(summary.purchases, first, end) if summary.purchases else ()
        answers = slots_between(summary.answers, first, end) if summary.answers else ()
        if sessions:
            sets.add(set_name("session", day))
            if start.install is not None and day > start.install:
                sums[cell("install", start.install, day)] = 1
            if start.seen is not None and day > start.seen:
                sums[cell("first_seen", start.seen, day)] = 1
        elif installs or purchases or answers:
            sets.add(set_name("other", day))
        if purchases:
            sets.add(set_name("purchase", day))
        if installs:
            again = sum(summary.installs[slot] for slot in installs) - (day == start.install)
            if again > 0:
                sums[REINSTALLS, iso(day)] = again
        if has_money:
            add_money(record, start, day, sessions, purchases, found)
        if answers and FEEDBACK in scope.families:
            add_answers(summary, start, day, answers, found)
