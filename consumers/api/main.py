"""How does the role `api` live? Listen, open the store, answer until a signal comes, close."""

import asyncio
import time

from consumers.api.app import Api
from consumers.api.joined import JoinedMetrics
from consumers.api.memory import keep_memory
from consumers.connection import Connection
from consumers.garbage import collect_seldom
from consumers.intake import Intake
from consumers.life import live, told_to_end, until
from consumers.settings import Settings
from consumers.stores import claimed, connect
from consumers.telemetry import Telemetry
from consumers.web import serve
from consumers.web_limits import Limits
from stream.store.protocol import Store
from stream.store.remembering import Remembers


def run_api(settings: Settings) -> int:
    """Serves the API until SIGINT or SIGTERM; gives the exit code of the process."""
    keep_memory()
    collect_seldom()
    return live(_run(settings))


async def _run(settings: Settings) -> None:
    told = told_to_end()
    bytes_max = settings.remembers_mib << 20
    remembers = Remembers(bytes_max, time.monotonic) if bytes_max else None
    store = connect(settings, remembers=remembers)
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
            await until(told, _open(told, api, settings, store))
        finally:
            await served.stop()
    finally:
        await metrics.close()
        await kafka.close()
        await store.aclose()


async def _open(told: asyncio.Event, api: Api, settings: Settings, store: Store) -> None:
    """Lets the API answer once the data is found to be what the settings say, and stays. Raises IdentityMismatch, StoreRefused."""
    api.waiting = "waiting for Redis"
    await claimed(settings, store)
    api.waiting = None
    await told.wait()
