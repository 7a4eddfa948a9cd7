"""How is the usual event planned without the whole record? Four short ways; each gives just the write that `plan` would give.

    plan_install        a user nobody knew installs
    plan_new_sessions   a user nobody knew has sessions
    plan_append         sessions after the last one: nearly every event there is
    plan_sessions       the first sessions after an install, and those that come after later ones

Each returns None when the events are of another kind or may touch a cohort, a dimension or money; then `plan` does it.
"""

from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct

from stream.events.schema import Dims, Event
from stream.known import NO_SESSION, Known, Start, only
from stream.retention.days import DAY_MS, SLOTS_PER_DAY, Zone
from stream.retention.found import Delta
from stream.retention.kept import INSTALL, SESSION
from stream.retention.names import (
    APART_FIRST_SEEN,
    cell,
    hour,
    segments,
    set_name,
    window_name,
)
from stream.retention.records import has_slot_between
from stream.retention.said import event_order, names_of
from stream.retention.scope import ELAPSED, HOURS, Scope
from stream.store.codec import NOTHING, Spoken, append_slot, encode_install, sessions_of, with_sessions
from stream.store.protocol import UserWrite


class Plan(Struct, gc=False):
    """What is to be written, None when the events are counted already, and what is then known of the user.

    erased   ids of which some events are erased, and until when
    """

    write: UserWrite | None
    known: Known | None
    erased: tuple[tuple[bytes, int], ...] = ()


def plan_install(user: bytes, events: Sequence[Event], scope: Scope) -> Plan | None:
    """The plan for one install of a user without a record."""
    event = events[0]
    if len(events) != 1 or event.kind != INSTALL:
        return None
    record = encode_install(event.ts_ms, event.event_id, event.dims)
    if record is None:
        return None
    slot, day = event.slot, event.slot // SLOTS_PER_DAY
    joins, sums = segments(event.dims)
    joins = [set_name("install", day), set_name("other", day), *joins]
    sums = {cell("install", day, day): 1, cell("first_seen", day, day): 1, **sums}
    if HOURS in scope.families:
        sums[hour(slot)] = 1
    starts = (("install", slot, scope.zone.window(slot, 0)[1]),)
    known = Known(record, NO_SESSION, 0, event.dims, slot, slot, starts, only(slot), only(day))
    return Plan(UserWrite(user, None, record, Delta(joins, [], sums)), known)


def plan_known(user: bytes, known: Known, events: Sequence[Event], scope: Scope) -> Plan | None:
    """The plan for sessions of a user who is remembered."""
    if known.last_slot == NO_SESSION:
        return plan_sessions(user, known, events, scope)
    return plan_append(user, known, events, scope) or plan_sessions(user, known, events, scope)


def plan_new(user: bytes, events: Sequence[Event], scope: Scope) -> Plan | None:
    """The plan for a user without a record."""
    if events[0].kind == INSTALL:
        return plan_install(user, events, scope)
    return plan_new_sessions(user, events, scope)


def plan_new_sessions(user: bytes, events: Sequence[Event], scope: Scope) -> Plan | None:
    """The plan for sessions of a user without a record; the install comes later, or never."""
    found = _sessions(events)
    if found is None:
        return None
    slots, said, moment = found
    seen = slots[0]
    day = seen // SLOTS_PER_DAY
    if said is not None and slots[-1] // SLOTS_PER_DAY != day != scope.zone.slot(said[0]) // SLOTS_PER_DAY:
        return None  # said late: see dimensions.py
    record = with_sessions(NOTHING, (), moment, slots)
    starts = (("first_seen", seen, scope.zone.window(seen, 0)[1]),)
    known = Known(record, slots[-1], *((0, ()) if said is None else said), None, seen, starts)
    known.quiet_names = names_of(known.quiet_dims)
    delta, known.starts = _new_slots(known, slots, None, scope, [])
    delta.joins.extend((set_name("seen+", day), APART_FIRST_SEEN))
    delta.sums[cell("first_seen", day, day)] = 1
    joins, sums = segments(known.quiet_dims)
    delta.joins.extend(joins)
    delta.sums.update(sums)
    return Plan(UserWrite(user, None, record, delta), known)


def plan_sessions(user: bytes, known: Known, events: Sequence[Event], scope: Scope) -> Plan | None:
    """The plan for sessions that come first, or before others: none before the user was first seen, none with another dimension."""
    found = _sessions(events, known.quiet_ms, known.quiet_names)
    if found is None or known.seen_slot is None:
        return None
    slots, said, moment = found
    bare, install_dims, spoken, before = (
        (known.record, known.quiet_dims, None, [])
        if known.last_slot == NO_SESSION
        else sessions_of(known.record)
    )
    if said is not None and not _changes_no_dimension(known, said, install_dims, spoken):
        return None
    fresh = sorted(set(slots).difference(before)) if before else slots
    if not fresh and said is None:
        return Plan(None, known)
    delta, starts = Delta([], [], {}), known.starts
    if fresh:
        if fresh[0] < known.seen_slot or (known.money_slots and _is_paid_before(known, fresh, None, before)):
            return None
        delta, starts = _new_slots(known, fresh, None, scope, before)
    slots = sorted(before + fresh)
    record = with_sessions(bare, install_dims, moment or spoken, slots)
    quiet = said or ((known.quiet_ms, known.quiet_dims) if before else (0, ()))
    after = known.with_sessions(record, slots[-1], *quiet, starts)
    return Plan(UserWrite(user, known.record, record, delta), after)


