"""The collector as a process, against a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from consumers.intake import PATH
from tests.consumers.collector.process import Collector
from tests.consumers.intake.rig import event, stored
from tests.servers import Broker
from tests.waiting import wait_until

Make = Callable[..., Collector]


@pytest.fixture
def make(tmp_path: Path, broker: Broker) -> Iterator[Make]:
    made: list[Collector] = []

    def collector(**settings: Any) -> Collector:
        chosen = {"kafka": broker.bootstrap, "kafka_idempotence": False, "topic_prefix": broker.prefix()}
        made.append(Collector(tmp_path, **chosen | settings))
        made[-1].start()
        return made[-1]

    yield collector
    for one in made:
        one.kill()


async def test_it_takes_events_answers_probes_and_ends_cleanly(make: Make) -> None:
    collector = make()
    await wait_until(collector.ready, 15)
    async with aiohttp.ClientSession() as session, session.post(collector.url + PATH, json=event(1)) as said:
        assert (said.status, await said.json()) == (202, {"accepted": 1, "rejected": []})
    assert collector.get("/healthz")[0] == 200
    assert 'retention_collector_events_total{outcome="accepted"} 1.0' in collector.get("/metrics")[1]
    collector.end()
    assert await collector.code() == 0
    assert collector.log.read_text() == f"The collector takes events at {collector.url}\n"
    assert len(await stored(collector.settings)) == 1


async def test_it_starts_without_kafka_says_so_and_takes_nothing_until_it_is_there(
    make: Make, broker: Broker
) -> None:
    broker.stop()
    collector = make()
    await wait_until(lambda: collector.get("/healthz")[0] == 200, 15)
    status, detail = collector.get("/readyz")
    assert status == 503
    async with aiohttp.ClientSession() as session, session.post(collector.url + PATH, json=event(1)) as said:
        assert (said.status, said.headers["Retry-After"]) == (503, "2")
        assert "nothing was accepted" in (await said.json())["detail"]
    assert detail
    broker.start()
    await wait_until(collector.ready, 15)


@asynccontextmanager
async def waiting(
    collector: Collector, broker: Broker
) -> AsyncIterator[asyncio.Task[aiohttp.ClientResponse]]:
    """A request whose event waits for a Kafka that stands still."""
    await wait_until(collector.ready, 15)
    broker.pause()
    async with aiohttp.ClientSession() as session:
        begun = asyncio.create_task(session.post(collector.url + PATH, json=event(1)))
        in_flight = "retention_collector_in_flight_events 1.0"
        await wait_until(lambda: in_flight in collector.get("/metrics")[1], 5)
        yield begun


async def test_told_to_stop_it_listens_no_more_and_what_it_has_begun_is_acknowledged(
    make: Make, broker: Broker
) -> None:
    collector = make()
    async with waiting(collector, broker) as begun:
        collector.end()
        await wait_until(lambda: _refused(collector), 5, what="nobody listens")
        assert not begun.done()
        broker.resume()
        said = await begun
        assert (said.status, await said.json()) == (202, {"accepted": 1, "rejected": []})
    assert await collector.code() == 0
    assert len(await stored(collector.settings)) == 1


async def test_told_to_stop_while_kafka_stalls_it_says_that_nothing_was_accepted_and_ends(
    make: Make, broker: Broker
) -> None:
    collector = make()
    async with waiting(collector, broker) as begun:
        collector.end()
        async with asyncio.timeout(8):  # whoever ends processes waits for about ten seconds
            assert (await begun).status == 503
    assert await collector.code() == 0
    broker.resume()


@pytest.mark.parametrize(("keys", "warned"), [("", True), ("shop=a-key", False)])
async def test_open_to_other_machines_without_keys_it_says_so(make: Make, keys: str, warned: bool) -> None:
    collector = make(http_host="0.0.0.0", write_keys=keys)
    await wait_until(lambda: "takes events" in collector.log.read_text(), 15)
    collector.end()
    assert await collector.code() == 0
    assert ("RETENTION_WRITE_KEYS is not set" in collector.log.read_text()) == warned


async def test_a_port_that_is_taken_is_one_line(make: Make, broker: Broker) -> None:
    collector = make(collector_port=broker.port)
    assert await collector.code() == 1
    (line,) = collector.log.read_text().splitlines()
    assert line.startswith(f"cannot listen on 127.0.0.1:{broker.port}")


def _refused(collector: Collector) -> bool:
    try:
        collector.get("/healthz")
    except OSError as error:
        return "refused" in str(error)
    return False
