"""How does an app named demo come alive? Its history as fast as Kafka takes it, then users who come and go, for ever."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from consumers.demo import Live, Scenario, Traffic, day_of
from consumers.kafka import Sender
from consumers.settings import Settings

DEMO_APP = "demo"
HISTORY_DAYS = 60
USERS_PER_DAY = 120.0
LIVE_PER_SECOND = 3.0


def demo_scenario(now_ms: int, timezone: str, app: str = DEMO_APP) -> Scenario:
    """The demo as of today. What it says of a date never changes: a later start sends the same events again and only adds."""
    first = day_of(now_ms, timezone) - HISTORY_DAYS
    return Scenario(first, HISTORY_DAYS + 1, USERS_PER_DAY, app=app, timezone=timezone, garbage=0.0005)


async def feed(
    settings: Settings,
    *,
    app: str = DEMO_APP,
    per_second: float = LIVE_PER_SECOND,
    now_ms: Callable[[], int] = lambda: int(time.time() * 1000),
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    on_history: Callable[[int], None] = lambda records: None,
) -> None:
    """Sends the history, says how many records it had, then goes on live until cancelled. Topics must exist.

    Raises KafkaUnavailable when Kafka goes away; start it again then, repeats change nothing.
    """
    started_ms = now_ms()
    traffic = Traffic(demo_scenario(started_ms, settings.zone_name(app), app))
    async with Sender(settings) as sender:
        for number, record in enumerate(traffic.records(started_ms)):
            await sender.put(record.topic, record.key, record.value)
            if number % 1_000 == 0:
                await sleep(0)  # the producer sends meanwhile
        await sender.flush()
        on_history(sender.acknowledged)
        live = Live(traffic, started_ms)
        while True:
            await sleep(1 / per_second)
            for record in live.next(now_ms()):
                await sender.put(record.topic, record.key, record.value)
            await sender.flush()
