"""What has to be written for these events of one user? The plan of a batch, user by user; pure."""

from collections.abc import Mapping, Sequence

from stream.events.schema import Event
from stream.retention.days import SLOTS_PER_DAY, Zone
from stream.retention.facts import delta
from stream.retention.records import SESSION, Key, Kept, Record, keep, merge, say
from stream.store.codec import decode, decode_kept, encode, encode_kept, is_apart, kept_field
from stream.store.protocol import Part, UserWrite

# A record with more kept events than this keeps them apart, so that one more costs one more and not all of them again.
KEPT_INLINE_MAX = 32


def record_of(events: Sequence[Event]) -> Record:
    """What these events of one user say, as a record without a summary: the right-hand side of a merge."""
    record = Record()
    slots: set[int] = set()
    for event in events:
        if event.kind == SESSION:
            slots.add(event.slot)
            if event.dims:
                say(record, event.ts_ms, event.event_id, event.dims)
        else:
            keep(record, (event.kind, event.event_id), _kept(event))
    record.sessions = sorted(slots)
    return record


def fields_needed(stored: bytes | None, events: Sequence[Event]) -> list[bytes]:
    """Which kept events stored apart have to be read before these events can be planned; empty for nearly everybody."""
    if stored is None or not is_apart(stored):
        return []
    return sorted({kept_field((event.kind, event.event_id)) for event in events if event.kind != SESSION})


def plan(
    user: bytes,
    stored: bytes | None,
    events: Sequence[Event],
    zone: Zone,
    parts: Mapping[bytes, bytes] | None = None,
    *,
    whole: bool = False,
) -> UserWrite | None:
    """The write that makes these events count, None when they are counted already.

    parts   the kept events stored apart that fields_needed() asked for, or all of them (`whole`)
    Raises Incomplete when all of them are needed.
    """
    old = None if stored is None else _load(stored, zone, parts or {}, whole)
    new = record_of(events)
    merged = merge(old or Record(), new)
    if old is not None and merged is old:
        return None
    moved: list[Part] = []
    if not merged.apart and len(merged.kept) > KEPT_INLINE_MAX:
        merged.apart = True
        moved = [(kept_field(key), None, encode_kept(key, kept)) for key, kept in merged.kept.items()]
    elif merged.apart:
        moved = _changed_parts(old, merged, new)
    return UserWrite(user, stored, encode(merged), delta(old, merged, _days(old, merged, new)), moved)


def _kept(event: Event) -> Kept:
    money = (event.amount_minor, event.currency, event.product_id, event.refund_of)
    return Kept(event.ts_ms, event.slot, event.dims, *money)


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


def _days(old: Record | None, merged: Record, new: Record) -> set[int]:
    """The local dates whose facts can differ: those of the new events, and those that replaced events had."""
    slots = set(new.sessions)
    for key in new.kept:
        slots |= {_slot(record, key) for record in (old, merged) if record is not None and key in record.kept}
    return {slot // SLOTS_PER_DAY for slot in slots}


def _slot(record: Record, key: Key) -> int:
    return record.kept[key].slot
