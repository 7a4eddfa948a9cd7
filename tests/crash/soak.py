"""What keeps coming, and what is looked at, for as long as a soak lasts? Steady traffic; memory and lag of the processes."""

import asyncio
import json
import random
import statistics
import time
from collections.abc import Iterator
from itertools import count

from consumers.kafka import Kafka
from consumers.kafka_access import KafkaUnavailable
from consumers.settings import Settings
from stream.events.schema import TOPICS
from stream.progress import behind
from stream.store.protocol import StoreUnavailable
from stream.store.redis import RedisStore
from tests.consumers.ingest.test_worker import Process
from tests.crash.sending import NOW_MS, Sent, send
from tests.strategies import APP
from tests.waiting import wait_until

EVENTS_A_SECOND = 300
USERS = 2_000
DAYS = 7
MIB = 1024 * 1024


def events(seed: int) -> Iterator[Sent]:
    """Without end, of few users and days: what is known of them is soon all there is, so that what still grows is a leak."""
    dice = random.Random(seed)
    for number in count():
        user, ts_ms = f"u{dice.randrange(USERS)}", NOW_MS - dice.randrange(DAYS * 86_400_000)
        kind = dice.choices(("sessions", "installs", "purchases"), (90, 6, 4))[0]
        event = {"event_id": f"e{number}", "app_id": APP, "user_id": user, "timestamp": ts_ms}
        event |= {"platform": dice.choice(("ios", "android")), "country": dice.choice(("VN", "US", "DE"))}
        if kind == "installs":
            event["event_id"] = f"i{user}"  # one a user, repeated for ever
        if kind == "purchases":
            event |= {"event_id": f"p{user}{number % 5}", "amount": "1.99", "currency": "USD"}
        value = b"garbage" if dice.random() < 0.001 else json.dumps(event).encode()
        yield Sent(kind, user.encode(), value, None)


class Traffic:
    """Sends at a steady pace until it is told to stop; `sent` counts what Kafka has acknowledged."""

    def __init__(self, settings: Settings, seed: int = 1) -> None:
        self._settings, self._events = settings, events(seed)
        self._over = asyncio.Event()
        self.sent = 0
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            some = [next(self._events) for _ in range(EVENTS_A_SECOND * 2)]
            await send(self._settings, some)
            self.sent += len(some)
            rest = max(0.0, 2 - (time.monotonic() - began))
            await asyncio.wait({asyncio.ensure_future(self._over.wait())}, timeout=rest)

    async def stop(self) -> None:
        """Ends after what is being sent."""
        self._over.set()
        await self._task


class Memory:
    """The resident memory of some processes, looked at once a second; the first quarter is warming up."""

    def __init__(self, processes: dict[str, Process]) -> None:
        self._processes = processes
        self.samples: dict[str, list[tuple[float, float]]] = {name: [] for name in processes}
        self._began = time.monotonic()
        self._task = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        while True:
            for name, process in self._processes.items():
                if process.running:
                    self.samples[name].append((time.monotonic() - self._began, process.rss_bytes / MIB))
            await asyncio.sleep(1)

    def stop(self) -> None:
        """Looks no more."""
        self._task.cancel()

    def growth_mib(self, name: str) -> float:
        """By how much the median of the last quarter is above that of the second."""
        some = [mib for _, mib in self.samples[name]]
        quarter = max(1, len(some) // 4)
        return statistics.median(some[-quarter:]) - statistics.median(some[quarter : 2 * quarter])

    def slope_mib_an_hour(self, name: str) -> float:
        """The straight line through what came after the first quarter."""
        seconds, mib = zip(*self.samples[name][len(self.samples[name]) // 4 :], strict=True)
        return statistics.linear_regression(seconds, mib).slope * 3600 if len(seconds) > 1 else 0.0

    def last_mib(self, name: str) -> float:
        """What it was at the end."""
        return self.samples[name][-1][1]


async def lag(settings: Settings, store: RedisStore) -> int:
    """Records that Kafka holds and no answer shows yet."""
    async with Kafka(settings) as kafka:
        ends, log_id = await kafka.end_offsets(TOPICS), await kafka.log_id()
    return behind(ends, await store.positions(), log_id)


async def nearly_caught_up(settings: Settings, store: RedisStore, records: int) -> None:
    """Returns when no more than so many records are behind, whatever failed a moment ago."""

    async def near() -> bool:
        try:
            return await lag(settings, store) <= records
        except (StoreUnavailable, KafkaUnavailable):
            return False

    await wait_until(near, 300, what="the workers catch up")
