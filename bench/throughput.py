"""How many events a second does a worker count, beside the usual agent and beside reading alone?

All three are measured in the same run, in turns, on the same broker; ratios come from the medians. An event counts as done when
what it changed stands in Redis (for the raw reader: when it is decoded).
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from bench.bars import Row
from bench.machine import Child, Machine, client_of, flushed
from bench.traffic import backlog, written
from consumers.settings import Settings
from stream.store.redis import RedisStore
from tests.servers import Valkey

POLL_SECONDS = 0.01
GIVE_UP_SECONDS = 600.0
WORKER = ("-m", "consumers.cli", "worker")
SAMPLED = ("-m", "bench.sampled_worker")
Ends = dict[tuple[str, int], int]


@dataclass(frozen=True)
class Pace:
    """Events a second: steady from the first progress on, whole from the start of the process on, and a second of CPU of the
    processes (the steady part; servers not included), which a busy machine changes least."""

    steady: float
    whole: float
    cpu: float


async def throughput(machine: Machine) -> list[Row]:
    """Rows raw, usual, worker, two workers, and their ratios."""
    sizes, store = machine.sizes, machine.store()
    mix = machine.settings(store, "mix.")
    sent, ends = await written(mix, backlog(sizes.backlog_events))
    machine.kept["backlog"] = ends
    usual_settings = machine.settings(store, "usual.")
    only = (
        message for message in backlog(2 * sizes.usual_events, seed=2, garbage=0) if message[0] == "sessions"
    )
    _, usual_ends = await written(usual_settings, islice(only, sizes.usual_events))
    machine.say(f"backlog: {dict(sent)}; for the usual agent {sum(usual_ends.values()):,} sessions")
    measured: dict[str, list[Pace]] = {"raw": [], "usual": [], "worker": [], "two": []}
    for turn in range(sizes.repetitions):
        measured["raw"].append(await _raw(machine, mix))
        measured["usual"].append(await _usual(machine, store, usual_settings, sum(usual_ends.values())))
        measured["worker"].append(await workers(machine, store, "mix.", ends, 1))
        measured["two"].append(await workers(machine, store, "mix.", ends, 2))
        rates = ", ".join(f"{name} {found[-1].steady:,.0f}" for name, found in measured.items())
        machine.say(f"turn {turn + 1} of {sizes.repetitions}, events/s: {rates}")
    return _rows(measured, sum(ends.values()))


def _rows(measured: dict[str, list[Pace]], events: int) -> list[Row]:
    rates = {name: median(pace.steady for pace in found) for name, found in measured.items()}
    whole = {name: median(pace.whole for pace in found) for name, found in measured.items()}
    cpu = {name: median(pace.cpu for pace in found) for name, found in measured.items()}
    steady = "from the first progress on"
    each = f"median of {len(measured['raw'])}"
    return [
        Row("raw: getmany and decode alone", rates["raw"], "events/s", note=f"{events:,} records; {each}"),
        Row("usual Faust agent", rates["usual"], "events/s", note=f"{steady}; {each}"),
        Row("worker", rates["worker"], "events/s", note=f"{events:,} records, {steady}; {each}"),
        Row("worker, with its start", whole["worker"], "events/s", note="from the start of the process on"),
        Row("two workers", rates["two"], "events/s", note=steady),
        Row(
            "two workers, with their start",
            whole["two"],
            "events/s",
            note="from the start of the processes on",
        ),
        *(
            Row(f"{name}, a second of its own CPU", cpu[name], "events/s")
            for name in ("raw", "usual", "worker")
        ),
        Row("worker / usual", rates["worker"] / rates["usual"], "x", "worker_to_usual"),
        Row("worker / raw", rates["worker"] / rates["raw"], "x", "worker_to_raw"),
        Row("two workers / one", rates["two"] / rates["worker"], "x", "two_workers_to_one"),
    ]


async def workers(
    machine: Machine,
    store: Valkey,
    prefix: str,
    ends: Ends,
    count: int,
    samples: Path | None = None,
    **chosen: Any,
) -> Pace:
    """Lets so many workers count the whole backlog into an empty store, with settings of their own where some are chosen.

    With `samples` they write there where their time went.
    """
    await flushed(store)
    settings = machine.settings(store, prefix, **chosen)
    how = WORKER if samples is None else SAMPLED
    children = [machine.start(how, settings, BENCH_SAMPLES=str(samples or "")) for _ in range(count)]
    reader = RedisStore.connect(store.url)

    async def done() -> int:
        positions = await reader.positions()
        return sum(min(end, positions[tp].next) for tp, end in ends.items() if tp in positions)

    try:
        rates = await _timed(children, done, sum(ends.values()))
        totals = await reader.totals()
        if totals.get("applied", 0) + totals.get("dead_letters", 0) != sum(ends.values()):
            raise RuntimeError(f"{sum(ends.values())} records came to {totals}")
        return rates
    finally:
        await reader.aclose()
        for child in children:
            child.kill() if samples is None else child.stop()


async def _usual(machine: Machine, store: Valkey, settings: Settings, events: int) -> Pace:
    await flushed(store)
    own = machine.settings(store, "usual.")
    child = machine.start(
        ("-m", "faust", "-A", "bench.usual_agent", "worker", "-l", "warn"),
        USUAL_GROUP=own.group,
        USUAL_KAFKA=own.kafka,
        USUAL_REDIS=store.url,
        USUAL_TOPIC=settings.topic("sessions"),
        USUAL_DIRECTORY=str(machine.directory / own.group),
    )
    try:
        async with client_of(store) as client:

            async def done() -> int:
                return sum(map(int, await client.hvals("sessions")))

            return await _timed([child], done, events)
    finally:
        child.kill()


async def _timed(children: list[Child], done: Callable[[], Awaitable[int]], total: int) -> Pace:
    give_up = time.monotonic() + GIVE_UP_SECONDS
    first: float | None = None
    at_first, cpu = 0, 0.0
    while True:
        count, now = await done(), time.monotonic()
        if count and first is None:
            first, at_first, cpu = now, count, cpu_seconds(children)
        if count >= total:
            break
        if now > give_up:
            raise RuntimeError(f"only {count} of {total} after {GIVE_UP_SECONDS:g} s")
        for child in children:
            child.check()
        await asyncio.sleep(POLL_SECONDS)
    assert first is not None
    start = min(child.started for child in children)
    left = total - at_first
    return Pace(
        left / max(now - first, POLL_SECONDS),
        total / (now - start),
        left / max(cpu_seconds(children) - cpu, POLL_SECONDS),
    )


def cpu_seconds(children: Sequence[Child | Valkey]) -> float:
    """Seconds of CPU that some processes have used so far."""
    times = [psutil.Process(child.pid).cpu_times() for child in children]
    return float(sum(one.user + one.system for one in times))


async def _raw(machine: Machine, settings: Settings) -> Pace:
    child = machine.start(("-m", "bench.raw_reader"), settings)
    try:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            said = child.log.read_text().strip()
            if said.endswith("}"):
                break
            child.check()
    finally:
        child.kill()
    found = json.loads(said.splitlines()[-1])
    whole = found["all"] / (time.monotonic() - child.started)
    return Pace(found["events"] / found["seconds"], whole, found["events"] / found["cpu_seconds"])
