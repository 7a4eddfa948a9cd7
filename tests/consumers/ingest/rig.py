"""What the tests of the worker share: an engine that only writes down what it gets, and an app that runs while a test looks."""

import asyncio
from collections import Counter as Count
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import faust
from faust.types import TP

from consumers.ingest.agents import Counter
from consumers.ingest.app import build_app
from consumers.kafka import Kafka, producer
from consumers.settings import Settings
from stream.engine import BatchOutcome, DeadLetter, RecordBatch
from stream.progress import Hole
from tests.waiting import wait_until

Partition = tuple[str, int]


async def eventually(condition: Callable[[], Any]) -> None:
    """Waits as long as a busy machine may need."""
    await wait_until(condition, 40)


class Recorder:
    """An engine that keeps positions and the offsets it was given. `stored` may be shared by several."""

    def __init__(self, stored: dict[Partition, int] | None = None) -> None:
        self.stored = {} if stored is None else stored
        self.starts: dict[Partition, int] = {}  # what `assigned` says where it differs from `stored`
        self.batches: list[RecordBatch] = []
        self.offsets: Count[tuple[str, int, int]] = Count()
        self.values: list[bytes] = []
        self.assignments: list[set[Partition]] = []
        self.ends: dict[Partition, int] = {}
        self.gone: list[Partition] = []
        self.holes: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.in_work: Count[Partition] = Count()  # batches that are being counted, by partition
        self._sought: set[Partition] = set()

    async def assigned(
        self, partitions: Iterable[Partition], ends: Mapping[Partition, int] | None = None
    ) -> dict[Partition, int]:
        wanted = list(partitions)
        self.assignments.append(set(wanted))
        self.ends = dict(ends or {})
        return {one: self.starts.get(one, self.stored.get(one, 0)) for one in wanted}

    def revoked(self, partitions: Iterable[Partition]) -> None:
        self.gone += partitions

    async def check_progress(self) -> None:
        return

    async def count(self, batch: RecordBatch, deliver: Any) -> BatchOutcome:
        where = batch.topic, batch.partition
        self.in_work[where] += 1
        assert self.in_work[where] == 1, f"two batches of {where} at once"
        await self.gate.wait()
        self.in_work[where] -= 1
        stored = self.stored.get(where, 0)
        if batch.first > stored and where not in self._sought:
            self._sought.add(where)
            raise Hole(stored)
        if batch.first > stored:
            self.holes.append(batch.first - stored)
        self.batches.append(batch)
        for record in batch.records:
            self.offsets[(*where, record.offset)] += 1
            self.values.append(record.value)
        self.stored[where] = max(stored, batch.next)
        return BatchOutcome(events=len(batch.records))


async def no_letters(letters: list[DeadLetter]) -> None:
    raise AssertionError(f"dead letters: {letters}")


@asynccontextmanager
async def running(
    settings: Settings,
    engine: Any,
    *,
    topics: tuple[str, ...] = ("sessions",),
    extend: Callable[[faust.App], None] = lambda app: None,
    record: Callable[..., None] = lambda outcome, topic: None,
    deliver: Any = no_letters,
    **options: Any,
) -> AsyncIterator[faust.App]:
    """A Faust app with the transport, running; it is stopped behind the block."""

    async def ends() -> dict[Partition, int]:
        async with Kafka(settings) as kafka:
            return await kafka.end_offsets(topics)

    counter = Counter(engine, deliver, record, ends, prefix=settings.topic_prefix)
    app = build_app(settings, counter, topics, **options)
    app.counter = counter
    extend(app)
    start = asyncio.create_task(app.start())
    try:
        yield app
    finally:
        await app.stop()
        start.cancel()
        await asyncio.gather(start, return_exceptions=True)


async def produce(settings: Settings, topic: str, values: Iterable[bytes | None], **options: Any) -> None:
    """Sends values to a topic (without prefix), round robin over its partitions unless told."""
    client = producer(settings, linger_ms=5)
    await client.start()
    try:
        async with Kafka(settings) as kafka:
            partitions = (await kafka.partitions([topic]))[topic]
        sent = []
        for at, value in enumerate(values):
            to = {"partition": at % partitions, "key": b"k"} | options
            sent.append(await client.send(settings.topic(topic), value, **to))
        await asyncio.gather(*sent)
    finally:
        await client.stop()


def tp(settings: Settings, topic: str, partition: int) -> TP:
    """The partition as Faust names it."""
    return TP(settings.topic(topic), partition)
