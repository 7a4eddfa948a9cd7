"""How many events a second does a collector take from apps, and how long does an app wait? Batches of 50 over HTTP, acknowledged.

First as fast as eight senders get their answers, then on a schedule of 5,000 events a second that does not wait for answers, each
batch timed from the moment at which it was due. The senders share the machine with collector and broker.
"""

import asyncio
import re
import time
from itertools import cycle, islice

import aiohttp
import numpy as np

from bench.bars import Row
from bench.machine import Child, Machine, make_topics
from bench.traffic import backlog
from consumers.intake.client import CollectorSender, Record
from consumers.kafka import Kafka
from consumers.settings import Settings
from stream.events.schema import EVENT_TOPICS

ROLE = ("-m", "consumers.cli", "collector")
BATCH_EVENTS, SENDERS = 50, 8
EVENTS_A_SECOND = 5_000
START_SECONDS_MAX = 30.0


async def collector(machine: Machine) -> list[Row]:
    """Events a second, and p99 at 5,000 events a second."""
    settings = machine.settings(
        machine.store(), "collector.", collector_port=0, collector_events_per_second=0
    )
    await make_topics(settings)
    batches = _batches(machine.sizes.collected_events)
    child = machine.start(ROLE, settings)
    try:
        async with CollectorSender(await _url(child)) as sender:
            rate, waits = await _at_full_speed(sender, batches)
            steady, late = await _on_schedule(sender, batches, machine.sizes.collected_seconds)
    finally:
        child.stop()
    await _all_stored(settings, (len(waits) + len(late)) * BATCH_EVENTS)
    full = f"{SENDERS} senders, batches of {BATCH_EVENTS}; p50 {_ms(waits, 50):.0f} ms, p99 {_ms(waits, 99):.0f} ms"
    paced = f"at {steady:,.0f} events/s; p50 {_ms(late, 50):.0f} ms, longest {_ms(late, 100):.0f} ms"
    return [
        Row("accepted", rate, "events/s", "collected_per_second", full),
        Row("from due to accepted: p99", _ms(late, 99), "ms", note=paced),
    ]


def _batches(events: int) -> list[list[Record]]:
    messages = ((topic, value) for topic, _, value in backlog(2 * events, seed=5, garbage=0))
    return [list(islice(messages, BATCH_EVENTS)) for _ in range(events // BATCH_EVENTS)]


async def _at_full_speed(sender: CollectorSender, batches: list[list[Record]]) -> tuple[float, list[float]]:
    """Events a second, and how long each batch took in seconds."""
    waits: list[float] = []
    left = iter(batches)

    async def send() -> None:
        for batch in left:
            began = time.monotonic()
            await _posted(sender, batch)
            waits.append(time.monotonic() - began)

    began = time.monotonic()
    await asyncio.gather(*(send() for _ in range(SENDERS)))
    return len(batches) * BATCH_EVENTS / (time.monotonic() - began), waits


async def _on_schedule(
    sender: CollectorSender, batches: list[list[Record]], seconds: float
) -> tuple[float, list[float]]:
    """The rate that was reached, and how long after it was due each batch was accepted, in seconds."""
    late: list[float] = []

    async def send(batch: list[Record], due: float) -> None:
        await _posted(sender, batch)
        late.append(time.monotonic() - due)

    began, posts = time.monotonic(), []
    for number, batch in enumerate(islice(cycle(batches), int(seconds * EVENTS_A_SECOND / BATCH_EVENTS))):
        due = began + number * BATCH_EVENTS / EVENTS_A_SECOND
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        posts.append(asyncio.create_task(send(batch, due)))
    await asyncio.gather(*posts)
    return len(late) * BATCH_EVENTS / (time.monotonic() - began), late


async def _posted(sender: CollectorSender, batch: list[Record]) -> None:
    answer = await sender.post(batch)
    if answer["accepted"] != len(batch):
        raise RuntimeError(f"the collector rejected {answer['rejected'][:3]}")


async def _all_stored(settings: Settings, events: int) -> None:
    """RuntimeError where Kafka holds less than was accepted."""
    async with Kafka(settings) as kafka:
        stored = sum((await kafka.end_offsets(EVENT_TOPICS)).values())
    if stored < events:
        raise RuntimeError(f"{events} events were accepted, Kafka holds {stored}")


async def _url(child: Child) -> str:
    """Where the collector listens, once it is ready."""
    give_up = time.monotonic() + START_SECONDS_MAX
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < give_up:
            child.check()
            if said := re.search(r"takes events at (http\S+)", child.log.read_text()):
                async with session.get(f"{said[1]}/readyz") as answer:
                    if answer.status == 200:
                        return said[1]
            await asyncio.sleep(0.05)
    raise RuntimeError(f"the collector did not start:\n{child.log.read_text()[-2000:]}")


def _ms(seconds: list[float], percentile: float) -> float:
    return float(np.percentile(seconds, percentile)) * 1000
