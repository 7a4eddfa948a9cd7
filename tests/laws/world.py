"""What happens between Kafka and the store in the worst case, replayed from a seed.

A `Log` is the topics: at least 4 partitions each, records on any of them, holes between the offsets. `run` lets workers count it
over one store. Every call to the store and every delivery is a place where a seeded scheduler lets another worker go first, kills
the worker (before or after the call took effect) or makes the store unavailable (before or after as well).
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stream.engine import DeadLetter, Engine, RecordBatch
from stream.events.decode import Decoder
from stream.events.schema import TOPICS
from stream.progress import Hole, WentBack, all_of
from stream.retention.days import Zone, zone
from stream.store.memory import MemoryStore
from stream.store.protocol import Store, StoreUnavailable
from tests.oracle_events import epoch_ms
from tests.strategies import Record, Story

PARTITIONS = 4
LOG_ID = "log-1"
LIVES_MAX = 60
AT_ONCE = 3  # batches of different partitions that a worker counts at the same time
NOW_MS = epoch_ms("2030-01-01T00:00:00Z")  # long after every story
CHECKS = 4  # A check passes silently while the store is away; several in a row are never all of them lost.
Partition = tuple[str, int]
Deliver = Callable[[list[DeadLetter]], Awaitable[None]]


def told(story: Story) -> tuple[Record, ...]:
    """The records of a story, and those that erase users: their ids stand there as keyed hashes."""
    decoder = decoder_of(story.zone)
    return story.records + tuple(
        Record(
            "erasures",
            json.dumps(
                {
                    "app_id": gone.app,
                    "users": [decoder.user(gone.app, one).hex() for one in sorted(gone.users)],
                    "erased_until": gone.erased_until_ms,
                }
            ).encode(),
            gone.erased_until_ms,
        )
        for gone in story.erasures
    )


def decoder_of(name: str) -> Decoder:
    return Decoder(zones=lambda app: zone(name), secret=b"s", earliest_ms=epoch_ms("2000-01-01T00:00:00Z"))


class LogRecord(NamedTuple):
    """A record as the Kafka client hands it over."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


async def _no_time(seconds: float) -> None:
    """Pauses take no time here; the scheduler decides who goes next anyway."""
    await asyncio.sleep(0)


class Killed(BaseException):
    """The worker process ends here; no handler of the product may stop it."""


class Log:
    """Records spread over partitions, with holes such as control records leave."""

    def __init__(self, records: Sequence[Record], rng: random.Random, partitions: int = PARTITIONS) -> None:
        self.partitions: dict[Partition, list[LogRecord]] = {
            (t, p): [] for t in TOPICS for p in range(partitions)
        }
        self.ends: dict[Partition, int] = dict.fromkeys(self.partitions, 0)
        self.begins: dict[Partition, int] = dict.fromkeys(self.partitions, 0)
        for record in records:
            where = record.topic, rng.randrange(partitions)
            offset = self.ends[where] + rng.choice([0, 0, 0, 1, 5])
            self.partitions[where].append(LogRecord(offset, record.timestamp, record.key, record.value))
            self.ends[where] = offset + 1
        for where in self.ends:
            self.ends[where] += rng.choice([0, 0, 1])

    def batch(self, where: Partition, first: int, size: int) -> RecordBatch:
        """The next records from a fetch position; what was cut off at the beginning of the log cannot be had."""
        first = max(first, self.begins[where])
        waiting = [one for one in self.partitions[where] if first <= one.offset < self.ends[where]]
        records = waiting[:size]
        then = records[-1].offset + 1 if size < len(waiting) else self.ends[where]
        return RecordBatch(topic=where[0], partition=where[1], first=first, next=then, records=records)