def _changes_no_dimension(
    known: Known, said: tuple[int, Dims], install_dims: Dims, spoken: Spoken | None
) -> bool:
    """Whether what is new in what sessions say is only since when they say it, and the install has said all of it by then."""
    names = names_of(said[1])
    if spoken is not None and (names != known.quiet_names or said[0] >= spoken[0]):
        return False
    if spoken is None and known.quiet_names:
        return False
    return known.seen_slot == known.install_slot and names <= names_of(install_dims)


def _sessions(
    events: Sequence[Event], quiet_ms: int = 0, quiet_names: frozenset[str] = frozenset()
) -> tuple[list[int], tuple[int, Dims] | None, Spoken | None] | None:
    """Slots in order, and when sessions that say something new, all the same, said it first; None where it is not as simple.

    quiet_ms, quiet_names   after that time nothing is new that says only these names
    """
    slots: set[int] = set()
    first: Event | None = None
    for event in events:
        if event.kind != SESSION:
            return None
        slots.add(event.slot)
        dims = event.dims
        if not dims or (quiet_names and event.ts_ms > quiet_ms and names_of(dims) <= quiet_names):
            continue
        if first is None:
            first = event
        elif dims is not first.dims or event.ts_ms == first.ts_ms:
            return None
        elif event.ts_ms < first.ts_ms:
            first = event
    if first is None:
        return sorted(slots), None, None
    return sorted(slots), (first.ts_ms, first.dims), (first.ts_ms, event_order(first.event_id), first.dims)


def plan_append(user: bytes, known: Known, events: Sequence[Event], scope: Scope) -> Plan | None:
    """The plan for sessions after the last one.

    A later session changes no cohort and no dimension; it appends its gap to the record, and on a new day one membership and one
    cell of each triangle.
    """
    last, quiet_ms, quiet_dims = known.last_slot, known.quiet_ms, known.quiet_dims
    slots: list[int] = []
    for event in events:
        slot = event.slot
        if slot < last or event.ts_ms <= quiet_ms or event.kind != SESSION:
            return None
        if event.dims is not quiet_dims and not names_of(event.dims) <= known.quiet_names:
            return None
        if slot > last and slot not in slots:
            slots.append(slot)
    if not slots:
        return Plan(None, known)
    slots.sort()
    if known.money_slots and _is_paid_before(known, slots, last, []):
        return None
    delta, starts = _new_slots(known, slots, last, scope, [])
    record = known.record
    for slot in slots:
        record = append_slot(record, last, slot)
        last = slot
    after = known.with_sessions(record, last, quiet_ms, quiet_dims, starts)
    return Plan(UserWrite(user, known.record, record, delta), after)


def _is_paid_before(known: Known, slots: list[int], last: int | None, before: list[int]) -> bool:
    """Whether money moved on the day of a session that is the first of it now, before it; where another was the first, between."""
    day = None if last is None else last // SLOTS_PER_DAY
    for slot in slots:
        if slot // SLOTS_PER_DAY != day:
            day = slot // SLOTS_PER_DAY
            begin, end = day * SLOTS_PER_DAY, slot
            if has_slot_between(before, begin, begin + SLOTS_PER_DAY):
                begin, end = slot, before[bisect_left(before, begin)]
            if any(begin <= moved < end for moved in known.money_slots):
                return True
    return False


def _new_slots(
    known: Known, slots: list[int], last: int | None, scope: Scope, before: list[int]
) -> tuple[Delta, tuple[Start, ...]]:
    """What sessions in these slots change: memberships, cells of triangles, hours.

    last     the last slot that had a session, where these come after it
    before   the slots that had one, where these do not
    """
    delta = Delta([], [], {}, {})
    joins, _, sums, _ = delta
    hours = HOURS in scope.families
    day = -1 if last is None else last // SLOTS_PER_DAY
    install = None if known.install_slot is None else known.install_slot // SLOTS_PER_DAY
    seen = None if known.seen_slot is None else known.seen_slot // SLOTS_PER_DAY
    for slot in slots:
        if hours and slot not in known.other_slots:
            sums[hour(slot)] = 1
        slot_day = slot // SLOTS_PER_DAY
        if slot_day == day:
            continue
        day = slot_day
        if before and has_slot_between(before, day * SLOTS_PER_DAY, (day + 1) * SLOTS_PER_DAY):
            continue
        joins.append(set_name("session", day))
        if day in known.other_days:
            delta.leaves.append(set_name("other", day))
        if install is not None and day > install:
            sums[cell("install", install, day)] = 1
        if seen is not None and day > seen:
            sums[cell("first_seen", seen, day)] = 1
    if ELAPSED in scope.families:
        return delta, _new_windows(known, slots, before, scope.zone, delta)
    return delta, known.starts


def _new_windows(
    known: Known, slots: list[int], before: list[int], zone: Zone, delta: Delta
) -> tuple[Start, ...]:
    """The windows that sessions in these slots open; most lie in the window of the session before."""
    starts = []
    for cohort, origin, reached in known.starts:
        end = zone.window(origin, 0)[1] if before else reached
        for slot in slots if slots[-1] >= end else ():
            if slot < end:
                continue
            number = (zone.slot_start_ms(slot) - zone.slot_start_ms(origin)) // DAY_MS
            first, end = zone.window(origin, number)
            if before and has_slot_between(before, first, end):
                continue
            delta.joins.append(window_name(cohort, "session", number))
            for other in known.other_slots:
                if first <= other < end:
                    delta.leaves.append(window_name(cohort, "other", number))
                    break
        starts.append((cohort, origin, end if end > reached else reached))
    return tuple(starts)
