"""Sending as an app does: in batches, again when told to, and nothing twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from consumers.intake.client import CollectorSender
from consumers.local.servers import free_port
from consumers.web import serve
from tests.consumers.cli import command
from tests.consumers.collector.process import Collector
from tests.consumers.intake.rig import NOW_MS, Rig, event, ready, served, settings_of, stored
from tests.logged import logged
from tests.servers import Broker, Valkey
from tests.waiting import wait_until_now


def record(number: int) -> tuple[str, bytes]:
    fields = {name: said for name, said in event(number).items() if name != "type"}
    return "sessions", json.dumps(fields).encode()


@pytest.fixture
async def rig(broker: Broker) -> AsyncIterator[Rig]:
    async with served(settings_of(broker, write_keys="shop=key")) as rig:
        await ready(rig)
        yield rig


async def test_everything_arrives_once_in_batches_and_what_nobody_can_read_spoils_nothing(rig: Rig) -> None:
    async with CollectorSender(rig.url, key="key", batch_events=20, now_ms=lambda: NOW_MS) as sender:
        for number in range(50):
            await sender.put(record(number)[0], b"ignored", record(number)[1], [("revisions", b"no")])
        for value in (b"not json", b"", b'{"event_id":"x"}'):
            await sender.put("sessions", None, value)
        await sender.flush()
        assert (sender.acknowledged, sender.rejected) == (50, 3)
    found = sorted(int(value["event_id"][1:]) for _, _, value in await stored(rig.settings))
    assert found == list(range(50))
    assert rig.metric('retention_collector_requests_total{code="202"}') == 3
    assert rig.metric('retention_collector_requests_total{code="400"}') == 2


async def test_told_to_come_again_it_waits_as_long_as_it_was_told(broker: Broker) -> None:
    now, waits = [0.0], []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    settings = settings_of(broker, collector_events_per_second=10)
    async with served(settings, clock=lambda: now[0]) as rig:
        await ready(rig)
        async with CollectorSender(rig.url, batch_events=30, posts_at_once=1, sleep=sleep) as sender:
            for number in range(60):
                await sender.put(record(number)[0], None, record(number)[1])
            await sender.flush()
            assert sender.acknowledged == 60
    assert len(waits) == 1
    assert 3 <= waits[0] <= 4.5


async def test_a_key_that_opens_nothing_is_an_error_of_one_line(rig: Rig) -> None:
    async with CollectorSender(rig.url, key="wrong") as sender:
        await sender.put("sessions", None, record(1)[1])
        with pytest.raises(ValueError, match="refuses: the key that was shown is not a write key"):
            await sender.flush()


async def test_with_nobody_there_it_tries_again_and_gives_up_in_the_end() -> None:
    tries, port = [], free_port()

    async def sleep(seconds: float) -> None:
        tries.append(seconds)
        await asyncio.sleep(0)

    async with CollectorSender(f"http://127.0.0.1:{port}", sleep=sleep, give_up_seconds=0.1) as sender:
        await sender.put("sessions", None, record(1)[1])
        because = f"takes nothing: nothing listens at 127.0.0.1:{port}$"
        with logged("consumers.intake.client") as lines, pytest.raises(ConnectionError, match=because):
            await sender.flush()
    assert 0.2 <= tries[0] <= 0.3
    (told,) = lines
    assert told.endswith(f"takes nothing now, trying again: nothing listens at 127.0.0.1:{port}")


async def given_up(url: str) -> str:
    """What is said of a URL that takes no events at the first attempt."""
    async with CollectorSender(url, give_up_seconds=-1) as sender:
        with pytest.raises((ConnectionError, ValueError)) as caught:
            await sender.post([record(1), record(2)])
    return str(caught.value).partition(" refuses: ")[2] or str(caught.value).partition(" takes nothing: ")[2]


async def test_what_is_no_collector_is_said_in_words(rig: Rig, valkey: Valkey) -> None:
    assert (await given_up(f"{rig.url}/nope")).startswith("there is nothing at /nope/api/v1/events")
    assert await given_up("http://no.such.host.invalid") == "there is no host no.such.host.invalid"
    words = await given_up(f"http://127.0.0.1:{valkey.port}")
    assert words.startswith("what listens there does not answer as a collector does")


@pytest.mark.parametrize(
    ("status", "said"), [(404, "status 404"), (502, "status 502"), (202, "status 202"), (200, "status 200")]
)
async def test_what_another_server_or_a_proxy_answers_is_its_status(status: int, said: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(
            status=status, text="<html>", headers={"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT"}
        )

    app = web.Application()
    app.router.add_post("/api/v1/events", answer)
    served = await serve(app, "127.0.0.1", 0)
    assert await given_up(served.url) == said
    await served.stop()


def test_a_simulation_can_go_through_a_collector(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    collector = Collector(
        tmp_path,
        kafka=broker.bootstrap,
        topic_prefix=broker.prefix(),
        kafka_idempotence=False,
        write_keys="sim=one,other=two",
    )
    collector.start()
    try:
        wait_until_now(collector.ready, 15)
        said = command(monkeypatch, capsys)(
            *("simulate", "--app", "sim", "--users", 40, "--days", 3, "--garbage", 0.1),
            *("--collector", collector.url),
            WRITE_KEYS="other=two,sim=one",
        )
        assert said.code == 0, said.err
        counts = {
            name: int(count.replace(",", ""))
            for count, name in map(str.split, said.out.split(" ack")[0].split(", "))
        }
        real = sum(counts[name] for name in ("installs", "sessions", "purchases"))
        assert len(asyncio.run(stored(collector.settings))) == real
        assert f'outcome="accepted"}} {real}.0' in collector.get("/metrics")[1]
    finally:
        collector.kill()
