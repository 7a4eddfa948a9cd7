"""How does an app named demo come alive? Its history as fast as Kafka takes it, then each event when its time has come."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

from consumers.demo import Record, Scenario, Traffic, Visits, day_of
from stream.events.schema import NO_REVISIONS
from stream.retention.days import zone

DEMO_APP = "demo"
HISTORY_DAYS = 60
USERS_PER_DAY = 160.0
# Live, something comes at least so often: whoever looks at night wants to see it move.
QUIET_SECONDS_MAX = 3.0
FEEDBACK, SECOND_IDS = 0.02, 0.03


def demo_scenario(now_ms: int, timezone: str, app: str = DEMO_APP) -> Scenario:
    """The demo as of today. What it says of a date never changes: a later start sends the same events again and only adds."""
    first = day_of(now_ms, timezone) - HISTORY_DAYS
    return Scenario(
        first, HISTORY_DAYS + 1, USERS_PER_DAY, app=app, timezone=timezone, garbage=0.0005,
        feedback=FEEDBACK, second_ids=SECOND_IDS,
    )  # fmt: skip


class Sends(Protocol):
    """Where records go: kafka.Sender, or intake.client.CollectorSender."""

    acknowledged: int

    async def put(
        self, topic: str, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        """Takes one record for `topic` (without prefix)."""

    async def flush(self) -> None:
        """Returns when everything that was put is acknowledged."""


async def feed(
    history: Sends,
    live: Sends,
    *,
    timezone: str,
    app: str = DEMO_APP,
    now_ms: Callable[[], int] = lambda: int(time.time() * 1000),
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    on_history: Callable[[int], None] = lambda records: None,
) -> None:
    """Sends the history, says how many records it had, then goes on at the pace of the scenario until cancelled. Topics must exist.

    Live events are those of the scenario as well, so that today fills like the days before it did, and between them users of
    today visit once more (`Visits`), which changes no answer of a date.
    Raises what its senders raise when nobody takes them any more; start it again then, repeats change nothing.
    """
    sent_ms = now_ms()
    for number, record in enumerate(Traffic(demo_scenario(sent_ms, timezone, app)).records(sent_ms)):
        await history.put(record.topic, record.key, record.value, (NO_REVISIONS,))
        if number % 1_000 == 0:
            await sleep(0)  # the producer sends meanwhile
    await history.flush()
    on_history(history.acknowledged)

    async def send(record: Record) -> None:
        await live.put(record.topic, record.key, record.value)
        await live.flush()

    async def wait(until_ms: int, visits: Visits) -> None:
        while (left_seconds := (until_ms - now_ms()) / 1000) > QUIET_SECONDS_MAX:
            await sleep(QUIET_SECONDS_MAX)
            if now_ms() < until_ms and (visit := visits.next(now_ms())) is not None:
                await send(visit)
        await sleep(max(0.0, left_seconds))

    while True:
        day = day_of(sent_ms, timezone)
        tomorrow_ms = zone(timezone).day_start_ms(day + 1)
        scenario = demo_scenario(sent_ms, timezone, app)
        today = await asyncio.to_thread(list, Traffic(scenario).records(tomorrow_ms, since_ms=sent_ms))
        # Garbage is for the scenario's own records: what visits again has to be an event.
        clean = Traffic(replace(scenario, garbage=0.0)).records(
            tomorrow_ms, since_ms=zone(timezone).day_start_ms(day)
        )
        visits = Visits(await asyncio.to_thread(list, clean), day)
        for record in today:
            await wait(record.ts_ms, visits)
            await send(record)
        await wait(tomorrow_ms, visits)
        sent_ms = tomorrow_ms
