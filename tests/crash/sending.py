"""What is sent while things fail, and what must have come of it: numbers, totals, dead letters and the audit."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from consumers.demo import Scenario, Traffic, day_of
from consumers.kafka import Kafka, producer
from consumers.settings import Settings
from stream.retention.days import zone
from stream.retention.scope import Scope
from stream.store.audit import audit
from stream.store.protocol import StoreUnavailable
from stream.store.redis import RedisStore
from tests.laws.checks import expected_counters, stored_counters
from tests.oracle import Oracle
from tests.strategies import APP
from tests.waiting import wait_until

NOW_MS = 1_795_000_000_000
DAYS, USERS_PER_DAY = 12, 150.0
TOPICS = ("installs", "sessions", "purchases")


class Sent(NamedTuple):
    """One record as it is sent; partition None lets the key decide."""

    topic: str
    key: bytes | None
    value: bytes
    partition: int | None


def garbage(dice: random.Random) -> Iterator[bytes]:
    """What nobody can count: bytes, depth, numbers, surrogates, times, and one message of 10 MB."""
    yield b"x" * 10_000_000
    yield b"{" * 50_000
    yield b'{"event_id":"e","app_id":"demo","user_id":"\\ud800","timestamp":1}'
    yield b'{"event_id":"e","app_id":"demo","user_id":"u","timestamp":NaN}'
    yield b'{"event_id":"e","app_id":"demo","user_id":"u","timestamp":1' + b"0" * 400 + b"}"
    yield b'{"event_id":"e","app_id":"demo","user_id":"u","timestamp":"9999-12-31T23:59:59Z"}'
    for _ in range(60):
        yield dice.randbytes(dice.randrange(300))


def story(seed: int) -> list[Sent]:
    """The records of some days, roughened."""
    dice = random.Random(seed)
    scenario = Scenario(
        day_of(NOW_MS, "UTC") - DAYS, DAYS, USERS_PER_DAY, seed=seed, app=APP, garbage=0.01, repeats=0.05
    )
    records = [Sent(one.topic, one.key, one.value, None) for one in Traffic(scenario).records(NOW_MS)]
    for at in range(len(records)):
        if dice.random() < 0.1:  # A producer that is not well behaved.
            records[at] = records[at]._replace(
                key=dice.choice([None, b"wrong", b""]), partition=dice.randrange(4)
            )
    for value in garbage(dice):
        records.insert(
            dice.randrange(len(records)), Sent(dice.choice(TOPICS), None, value, dice.randrange(4))
        )
    return records


async def started(settings: Settings) -> AIOKafkaProducer:
    """A producer, as soon as the broker is there to take its hand."""
    while True:
        client = producer(settings, linger_ms=5, max_request_size=16 * 2**20, request_timeout_ms=60_000)
        try:
            await client.start()
            return client
        except KafkaError:
            await client.stop()
            await asyncio.sleep(0.1)


async def send(settings: Settings, records: Sequence[Sent]) -> None:
    """Sends every record until it is acknowledged, a thousand at a time."""
    client = await started(settings)
    try:
        for at in range(0, len(records), 1_000):
            some = records[at : at + 1_000]
            waiting = [
                await client.send(settings.topic(one.topic), one.value, key=one.key, partition=one.partition)
                for one in some
            ]
            await asyncio.gather(*waiting)
    finally:
        await client.stop()


async def everything(
    settings: Settings, topics: Sequence[str]
) -> dict[str, list[tuple[bytes | None, int, dict[str, bytes]]]]:
    """All records that stand in some topics: value, Kafka's timestamp, headers."""
    async with Kafka(settings) as kafka:
        ends = await kafka.end_offsets(topics)
    found: dict[str, list[tuple[bytes | None, int, dict[str, bytes]]]] = {topic: [] for topic in topics}
    reader = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=2**25,
    )
    await reader.start()
    try:
        for (topic, partition), end in ends.items():
            where = TopicPartition(settings.topic(topic), partition)
            reader.assign([where])
            while end and await reader.position(where) < end:
                record = await reader.getone(where)
                found[topic].append((record.value, record.timestamp, dict(record.headers)))
    finally:
        await reader.stop()
    return found


async def all_counted(store: RedisStore, records: int, seconds: float = 120) -> None:
    """Waits until so many records are settled, whatever the store does meanwhile."""

    async def covered() -> bool:
        try:
            totals = await store.totals()
        except StoreUnavailable:
            return False
        return totals.get("applied", 0) + totals.get("dead_letters", 0) >= records

    await wait_until(covered, seconds, what="everything is counted")


async def hold(settings: Settings, store: RedisStore, sent: int) -> None:
    """Numbers, totals, dead letters and the audit against the records as they stand in Kafka."""
    stood = await everything(settings, (*TOPICS, "dead-letters"))
    letters = stood.pop("dead-letters")
    oracle = Oracle()
    for topic, records in stood.items():
        for value, timestamp, _ in records:
            oracle.add(topic, value, timestamp)
    assert sum(map(len, stood.values())) >= sent
    people = [person for (app, _), person in oracle.people.items() if app == APP]
    assert await stored_counters(store) == expected_counters(people)
    totals = await store.totals()
    assert (totals["applied"], totals["dead_letters"]) == (len(oracle.events), len(oracle.refused))
    assert totals.get("offset_holes", 0) == 0
    named = {(headers["topic"], headers["partition"], headers["offset"]) for _, _, headers in letters}
    assert len(named) == len(oracle.refused)
    report = await audit(store, APP, Scope(zone("UTC")))
    assert report.differences == []
    assert report.users == len(
        [person for person in people if person.sessions or person.installs or person.purchases]
    )
