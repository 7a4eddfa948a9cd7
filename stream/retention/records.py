"""What is remembered of one user? The record: a value whose merge is associative, commutative and idempotent.

Sessions are a set of slots. Installs, purchases and answers to surveys are kept whole, by event id. Of what sessions said of the
dimensions the earliest value of each is kept. A record with very many kept events keeps them apart (`apart`): then `kept` holds
only those that were loaded, and `summary` stands for all of them.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Hashable, Iterable, MutableMapping
from typing import Any, TypeVar

from msgspec import Struct, field

from stream.retention.money import decimal_text
from stream.retention.stretches import BySlot

INSTALL = "install"
PURCHASE = "purchase"
FEEDBACK = "feedback"
SESSION = "session"

# When something was said, by which event, and what: (ts_ms, event order, value). The smallest is the earliest.
Said = tuple[int, str, str]
Key = tuple[str, str]
_K = TypeVar("_K", bound=Hashable)

# UUIDs of version 4, with 32 random bits in front. Not those of version 1, 6 or 7, which begin with the time, nor hand-made ones.
_RANDOM_UUID = re.compile(
    r"(?!0{8})[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII
)
_EVENT_ORDER_CHARS = 8


class Kept(Struct, frozen=True, gc=False):
    """An event that is kept by its id. Its slot is where the app's zone puts its time."""

    ts_ms: int
    slot: int
    dims: tuple[tuple[str, str], ...] = ()
    amount_minor: int = 0
    currency: str = ""
    product_id: str = ""
    refund_of: str = ""
    survey: str = ""
    score: int = 0


class FirstInstall(Struct, frozen=True, gc=False):
    """The install by which a user belongs to a cohort: the smallest (ts_ms, event_id)."""

    ts_ms: int
    event_id: str
    slot: int
    dims: tuple[tuple[str, str], ...] = ()


class Latest(Struct, frozen=True, gc=False, order=True):
    """An answer to a survey; the user's is the largest (ts_ms, event_id)."""

    ts_ms: int
    event_id: str
    score: int


class Summary(Struct):
    """What the facts need of all kept events, so that they need not be loaded.

    installs, purchases   how many, by slot; a refund is money and no activity, so it is in neither
    money                 net minor units by slot and currency; a refund counts at its own slot
    answers               how many, by slot and (survey, score)
    latest                the last answer to each survey in each slot
    said                  the earliest value of each dimension
    """

    installs: dict[int, int] = field(default_factory=dict)
    purchases: BySlot[int] = field(default_factory=dict)
    first_install: FirstInstall | None = None
    said: dict[str, Said] = field(default_factory=dict)
    money: BySlot[dict[str, int]] = field(default_factory=dict)
    answers: dict[int, dict[tuple[str, int], int]] = field(default_factory=dict)
    latest: dict[str, dict[int, Latest]] = field(default_factory=dict)

    def add(self, key: Key, kept: Kept) -> None:
        """Count one more kept event."""
        kind, event_id = key
        self._count(kind, kept, 1)
        if kind == INSTALL:
            first = self.first_install
            if first is None or (kept.ts_ms, event_id) < (first.ts_ms, first.event_id):
                self.first_install = FirstInstall(kept.ts_ms, event_id, kept.slot, kept.dims)
        elif kind == FEEDBACK:
            answer = Latest(kept.ts_ms, event_id, kept.score)
            answers = self.latest.setdefault(kept.survey, {})
            if kept.slot not in answers or answers[kept.slot] < answer:
                answers[kept.slot] = answer
        if kept.dims:
            order = event_order(event_id)
            for name, value in kept.dims:
                _keep_earliest(self.said, name, (kept.ts_ms, order, value))

    def drop(self, key: Key, kept: Kept) -> bool:
        """Take one kept event out. False when only a new count over all of them can tell what is first, last or said now."""
        kind, event_id = key
        self._count(kind, kept, -1)
        first = self.first_install
        if kind == INSTALL and first is not None and (first.ts_ms, first.event_id) == (kept.ts_ms, event_id):
            return False
        if kind == FEEDBACK and self.latest[kept.survey][kept.slot].event_id == event_id:
            return False
        order = event_order(event_id)
        return all(self.said.get(name) != (kept.ts_ms, order, value) for name, value in kept.dims)

    def _count(self, kind: str, kept: Kept, one: int) -> None:
        if kind == INSTALL:
            _add(self.installs, kept.slot, one)
        elif kind == FEEDBACK:
            _add_within(self.answers, kept.slot, (kept.survey, kept.score), one)
        else:
            amount_minor = -kept.amount_minor if kept.refund_of else kept.amount_minor
            _add_within(self.money, kept.slot, kept.currency, one * amount_minor)
            if not kept.refund_of:
                _add(self.purchases, kept.slot, one)

    def copy(self) -> "Summary":
        """A summary that can be changed without changing this one. What stands in a slot is shared: see _add_within."""
        return Summary(
            dict(self.installs),
            self.purchases.copy(),
            self.first_install,
            dict(self.said),
            self.money.copy(),
            dict(self.answers),
            {survey: dict(answers) for survey, answers in self.latest.items()},
        )


