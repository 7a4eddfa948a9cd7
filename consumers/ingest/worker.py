"""How does `retention worker` live? It starts, waits for servers, counts, and ends with a code that says why.

0: it was told to stop and did. 1: something that only a new process mends, or the stop took too long; a supervisor starts it again.
"""

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import faust
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from consumers import logs
from consumers.garbage import collect_seldom
from consumers.ingest.agents import Counter
from consumers.ingest.app import build_app
from consumers.ingest.dead_letters import DeadLetters
from consumers.ingest.foresight import Foresight
from consumers.ingest.revisions import tell_revisions
from consumers.ingest.watchdog import Stalled, StallWatch, watch_progress, watch_stalls
from consumers.kafka import DEAD_LETTERS, Kafka, producer
from consumers.kafka_access import KafkaRefused, KafkaUnavailable, no_start
from consumers.life import told_to_end
from consumers.setting_sources import SettingsError
from consumers.settings import Settings
from consumers.stores import claimed, connect
from consumers.telemetry import WorkerTelemetry
from consumers.web import CannotListen, serve_probes
from consumers.web_limits import Limits
from stream.engine import BatchOutcome, Engine
from stream.events.decode import Decoder
from stream.events.schema import TOPICS
from stream.progress import WentBack
from stream.retention.days import Zone, zone
from stream.store.protocol import IdentityMismatch, Partition, Store, StoreRefused

log = logging.getLogger(__name__)

EXIT_STOPPED = 0
EXIT_FAILED = 1
SWITCH_SECONDS = 0.0001
STOP_SECONDS_MAX = 10.0
RETRY_SECONDS = 1.0

_Answer = TypeVar("_Answer")
# These say all there is to say in one line; anything else is a bug and comes with its stack.
_EXPECTED = (
    *(WentBack, Stalled, IdentityMismatch, CannotListen),
    *(KafkaError, KafkaRefused, StoreRefused, SettingsError),
)


def run_worker(settings: Settings) -> int:
    """Counts until SIGTERM or SIGINT. Gives the exit code of the process; ends the process itself when stopping takes too long."""
    logs.set_up(settings)
    deadline = threading.Timer(STOP_SECONDS_MAX, _end_now)
    deadline.daemon = True
    store = connect(settings)
    collect_seldom()
    _let_fetch()
    code = asyncio.run(Worker(settings, store, deadline.start).run())
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    if all(thread.daemon for thread in others):
        deadline.cancel()  # else a thread that is left over keeps the process, and the deadline ends it
    return code


def _let_fetch() -> None:
    """The fetching thread gives up the interpreter at each read of a socket, and gets it back only after this time. With Python's
    5 ms it starved beside the thread that counts: a backlog was counted an eighth slower, on a busy machine by more."""
    sys.setswitchinterval(SWITCH_SECONDS)


def _end_now() -> None:
    # Faust waits for ever for a slice that the store does not take, and for sockets that do not answer.
    # Whatever was not finished is counted by the next process from the stored position, as after a kill -9.
    log.error("the stop took longer than %.0f s: ending at once, which is safe", STOP_SECONDS_MAX)
    logging.shutdown()
    os._exit(EXIT_FAILED)


