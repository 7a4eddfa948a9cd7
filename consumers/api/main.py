"""How does the role `api` live? Listen, open the store, answer until a signal comes, close."""

import asyncio
import signal
import sys
import time

from consumers.api.app import Api
from consumers.api.joined import JoinedMetrics
from consumers.api.memory import keep_memory
from consumers.connection import Connection
from consumers.garbage import collect_seldom
from consumers.intake import Intake
from consumers.settings import Settings
from consumers.stores import claimed, connect
from consumers.telemetry import Telemetry
from consumers.web import CannotListen, serve
from consumers.web_limits import Limits
from stream.store.protocol import IdentityMismatch, Store, StoreRefused

FAILED = 1


def run_api(settings: Settings) -> int:
    """Serves the API until SIGINT or SIGTERM; gives the exit code of the process."""
    keep_memory()
    collect_seldom()
    try:
        asyncio.run(_run(settings))
    except (CannotListen, IdentityMismatch, StoreRefused) as error:
        print(error, file=sys.stderr)
        return FAILED
    return 0


async def _run(settings: Settings) -> None:
    told = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, told.set)
    store = connect(settings, remembers_bytes_max=settings.remembers_mib << 20)
    kafka = Connection(settings)
    telemetry = Telemetry("api", "collector") if settings.api_collects else Telemetry("api")
    metrics = JoinedMetrics(telemetry, settings.metrics_from, settings.metrics_key.get_secret_value())
    api = Api(settings, store, kafka.open, now_ms=lambda: time.time_ns() // 1_000_000)
    try:
        intake = Intake(settings, telemetry) if settings.api_collects else None
        application, limits = api.application(metrics.render, intake), Limits.of(settings)
        served = await serve(application, settings.http_host, settings.http_port, limits)
        print(f"The API answers at {served.url}", flush=True)
        try:
            await _until(told, api, settings, store)
        finally:
            await served.stop()
    finally:
        await metrics.close()
        await kafka.close()
        await store.aclose()


async def _until(told: asyncio.Event, api: Api, settings: Settings, store: Store) -> None:
    """Opens the store as soon as it is there, then waits for the signal. Raises IdentityMismatch, StoreRefused."""
    stop, opened = asyncio.create_task(told.wait()), asyncio.create_task(open_store(api, settings, store))
    try:
        await asyncio.wait({stop, opened}, return_when=asyncio.FIRST_COMPLETED)
        if opened.done():
            opened.result()
            await stop
    finally:
        for task in (stop, opened):
            task.cancel()
        await asyncio.gather(stop, opened, return_exceptions=True)


async def open_store(api: Api, settings: Settings, store: Store) -> None:
    """Lets the API answer once the data is found to be what the settings say. Raises IdentityMismatch, StoreRefused."""
    api.waiting = "waiting for Redis"
    await claimed(settings, store)
    api.waiting = None
