"""How does the role `watch` live? Listen, open the store, look once a minute until a signal comes, close."""

import asyncio
import logging
import sys
import time

from consumers.connection import Connection
from consumers.life import FAILED, live, told_to_end, until
from consumers.settings import Settings
from consumers.stores import claimed, connect
from consumers.telemetry import Telemetry
from consumers.watch.health import Health
from consumers.watch.message import message
from consumers.watch.watching import Watching
from consumers.watch.webhook import Webhook
from consumers.web import serve_probes
from consumers.web_limits import Limits
from stream.store.protocol import Store, StoreUnavailable

LOOK_SECONDS = 60.0
STUCK_SECONDS = 600.0

log = logging.getLogger(__name__)


def run_watch(settings: Settings, *, once: bool = False) -> int:
    """Watches until SIGINT or SIGTERM, or looks once; gives the exit code of the process."""
    return live(_look_once(settings) if once else _run(settings))


def _watching(settings: Settings, store: Store, kafka: Connection, telemetry: Telemetry) -> Watching:
    url = settings.webhook_url.get_secret_value()
    send = Webhook(url).send if url else None
    return Watching(settings, store, Health(store, kafka.open), send, telemetry, clock=time.monotonic)


async def _look_once(settings: Settings) -> int:
    store = connect(settings)
    kafka = Connection(settings)
    try:
        await claimed(settings, store)
        watching = _watching(settings, store, kafka, Telemetry("watch"))
        if not await watching.look(_now_ms()):
            print("another watch is at it; nothing was done", file=sys.stderr)
            return FAILED
        for app in await store.zones():
            state = watching.state_of(app)
            if state is None:
                return FAILED
            lasting = [one for one in state.incidents if one.is_open]
            print(f"{app}: {len(lasting)} open incidents" + (f"; {state.waiting}" if state.waiting else ""))
            for incident in lasting:
                print("  " + message(app, incident)["text"].replace("\n", "\n  "))
        await watching.give_up()
        return 0
    except StoreUnavailable as error:
        print(error, file=sys.stderr)
        return FAILED
    finally:
        await kafka.close()
        await store.aclose()


async def _run(settings: Settings) -> None:
    told = told_to_end()
    store = connect(settings)
    kafka, telemetry = Connection(settings), Telemetry("watch")
    loop = _Loop(settings, store, _watching(settings, store, kafka, telemetry))
    try:
        served = await serve_probes(
            settings.http_host,
            settings.watch_port,
            healthy=loop.stuck,
            ready=lambda: loop.watching.waiting,
            render=telemetry.render,
            limits=Limits.of(settings),
        )
        print(f"The churn watch answers at {served.url}/metrics", flush=True)
        try:
            await until(told, loop.run())
        finally:
            await served.stop()
            await loop.watching.give_up()
    finally:
        await kafka.close()
        await store.aclose()


class _Loop:
    """Looks at the beginning of every minute, so that the minutes of one day are those of the next."""

    def __init__(self, settings: Settings, store: Store, watching: Watching) -> None:
        self._settings, self._store, self.watching = settings, store, watching
        self._moved, self._opened = time.monotonic(), False

    def stuck(self) -> str | None:
        """What is wrong when no look has ended for long; an outage of Redis ends looks too."""
        seconds = time.monotonic() - self._moved if self._opened else 0.0
        return f"no look has ended for {seconds:.0f} s" if seconds > STUCK_SECONDS else None

    async def run(self) -> None:
        """Until cancelled. Raises IdentityMismatch, StoreRefused."""
        await claimed(self._settings, self._store)
        self._moved, self._opened = time.monotonic(), True
        while True:
            try:
                await self.watching.look(_now_ms())
            except StoreUnavailable as error:
                log.warning("Redis gives no answer: %s", error)
            self._moved = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS - time.time() % LOOK_SECONDS)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
