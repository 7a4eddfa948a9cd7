"""How long after it was produced can an event be seen over HTTP? Steady traffic through Kafka, a worker, Redis and the API.

Beside the traffic a probe is sent every 50 ms: the install of a new user of an app of its own, all to one partition. Probe number
n is visible when the API answers a cohort of n users; the API is asked again and again.
"""

import asyncio
import time
from datetime import UTC, datetime
from itertools import cycle
from typing import Any
from uuid import uuid4

import aiohttp
import numpy as np

from bench.bars import Row
from bench.machine import Child, Machine, make_topics
from bench.throughput import WORKER
from bench.traffic import backlog
from bench.triangle import api_url
from consumers.kafka import producer
from consumers.settings import Settings

EVENTS_A_SECOND = 5_000
TICK_SECONDS, PROBE_TICKS = 0.01, 5
ASK_SECONDS = 0.005
SETTLE_SECONDS = 2.0
GIVE_UP_SECONDS = 60.0
PROBE = "probe"


async def visible(machine: Machine) -> list[Row]:
    """p99 of produce-to-visible at 5,000 events/s."""
    store = machine.store()
    settings = machine.settings(store, "visible.")
    await make_topics(settings)
    children = [machine.start(WORKER, settings), machine.start(("-m", "consumers.cli", "api"), settings)]
    try:
        base = await api_url(children[1])
        await _counting(settings, base, children)
        sent, seen, rate = await _measured(machine, settings, base)
    finally:
        for child in children:
            child.kill()
    late = (np.array(seen) - np.array(sent)) * 1000
    note = f"{len(late)} probes at {rate:,.0f} events/s, p50 {np.percentile(late, 50):.0f} ms, longest {late.max():.0f} ms"
    return [Row("produced to visible: p99", float(np.percentile(late, 99)), "ms", "visible_p99_ms", note)]


async def _measured(
    machine: Machine, settings: Settings, base: str
) -> tuple[list[float], list[float], float]:
    """When each probe was sent and seen, without those of the first seconds; and the rate of the traffic."""
    client = producer(settings)
    await client.start()
    sent: list[float] = []
    seen: list[float] = []
    try:
        async with aiohttp.ClientSession() as session:
            watch = asyncio.create_task(_watch(session, base, seen))
            began = time.monotonic()
            events = await _traffic(client, settings, sent, machine.sizes.visible_seconds + SETTLE_SECONDS)
            rate = events / (time.monotonic() - began)
            async with asyncio.timeout(GIVE_UP_SECONDS):
                while len(seen) < len(sent):
                    await asyncio.sleep(TICK_SECONDS)
            watch.cancel()
    finally:
        await client.stop()
    keep = [at for at, moment in enumerate(sent) if moment - began >= SETTLE_SECONDS]
    return [sent[at] for at in keep], [seen[at] for at in keep], rate


async def _traffic(client: Any, settings: Settings, sent: list[float], seconds: float) -> int:
    """Sends traffic and probes on schedule, catching up when it fell behind; how many events."""
    messages = cycle(list(backlog(20_000, seed=3)))
    topics = {topic: settings.topic(topic) for topic in ("installs", "sessions", "purchases")}
    began, events, ticks = time.monotonic(), 0, 0
    while (now := time.monotonic()) < began + seconds:
        while events < (now - began) * EVENTS_A_SECOND:
            topic, key, value = next(messages)
            await client.send(topics[topic], value, key=key)
            events += 1
        if ticks % PROBE_TICKS == 0:
            sent.append(time.monotonic())
            await client.send(topics["installs"], _probe(), partition=0)
        ticks += 1
        await asyncio.sleep(TICK_SECONDS)
    return events


async def _watch(session: aiohttp.ClientSession, base: str, seen: list[float]) -> None:
    """Notes when each probe was first in an answer; one was counted before."""
    while True:
        users = await _users(session, base) - 1
        now = time.monotonic()
        seen += [now] * (users - len(seen))
        await asyncio.sleep(ASK_SECONDS)


async def _counting(settings: Settings, base: str, children: list[Child]) -> None:
    """Returns when the worker has counted a first probe."""
    client = producer(settings)
    await client.start()
    try:
        await client.send_and_wait(settings.topic("installs"), _probe(), partition=0)
    finally:
        await client.stop()
    async with asyncio.timeout(GIVE_UP_SECONDS), aiohttp.ClientSession() as session:
        while not await _users(session, base):
            for child in children:
                child.check()
            await asyncio.sleep(TICK_SECONDS)


async def _users(session: aiohttp.ClientSession, base: str) -> int:
    """Everybody in the cohorts of the probe's two last dates; the day may change while it runs."""
    async with session.get(f"{base}/api/v1/retention", params={"app": PROBE, "periods": "0"}) as answer:
        found = await answer.json()
    return sum(row["size"] for row in found.get("rows", ()))


def _probe() -> bytes:
    moment = datetime.now(UTC).isoformat()
    return (
        f'{{"event_id":"{uuid4()}","app_id":"{PROBE}","user_id":"{uuid4()}","timestamp":"{moment}"}}'.encode()
    )
