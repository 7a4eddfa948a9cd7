"""An app that lives under a clock of the test: its events counted by the real engine, its watch looking once a minute."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from consumers.kafka import Kafka
from consumers.settings import Settings
from consumers.telemetry import Telemetry
from consumers.watch.health import Health
from consumers.watch.watching import Watching
from consumers.watch.webhook import Webhook
from stream.churn.documents import Minutes, State, day_name, minutes_bytes, state_of
from stream.churn.pace import MINUTES
from stream.engine import Engine, RecordBatch
from stream.retention.days import DAY_MS, zone
from stream.store.protocol import Store
from tests.laws.world import LogRecord, decoder_of

APP = "shop"
TODAY = date(2026, 6, 10).toordinal()
START_MS = int(datetime(2026, 6, 10, tzinfo=UTC).timestamp() * 1000)
MINUTE_MS = 60_000
USERS_A_MINUTE = 40


class Living:
    """Counts events and looks; `now` is the minute of TODAY."""

    def __init__(self, store: Store) -> None:
        self.store, self.now = store, 0
        self._rng, self._offsets = np.random.default_rng(7), dict[str, int]()
        self._engine = Engine(
            store,
            decoder_of("UTC"),
            lambda app: zone("UTC"),
            log_id="log",
            clock=lambda: 0.0,
            now_ms=lambda: 0,
        )
        self._next = 0

    async def count(self, topic: str, events: Iterable[dict[str, Any]]) -> None:
        """Counts these events now."""
        first = self._offsets.get(topic, 0)
        if topic not in self._offsets:
            await self._engine.assigned([(topic, 0)])
        now_ms = START_MS + (MINUTES + 1) * MINUTE_MS
        records = [
            LogRecord(first + at, now_ms, None, json.dumps({"app_id": APP} | event).encode())
            for at, event in enumerate(events)
        ]
        self._offsets[topic] = first + len(records)
        batch = RecordBatch(topic=topic, partition=0, first=first, next=first + len(records), records=records)
        await self._engine.count(batch, _deliver)

    async def cohort(self, age: int, size: int, back: int) -> None:
        """Users who installed so many days ago, of whom some came back the day after."""
        installed = START_MS - age * DAY_MS + 12 * 60 * MINUTE_MS
        users = [f"c{age}-{at}" for at in range(size)]
        await self.count("installs", [_event(user, installed) for user in users])
        await self.count("sessions", [_event(user, installed + DAY_MS) for user in users[:back]])

    async def regulars(self, users: int) -> None:
        """Users who installed a hundred days ago, and will come."""
        await self.count("installs", [_event(f"r{at}", START_MS - 100 * DAY_MS) for at in range(users)])

    async def come(self, users: int) -> None:
        """So many of the regulars come in this minute, each once a day."""
        some = range(self._next, self._next + users)
        self._next += users
        at = START_MS + self.now * MINUTE_MS
        await self.count("sessions", [_event(f"r{one}", at) for one in some])

    async def past(self, days: int) -> None:
        """What a watch has seen on the days before: 40 regulars a minute, as chance has it."""
        for day in range(TODAY - days, TODAY):
            minutes = Minutes()
            old = np.concatenate([[0.0], self._rng.poisson(USERS_A_MINUTE, MINUTES).cumsum()])
            minutes.seen[""] = np.stack([old, old * 0, old * 0, old])
            assert await self.store.replace_document(APP, day_name(day), b"", minutes_bytes(minutes))

    async def state(self) -> State:
        """What stands in the store."""
        return state_of((await self.store.documents(APP, ["churn"]))[0])


def watching(settings: Settings, store: Store, kafka: Kafka) -> Watching:
    """A watch as the process has it."""

    async def opened() -> Kafka:
        return kafka

    url = settings.webhook_url.get_secret_value()
    send = Webhook(url).send if url else None
    return Watching(settings, store, Health(store, opened), send, Telemetry("watch"), clock=lambda: 0.0)


def moment(minute: int) -> int:
    """A minute of TODAY."""
    return START_MS + minute * MINUTE_MS


def _event(user: str, ms: int) -> dict[str, Any]:
    return {"event_id": f"{user}-{ms}", "user_id": user, "timestamp": ms}


async def _deliver(letters: list[Any]) -> None:
    assert not letters
