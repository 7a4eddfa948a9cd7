"""How is the usual event planned without the whole record? Four short ways; each gives just the write that `plan` would give.

    plan_install          a user nobody knew installs
    plan_new_sessions     a user nobody knew has sessions
    plan_first_sessions   the first sessions after an install
    plan_append           sessions after the last one: nearly every event there is

Each returns None when the events are of another kind or may touch a cohort, a dimension or an earlier session; then `plan` does it.
"""

from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from stream.events.schema import Dims, Event
from stream.retention.days import SLOTS_PER_DAY
from stream.retention.facts import Delta, Sum, cell, set_name
from stream.retention.records import INSTALL, SESSION, event_order
from stream.store.codec import NOTHING, Spoken, append_slot, encode_install, with_sessions
from stream.store.protocol import UserWrite

NO_SESSION = -1


class Known(Struct, gc=False):
    """A record as it was last seen, with what the short ways need to know of it.

    last_slot    its last session; NO_SESSION where it has none, but an install
    quiet_ms     a session after it that says `quiet_dims`, or nothing, says nothing new
    quiet_dims   what sessions say; before the first one, what the install said
    other_days   the days that may be active without a session
    """

    record: bytes
    last_slot: int
    quiet_ms: int
    quiet_dims: Dims
    install: int | None
    seen: int | None
    other_days: frozenset[int]


class Plan(Struct, gc=False):
    """What is to be written, None when the events are counted already, and what is then known of the user."""

    write: UserWrite | None
    known: Known | None


def plan_install(user: bytes, events: Sequence[Event]) -> Plan | None:
    """The plan for one install of a user without a record."""
    event = events[0]
    if len(events) != 1 or event.kind != INSTALL:
        return None
    record = encode_install(event.ts_ms, event.event_id, event.dims)
    if record is None:
        return None
    day = event.slot // SLOTS_PER_DAY
    joins, sums = _segments(event.dims)
    joins = [set_name("install", day), set_name("other", day), *joins]
    sums = {cell("install", day, day): 1, cell("first_seen", day, day): 1, **sums}
    known = Known(record, NO_SESSION, 0, event.dims, day, day, frozenset((day,)))
    return Plan(UserWrite(user, None, record, Delta(joins, [], sums)), known)


def plan_known(user: bytes, known: Known, events: Sequence[Event]) -> Plan | None:
    """The plan for sessions of a user who is remembered."""
    if known.last_slot == NO_SESSION:
        return plan_first_sessions(user, known, events)
    return plan_append(user, known, events)


def plan_new(user: bytes, events: Sequence[Event]) -> Plan | None:
    """The plan for a user without a record."""
    return plan_install(user, events) if events[0].kind == INSTALL else plan_new_sessions(user, events)


def plan_new_sessions(user: bytes, events: Sequence[Event]) -> Plan | None:
    """The plan for sessions of a user without a record; the install comes later, or never."""
    found = _sessions(events)
    if found is None:
        return None
    slots, said, moment = found
    day = slots[0] // SLOTS_PER_DAY
    record = with_sessions(NOTHING, (), moment, slots)
    known = Known(record, slots[-1], *((0, ()) if said is None else said), None, day, frozenset())
    delta = _new_days(known, slots, None)
    delta.joins.append(set_name("seen+", day))
    delta.sums[cell("first_seen", day, day)] = 1
    joins, sums = _segments(known.quiet_dims)
    delta.joins.extend(joins)
    delta.sums.update(sums)
    return Plan(UserWrite(user, None, record, delta), known)


def plan_first_sessions(user: bytes, known: Known, events: Sequence[Event]) -> Plan | None:
    """The plan for the first sessions after an install: none before the user was first seen, none with another dimension."""
    found = _sessions(events)
    if found is None:
        return None
    slots, said, moment = found
    if known.seen is None or slots[0] // SLOTS_PER_DAY < known.seen:
        return None
    if said is not None and not _names(said[1]) <= _names(known.quiet_dims):
        return None
    record = with_sessions(known.record, known.quiet_dims, moment, slots)
    quiet = (0, ()) if said is None else said
    after = Known(record, slots[-1], *quiet, known.install, known.seen, known.other_days)
    return Plan(UserWrite(user, known.record, record, _new_days(known, slots, None)), after)


def _sessions(events: Sequence[Event]) -> tuple[list[int], tuple[int, Dims] | None, Spoken | None] | None:
    """Slots in order, and when sessions that all say the same said it first; None where it is not as simple as that."""
    slots: set[int] = set()
    first: Event | None = None
    for event in events:
        if event.kind != SESSION:
            return None
        slots.add(event.slot)
        if not event.dims:
            continue
        if first is None:
            first = event
        elif event.dims is not first.dims or event.ts_ms == first.ts_ms:
            return None
        elif event.ts_ms < first.ts_ms:
            first = event
    if first is None:
        return sorted(slots), None, None
    return sorted(slots), (first.ts_ms, first.dims), (first.ts_ms, event_order(first.event_id), first.dims)


def plan_append(user: bytes, known: Known, events: Sequence[Event]) -> Plan | None:
    """The plan for sessions after the last one.

    A later session changes no cohort and no dimension; it appends its gap to the record, and on a new day one membership and one
    cell of each triangle.
    """
    last = known.last_slot
    slots: list[int] = []
    for event in events:
        if event.slot < last or event.ts_ms <= known.quiet_ms or event.kind != SESSION:
            return None
        if event.dims is not known.quiet_dims and event.dims:
            return None
        if event.slot > last and event.slot not in slots:
            slots.append(event.slot)
    if not slots:
        return Plan(None, known)
    slots.sort()
    delta = _new_days(known, slots, last // SLOTS_PER_DAY)
    record = known.record
    for slot in slots:
        record = append_slot(record, last, slot)
        last = slot
    after = Known(record, last, known.quiet_ms, known.quiet_dims, known.install, known.seen, known.other_days)
    return Plan(UserWrite(user, known.record, record, delta), after)


def _new_days(known: Known, slots: list[int], day: int | None) -> Delta:
    """What the sessions of these slots change, `day` being the last one that had a session: memberships, and cells of triangles."""
    delta = Delta([], [], {})
    for slot in slots:
        if slot // SLOTS_PER_DAY == day:
            continue
        day = slot // SLOTS_PER_DAY
        delta.joins.append(set_name("session", day))
        if day in known.other_days:
            delta.leaves.append(set_name("other", day))
        if known.install is not None and day > known.install:
            delta.sums[cell("install", known.install, day)] = 1
        if known.seen is not None and day > known.seen:
            delta.sums[cell("first_seen", known.seen, day)] = 1
    return delta


@lru_cache(maxsize=16_384)
def _segments(dims: Dims) -> tuple[list[str], dict[Sum, int]]:
    """The sets and sums of some dimensions; many users share them."""
    return [f"dim:{name}={value}" for name, value in dims], {
        ("values:" + name, value): 1 for name, value in dims
    }


@lru_cache(maxsize=16_384)
def _names(dims: Dims) -> frozenset[str]:
    return frozenset(name for name, _ in dims)
