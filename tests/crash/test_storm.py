"""Do the numbers come out exact when everything fails at once? Workers, store and broker, while events are being sent.

Both brokers, four partitions a topic, at least two workers; records on wrong partitions, with wrong keys and without one, repeats,
garbage of every reason, fuzzed bytes and a message of 10 MB among them. Held against a count by hand of the same records.
"""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
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
from tests.consumers.ingest.conftest import own
from tests.consumers.ingest.test_worker import PROGRAM, Process
from tests.laws.checks import expected_counters, stored_counters
from tests.oracle import Oracle
from tests.servers import ApacheKafka, KafkaLike, Valkey
from tests.strategies import APP
from tests.waiting import wait_until

pytestmark = pytest.mark.crash

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


class Team:
    """Workers that are started again when they end, as `retention up` and every orchestrator do."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self._settings, self._directory = settings, directory
        self.workers: list[Process] = []
        self.started = 0
        self._watch = asyncio.ensure_future(self._keep())

    def join(self) -> None:
        """One more worker."""
        self.workers.append(self._new())

    def _new(self) -> Process:
        self.started += 1
        return Process(self._settings, self._directory / f"worker-{self.started}.log", PROGRAM)

    async def _keep(self) -> None:
        while True:
            self.workers = [one if one.running else self._new() for one in self.workers]
            await asyncio.sleep(0.2)

    async def leave(self) -> None:
        """One worker goes in good order."""
        worker = self.workers.pop()
        worker.end()
        await worker.code()

    def close(self) -> None:
        """All gone."""
        self._watch.cancel()
        for worker in self.workers:
            worker.kill()
        for log in sorted(self._directory.glob("worker-*.log")):
            print(f"--- {log.name}\n{log.read_text()[-1500:]}")


class Storm:
    """What goes wrong, one after the other, each after some progress of the numbers."""

    def __init__(self, team: Team, store: RedisStore, valkey: Valkey, server: KafkaLike, runs: int) -> None:
        self._team, self._store, self._valkey, self._server, self._runs = team, store, valkey, server, runs

    async def blow(self, settings: Settings, records: Sequence[Sent]) -> None:
        """All of it, so often, each while another part of the records is being sent."""
        troubles = [
            self._kill,
            self._refuse,
            self._kill,
            self._join_and_leave,
            self._restart_store,
            self._restart_broker,
        ]
        troubles *= self._runs
        size = -(-len(records) // len(troubles))
        for number, trouble in enumerate(troubles):
            before = await self._counted()
            sending = asyncio.create_task(send(settings, records[number * size : (number + 1) * size]))
            await wait_until(lambda before=before: self._further(before), 60, what="the numbers move")
            await trouble()
            await sending

    async def _further(self, before: int) -> bool:
        return await self._counted() > before

    async def _counted(self) -> int:
        with suppress(StoreUnavailable):
            return sum(position.next for position in (await self._store.positions()).values())
        return -1

    async def _kill(self) -> None:
        self._team.workers[0].kill()

    async def _refuse(self) -> None:
        self._valkey.ask("CONFIG", "SET", "maxmemory", "1")
        await asyncio.sleep(1)
        self._valkey.ask("CONFIG", "SET", "maxmemory", "0")

    async def _join_and_leave(self) -> None:
        self._team.join()
        joined = self._team.workers[-1]
        await wait_until(lambda: "reading" in joined.text, 60, what="a third worker has partitions")
        await self._team.leave()

    async def _restart_store(self) -> None:
        self._valkey.kill()
        self._valkey.start()

    async def _restart_broker(self) -> None:
        if isinstance(self._server, ApacheKafka):  # The embedded broker keeps its log in memory only.
            self._server.kill()
            self._server.start()


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


@pytest.fixture
async def settings(server: KafkaLike, make_valkey: Callable[..., Valkey]) -> tuple[Settings, Valkey]:
    valkey = make_valkey("--appendfsync", "always", keep=True)
    return (
        (await own(server)).model_copy(update={"redis_url": Settings(redis_url=valkey.url).redis_url}),
        valkey,
    )


@pytest.fixture(params=["broker", "kafka"])
def server(request: pytest.FixtureRequest) -> KafkaLike:
    found: KafkaLike = request.getfixturevalue(request.param)
    return found


async def test_the_tables_are_exact_whatever_fails(
    settings: tuple[Settings, Valkey], server: KafkaLike, tmp_path: Path, crash_runs: int
) -> None:
    ours, valkey = settings
    records = story(seed=crash_runs)
    store = RedisStore.connect(valkey.url)
    team = Team(ours, tmp_path)
    team.join()
    team.join()
    storm = Storm(team, store, valkey, server, crash_runs)
    try:
        await storm.blow(ours, records)

        async def covered() -> bool:
            with suppress(StoreUnavailable):
                totals = await store.totals()
                return totals.get("applied", 0) + totals.get("dead_letters", 0) >= len(records)
            return False

        await wait_until(covered, 120, what="everything is counted")
        await hold(ours, store, len(records))
    finally:
        team.close()
        await store.aclose()


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
