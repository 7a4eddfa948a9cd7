"""What have facts in common? The values they are gathered in, and the difference of two."""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, TypeVar

from stream.retention.names import Sum

_K = TypeVar("_K", Sum, str)


class Facts(NamedTuple):
    """Memberships, sums and ledger entries that are not zero."""

    sets: set[str]
    sums: dict[Sum, int]
    ledgers: dict[str, int]

    def minus(self, was: "Facts") -> "Delta":
        """How these facts differ from what was."""
        if not (was.sets or was.sums or was.ledgers):
            return Delta(sorted(self.sets), [], _not_zero(self.sums), _not_zero(self.ledgers))
        return Delta(
            sorted(self.sets - was.sets),
            sorted(was.sets - self.sets),
            _difference(self.sums, was.sums),
            _difference(self.ledgers, was.ledgers),
        )


class Delta(NamedTuple):
    """How facts change: sets that are joined and left, sums and ledger entries that are added (never zero)."""

    joins: list[str]
    leaves: list[str]
    sums: dict[Sum, int]
    ledgers: dict[str, int] = {}  # noqa: RUF012 never changed in place


def _difference(now: dict[_K, int], was: dict[_K, int]) -> dict[_K, int]:
    changed = dict(now)
    for key, amount in was.items():
        changed[key] = changed.get(key, 0) - amount
    return _not_zero(changed)


def _not_zero(amounts: dict[_K, int]) -> dict[_K, int]:
    return {key: amount for key, amount in amounts.items() if amount}


def slots_between(slots: Collection[int], first: int, end: int) -> Sequence[int]:
    """The slots in first <= slot < end: of a sorted list, or of the keys of a dictionary in any order."""
    if not slots:
        return ()
    if isinstance(slots, list):
        return slots[bisect_left(slots, first) : bisect_left(slots, end)]
    if len(slots) <= end - first:
        return [slot for slot in slots if first <= slot < end]
    return [slot for slot in range(first, end) if slot in slots]


def has_between(slots: Mapping[int, object], first: int, end: int) -> bool:
    """Whether a dictionary by slots has one in first <= slot < end."""
    if len(slots) <= end - first:
        return any(first <= slot < end for slot in slots) if slots else False
    return any(slot in slots for slot in range(first, end))
