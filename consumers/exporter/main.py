"""How does the role `exporter` live? Listen, open the store, refresh until a signal comes, close."""

import time

from consumers.connection import Connection
from consumers.exporter.exposition import SnapshotCollector
from consumers.exporter.refreshing import Refresher
from consumers.garbage import collect_seldom
from consumers.life import live, told_to_end, until
from consumers.metrics import exporting, numbers, watching
from consumers.settings import Settings
from consumers.stores import claimed, connect
from consumers.telemetry import Telemetry
from consumers.web import serve_probes
from consumers.web_limits import Limits
from stream.store.protocol import Store

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
    return live(_run(settings))


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
    told = told_to_end()
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
            await until(told, _refresh(settings, store, refresher))
        finally:
            await served.stop()
    finally:
        await kafka.close()
        await store.aclose()


async def _refresh(settings: Settings, store: Store, refresher: Refresher) -> None:
    """Opens the store as soon as it is there. Raises IdentityMismatch, StoreRefused."""
    await claimed(settings, store)
    await refresher.run()
