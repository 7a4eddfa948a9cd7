"""How does the role `exporter` live? Listen, open the store, refresh until a signal comes, close."""

import asyncio
import signal
import sys
import time

from consumers.connection import Connection
from consumers.exporter.exposition import SnapshotCollector
from consumers.exporter.refreshing import Refresher
from consumers.garbage import collect_seldom
from consumers.metrics import exporting, numbers, watching
from consumers.settings import Settings
from consumers.stores import claimed, connect
from consumers.telemetry import Telemetry
from consumers.web import CannotListen, serve_probes
from consumers.web_limits import Limits
from stream.store.protocol import IdentityMismatch, Store, StoreRefused

FAILED = 1
# What the snapshots hold; the rest of the exporter's families is counted as it happens.
SNAPSHOT = (
    *numbers.NUMBERS,
    *watching.FOUND,
    *(exporting.LAST_REFRESH, exporting.REFRESH_DURATION, exporting.LEFT_OUT, exporting.LAG),
    *(exporting.REDIS_USED_MEMORY, exporting.REDIS_MAXMEMORY),
)


def run_exporter(settings: Settings) -> int:
    """Serves the metrics until SIGINT or SIGTERM; gives the exit code of the process."""
    collect_seldom()
    try:
        asyncio.run(_run(settings))
    except (CannotListen, IdentityMismatch, StoreRefused) as error:
        print(error, file=sys.stderr)
        return FAILED
    return 0


def exporter_of(settings: Settings, store: Store, kafka: Connection) -> tuple[Refresher, Telemetry]:
    """The exporter on the clocks of this machine, and what renders it."""
    telemetry = Telemetry("exporter")
    refresher = Refresher(
        settings,
        store,
        kafka.open,
        telemetry,
        now_ms=lambda: time.time_ns() // 1_000_000,
        clock=time.monotonic,
    )
    telemetry.registry.register(SnapshotCollector(SNAPSHOT, refresher.shown))
    return refresher, telemetry


async def _run(settings: Settings) -> None:
    told = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, told.set)
    store = connect(settings)
    kafka = Connection(settings)
    refresher, telemetry = exporter_of(settings, store, kafka)
    try:
        served = await serve_probes(
            settings.http_host,
            settings.exporter_port,
            healthy=lambda: None,
            ready=lambda: refresher.waiting,
            render=telemetry.render,
            limits=Limits.of(settings),
        )
        print(f"The exporter answers at {served.url}/metrics", flush=True)
        try:
            await _until(told, settings, store, refresher)
        finally:
            await served.stop()
    finally:
        await kafka.close()
        await store.aclose()


async def _until(told: asyncio.Event, settings: Settings, store: Store, refresher: Refresher) -> None:
    """Opens the store as soon as it is there and refreshes until the signal. Raises IdentityMismatch, StoreRefused."""
    stop = asyncio.create_task(told.wait())
    work = asyncio.create_task(_refresh(settings, store, refresher))
    try:
        await asyncio.wait({stop, work}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
    finally:
        for task in (stop, work):
            task.cancel()
        await asyncio.gather(stop, work, return_exceptions=True)


async def _refresh(settings: Settings, store: Store, refresher: Refresher) -> None:
    await claimed(settings, store)
    await refresher.run()
