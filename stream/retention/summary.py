"""What do the facts need of all the kept events of a user? Counts, money and answers by slot, and what is first, last and said."""

from collections.abc import Hashable, MutableMapping
from typing import TypeVar

from msgspec import Struct, field

from stream.retention.kept import FEEDBACK, INSTALL, Kept, Key
from stream.retention.said import Said, event_order, keep_earliest
from stream.retention.stretches import BySlot

_K = TypeVar("_K", bound=Hashable)


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
                keep_earliest(self.said, name, (kept.ts_ms, order, value))

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


def summarise(kept: dict[Key, Kept]) -> Summary:
    """The summary of kept events, counted from nothing."""
    summary = Summary()
    for key, one in kept.items():
        summary.add(key, one)
    return summary


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
