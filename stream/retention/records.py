"""What is remembered of one user? The record: a value whose merge is associative, commutative and idempotent.

Sessions are a set of slots. Installs, purchases and answers to surveys are kept whole, by event id. Of what sessions said of the
dimensions the earliest value of each is kept. A record with very many kept events keeps them apart (`apart`): then `kept` holds
only those that were loaded, and `summary` stands for all of them.
"""

from bisect import bisect_left
from collections.abc import Iterable

from msgspec import Struct, field

from stream.retention.kept import Kept, Key, content_order
from stream.retention.said import Said, event_order, keep_earliest, merge_said
from stream.retention.summary import Summary, summarise


class Record(Struct):
    """One user: sorted session slots, the earliest said dimensions of sessions, kept events, and their summary.

    apart         the kept events are stored one by one, since there are many
    partial       only some of them are in `kept`
    erased_until  what this id did until then does not exist; None where nothing was erased
    links         other ids of the same person, with the time (`done_ms`) of the last identity event that says so
    """

    sessions: list[int] = field(default_factory=list)
    said: dict[str, Said] = field(default_factory=dict)
    kept: dict[Key, Kept] = field(default_factory=dict)
    summary: Summary = field(default_factory=Summary)
    apart: bool = False
    partial: bool = False
    erased_until: int | None = None
    links: dict[bytes, int] = field(default_factory=dict)


class Incomplete(Exception):
    """A record kept apart needs all its kept events loaded to be merged with these ones."""


def has_slot_between(slots: list[int], first: int, end: int) -> bool:
    """Whether a sorted list of slots has one in first <= slot < end."""
    at = bisect_left(slots, first)
    return at < len(slots) and slots[at] < end


def merge(old: Record, new: Record) -> Record:
    """The record that knows what both know; `old` itself when `new` says nothing more.

    `new` must be whole. Where `old` keeps its events apart, those with the ids of `new` must be loaded; raises Incomplete when
    that is not enough.
    """
    sessions = merge_slots(old.sessions, new.sessions)
    said = merge_said(old.said, new.said)
    changed = {key: kept for key, kept in new.kept.items() if _wins(kept, old.kept.get(key))}
    if sessions is old.sessions and said is old.said and not changed:
        return old
    rest = old.apart, old.partial, old.erased_until, old.links
    if not changed:
        return Record(sessions, said, old.kept, old.summary, *rest)
    return Record(sessions, said, old.kept | changed, _summary_with(old, changed), *rest)


def merge_slots(old: list[int], new: Iterable[int]) -> list[int]:
    """The union of sorted `old` and `new`; `old` itself when nothing is new."""
    fresh = {slot for slot in new if not has_slot_between(old, slot, slot + 1)}
    return sorted([*old, *fresh]) if fresh else old


def say(record: Record, ts_ms: int, event_id: str, dims: tuple[tuple[str, str], ...]) -> None:
    """Note in place what a session said."""
    order = event_order(event_id)
    for name, value in dims:
        known = record.said.get(name)
        if known is None or ts_ms <= known[0]:
            keep_earliest(record.said, name, (ts_ms, order, value))


def keep(record: Record, key: Key, kept: Kept) -> None:
    """Note in place an event that is kept by its id. The summary is not counted again."""
    if _wins(kept, record.kept.get(key)):
        record.kept[key] = kept


def _wins(new: Kept, old: Kept | None) -> bool:
    return old is None or (new != old and content_order(new) < content_order(old))


def _summary_with(old: Record, changed: dict[Key, Kept]) -> Summary:
    summary = old.summary.copy()
    for key, kept in changed.items():
        before = old.kept.get(key)
        if before is not None and not summary.drop(key, before):
            if old.partial:
                raise Incomplete
            return summarise(old.kept | changed)
        summary.add(key, kept)
    return summary