class Scheduler:
    """Lets one waiting worker go at a time, chosen by the seed, and says what happens to its call."""

    def __init__(self, rng: random.Random, *, kill_rate: float = 0.0, outage_rate: float = 0.0) -> None:
        self.rng = rng
        self.kill_rate = kill_rate
        self.outage_rate = outage_rate
        self.waiting: list[asyncio.Future[None]] = []
        self.running = 0

    async def turn(self) -> None:
        """Wait until the scheduler lets this worker go on."""
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        await turn

    async def call(self, action: Callable[[], Awaitable[Any]], outages: bool = True) -> Any:
        """Do one call that leaves the process, or let it fail before or after it took effect."""
        await self.turn()
        fate = self.rng.random()
        fails: Callable[[], BaseException] | None = None
        if fate < self.kill_rate:
            fails = Killed
        elif outages and fate < self.kill_rate + self.outage_rate:
            fails = lambda: StoreUnavailable("injected")  # noqa: E731
        if fails and self.rng.random() < 0.5:
            raise fails()
        self.running += 1
        try:
            answer = await action()
        finally:
            self.running -= 1
        if fails:
            raise fails()
        return answer

    async def conduct(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Run the tasks to their end."""
        while not all(task.done() for task in tasks):
            for _ in range(3):
                await asyncio.sleep(0)
            # A killed worker takes its calls with it.
            self.waiting = [turn for turn in self.waiting if not turn.done()]
            if self.waiting and not self.running:
                self.waiting.pop(self.rng.randrange(len(self.waiting))).set_result(None)
        for task in tasks:
            task.result()


class Gate:
    """A store in front of which the scheduler stands."""

    def __init__(self, store: Store, scheduler: Scheduler) -> None:
        self._store = store
        self._scheduler = scheduler

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not asyncio.iscoroutinefunction(found):
            return found
        return lambda *args, **named: self._scheduler.call(lambda: found(*args, **named))


# Something that happens to the store while workers count; each await of its `turn` lets somebody else go first.
Nemesis = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]


@dataclass
class World:
    """Everything that a run needs, and what came of it."""

    log: Log
    store: Store
    rng: random.Random
    zone: str = "UTC"
    log_id: str = LOG_ID
    now_ms: int = NOW_MS
    batch_max: int = 8
    workers: int = 2
    zombies: bool = True
    kill_rate: float = 0.03
    outage_rate: float = 0.03
    engine_class: type[Engine] = Engine
    nemesis: Nemesis | None = None
    connect: Callable[[], Store] | None = None
    dead_letters: list[DeadLetter] = field(default_factory=list)
    deaths: Counter[str] = field(default_factory=Counter)
    fetched: dict[Partition, int] = field(default_factory=dict)
    _quiet: asyncio.Future[None] = field(init=False)

    def client(self) -> Store:
        """The store as a new process sees it, that has seen nothing of it yet."""
        if isinstance(self.store, MemoryStore):
            return self.store.client()
        assert self.connect is not None
        return self.connect()

    def _zones(self, app: str) -> Zone:
        return zone(self.zone)

    def decoder(self) -> Decoder:
        return decoder_of(self.zone)

    async def run(self) -> None:
        """Count the whole log with all workers."""
        scheduler = Scheduler(self.rng, kill_rate=self.kill_rate, outage_rate=self.outage_rate)
        nemesis = self.nemesis(scheduler.turn) if self.nemesis else asyncio.sleep(0)
        self._quiet = asyncio.ensure_future(nemesis)
        tasks = [asyncio.ensure_future(self._lives(scheduler, number)) for number in range(self.workers)]
        tasks.append(self._quiet)
        try:
            await scheduler.conduct(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _lives(self, scheduler: Scheduler, number: int) -> None:
        """One worker: it dies, and a new process takes over its partitions."""
        mine = [p for i, p in enumerate(self.log.partitions) if self.zombies or i % self.workers == number]
        for life in range(LIVES_MAX):
            if life == LIVES_MAX - 1:
                scheduler.kill_rate = scheduler.outage_rate = 0.0
            try:
                await self._life(scheduler, mine)
                return
            except (Killed, WentBack) as end:
                self.deaths[type(end).__name__] += 1
        raise AssertionError("the workers do not come to an end")

    async def _life(self, scheduler: Scheduler, mine: list[Partition]) -> None:
        client = self.client()
        try:
            await self._work(scheduler, Gate(client, scheduler), mine)
        finally:
            await client.aclose()

    async def _foresee(self, engine: Engine) -> None:
        """What a worker does before its first batch, see consumers/ingest/foresight.py."""
        partitions = [where for where in self.log.partitions if where[0] == "erasures"]
        if any(self.log.partitions[where] for where in partitions):
            starts = await engine.assigned(partitions)
            engine.revoked(partitions)
            for where in partitions:
                records = self.log.batch(where, starts[where], sys.maxsize).records
                await engine.foresee("erasures", records)

    async def _work(self, scheduler: Scheduler, store: Any, mine: list[Partition]) -> None:
        engine = self.engine_class(
            store,
            self.decoder(),
            self._zones,
            log_id=self.log_id,
            clock=lambda: 0.0,
            now_ms=lambda: self.now_ms,
            sleep=_no_time,
        )

        async def deliver(letters: list[DeadLetter]) -> None:
            await scheduler.call(lambda: self._deliver(letters), outages=False)

        await self._foresee(engine)
        at = await self._assigned(engine, mine)
        while True:
            await self._read_to_the_end(engine, mine, at, deliver)
            if self._quiet.done():
                break
            await scheduler.turn()
        for _ in range(CHECKS):
            await engine.check_progress()

    async def _assigned(self, engine: Engine, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Where to read from, as the engine says."""
        return await engine.assigned(partitions)

    def _sought(self, batch: RecordBatch, position: int) -> int:
        """Where to read from after the engine met a hole."""
        return position

    async def _read_to_the_end(
        self, engine: Engine, mine: list[Partition], at: dict[Partition, int], deliver: Deliver
    ) -> None:
        while left := [where for where in mine if at[where] < self.log.ends[where]]:
            some = self.rng.sample(left, k=min(len(left), self.rng.randint(1, AT_ONCE)))
            # As at the end of a process, the first that fails takes the others along.
            await all_of(self._count(engine, where, at, deliver) for where in some)
            if self.rng.random() < 0.1:
                await engine.check_progress()
            if self.rng.random() < 0.05:
                away = self.rng.sample(mine, k=len(mine) // 2)
                engine.revoked(away)
                at |= await self._assigned(engine, away)

    async def _count(
        self, engine: Engine, where: Partition, at: dict[Partition, int], deliver: Deliver
    ) -> None:
        """Count the next batch of one partition."""
        batch = self.log.batch(where, at[where], self.rng.randint(1, self.batch_max))
        self.fetched[where] = batch.next
        try:
            await engine.count(batch, deliver)
            at[where] = batch.next
        except Hole as hole:
            at[where] = self._sought(batch, hole.position)

    async def _deliver(self, letters: list[DeadLetter]) -> None:
        self.dead_letters += letters
