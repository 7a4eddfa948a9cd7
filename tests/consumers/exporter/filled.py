"""What is exported in tests? Two apps in two zones, counted by the real engine into a real Valkey, and the same asked over HTTP."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from consumers.api.app import Api
from consumers.exporter.collecting import numbers_of
from consumers.exporter.snapshot import Snapshot
from consumers.metrics import Metric
from consumers.settings import Settings
from stream.events.decode import Decoder
from stream.retention.days import Zone, zone
from stream.store.protocol import Store
from stream.store.redis import RedisStore
from tests.laws.world import Log, World
from tests.oracle_events import epoch_ms
from tests.strategies import Record
from tests.stream.report.counted import answer_to, event, install, session

NOW = "2026-11-23T20:00:00Z"  # the 24th in Kolkata, the 23rd in UTC
NOW_MS = epoch_ms(NOW)
ZONES = {"shop": "UTC", "game": "Asia/Kolkata"}
FIRST = date(2026, 10, 10)
DAYS = 46  # the last of them is that of NOW in Kolkata


@dataclass
class Zoned(World):
    """A world in which every app has its own zone."""

    zones: Mapping[str, str] = field(default_factory=lambda: ZONES)

    def _zones(self, app: str) -> Zone:
        return zone(self.zones.get(app, "UTC"))

    def decoder(self) -> Decoder:
        return Decoder(zones=self._zones, secret=b"s", earliest_ms=0)


async def fill(store: RedisStore, url: str, *records: Record, workers: int = 1, **world: Any) -> None:
    """Counts the records; with two workers both take every partition."""
    rng = random.Random(1)
    calm = {"zombies": workers > 1, "kill_rate": 0.0, "outage_rate": 0.0, "batch_max": 500}
    connect = lambda: RedisStore.connect(url)  # noqa: E731
    await Zoned(Log(records, rng), store, rng, workers=workers, connect=connect, **calm, **world).run()


def history(app: str, users: int, seed: int) -> Iterator[Record]:
    """Installs on nearly every day, sessions, purchases in two currencies, answers, four platforms, three variants."""
    rng = random.Random(seed)
    for number in range(users):
        user, day = f"{app}{number}", FIRST + timedelta(days=rng.randrange(DAYS))
        said = {"app_id": app, "platform": rng.choice(["ios", "android", "web", "tv"])}
        if number % 3:
            said["variant"] = "abc"[number % 7 % 3]
        yield install(user, day.isoformat(), **said)
        for n in range(1, DAYS - (day - FIRST).days):
            if rng.random() < 0.4:
                yield session(user, (day + timedelta(days=n)).isoformat(), app_id=app)
            if rng.random() < 0.08:
                money = {"amount": f"{rng.randint(1, 999) / 100:.2f}", "currency": rng.choice(["USD", "EUR"])}
                when = f"{day + timedelta(days=n)}T14:00:00Z"
                yield event("purchases", user, when, app_id=app, **money)
            if rng.random() < 0.03:
                yield answer_to(
                    "nps", user, (day + timedelta(days=n)).isoformat(), rng.randint(0, 10), app_id=app
                )


def both() -> list[Record]:
    """The events of two apps."""
    return [*history("shop", 80, 1), *history("game", 40, 2)]


async def numbers(store: Store, now: str = NOW, **settings: Any) -> Snapshot:
    """What the exporter would show."""
    return (await numbers_of(Settings(timezones=ZONES, **settings), store, epoch_ms(now))).frozen()


def values(snapshot: Snapshot, metric: Metric, **labels: str) -> dict[tuple[str, ...], float]:
    """The samples of a metric that have these labels, by the values of its other labels."""
    found = {}
    for sample in snapshot.of(metric):
        said = dict(zip(metric.labels, sample.labels, strict=True))
        if all(said[name] == value for name, value in labels.items()):
            found[tuple(value for name, value in said.items() if name not in labels)] = sample.value
    return found


@dataclass
class Asked:
    """The HTTP interface of the same moment."""

    client: TestClient[Any, Any]

    async def get(self, path: str, **given: str) -> Any:
        response = await self.client.get(
            f"/api/v1/{path}", params={name.rstrip("_"): v for name, v in given.items()}
        )
        assert response.status == 200, await response.text()
        return await response.json()


@asynccontextmanager
async def asked(store: Store, now_ms: int = NOW_MS, **settings: Any) -> AsyncIterator[Asked]:
    """An API over the store, at one moment."""

    async def no_kafka() -> Any:
        raise AssertionError("nobody asks for the status here")

    api = Api(Settings(timezones=ZONES, **settings), store, no_kafka, now_ms=lambda: now_ms)
    async with TestClient(TestServer(api.application(lambda: b""))) as client:
        yield Asked(client)
