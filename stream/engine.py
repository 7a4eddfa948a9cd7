"""How does one record batch come to stand in the numbers, once? Decode, group by user, read, plan, apply, move the offset.

The unit of atomicity is one user: its record with every bit and sum of its change. The offset moves last. A crash in between is
harmless, since a user whose record already holds an event changes nothing when the event comes again.
"""

import asyncio
import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from stream.applying import Applying, Group
from stream.cache import RecordCache
from stream.events.decode import Decoded, Decoder
from stream.events.reasons import Reason
from stream.events.schema import NO_REVISIONS, Erasure, Event, Identity, Rejection
from stream.progress import Positions
from stream.retention.complete import open_day
from stream.retention.days import Zone
from stream.retention.scope import FAMILIES, Scope
from stream.store.protocol import Partition, Store, StorePaused, StoreUnavailable

_RETRY_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)
_TRIES_A_WARNING = 30
# Decoding lets other tasks in after so many records; one in so many gives its lateness.
_DECODE_SLICE = 1_000
_LATENESS_SAMPLE = 64

log = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """One fetched slice of a topic-partition: the records, and the fetch positions before and after it.

    A record has offset, timestamp (ms), key, value, headers, as aiokafka gives them. `next` is not the last offset plus one where
    control markers or compaction left holes; a slice may be empty.
    """

    topic: str
    partition: int
    first: int
    next: int
    records: Sequence[Any]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that cannot be counted, why, and the field at fault ("" where it is not one field)."""

    record: Any
    topic: str
    partition: int
    reason: Reason
    field: str


@dataclass(slots=True)
class BatchOutcome:
    """What became of a batch.

    applied      accepted events, by kind in `types`
    erased       events that an erasure made void
    repeated     those of users whose record held all of them already
    conflicts    users that somebody else changed in between, and that were planned again
    hole         offsets that were missing before the batch
    lateness_ms  produce time minus event time of a sample of the events
    latest_produced_ms  Kafka's time of the last record; None of a batch without records
    seconds      durations of the steps decode, apply, advance
    """

    events: int = 0
    applied: int = 0
    erased: int = 0
    repeated: int = 0
    users: int = 0
    conflicts: int = 0
    hole: int = 0
    types: Counter[str] = field(default_factory=Counter)
    dead_letters: Counter[Reason] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)
    lateness_ms: list[int] = field(default_factory=list)
    latest_produced_ms: int | None = None


@dataclass(slots=True)
class _Found:
    """What a batch says of one app."""

    group: Group = field(default_factory=dict)
    identities: list[Identity] = field(default_factory=list)
    erasures: list[Erasure] = field(default_factory=list)


Deliver = Callable[[list[DeadLetter]], Awaitable[None]]


class Engine:
    """Counts record batches into a store. One per process; batches of different partitions may be counted at the same time.

    log_id    identity of the Kafka log; a position of another log counts for nothing
    zones     the zone of an app
    families  what is counted besides users and days; see Scope
    clock     monotonic seconds, for the durations in outcomes
    now_ms    the wall clock: what changes on days that are over by it is a revision; no answer depends on it
    sleep     waits between tries while the store is away
    """

    def __init__(
        self,
        store: Store,
        decoder: Decoder,
        zones: Callable[[str], Zone],
        *,
        log_id: str,
        clock: Callable[[], float],
        now_ms: Callable[[], int],
        families: Iterable[str] = FAMILIES,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._decoder = decoder
        self._zones = zones
        self._families = frozenset(families)
        self._clock = clock
        self._now_ms = now_ms
        self._sleep = sleep
        self._positions = Positions(store, log_id, self._insist)
        self._cache = RecordCache()
        self._claimed: set[str] = set()

    async def assigned(
        self, partitions: Iterable[Partition], ends: Mapping[Partition, int] | None = None
    ) -> dict[Partition, int]:
        """Where each partition is to be read from; see Positions.assigned."""
        return await self._positions.assigned(list(partitions), ends)

    def revoked(self, partitions: Iterable[Partition]) -> None:
        """Forget partitions that another worker reads from now on."""
        self._positions.revoked(partitions)

    async def check_progress(self) -> None:
        """Raise WentBack when the store holds less than this process has counted. A store that is away is no reason."""
        try:
            await self._positions.check()
        except StoreUnavailable:
            log.debug("the store cannot be asked for its positions just now")

    async def count(self, batch: RecordBatch, deliver: Deliver) -> BatchOutcome:
        """Make a batch count. Returns when its users, its dead letters and then its offset are safe; store outages are waited out.

        deliver   hands dead letters to Kafka and returns once they are acknowledged
        Raises Hole the first time a batch begins after the stored position; the second time the hole is counted.
        """
        outcome = BatchOutcome(events=len(batch.records))
        outcome.hole = self._positions.hole((batch.topic, batch.partition), batch.first)
        began = self._clock()
        apps, letters = await self._decode(batch, outcome)
        decoded = self._clock()
        delivery = asyncio.ensure_future(deliver(letters)) if letters else None
        try:
            erased = [await self._count_app(app, found, outcome) for app, found in apps.items()]
            if delivery is not None:
                await delivery
        finally:
            if delivery is not None:
                delivery.cancel()
        applied = self._clock()
        void = self._void(batch, {user: until for one in erased for user, until in one.items()})
        outcome.erased, outcome.applied = len(void), outcome.applied - len(void)
        outcome.types[self._decoder.kind(batch.topic)] = outcome.applied
        await self._advance(batch, outcome.hole, [letter.record.offset for letter in letters], void)
        outcome.seconds = {
            "decode": decoded - began,
            "apply": applied - decoded,
            "advance": self._clock() - applied,
        }
        return outcome

    async def foresee(self, topic: str, records: Sequence[Any]) -> None:
        """Make the erasures among these records count before their turn. No position moves and nothing is told of the others."""
        apps: dict[str, _Found] = {}
        for record in records:
            event = self._decoder.decode(topic, record.value, record.timestamp)
            if isinstance(event, Erasure):
                apps.setdefault(event.app, _Found()).erasures.append(event)
        for app, found in apps.items():
            await self._count_app(app, found, BatchOutcome())

    async def _decode(
        self, batch: RecordBatch, outcome: BatchOutcome
    ) -> tuple[dict[str, "_Found"], list[DeadLetter]]:
        """What was found of each app, and the letters; the other tasks of the process get a turn now and then."""
        apps: dict[str, _Found] = {}
        letters: list[DeadLetter] = []
        for at in range(0, len(batch.records), _DECODE_SLICE):
            self._decode_slice(batch, batch.records[at : at + _DECODE_SLICE], apps, letters)
            await asyncio.sleep(0)
        outcome.applied = len(batch.records) - len(letters)
        outcome.dead_letters.update(letter.reason for letter in letters)
        if batch.records:
            outcome.latest_produced_ms = batch.records[-1].timestamp
            outcome.lateness_ms = self._lateness(batch)
        return apps, letters

    def _decode_slice(
        self,
        batch: RecordBatch,
        records: Sequence[Any],
        apps: dict[str, "_Found"],
        letters: list[DeadLetter],
    ) -> None:
        read, topic = self._decoder.reader(batch.topic), batch.topic
        app, found = "", _Found()
        for record in records:
            event = read(record.value, record.timestamp)
            if isinstance(event, Rejection):
                letters.append(DeadLetter(record, topic, batch.partition, event.reason, event.field))
                continue
            if record.headers and NO_REVISIONS in record.headers:
                event.is_history = True
            if event.app != app:
                app = event.app
                found = apps.setdefault(app, _Found())
            if isinstance(event, Event):
                mine = found.group.get(event.user)
                if mine is None:
                    found.group[event.user] = [event]
                else:
                    mine.append(event)
            elif isinstance(event, Identity):
                found.identities.append(event)
            else:
                found.erasures.append(event)

    def _lateness(self, batch: RecordBatch) -> list[int]:
        sample = batch.records[::_LATENESS_SAMPLE]
        events = [(one, self._decoder.decode(batch.topic, one.value, one.timestamp)) for one in sample]
        return [one.timestamp - event.ts_ms for one, event in events if isinstance(event, Event | Identity)]

    async def _count_app(self, app: str, found: "_Found", outcome: BatchOutcome) -> dict[bytes, int]:
        """Ids of which events were ignored, and until when."""
        zone = self._zones(app)
        if found.group or found.identities:
            await self._claim(app, zone)
        scope, first_open = Scope(zone, self._families), open_day(self._now_ms(), zone)
        applying = Applying(self._store, self._cache, self._insist, app, scope, first_open)
        await applying.run(found.group)
        await applying.join(found.identities)
        await applying.erase(found.erasures, partial(self._claim, app, zone))
        outcome.users += len(found.group)
        outcome.repeated += applying.repeated
        outcome.conflicts += applying.conflicts
        return applying.erased

    async def _claim(self, app: str, zone: Zone) -> None:
        """Make an app known, in its zone. Raises IdentityMismatch where it is known in another one."""
        if app not in self._claimed:
            await self._insist(lambda: self._store.claim_zone(app, zone.name))
            self._claimed.add(app)

    def _void(self, batch: RecordBatch, erased: Mapping[bytes, int]) -> list[int]:
        """The offsets of the events that erasures made void."""
        if not erased:
            return []
        decoded = (
            (one.offset, self._decoder.decode(batch.topic, one.value, one.timestamp)) for one in batch.records
        )
        return [offset for offset, event in decoded if _is_void(event, erased)]

    async def _advance(self, batch: RecordBatch, hole: int, dead: Sequence[int], void: Sequence[int]) -> None:
        def totals_from(counted: int) -> dict[str, int]:
            records = len(batch.records) - bisect_left(batch.records, counted, key=lambda one: one.offset)
            letters, erased = (sum(offset >= counted for offset in some) for some in (dead, void))
            missing = hole if counted < batch.first else 0
            return {
                "applied": records - letters - erased,
                "dead_letters": letters,
                "erased": erased,
                "offset_holes": missing,
            }

        await self._positions.advance((batch.topic, batch.partition), batch.next, totals_from)

    async def _insist(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """The answer of a call into the store, however long the store is away."""
        tries = 0
        while True:
            try:
                return await call()
            except StoreUnavailable as error:
                if tries % _TRIES_A_WARNING == 0:
                    level = logging.INFO if isinstance(error, StorePaused) else logging.WARNING
                    log.log(level, "the store is not available, waiting: %s", error)
                await self._sleep(_RETRY_SECONDS[min(tries, len(_RETRY_SECONDS) - 1)])
                tries += 1


def _is_void(event: Decoded, erased: Mapping[bytes, int]) -> bool:
    if not isinstance(event, Event | Identity):
        return False
    ids = (event.user,) if isinstance(event, Event) else (event.user, event.alias)
    return any(one in erased and event.done_ms <= erased[one] for one in ids)