class Worker:
    """One worker process. `stopping` is called once, when the stop begins."""

    def __init__(self, settings: Settings, store: Store, stopping: Callable[[], None]) -> None:
        self._settings = settings
        self._store = store
        self._stopping = stopping
        self._telemetry = WorkerTelemetry()
        self._waiting: str | None = "starting"

    async def run(self) -> int:
        """Until the end; the exit code."""
        told = told_to_end()
        async with AsyncExitStack() as stack:
            work = asyncio.create_task(self._work(stack))
            stop = asyncio.create_task(told.wait())
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            self._stopping()
            self._waiting = "stopping"
            code = EXIT_STOPPED if not work.done() else _say_why(work.exception())
            for task in (work, stop):
                task.cancel()
            await asyncio.gather(work, stop, return_exceptions=True)
        log.info("stopped")
        return code

    async def _work(self, stack: AsyncExitStack) -> None:
        """Never comes back but with the exception that ends the worker."""
        settings = self._settings
        probes = await serve_probes(
            settings.http_host,
            settings.worker_port,
            healthy=self._healthy,
            ready=self._ready,
            render=self._telemetry.render,
            limits=Limits.of(settings),
        )
        stack.push_async_callback(probes.stop)
        stack.push_async_callback(self._store.aclose)
        log_id = await self._insist("Kafka", lambda: open_log(settings))
        await self._claimed()
        letters = producer(settings)
        stack.push_async_callback(letters.stop)
        await self._insist("Kafka", lambda: _start(settings, letters))
        engine = build_engine(settings, self._store, log_id)
        foresight = Foresight(settings, engine, _now_ms)
        stack.push_async_callback(foresight.stop)
        await self._insist("Kafka", foresight.start)
        deliver = DeadLetters(letters, settings.topic(DEAD_LETTERS)).deliver
        counter = Counter(
            engine, deliver, self._record, self._ends, before=foresight.before, prefix=settings.topic_prefix
        )
        app = build_app(settings, counter, list(TOPICS))
        stack.push_async_callback(app.stop)
        await self._count(app, counter, engine, letters)

    async def _count(self, app: faust.App, counter: Counter, engine: Engine, kafka: AIOKafkaProducer) -> None:
        self._waiting = "waiting for partitions"
        tasks = [
            asyncio.create_task(self._serve(app, counter)),
            asyncio.create_task(watch_progress(engine)),
            asyncio.create_task(watch_stalls(counter, StallWatch())),
            asyncio.create_task(tell_revisions(self._settings, self._store, kafka)),
        ]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                await task
        finally:
            for task in tasks:
                task.cancel()

    async def _serve(self, app: faust.App, counter: Counter) -> None:
        await app.start()
        self._waiting = None
        log.info("counting as %s", self._settings.group)
        await app.wait_until_stopped()
        raise counter.failed or app.crash_reason or RuntimeError("Faust stopped by itself")

    async def _claimed(self) -> None:
        self._waiting = "waiting for the store"
        await claimed(self._settings, self._store)

    async def _insist(self, whom: str, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        self._waiting = f"waiting for {whom}"
        while True:
            try:
                return await ask()
            except KafkaRefused:
                raise
            except KafkaUnavailable as error:
                log.warning("%s", error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _healthy(self) -> str | None:
        return None  # a worker that is not healthy ends

    async def _ready(self) -> str | None:
        return self._waiting

    async def _ends(self) -> Mapping[Partition, int]:
        # A client of its own each time: this is asked rarely, and must not fail with the consumer that it looks after.
        async with Kafka(self._settings) as kafka:
            return await kafka.end_offsets(TOPICS)

    def _record(self, outcome: BatchOutcome, topic: str) -> None:
        self._telemetry.record(outcome, topic=topic, now_ms=_now_ms())


def build_engine(settings: Settings, store: Store, log_id: str) -> Engine:
    """The engine as the settings want it."""

    def zones(app: str) -> Zone:
        return zone(settings.zone_name(app))

    decoder = Decoder(
        zones=zones,
        secret=settings.secret,
        apps=settings.apps,
        dimensions=settings.dimensions,
        earliest_ms=settings.earliest_ms,
    )
    return Engine(
        store,
        decoder,
        zones,
        log_id=log_id,
        clock=time.monotonic,
        now_ms=_now_ms,
        families=settings.families,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def open_log(settings: Settings) -> str:
    """Makes the topics that are missing; gives the identity of the log."""
    async with Kafka(settings) as kafka:
        await kafka.ensure_topics()
        return await kafka.log_id()


async def _start(settings: Settings, client: Any) -> None:
    try:
        await client.start()
    except (KafkaError, OSError) as error:
        raise await no_start(settings, error) from None


def _say_why(error: BaseException | None) -> int:
    if isinstance(error, _EXPECTED):
        log.error("ending: %s: %s", type(error).__name__, error)
    else:
        log.error("ending because of a bug: %r", error, exc_info=error)
    return EXIT_FAILED
