"""Where does a user begin? The slots at which the cohorts of a record start, and the dimensions it is segmented by."""

from collections.abc import Iterator
from typing import NamedTuple

from stream.retention.days import SLOTS_PER_DAY, Zone
from stream.retention.dimensions import Late, dimensions, late
from stream.retention.records import Record
from stream.retention.stretches import first_slot


class Anchors(NamedTuple):
    """The slots and days of a user's first install, activity and purchase, None where there is none, the dimensions, and what was
    said late.
    """

    install_slot: int | None
    seen_slot: int | None
    bought_slot: int | None
    install: int | None
    seen: int | None
    bought: int | None
    dims: dict[str, str]
    late: tuple[Late, ...] = ()

    @property
    def is_seen_apart(self) -> bool:
        """Whether the user was first seen in another slot than installed."""
        return self.seen_slot is not None and self.seen_slot != self.install_slot

    def starts(self) -> Iterator[tuple[str, int]]:
        """The cohorts whose windows are counted, with their slots; first_seen only where it is not the install."""
        if self.install_slot is not None:
            yield "install", self.install_slot
        if self.is_seen_apart and self.seen_slot is not None:
            yield "first_seen", self.seen_slot
        if self.bought_slot is not None:
            yield "first_purchase", self.bought_slot


NOWHERE = Anchors(None, None, None, None, None, None, {})


def begins(record: Record) -> tuple[int | None, int | None, int | None]:
    """The slots at which the cohorts of this record begin: install, first seen, first purchase."""
    summary = record.summary
    first = summary.first_install
    bought = first_slot(summary.purchases) if summary.purchases else None
    slots = record.sessions[:1]
    for others in (summary.installs, summary.purchases, summary.answers):
        if others:
            slots.append(first_slot(others))
    return None if first is None else first.slot, min(slots) if slots else None, bought


def anchors(record: Record, zone: Zone) -> Anchors:
    """Where the cohorts of this record begin, and its dimensions."""
    install, seen, bought = begins(record)
    begun = seen
    if record.summary.money:
        # A refund is no activity, but what was sold counts from then on.
        moved = first_slot(record.summary.money)
        begun = moved if begun is None else min(begun, moved)
    days = _day(install), _day(seen), _day(bought)
    return Anchors(install, seen, bought, *days, dimensions(record), late(record, begun, zone))


def _day(slot: int | None) -> int | None:
    return None if slot is None else slot // SLOTS_PER_DAY
