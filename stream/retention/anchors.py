"""Where does a user begin? The slots at which the cohorts of a record start, and the dimensions it is segmented by."""

from collections.abc import Iterator
from typing import NamedTuple

from stream.retention.days import SLOTS_PER_DAY, Zone
from stream.retention.dimensions import Late, dimensions, late
from stream.retention.records import Record


class Anchors(NamedTuple):
    """The slots at which a user's cohorts begin, None where there is no such event, the dimensions, and what was said late."""

    install_slot: int | None
    seen_slot: int | None
    bought_slot: int | None
    dims: dict[str, str] = {}  # noqa: RUF012 never changed in place
    late: tuple[Late, ...] = ()

    @property
    def install(self) -> int | None:
        """The day of the first install."""
        return _day(self.install_slot)

    @property
    def seen(self) -> int | None:
        """The day of the first activity."""
        return _day(self.seen_slot)

    @property
    def bought(self) -> int | None:
        """The day of the first purchase."""
        return _day(self.bought_slot)

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


def begins(record: Record) -> tuple[int | None, int | None, int | None]:
    """The slots at which the cohorts of this record begin: install, first seen, first purchase."""
    summary = record.summary
    first = summary.first_install
    bought = min(summary.purchases, default=None)
    slots = [
        slot
        for slot in (
            min(summary.installs, default=None),
            bought,
            min(summary.answers, default=None),
            *record.sessions[:1],
        )
        if slot is not None
    ]
    return None if first is None else first.slot, min(slots) if slots else None, bought


def anchors(record: Record, zone: Zone) -> Anchors:
    """Where the cohorts of this record begin, and its dimensions."""
    install, seen, bought = begins(record)
    begun = seen
    if record.summary.money:
        # A refund is no activity, but what was sold counts from then on.
        moved = min(record.summary.money)
        begun = moved if begun is None else min(begun, moved)
    return Anchors(install, seen, bought, dimensions(record), late(record, begun, zone))


def _day(slot: int | None) -> int | None:
    return None if slot is None else slot // SLOTS_PER_DAY
