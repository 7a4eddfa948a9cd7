"""What does the exporter cost at a million users? A refresh of all its numbers, part by part, and the page of a scrape."""

import time
from collections.abc import Awaitable, Callable

import numpy as np

from bench.bars import Row
from bench.machine import Machine
from bench.triangle import kept_people
from consumers.exporter.asking import Asking
from consumers.exporter.collecting import PARTS, numbers_of
from consumers.exporter.exposition import SnapshotCollector
from consumers.exporter.main import SNAPSHOT
from consumers.exporter.snapshot import Draft
from consumers.settings import Settings
from consumers.telemetry import Telemetry
from stream.store.redis import RedisStore

TIMES = 5


async def refresh(machine: Machine) -> list[Row]:
    """Times of a refresh in this process, with the settings as they come."""
    people, kept = await kept_people(machine)
    settings, store = Settings(), RedisStore.connect(kept.url)
    now_ms = time.time_ns() // 1_000_000
    try:
        found = await numbers_of(settings, store, now_ms)
        snapshot = found.frozen()
        series = sum(len(samples) for samples in snapshot.samples.values())
        note = f"{people.users:,} users of one app, {series:,} series"
        rows = [_row("refresh", await _times(lambda: numbers_of(settings, store, now_ms)), note)]
        [(app, timezone)] = (await store.zones()).items()
        ask = Asking(settings, store, app, timezone, now_ms)
        for part in PARTS:
            rows.append(_row(f"  {part.__name__}", await _times(lambda part=part: part(ask, Draft()))))  # type: ignore[misc]
    finally:
        await store.aclose()
    telemetry = Telemetry("exporter")
    telemetry.registry.register(SnapshotCollector(SNAPSHOT, lambda: [snapshot]))

    async def scrape() -> None:
        telemetry.render()

    return [*rows, _row("page of a scrape", await _times(scrape))]


async def _times(work: Callable[[], Awaitable[object]]) -> list[float]:
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def _row(name: str, taken_ms: list[float], note: str = "") -> Row:
    return Row(name, float(np.median(taken_ms)), "ms", note=note or f"longest {max(taken_ms):.1f} ms")
