"""A refresh that fails keeps the old numbers and their moment; what is not known just now is absent, never an old 0."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from consumers.connection import Connection
from consumers.exporter.main import exporter_of
from consumers.exporter.refreshing import Refresher
from consumers.kafka import Kafka, producer
from consumers.local.servers import free_port
from consumers.settings import Settings
from consumers.telemetry import Telemetry
from stream.store.protocol import Position, Progress
from stream.store.redis import RedisStore
from tests.consumers.exporter.filled import fill
from tests.consumers.test_metrics import samples
from tests.servers import Broker, KafkaLike, Valkey
from tests.stream.report.counted import install

INSTALLS = 'retention_installs{app="shop"}'
MOMENT = "retention_exporter_last_refresh_timestamp_seconds"
ERRORS = "retention_exporter_refresh_errors_total"
CONNECTED = "retention_redis_connected"
LAG = 'retention_consumer_group_lag{partition="1",topic="sessions"}'
LONG_AGO = "2020-03-01"


class Exporter:
    """An exporter that is refreshed by hand."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.store = RedisStore.connect(url, timeout_seconds=2)
        self.kafka = Connection(settings)
        made: tuple[Refresher, Telemetry] = exporter_of(settings, self.store, self.kafka)
        self.refresher, self.telemetry = made

    def shown(self) -> dict[str, float]:
        return samples(self.telemetry)

    async def close(self) -> None:
        await self.kafka.close()
        await self.store.aclose()


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Exporter]]:
    made: list[Exporter] = []

    def exporter(server: Valkey, kafka: str = "", **settings: object) -> Exporter:
        nowhere = f"127.0.0.1:{free_port()}"
        own = Settings(kafka=kafka or nowhere, kafka_idempotence=False, partitions=2, **settings)  # type: ignore[arg-type]
        made.append(Exporter(own, server.url))
        return made[-1]

    yield exporter
    for one in made:
        await one.close()


async def test_before_the_first_refresh_nothing_is_told_and_the_role_is_not_ready(
    valkey: Valkey, make: Callable[..., Exporter]
) -> None:
    one = make(valkey)
    assert one.refresher.waiting == "no refresh of the numbers has succeeded yet"
    assert {MOMENT, INSTALLS} & one.shown().keys() == set()
    await one.refresher.numbers()
    assert one.refresher.waiting is None
    assert one.shown()[MOMENT] > 1.7e9


async def test_a_refresh_that_fails_leaves_numbers_and_moment_as_they_are(
    make_valkey: Callable[..., Valkey], make: Callable[..., Exporter]
) -> None:
    valkey = make_valkey(keep=True)
    one = make(valkey)
    await fill(one.store, valkey.url, install("anna", LONG_AGO))
    for refresh in (one.refresher.numbers, one.refresher.memory):
        await refresh()
    before = one.shown()
    assert (before[INSTALLS], before[CONNECTED], before[ERRORS]) == (0, 1, 0)
    assert before["retention_redis_used_memory_bytes"] > 100_000
    assert before["retention_redis_maxmemory_bytes"] == 0, "it has no limit"

    valkey.stop()
    for refresh in (one.refresher.numbers, one.refresher.memory):
        await refresh()
    after = one.shown()
    assert (after[INSTALLS], after[MOMENT]) == (before[INSTALLS], before[MOMENT])
    assert (after[CONNECTED], after[ERRORS]) == (0, 2)
    assert "retention_redis_used_memory_bytes" not in after

    valkey.start()
    for refresh in (one.refresher.numbers, one.refresher.memory):
        await refresh()
    later = one.shown()
    assert later[MOMENT] > before[MOMENT]
    assert (later[CONNECTED], later[ERRORS]) == (1, 2)


async def test_the_limit_of_redis_is_told_where_it_has_one(
    make_valkey: Callable[..., Valkey], make: Callable[..., Exporter]
) -> None:
    one = make(make_valkey("--maxmemory", "50mb"))
    await one.refresher.memory()
    assert one.shown()["retention_redis_maxmemory_bytes"] == 50 * 1024 * 1024


@pytest.mark.slow  # the first test that needs Apache Kafka starts it
@pytest.mark.parametrize("kind", ["broker", "kafka"])
async def test_the_lag_is_what_stands_in_kafka_behind_the_positions_in_redis(
    kind: str, request: pytest.FixtureRequest, valkey: Valkey, make: Callable[..., Exporter]
) -> None:
    server: KafkaLike = request.getfixturevalue(kind)
    one = make(valkey, server.bootstrap, topic_prefix=server.prefix())
    settings = one.refresher._settings
    async with Kafka(settings) as kafka:
        await kafka.ensure_topics()
        log_id = await kafka.log_id()
    sender = producer(settings)
    await sender.start()
    for _ in range(5):
        await sender.send_and_wait(settings.topic("sessions"), b"{}", partition=1)
    await sender.stop()

    await one.refresher.lag()
    assert one.shown()[LAG] == 5, "no worker has ever run"
    assert sum(name.startswith("retention_consumer_group_lag") for name in one.shown()) == 12

    async def move(expected: Position | None, position: Position) -> None:
        await one.store.advance(0, Progress(("sessions", 1), expected, position, {}))

    other, here = Position(4, "another log"), Position(3, log_id)
    await move(None, other)
    await one.refresher.lag()
    assert one.shown()[LAG] == 5, "a position in another log says nothing"
    await move(other, here)
    await one.refresher.lag()
    assert one.shown()[LAG] == 2


async def test_a_lag_that_is_not_known_is_absent(
    valkey: Valkey, broker: Broker, make: Callable[..., Exporter]
) -> None:
    one = make(valkey, broker.bootstrap)
    async with Kafka(one.refresher._settings) as kafka:
        await kafka.ensure_topics()
    await one.refresher.lag()
    assert one.shown()[LAG] == 0
    broker.kill()
    await one.refresher.lag()
    assert LAG not in one.shown()
    assert one.shown()[ERRORS] == 1
