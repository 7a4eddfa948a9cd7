"""Whoever waits for the workers sits out a restart of the store, but not for ever, and is told where the events are."""

import pytest

from consumers.cli.waiting import AWAY_SECONDS_MAX, POLL_SECONDS, answered, caught_up
from consumers.kafka import Kafka
from consumers.settings import Settings
from stream.events.schema import TOPICS
from stream.store.protocol import StoreRefused, StoreUnavailable
from tests.servers import Broker, Valkey


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_a_store_that_is_away_is_asked_again_until_it_answers() -> None:
    time, asked = Time(), 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        if asked < 100:
            raise StoreUnavailable("loading the dataset in memory")
        return asked

    assert await answered(ask, time.clock, time.sleep) == 100
    assert time.now == pytest.approx(99 * POLL_SECONDS)


async def test_a_store_that_stays_away_is_given_up() -> None:
    time = Time()

    async def ask() -> None:
        raise StoreUnavailable("connection refused")

    with pytest.raises(StoreUnavailable, match="connection refused"):
        await answered(ask, time.clock, time.sleep)
    assert time.now == pytest.approx(AWAY_SECONDS_MAX, abs=2 * POLL_SECONDS)


async def test_a_store_that_lets_nobody_in_is_not_asked_again() -> None:
    time = Time()

    async def ask() -> None:
        raise StoreRefused("wrong password")

    with pytest.raises(StoreRefused):
        await answered(ask, time.clock, time.sleep)
    assert time.now == 0


async def test_waiting_goes_on_after_a_restart_of_the_store_and_giving_up_says_where_the_events_are(
    valkey: Valkey, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(
        kafka=broker.bootstrap, topic_prefix=broker.prefix(), redis_url=valkey.url, kafka_idempotence=False
    )
    async with Kafka(settings) as kafka:
        await kafka.ensure_topics()
        assert sum((await kafka.end_offsets(TOPICS)).values()) == 0
    time = Time()

    async def restarted(seconds: float) -> None:
        await time.sleep(seconds)
        valkey.start()

    valkey.kill()
    await caught_up(settings, clock=time.clock, sleep=restarted)
    assert time.now == POLL_SECONDS
    assert capsys.readouterr() == ("all of it is counted\n", "")
    valkey.kill()

    async def long(seconds: float) -> None:
        await time.sleep(AWAY_SECONDS_MAX)

    with pytest.raises(StoreUnavailable, match="RETENTION_REDIS_URL says where it is"):
        await caught_up(settings, clock=time.clock, sleep=long)
    assert capsys.readouterr() == (
        "",
        "no longer waiting: all of it is safe in Kafka, and is counted without being sent again\n",
    )
