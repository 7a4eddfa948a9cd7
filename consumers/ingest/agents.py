"""What happens to one record batch that came from Kafka? One agent per topic hands it to the engine and acks it whole."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

import faust
from faust.types import TP
from mode.supervisors import CrashingSupervisor

from consumers.ingest.slices import RecordSlice
from consumers.ingest.turns import Turns
from consumers.kafka_access import KafkaUnavailable
from consumers.logs import about
from stream.engine import BatchOutcome, DeadLetter, RecordBatch
from stream.progress import Hole
from stream.store.protocol import Partition, StoreUnavailable

log = logging.getLogger(__name__)

RETRY_SECONDS_MIN = 0.1
RETRY_SECONDS_MAX = 5.0
# Slices that are counted at the same time: while one waits for its last calls, another is decoded and planned.
SLICES_AT_ONCE = 2
# What users begin with: behind it, what they did takes the short ways of the engine.
FIRST = "installs"

Deliver = Callable[[list[DeadLetter]], Awaitable[None]]
Recorder = Callable[[BatchOutcome, str], None]
Ends = Callable[[], Awaitable[Mapping[Partition, int]]]
Before = Callable[[RecordBatch], Awaitable[None]]


class Counting(Protocol):
    """What is asked of the engine (stream.engine.Engine)."""

    async def assigned(
        self, partitions: Iterable[Partition], ends: Mapping[Partition, int] | None = None
    ) -> dict[Partition, int]:
        """Where each partition is to be read from."""

    async def count(self, batch: RecordBatch, deliver: Deliver) -> BatchOutcome:
        """Counts a batch; awaits `deliver` before the position moves."""

    async def check_progress(self) -> None:
        """Raises WentBack when the store is behind what this process counted."""

    def revoked(self, partitions: Iterable[Partition]) -> None:
        """Forgets partitions."""


async def _nothing(batch: RecordBatch) -> None:
    return


class Counter:
    """Takes slices to the engine, names topics without their prefix, and remembers how far each partition came.

    before   what is to be over before a batch is counted
    """

    def __init__(
        self,
        engine: Counting,
        deliver: Deliver,
        record: Recorder,
        ends: Ends,
        *,
        before: Before = _nothing,
        prefix: str = "",
    ) -> None:
        self._engine = engine
        self._before = before
        self._deliver = deliver
        self._record = record
        self._ends = ends
        self._prefix = prefix
        self.failed: BaseException | None = None
        self.positions: dict[TP, int] = {}  # of each assigned partition the next offset to count
        self._let_go: set[TP] = set()  # revoked while a slice of theirs was being counted
        self.in_work: set[TP] = set()  # of which a slice is being counted or waits for its turn
        # In the order in which Kafka got them, which is that in which they are cheapest to count.
        self._turns = Turns(SLICES_AT_ONCE)

    async def settle(self, consumer: Any, piece: RecordSlice) -> None:
        """Counts the slice, or seeks back where the store needs what lies before it. A stale slice is dropped."""
        topic, partition = self._name(piece.tp)
        self.in_work.add(piece.tp)
        known = {"topic": piece.tp.topic, "partition": partition, "first": piece.first, "next": piece.next}
        try:
            async with self._turns.turn(_age(piece, topic)):
                if not consumer.is_current(piece) or piece.tp not in self.positions:
                    return
                began = time.monotonic()
                batch = RecordBatch(topic, partition, piece.first, piece.next, piece.records)
                with about(**known, events=len(piece.records)):
                    await self._before(batch)
                    outcome = await self._engine.count(batch, self._deliver)
                    log.debug("counted in %.3f s", time.monotonic() - began)
        except Hole as hole:
            log.warning(
                "%s[%d] continues at %d, counted is up to %d: reading from there",
                *piece.tp,
                piece.first,
                hole.position,
            )
            await consumer.seek_back(piece.tp, hole.position)
            return
        finally:
            self.in_work.discard(piece.tp)
            if piece.tp in self._let_go:
                self._forget({piece.tp})
        consumer.counted(piece)
        if piece.tp in self.positions:
            self.positions[piece.tp] = piece.next
        self._record(outcome, topic)

    async def read_from(self, tps: set[TP]) -> Mapping[TP, int]:
        """Where the store wants the partitions read from; asks for ever while it or Kafka is away."""
        pause = RETRY_SECONDS_MIN
        self._let_go -= tps
        while True:
            try:
                ends = await self._ends()
                found = await self._engine.assigned(map(self._name, tps), ends)
                break
            except (StoreUnavailable, KafkaUnavailable) as error:
                log.warning("nobody says where to read from, asking again: %s", error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, RETRY_SECONDS_MAX)
        self.positions = {tp: found[self._name(tp)] for tp in tps}
        return dict(self.positions)

    async def behind(self) -> dict[TP, int]:
        """Of each partition that is being read, how many offsets there are to go."""
        ends = await self._ends()
        return {tp: ends.get(self._name(tp), 0) - position for tp, position in self.positions.items()}

    def revoked(self, tps: set[TP]) -> None:
        """The partitions may be somebody else's from now on."""
        for tp in tps:
            self.positions.pop(tp, None)
        # The engine needs what it knows of a partition until the slice in work is through.
        self._let_go |= tps & self.in_work
        self._forget(tps - self.in_work)

    def _forget(self, tps: set[TP]) -> None:
        self._let_go -= tps
        self._engine.revoked(map(self._name, tps))

    def _name(self, tp: TP) -> tuple[str, int]:
        return tp.topic.removeprefix(self._prefix), tp.partition


