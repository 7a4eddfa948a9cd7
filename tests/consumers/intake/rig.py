"""How is the endpoint tested? Served in this process over a real broker, asked over HTTP, and what stands in Kafka read back."""

import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp

from consumers.intake import PATH, Intake
from consumers.kafka import stored_records
from consumers.settings import Settings
from consumers.telemetry import Telemetry
from consumers.web import probes, serve
from stream.events.schema import EVENT_TOPICS
from tests.servers import Broker
from tests.waiting import wait_until

NOW_MS = 1_795_200_000_000


def settings_of(broker: Broker, **more: Any) -> Settings:
    """Two partitions of topics of its own; keywords are more settings, and win."""
    chosen = {
        "kafka": broker.bootstrap,
        "topic_prefix": broker.prefix(),
        "kafka_idempotence": False,
        "partitions": 2,
    }
    return Settings(**chosen | more)


class Said(NamedTuple):
    """One answer."""

    status: int
    headers: Any
    body: Any


class Rig:
    """A served endpoint."""

    def __init__(self, settings: Settings, url: str, intake: Intake, telemetry: Telemetry) -> None:
        self.settings, self.url, self.intake, self._telemetry = settings, url, intake, telemetry
        self.session = aiohttp.ClientSession()

    async def post(
        self,
        body: Any,
        headers: dict[str, str] | None = None,
        *,
        key: str = "",
        query: str = "",
        method: str = "POST",
    ) -> Said:
        """The answer to one request; a body that is not bytes is sent as JSON."""
        data = body if isinstance(body, bytes) or hasattr(body, "__aiter__") else json.dumps(body).encode()
        data = io.BytesIO(data) if isinstance(data, bytes) else data
        shown = {"Authorization": f"Bearer {key}"} if key else {}
        async with self.session.request(
            method, self.url + PATH + query, data=data, headers=shown | (headers or {})
        ) as response:
            text = await response.text()
            return Said(response.status, response.headers, json.loads(text) if text else None)

    def metric(self, sample: str) -> float:
        """The value of one sample, as Prometheus would see it."""
        for line in self._telemetry.render().decode().splitlines():
            if line.startswith(f"{sample} "):
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"{sample} is not exported")


@asynccontextmanager
async def served(
    settings: Settings,
    *,
    now_ms: Callable[[], int] = lambda: NOW_MS,
    clock: Callable[[], float] = lambda: 0.0,
) -> AsyncIterator[Rig]:
    """The endpoint, its clocks standing still, until the block ends."""
    telemetry = Telemetry("collector")
    intake = Intake(settings, telemetry, now_ms=now_ms, clock=clock)
    app = probes(healthy=lambda: None, ready=lambda: intake.delivery.trouble, render=telemetry.render)
    intake.add_to(app)
    running = await serve(app, "127.0.0.1", 0)
    rig = Rig(settings, running.url, intake, telemetry)
    try:
        yield rig
    finally:
        await rig.session.close()
        await running.stop()


async def ready(rig: Rig) -> None:
    """Returns when Kafka can be written to."""
    await wait_until(lambda: rig.intake.delivery.trouble is None, 15, what="Kafka is connected to")


async def stored(settings: Settings) -> list[tuple[str, bytes, dict[str, Any]]]:
    """What stands in Kafka: topic, key and value of every event."""
    return [
        (topic, record.key, json.loads(record.value))
        for topic in EVENT_TOPICS
        async for record in stored_records(settings, topic)
    ]


def event(number: int, **more: Any) -> dict[str, Any]:
    """A session, unlike any other number's."""
    return {
        "type": "session", "event_id": f"e{number}", "app_id": "shop", "user_id": f"u{number}", "timestamp": NOW_MS,
    } | more  # fmt: skip
