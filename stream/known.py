"""What is known of a user without the whole record? Where the user begins and comes, as far as the short ways need it."""

from collections.abc import Collection, Sequence
from functools import lru_cache

from msgspec import Struct

from stream.events.schema import Dims, Event
from stream.retention.anchors import Anchors
from stream.retention.days import DAY_MS, SLOTS_PER_DAY, Zone
from stream.retention.kept import SESSION
from stream.retention.records import Record
from stream.retention.said import names_of
from stream.retention.scope import Scope
from stream.store.codec import may_begin_sessions

NO_SESSION = -1
_NO_SHORT_WAY = 1 << 62
Start = tuple[str, int, int]


class Known(Struct, gc=False):
    """A record as it was last seen, with what the short ways need to know of it.

    last_slot      its last session; NO_SESSION where it has none, but an install
    quiet_ms       a session after it that says `quiet_dims`, or no other names than `quiet_names`, says nothing new
    quiet_dims     what sessions say; before the first one, what the install said
    quiet_names    what sessions have said something of
    install_slot   where its cohorts begin, None for no such cohort
    seen_slot
    starts         the cohorts whose windows are counted: name, slot of the start, end of the window of the last session
    other_slots    active in these, and on these days, without a session
    other_days
    money_slots    slots with purchases or refunds; those before the first session of their day are counted apart
    """

    record: bytes
    last_slot: int
    quiet_ms: int
    quiet_dims: Dims
    install_slot: int | None
    seen_slot: int | None
    starts: tuple[Start, ...] = ()
    other_slots: frozenset[int] = frozenset()
    other_days: frozenset[int] = frozenset()
    money_slots: frozenset[int] = frozenset()
    quiet_names: frozenset[str] = frozenset()

    def with_sessions(
        self, record: bytes, last_slot: int, quiet_ms: int, quiet_dims: Dims, starts: tuple[Start, ...]
    ) -> "Known":
        """The same user after more sessions."""
        return Known(
            record,
            last_slot,
            quiet_ms,
            quiet_dims,
            self.install_slot,
            self.seen_slot,
            starts,
            self.other_slots,
            self.other_days,
            self.money_slots,
            self.quiet_names or names_of(quiet_dims),
        )


def record_alone(record: bytes) -> Known:
    """A record of which nothing else is known: no session comes after the last one, so every event is planned in full."""
    return Known(record, _NO_SHORT_WAY, 0, (), None, None)


def known_of(stored: bytes, record: Record, start: Anchors, events: Sequence[Event], scope: Scope) -> Known:
    """What the short ways need; the record alone where they could not be used."""
    summary = record.summary
    if record.erased_until is not None or record.apart:
        return record_alone(stored)
    if not record.sessions:
        first = summary.first_install
        if first is None or record.said or not may_begin_sessions(stored):
            return record_alone(stored)
        quiet_ms, quiet_dims = 0, first.dims
    else:
        quiet_ms = max((said[0] for said in record.said.values()), default=0)
        dims = events[-1].dims if events[-1].kind == SESSION else ()
        quiet_dims = dims if record.said.keys() >= dict(dims).keys() else ()
    last = record.sessions[-1] if record.sessions else NO_SESSION
    other = frozen({*summary.installs, *summary.purchases, *summary.answers})
    starts = tuple(_reached(cohort, slot, last, scope.zone) for cohort, slot in start.starts())
    return Known(
        stored,
        last,
        quiet_ms,
        quiet_dims,
        start.install_slot,
        start.seen_slot,
        starts,
        other,
        frozen({slot // SLOTS_PER_DAY for slot in other}),
        frozen({*summary.purchases, *summary.money}),
        frozenset(record.said),
    )


def _reached(cohort: str, start: int, last: int, zone: Zone) -> Start:
    """A start, and the end of the window that the last session lies in; of the first window before there is one."""
    number = 0 if last < start else (zone.slot_start_ms(last) - zone.slot_start_ms(start)) // DAY_MS
    return cohort, start, zone.window(start, number)[1]


@lru_cache(maxsize=16_384)
def only(one: int) -> frozenset[int]:
    """The set of one slot or day. Users who began there share it: it would take as much again as all else that is known of them."""
    return frozenset((one,))


def frozen(some: Collection[int]) -> frozenset[int]:
    """The set of some slots or days; shared where it is one."""
    return only(*some) if len(some) == 1 else frozenset(some)
