"""How do fetched records become slices? The fetching thread of the consumer: it takes them out of aiokafka and seeks.

Faust asks aiokafka for bare records. Positions are needed too: between and behind records lie control markers, aborted transactions
and offsets that compaction took away.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import aiokafka
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import ConsumerStoppedError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from consumers.ingest.slices import (
    RECORD_OVERHEAD_BYTES,
    SLICE_BYTES_MAX,
    SLICE_RECORDS_MAX,
    Budget,
    RecordSlice,
    shares,
)

log = logging.getLogger(__name__)

FETCH_WAIT_MS = 100
FETCH_BYTES_MAX = 4 * 1024 * 1024
FETCH_BYTES_MIN = 64 * 1024
_CHUNK_RECORDS = 100


@dataclass
class Intake:
    """What the transport needs to know of the rest.

    topics    full names of the topics that are read in slices; others are plain Faust topics
    ahead     the one of them that others should not overtake, since their events are cheaper to count behind its own
    positions where partitions are to be read from; waits for ever while the store is away
    revoked   told which partitions are no longer ours
    """

    topics: Collection[str]
    positions: Callable[[set[TP]], Awaitable[Mapping[TP, int]]]
    revoked: Callable[[set[TP]], None]
    budget: Budget
    ahead: str = ""


class SliceThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]  # Faust has no types that hold
    """The fetching thread: takes whole slices out of aiokafka's fetcher and seeks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.intake: Intake = self.transport.intake
        self.epochs: dict[TP, int] = {}
        self._sought: set[TP] = set()
        self.revocations = 0
        self._room: asyncio.Event | None = None

    def on_crash(self, msg: str, *fmt: Any, **kwargs: Any) -> None:
        """Logs; mode prints a stack to standard error."""
        log.error(msg.format(*fmt))

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust reads committed records only in its own transactions; an aborted event must count nowhere.
        consumer._isolation_level = "read_committed"
        # Faust's 1.5 s: one fetch asks for all partitions of a broker, and what comes for a partition that it
        # did not ask for waits.
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        consumer._fetch_max_bytes = self.intake.budget.bytes_max // 2
        return consumer

    async def on_start(self) -> None:
        """Starts the client; from now on room in the budget wakes the fetch."""
        self._room = asyncio.Event()
        self.intake.budget.wake = lambda: self.thread_loop.call_soon_threadsafe(self._wake)
        await super().on_start()

    async def on_thread_stop(self) -> None:
        """Stops the client, also while a fetch is being tried again.

        The cancellation of that fetch comes out of aiokafka: it would end this thread with a stack on standard error, and the
        worker would never hear that it has stopped.
        """
        try:
            await super().on_thread_stop()
        except asyncio.CancelledError:
            log.info("stopped while a fetch was being tried again")

    def _wake(self) -> None:
        if self._room is not None:
            self._room.set()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stops handing out what was assigned before the main thread is asked to let go of it."""
        self._sought.clear()
        self.revocations += 1
        for tp in list(self.epochs):
            self.epochs[tp] += 1
        await super().on_partitions_revoked(revoked)

    async def seek_slices(self, positions: Mapping[TP, int], revocations: int) -> None:
        """Reads the partitions from there on; what was fetched of them before is stale from now on.

        revocations   how many there had been when the seek was asked for: one that comes after another belongs to partitions that
                      were taken away meanwhile, and must not open them before their new owner has looked where to begin
        """
        if revocations != self.revocations:
            return
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        for tp, position in positions.items():
            self.epochs[tp] = self.epochs.get(tp, 0) + 1
            if tp in assigned:
                consumer.seek(TopicPartition(*tp), position)
                self._sought.add(tp)
        share = self.intake.budget.bytes_max // max(1, len(assigned))
        # Fetched bytes wait in the client, one answer per partition: with many partitions each gets less, so
        # that all fit.
        consumer._fetcher._max_partition_fetch_bytes = min(max(share, FETCH_BYTES_MIN), FETCH_BYTES_MAX)
        self._wake()

    async def seek_to_committed_of(self, tps: Iterable[TP]) -> Mapping[TP, int]:
        """Faust's own way, for topics that are not ours."""
        found: Mapping[TP, int] = await self._ensure_consumer().seek_to_committed(
            *(TopicPartition(*tp) for tp in tps)
        )
        return found

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        # Faust ends the process when a commit fails. For us a commit is a hint, and a broker that restarts is
        # no reason to end.
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        wanted = {
            TopicPartition(*tp): OffsetAndMetadata(offset, "")
            for tp, offset in offsets.items()
            if tp in assigned
        }
        if not wanted:
            return False
        try:
            await consumer.commit(wanted)
        except KafkaError as error:
            log.warning("offsets were not committed, which does no harm: %r", error)
            return False
        self.tp_last_committed_at.update(dict.fromkeys(offsets, self.thread_loop.time()))
        return True

    async def _fetch_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Any:
        # The same as in Faust up to the call of fetched_records, which gives bare records and no positions.
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError()
        with fetcher._subscriptions.fetch_context():
            return await self._next_records(fetcher, active_partitions, timeout or 0.0, max_records)

    async def _next_records(
        self, fetcher: Any, active: set[TP], timeout: float, max_records: int | None
    ) -> dict[Any, list[Any]]:
        assert self._room is not None
        deadline = self.thread_loop.time() + timeout
        while True:
            left = deadline - self.thread_loop.time()
            if fetcher._subscriptions.reassignment_in_progress:
                # What is buffered may belong to somebody else by now; the next call looks again.
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(fetcher._subscriptions.wait_for_assignment(), max(left, 0.01))
                return {}
            self._room.clear()  # before looking, so that room which comes up meanwhile is not missed
            drained = self._drain(fetcher, active)
            plain = [
                tp for tp in list(fetcher._records) if tp.topic not in self.intake.topics and tp in active
            ]
            if plain:
                drained |= await fetcher.fetched_records(plain, timeout=0, max_records=max_records)
            if drained or left <= 0 or fetcher._closed:
                return drained
            await self._wait(fetcher, left)

    async def _wait(self, fetcher: Any, seconds: float) -> None:
        assert self._room is not None
        fetched = fetcher._create_fetch_waiter()
        room = asyncio.ensure_future(self._room.wait())
        await asyncio.wait([fetched, room], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        room.cancel()
        if fetched.done():
            fetched.result()  # aiokafka reports authorization errors of the group here
        else:
            fetched.cancel()

    def _drain(self, fetcher: Any, active: set[TP]) -> dict[Any, list[Any]]:
        drained: dict[Any, list[Any]] = {}
        sizes = shares(_left(fetcher), self.intake.ahead)
        for tp in [tp for tp in list(fetcher._records) if tp.topic in self.intake.topics]:
            if not fetcher._subscriptions.is_assigned(tp):
                del fetcher._records[tp]
            elif tp in active and tp in self._sought and self.intake.budget.has_room(tp.topic):
                if type(fetcher._records[tp]) is not FetchResult:
                    if drained:
                        return drained  # the error is raised by the next call, as in aiokafka
                    error = fetcher._records.pop(tp)
                    fetcher._notify(fetcher._wait_consume_future)
                    error.check_raise()
                piece = self._take(fetcher, tp, sizes.get(tp.topic, 1.0))
                if piece is not None:
                    self.intake.budget.take(piece)
                    drained[tp] = [piece]
        return drained

    def _take(self, fetcher: Any, tp: TopicPartition, share: float) -> RecordSlice | None:
        # No await in here: position before, records and position after are one moment.
        result = fetcher._records[tp]
        state = fetcher._subscriptions.subscription.assignment.state_value(tp)
        first = state.position if state.has_valid_position else None
        records: list[Any] = []
        size_bytes = 0
        while first is not None and result.has_more():
            chunk = result.getall(_CHUNK_RECORDS)
            records += chunk
            size_bytes += sum(
                len(r.value or b"") + len(r.key or b"") for r in chunk
            ) + RECORD_OVERHEAD_BYTES * len(chunk)
            if len(records) >= SLICE_RECORDS_MAX * share or size_bytes >= SLICE_BYTES_MAX * share:
                break
        if first is None or not result.has_more():
            del fetcher._records[tp]
            fetcher._notify(fetcher._wait_consume_future)
        if first is None or state.position == first:
            return None  # fetched from a position that was left by a seek
        ours = TP(tp.topic, tp.partition)
        return RecordSlice(ours, first, state.position, records, size_bytes, self.epochs.get(ours, 0))


def _left(fetcher: Any) -> Counter[str]:
    """How many offsets there are to go, by topic, as far as the broker has told."""
    assignment = fetcher._subscriptions.subscription.assignment
    left: Counter[str] = Counter()
    for tp in assignment.tps:
        state = assignment.state_value(tp)
        if state.highwater is not None and state.has_valid_position:
            left[tp.topic] += state.highwater - state.position
    return left