def _age(piece: RecordSlice, topic: str) -> int:
    """By which slices take turns: the first topic by its first record, the others by their last one, so that it comes before
    what overlaps with it.
    """
    if not piece.records:
        return 0
    timestamp: int = piece.records[0 if topic == FIRST else -1].timestamp
    return timestamp


def add_agents(app: faust.App, topics: Iterable[str], counter: Counter) -> None:
    """Registers one agent for each topic (full names)."""
    for topic in topics:
        # Raw: whatever Faust cannot decode it acks first and then throws into the agent
        # (faust/transport/conductor.py).
        channel = app.topic(topic, key_serializer="raw", value_serializer="raw")
        # One at a time and in order: with more, a later slice could be acked before an earlier one. The
        # default supervisor would start the agent again after an error, behind the slice that failed; this
        # one ends the process, which starts over from the stored position.
        decorate = app.agent(
            channel, name=f"count-{topic}", concurrency=1, supervisor_strategy=CrashingSupervisor
        )
        decorate(_agent(app, counter))


def _agent(app: faust.App, counter: Counter) -> Callable[[Any], Awaitable[None]]:
    async def count(stream: Any) -> None:
        # A slice ends with waiting for its last calls; another partition's is decoded and planned meanwhile. Of one partition
        # there is never more than one, so that acks stay in order. A group, so that a failure ends the agent at once.
        working: dict[TP, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            # Never `take`, never plain iteration: both ack what failed. No yield: a yielding agent answers to any
            # topic that a message's headers name.
            async for event in stream.noack().events():
                tp = event.value.tp
                while tp in working or len(working) >= SLICES_AT_ONCE:
                    done, _ = await asyncio.wait(working.values(), return_when=asyncio.FIRST_COMPLETED)
                    working = {one: task for one, task in working.items() if task not in done}
                working[tp] = group.create_task(_settle(app, counter, event))

    return count


async def _settle(app: faust.App, counter: Counter, event: Any) -> None:
    piece: RecordSlice = event.value
    try:
        await counter.settle(app.consumer, piece)
    except Exception as error:
        counter.failed = counter.failed or error
        raise
    event.ack()
    piece.records = ()  # Faust holds on to the event until the next one comes
    piece.release()
