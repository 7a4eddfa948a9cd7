"""How often are the numbers asked for: as often as is said, not without a rest, and whoever hangs holds nobody else up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from consumers.exporter.refreshing import Refresher
from consumers.settings import Settings
from consumers.telemetry import Telemetry
from stream.store.memory import MemoryStore
from tests.waiting import wait_until


class Clock:
    """Time that passes only where a test says so; whoever sleeps for the `last` time sleeps for ever."""

    def __init__(self, last: int) -> None:
        self.now, self.slept, self._last = 0.0, list[float](), last

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) >= self._last:
            await asyncio.Event().wait()
        self.now += seconds


class Slow(MemoryStore):
    """A store that takes its time."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__()
        self._clock, self._seconds = clock, seconds

    async def zones(self) -> dict[str, str]:
        self._clock.now += self._seconds
        return await super().zones()


async def never() -> Any:
    """A Kafka that does not answer."""
    await asyncio.Event().wait()


def refresher(store: MemoryStore, clock: Clock) -> Refresher:
    settings = Settings(exporter_refresh_seconds=15)
    times: dict[str, Any] = {"now_ms": lambda: 0, "clock": lambda: clock.now, "sleep": clock.sleep}
    return Refresher(settings, store, never, Telemetry("exporter"), **times)


@pytest.mark.parametrize(("takes", "rests"), [(0.0, 15.0), (4.0, 11.0), (9.0, 9.0), (60.0, 60.0)])
async def test_from_one_refresh_to_the_next_it_is_as_said_but_it_rests_as_long_as_it_worked(
    takes: float, rests: float
) -> None:
    clock = Clock(last=3)
    one = refresher(Slow(clock, takes), clock)
    forever = asyncio.create_task(one._ever(one.numbers))
    await wait_until(lambda: len(clock.slept) == 3)
    assert clock.slept == [rests] * 3
    forever.cancel()


async def test_a_kafka_that_does_not_answer_holds_up_no_number() -> None:
    clock = Clock(last=2)
    one = refresher(MemoryStore(), clock)
    forever = asyncio.create_task(one.run())
    await wait_until(lambda: one.waiting is None)
    assert not forever.done()
    forever.cancel()
