"""The whole watch against a real Valkey, a real broker and a real HTTP server, under a clock of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from consumers.kafka import Kafka, Sender
from consumers.settings import Settings
from consumers.watch.watching import Watching
from stream.churn.incidents import PACE, SETTLED
from stream.store.redis import RedisStore
from tests.consumers.watch.living import APP, USERS_A_MINUTE, Living, moment, watching
from tests.consumers.watch.receiving import receiving
from tests.servers import Broker, Valkey
from tests.waiting import wait_until

pytestmark = pytest.mark.slow
FIRST = 600
Make = Callable[..., Settings]


@pytest.fixture
async def store(valkey: Valkey) -> AsyncIterator[RedisStore]:
    opened = RedisStore.connect(valkey.url)
    yield opened
    await opened.aclose()


@pytest.fixture
def settings(valkey: Valkey, broker: Broker) -> Make:
    def make(**more: object) -> Settings:
        return Settings(kafka=broker.bootstrap, redis_url=valkey.url, kafka_idempotence=False, **more)

    return make


@pytest.fixture
async def app(store: RedisStore) -> Living:
    """An app that has been used for weeks, in the first minute that is looked at."""
    app = Living(store)
    await app.regulars(2_000)
    await app.past(28)
    app.now = FIRST
    return app


@pytest.fixture
async def kafka(settings: Make) -> AsyncIterator[Kafka]:
    async with Kafka(settings()) as opened:
        await opened.ensure_topics()
        yield opened


async def go_on(app: Living, watch: Watching, minutes: int, share: float = 1.0) -> None:
    """Some minutes pass: users come, the watch looks."""
    for _ in range(minutes):
        app.now += 1
        await app.come(round(USERS_A_MINUTE * share))
        await watch.look(moment(app.now))


async def test_half_of_the_users_stay_away_and_the_webhook_hears_of_it_exactly_once(
    app: Living, store: RedisStore, settings: Make, kafka: Kafka
) -> None:
    async with receiving() as receiver:
        receiver.codes = [503]  # not now: it comes again
        watch = watching(settings(webhook_url=receiver.url), store, kafka)
        await go_on(app, watch, 16)
        assert (await app.state()).incidents == []
        assert (await app.state()).waiting == ""
        await go_on(app, watch, 12, share=0.5)
        (incident,) = (await app.state()).incidents
        assert (incident.detector, incident.is_open) == (PACE, True)
        assert incident.evidence.seen < incident.evidence.expected_low
        # The process ends and another one goes on.
        again = watching(settings(webhook_url=receiver.url), store, kafka)
        await go_on(app, again, 5, share=0.5)
        (incident,) = (await app.state()).incidents
        assert incident.is_open
        assert [one["incident"]["id"] for one in receiver.came] == [f"{APP}-1"] * 2
        assert (incident.telling, incident.tries) == ("told", 2)


async def test_a_drop_of_d1_is_told_on_the_day_it_settles_and_each_cell_is_tested_once(
    store: RedisStore, settings: Make, kafka: Kafka
) -> None:
    app = Living(store)
    for age in range(48, 1, -1):
        await app.cohort(age, 500, 150 + (age * 7) % 11 - 5)
    await app.cohort(1, 500, 90)
    async with receiving() as receiver:
        watch = watching(settings(webhook_url=receiver.url, watch_days="1"), store, kafka)
        await watch.look(moment(5 * 60))  # yesterday's cell of the day before has settled, today's not yet
        assert (await app.state()).incidents == []
        tomorrow = 24 * 60
        await watch.look(moment(tomorrow + 5 * 60 + 59))
        assert (await app.state()).incidents == []
        await watch.look(moment(tomorrow + 6 * 60))
        (incident,) = (await app.state()).incidents
        assert (incident.detector, incident.day, incident.evidence.cohort) == (SETTLED, 1, "2026-06-09")
        assert incident.evidence.seen == pytest.approx(90 / 500)
        assert receiver.came[0]["incident"]["cohort"] == "2026-06-09"
        for minute in range(1, 4):
            await watching(settings(webhook_url=receiver.url, watch_days="1"), store, kafka).look(
                moment(tomorrow + 6 * 60 + minute)
            )
        assert len(receiver.came) == len((await app.state()).incidents) == 1
        settled = [cell.settled for cell in (await app.state()).cells[""][1]]
        assert len({*settled}) == len(settled)


async def test_a_dead_pipeline_is_not_churn(
    app: Living, store: RedisStore, settings: Make, kafka: Kafka
) -> None:
    watch = watching(settings(), store, kafka)
    await go_on(app, watch, 16)
    await go_on(app, watch, 20, share=0.0)  # nothing arrives
    state = await app.state()
    assert "hardly anything arrives" in state.waiting
    assert state.incidents == []
    await go_on(app, watch, 8)
    assert (await app.state()).incidents == []


async def test_while_records_wait_in_kafka_nothing_is_judged(
    app: Living, store: RedisStore, settings: Make, kafka: Kafka, broker: Broker
) -> None:
    watch = watching(settings(), store, kafka)
    await go_on(app, watch, 16)
    async with Sender(settings()) as sender:
        for _ in range(400 + USERS_A_MINUTE * 20):
            await sender.put("feedback", None, b"{}")
        await sender.flush()
    await go_on(app, watch, 12, share=0.5)
    state = await app.state()
    assert "not counted yet" in state.waiting
    assert state.incidents == []


async def test_of_two_watches_one_looks_and_one_that_was_overtaken_tells_nothing(
    valkey: Valkey, store: RedisStore, settings: Make, kafka: Kafka
) -> None:
    app = Living(store)
    await app.regulars(100)
    other_store = RedisStore.connect(valkey.url)
    first, second = watching(settings(), store, kafka), watching(settings(), other_store, kafka)
    assert await first.look(moment(FIRST))
    assert not await second.look(moment(FIRST + 1))
    valkey.ask("DEL", "{s0}:rt5:lead:watch")  # the first one was away for longer than its lease
    assert await second.look(moment(FIRST + 2))
    valkey.ask("DEL", "{s0}:rt5:lead:watch")
    assert await first.look(moment(FIRST + 3))  # it finds that its state is old, and reads it again
    assert (await app.state()).run_ms == moment(FIRST + 2)
    assert await first.look(moment(FIRST + 4))
    assert (await app.state()).run_ms == moment(FIRST + 4)
    await other_store.aclose()


async def test_a_watch_that_ends_lets_the_next_one_look_at_once(
    valkey: Valkey, store: RedisStore, settings: Make, kafka: Kafka
) -> None:
    app = Living(store)
    await app.regulars(100)
    other_store = RedisStore.connect(valkey.url)
    first, second = watching(settings(), store, kafka), watching(settings(), other_store, kafka)
    assert await first.look(moment(FIRST))
    await second.give_up()  # what is not its own stays where it is
    assert not await second.look(moment(FIRST))
    await first.give_up()

    async def second_looks() -> bool:
        return await second.look(moment(FIRST + 1))

    await wait_until(second_looks, 5)
    await other_store.aclose()


async def test_a_crash_in_the_middle_of_telling_is_not_repeated(
    app: Living, store: RedisStore, settings: Make, kafka: Kafka
) -> None:
    async with receiving() as receiver:
        told = settings(webhook_url=receiver.url)
        watch = watching(told, store, kafka)
        await go_on(app, watch, 16)

        async def dies(body: object) -> str:
            raise KeyboardInterrupt

        watch._apps[APP]._send = dies  # type: ignore[assignment]
        with pytest.raises(KeyboardInterrupt):
            await go_on(app, watch, 15, share=0.4)
        assert (await app.state()).incidents[0].telling == "sending"
        await go_on(app, watching(told, store, kafka), 5, share=0.4)
        assert (await app.state()).incidents[0].telling == "unknown"
        assert receiver.came == []