def _add(counts: MutableMapping[_K, int], key: _K, amount: int) -> None:
    """Add to a number; what comes to zero is not there, so that equal summaries are equal."""
    total = counts.get(key, 0) + amount
    if total:
        counts[key] = total
    else:
        counts.pop(key, None)


def _add_within(outer: MutableMapping[int, dict[_K, int]], slot: int, key: _K, amount: int) -> None:
    """The same within a slot. What stood in the slot is not changed but replaced: a copy of the summary may share it."""
    inner = dict(outer.get(slot, ()))
    _add(inner, key, amount)
    if inner:
        outer[slot] = inner
    else:
        outer.pop(slot, None)


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


def event_order(event_id: str) -> str:
    """What an event id adds to an order by time: itself, of a random UUID the first 32 bits.

    Only two events of one user in the same millisecond are ordered by it, so 32 random bits do what 122 would, and every record
    is shorter for it. Should they be equal as well, the smaller value wins: the outcome never depends on the order of arrival.
    """
    return event_id[:_EVENT_ORDER_CHARS] if _RANDOM_UUID.fullmatch(event_id) else event_id


def summarise(kept: dict[Key, Kept]) -> Summary:
    """The summary of kept events, counted from nothing."""
    summary = Summary()
    for key, one in kept.items():
        summary.add(key, one)
    return summary


def content_order(kept: Kept) -> tuple[int, bytes]:
    """By this order the smaller of two contents under one event id wins: time, then canonical JSON.

    Canonical: the fields that differ can only be these, in normal form, keys sorted, no spaces, UTF-8.
    """
    content: dict[str, Any] = dict(kept.dims)
    if kept.currency:
        content |= {"amount": decimal_text(kept.amount_minor, kept.currency), "currency": kept.currency}
    if kept.survey:
        content |= {"kind": kept.survey, "score": kept.score}
    content |= {name: text for name in ("product_id", "refund_of") if (text := getattr(kept, name))}
    content["timestamp"] = kept.ts_ms
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return kept.ts_ms, text.encode()


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


def merge_said(old: dict[str, Said], new: dict[str, Said]) -> dict[str, Said]:
    """The earliest of each dimension; `old` itself when nothing is earlier."""
    merged = old
    for name, said in new.items():
        if name not in merged or said < merged[name]:
            if merged is old:
                merged = dict(old)
            merged[name] = said
    return merged


def say(record: Record, ts_ms: int, event_id: str, dims: tuple[tuple[str, str], ...]) -> None:
    """Note in place what a session said."""
    order = event_order(event_id)
    for name, value in dims:
        known = record.said.get(name)
        if known is None or ts_ms <= known[0]:
            _keep_earliest(record.said, name, (ts_ms, order, value))


def keep(record: Record, key: Key, kept: Kept) -> None:
    """Note in place an event that is kept by its id. The summary is not counted again."""
    if _wins(kept, record.kept.get(key)):
        record.kept[key] = kept


def _wins(new: Kept, old: Kept | None) -> bool:
    return old is None or (new != old and content_order(new) < content_order(old))


def _keep_earliest(said: dict[str, Said], name: str, one: Said) -> None:
    if name not in said or one < said[name]:
        said[name] = one


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
