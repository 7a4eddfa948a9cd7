"""What has to be written for these events of one user? The plan of a batch, user by user; pure."""

from collections.abc import Mapping, Sequence

from stream.events.schema import Dims, Event
from stream.known import known_of
from stream.retention.anchors import anchors
from stream.retention.complete import complete_cells
from stream.retention.days import SLOTS_PER_DAY, Zone
from stream.retention.facts import delta
from stream.retention.kept import SESSION, Kept
from stream.retention.people import joined
from stream.retention.records import Record, keep, merge, say
from stream.retention.scope import Scope
from stream.retention.summary import summarise
from stream.shortcuts import Plan, plan_known, plan_new
from stream.store.codec import decode, encode, is_apart
from stream.store.kept import decode_kept, encode_kept, kept_field
from stream.store.protocol import Part, UserWrite
from stream.store.stored import decode_stored, encode_person, is_single

# A record with more kept events than this keeps them apart, so that one more costs one more and not all of them again.
KEPT_INLINE_MAX = 32
# Why a complete cell changes.
LATE, MERGE, ERASURE = "late", "merge", "erasure"


def fields_needed(stored: bytes | None, events: Sequence[Event]) -> list[bytes]:
    """Which kept events stored apart have to be read before these events can be planned; empty for nearly everybody."""
    if stored is None or not is_apart(stored):
        return []
    return sorted({kept_field((event.kind, event.event_id)) for event in events if event.kind != SESSION})


def plan_stored(user: bytes, stored: bytes | None, events: Sequence[Event], scope: Scope) -> Plan | None:
    """The plan for a user of whom nothing but the record is known, by the short ways; None where only plan() can tell."""
    if stored is None:
        return plan_new(user, events, scope)
    if not is_single(stored) or is_apart(stored) or any(event.kind != SESSION for event in events):
        return None
    record = decode(stored, scope.zone)
    known = known_of(stored, record, anchors(record, scope.zone), events, scope)
    return plan_known(user, known, events, scope)


def plan(
    user: bytes,
    stored: bytes | None,
    events: Sequence[Event],
    scope: Scope,
    parts: Mapping[bytes, bytes] | None = None,
    *,
    whole: bool = False,
) -> Plan:
    """The plan for any events and any record.

    parts   the kept events stored apart that fields_needed() asked for, or all of them (`whole`)
    Raises Incomplete when all of them are needed.
    """
    old = None if stored is None else _load(stored, scope.zone, parts or {}, whole)
    erased: tuple[tuple[bytes, int], ...] = ()
    if old is not None and old.erased_until is not None:
        events, erased = _alive(user, old.erased_until, events)
        if not events:
            return Plan(None, None, erased)
    new = record_of(events)
    if old is None:
        new.summary = summarise(new.kept)
    merged = new if old is None else merge(old, new)
    start = anchors(merged, scope.zone)
    if merged is old:
        return Plan(None, known_of(stored or b"", merged, start, events, scope), erased)
    moved: list[Part] = []
    if merged.apart:
        moved = _changed_parts(old, merged, new)
    elif len(merged.kept) > KEPT_INLINE_MAX:
        merged.apart = True
        moved = [(kept_field(key), None, encode_kept(key, kept)) for key, kept in merged.kept.items()]
    record = encode(merged)
    changes = delta(old, merged, _slots(old, merged, new), start, scope)
    known = known_of(record, merged, start, events, scope)
    return Plan(UserWrite(user, stored, record, changes, moved), known, erased)


def plan_person(
    user: bytes, stored: bytes, events: Mapping[bytes, Sequence[Event]], scope: Scope
) -> Plan | None:
    """The plan for events of several ids of one person, who stands under `user`; None where one of the ids is not in there."""
    members = decode_stored(user, stored, scope.zone).members
    if not events.keys() <= members.keys():
        return None
    old, after = joined(members), dict(members)
    erased: list[tuple[bytes, int]] = []
    alive: list[Event] = []
    for one, some in events.items():
        until = members[one].erased_until
        if until is not None:
            some, ignored = _alive(one, until, some)
            erased += ignored
        after[one] = merge(members[one], _summarised(record_of(some)))
        alive += some
    if all(after[one] is members[one] for one in events):
        return Plan(None, None, tuple(erased))
    merged, new = joined(after), record_of(alive)
    changes = delta(old, merged, _slots(old, merged, new), anchors(merged, scope.zone), scope)
    return Plan(UserWrite(user, stored, encode_person(after), changes), None, tuple(erased))


def _alive(
    user: bytes, until: int, events: Sequence[Event]
) -> tuple[list[Event], tuple[tuple[bytes, int], ...]]:
    """The events after an erasure, and what to say of the others."""
    alive = [event for event in events if event.done_ms > until]
    return alive, () if len(alive) == len(events) else ((user, until),)


def _summarised(record: Record) -> Record:
    record.summary = summarise(record.kept)
    return record


def revise(write: UserWrite, events: Sequence[Event], first_open: int) -> None:
    """Note in a write which cells it changes of days before the first that is open. Only events of such days can change one."""
    first_slot = first_open * SLOTS_PER_DAY
    for event in events:
        if event.slot < first_slot and not event.is_history:
            write.revised, write.reason = complete_cells(write.delta.sums, first_open), LATE
            return


def record_of(events: Sequence[Event]) -> Record:
    """What these events of one user say, as a record without a summary: the right-hand side of a merge."""
    record = Record()
    slots: set[int] = set()
    said: dict[Dims, tuple[int, str]] = {}
    for event in events:
        if event.kind != SESSION:
            keep(record, (event.kind, event.event_id), _kept(event))
            continue
        slots.add(event.slot)
        if event.dims:
            earliest = said.get(event.dims)
            if earliest is None or event.ts_ms < earliest[0]:
                said[event.dims] = event.ts_ms, event.event_id
            elif event.ts_ms == earliest[0]:
                say(record, event.ts_ms, event.event_id, event.dims)
    for dims, (ts_ms, event_id) in said.items():
        say(record, ts_ms, event_id, dims)
    record.sessions = sorted(slots)
    return record


def _kept(event: Event) -> Kept:
    money = (event.amount_minor, event.currency, event.product_id, event.refund_of)
    return Kept(event.ts_ms, event.slot, event.dims, *money, event.survey, event.score)


def _load(stored: bytes, zone: Zone, parts: Mapping[bytes, bytes], whole: bool) -> Record:
    record = decode(stored, zone)
    if record.apart:
        record.kept = dict(decode_kept(data, zone) for data in parts.values())
        record.partial = not whole
    return record


def _changed_parts(old: Record | None, merged: Record, new: Record) -> list[Part]:
    moved: list[Part] = []
    for key in new.kept:
        before = old.kept.get(key) if old is not None else None
        if merged.kept[key] != before:
            expected = None if before is None else encode_kept(key, before)
            moved.append((kept_field(key), expected, encode_kept(key, merged.kept[key])))
    return moved


def _slots(old: Record | None, merged: Record, new: Record) -> set[int]:
    """The slots in which something can differ: those of the new events, and those that replaced events had."""
    slots = set(new.sessions)
    for key in new.kept:
        slots |= {
            record.kept[key].slot for record in (old, merged) if record is not None and key in record.kept
        }
    return slots
