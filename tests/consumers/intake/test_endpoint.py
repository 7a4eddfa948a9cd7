"""What POST /api/v1/events answers, and what then stands in Kafka."""

from __future__ import annotations

import asyncio
import gzip
import json
import resource
import zlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from consumers.intake import body as reading
from consumers.intake.body import BODY_BYTES_MAX
from consumers.intake.endpoint import EVENTS_MAX
from tests.consumers.intake.rig import NOW_MS, Rig, event, ready, served, settings_of, stored
from tests.servers import Broker
from tests.waiting import wait_until

GZIP = {"Content-Encoding": "gzip"}


@pytest.fixture
async def rig(broker: Broker) -> AsyncIterator[Rig]:
    """Nobody is asked for a key."""
    async with served(settings_of(broker)) as rig:
        await ready(rig)
        yield rig


@pytest.fixture
async def keyed(broker: Broker) -> AsyncIterator[Rig]:
    """Two keys of one app, one of another."""
    async with served(settings_of(broker, write_keys="shop=old,shop=new,game=other")) as rig:
        await ready(rig)
        yield rig


async def test_what_is_accepted_stands_in_kafka_under_its_user_and_the_rest_is_rejected_by_index(
    rig: Rig,
) -> None:
    said = await rig.post(
        [event(1), {"type": "session"}, event(2, type="install"), 7, event(3, timestamp="soon")]
    )
    assert said.status == 202
    assert said.body == {
        "accepted": 2,
        "rejected": [
            {"index": 1, "reason": "missing_field"},
            {"index": 3, "reason": "not_json"},
            {"index": 4, "reason": "bad_timestamp"},
        ],
    }
    assert [(topic, key, value["event_id"]) for topic, key, value in await stored(rig.settings)] == [
        ("installs", b"u2", "e2"),
        ("sessions", b"u1", "e1"),
    ]
    assert rig.metric('retention_collector_events_total{outcome="accepted"}') == 2
    assert rig.metric('retention_collector_events_total{outcome="rejected"}') == 3
    assert rig.metric('retention_collector_rejected_total{reason="not_json"}') == 1
    assert rig.metric('retention_collector_requests_total{code="202"}') == 1
    assert rig.metric("retention_collector_request_duration_seconds_count") == 1
    assert rig.metric("retention_collector_in_flight_events") == 0


async def test_who_asks_is_told_what_is_wrong_with_each(rig: Rig) -> None:
    said = await rig.post([{"type": "session", "event_id": "e"}], query="?explain")
    assert said.body["rejected"][0].keys() == {"index", "reason", "detail"}
    assert "app_id" in said.body["rejected"][0]["detail"]


async def test_one_event_needs_no_array_and_none_is_fine(rig: Rig) -> None:
    assert (await rig.post(event(1))).body == {"accepted": 1, "rejected": []}
    assert (await rig.post([])).body == {"accepted": 0, "rejected": []}


async def test_a_wrong_clock_is_corrected_before_it_is_written(rig: Rig) -> None:
    await rig.post(event(1, timestamp=NOW_MS - 7_200_000, sent_at=NOW_MS - 3_600_000))
    ((_, _, value),) = await stored(rig.settings)
    assert value == {
        "event_id": "e1",
        "app_id": "shop",
        "user_id": "u1",
        "timestamp": NOW_MS - 3_600_000,
    }


@pytest.mark.parametrize("key", ["old", "new"])
async def test_every_key_of_an_app_opens_it_and_names_it(keyed: Rig, key: str) -> None:
    nameless = {name: said for name, said in event(1).items() if name != "app_id"}
    said = await keyed.post([nameless, event(2), event(3, app_id="game")], key=key)
    assert said.body == {"accepted": 2, "rejected": [{"index": 2, "reason": "unknown_app"}]}
    assert {value["app_id"] for _, _, value in await stored(keyed.settings)} == {"shop"}


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", "Basic old", "Bearer old,new", "Bearer OLD"]
)
async def test_without_a_key_of_ours_nothing_is_read(keyed: Rig, header: str) -> None:
    said = await keyed.post(b"not even json", {"Authorization": header})
    assert (said.status, said.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert said.headers["Content-Type"] == "application/problem+json"
    assert "old" not in json.dumps(said.body)


async def test_gzip_is_unpacked(rig: Rig) -> None:
    said = await rig.post(gzip.compress(json.dumps([event(1), event(2)]).encode()), GZIP)
    assert (said.status, said.body["accepted"]) == (202, 2)


async def test_a_bomb_is_refused_without_being_unpacked(rig: Rig) -> None:
    packing = zlib.compressobj(level=1, wbits=31)
    bomb = b"".join(packing.compress(b" " * 2**20) for _ in range(256)) + packing.flush()
    assert len(bomb) < BODY_BYTES_MAX
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = await rig.post(bomb, GZIP)
    assert said.status == 413
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024  # KiB
    assert rig.metric('retention_collector_requests_total{code="413"}') == 1


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"[" + b" " * BODY_BYTES_MAX + b"]", {}, 413),
        (b"[" + b"1," * EVENTS_MAX + b"1]", {}, 413),
        (b"no json", {}, 400),
        (b"", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"no gzip", GZIP, 400),
        (gzip.compress(b"[]")[:-1], GZIP, 400),
        (gzip.compress(b"[]") + gzip.compress(b"[]"), GZIP, 400),
        (b"[]", {"Content-Encoding": "br"}, 415),
        (b"[]", {"Content-Encoding": "gzip, gzip"}, 415),
    ],
    ids=["size", "count", "text", "empty", "depth", "no gzip", "cut gzip", "two gzips", "brotli", "chain"],
)
async def test_a_body_that_cannot_be_read_is_refused_as_a_whole(
    rig: Rig, body: bytes, headers: dict[str, str], status: int
) -> None:
    said = await rig.post(body, headers)
    assert said.status == status
    assert said.body.keys() == {"type", "title", "status", "detail"}
    assert await stored(rig.settings) == []
    assert rig.intake._room.size_bytes == 0


@pytest.mark.parametrize(
    ("body", "hint"),
    [(b"", "it is empty"), (b" \n", "it is empty"), (gzip.compress(b"[]"), "Content-Encoding: gzip")],
)
async def test_what_a_sender_has_left_out_is_said(rig: Rig, body: bytes, hint: str) -> None:
    said = await rig.post(body, {})
    assert said.status == 400
    assert hint in said.body["detail"]


async def test_a_body_without_a_length_has_the_same_limit(rig: Rig) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(BODY_BYTES_MAX // 65_536 + 1):
            yield b" " * 65_536

    assert (await rig.post(endless())).status == 413


async def test_a_body_that_does_not_come_is_408_and_holds_no_place(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "READ_SECONDS_MAX", 0.1)
    stalled = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"["
        await stalled.wait()

    assert (await rig.post(slow())).status == 408
    assert rig.intake._room.size_bytes == 0


async def test_a_sender_that_goes_away_in_the_middle_hurts_nobody(rig: Rig) -> None:
    split = urlsplit(rig.url)
    _, writer = await asyncio.open_connection(split.hostname, split.port)
    writer.write(b"POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n[")
    await writer.drain()
    await wait_until(lambda: rig.intake._room.size_bytes == 1, 5)
    writer.transport.abort()
    await wait_until(lambda: rig.intake._room.size_bytes == 0, 5)
    assert (await rig.post(event(1))).status == 202
    assert rig.metric('retention_collector_requests_total{code="500"}') == 0


async def test_as_many_events_as_may_come_at_once_do(rig: Rig) -> None:
    said = await rig.post([event(number) for number in range(EVENTS_MAX)])
    assert said.body == {"accepted": EVENTS_MAX, "rejected": []}


async def test_more_than_a_key_may_send_is_429_until_the_time_that_is_told(broker: Broker) -> None:
    now = [0.0]
    settings = settings_of(broker, write_keys="shop=s,shop=new", collector_events_per_second=10)
    async with served(settings, clock=lambda: now[0]) as rig:
        await ready(rig)
        assert (await rig.post([event(number) for number in range(30)], key="s")).status == 202
        said = await rig.post(event(1), key="s")
        assert (said.status, said.headers["Retry-After"]) == (429, "3")
        assert (await rig.post(event(1), key="new")).status == 202
        now[0] = 3.0
        assert (await rig.post(event(1), key="s")).status == 202
        assert rig.metric('retention_collector_requests_total{code="429"}') == 1


async def test_who_was_let_in_before_others_emptied_the_bucket_is_asked_again_when_its_body_is_there(
    broker: Broker,
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"["
        begun.set()
        await go_on.wait()
        yield json.dumps(event(0)).encode() + b"]"

    async with served(settings_of(broker, collector_events_per_second=10)) as rig:
        await ready(rig)
        first = asyncio.create_task(rig.post(slow()))
        await begun.wait()
        await wait_until(lambda: rig.intake._room.size_bytes == 1, 5)
        assert (await rig.post([event(number) for number in range(1, 20)])).status == 202
        go_on.set()
        assert (await first).status == 429


async def test_what_finds_no_place_is_429_and_told_to_come_again(rig: Rig) -> None:
    room = rig.intake._room
    assert room.take(events=rig.settings.collector_in_flight_events - 1)
    said = await rig.post([event(1), event(2)])
    assert (said.status, said.headers["Retry-After"]) == (429, "1")
    assert (await rig.post(event(1))).status == 202
    room.give_back(events=room.events)
    assert room.take(size_bytes=room._size_bytes_max)
    assert (await rig.post(event(1))).status == 429
    room.give_back(size_bytes=room.size_bytes)
    assert (await rig.post([event(1), event(2)])).status == 202


async def test_pages_may_send_where_they_are_named_and_learn_when_to_come_again(broker: Broker) -> None:
    page, other = {"Origin": "https://shop.example"}, {"Origin": "https://evil.example"}
    settings = settings_of(broker, cors_origins="https://shop.example", write_keys="shop=s")
    async with served(settings) as rig:
        await ready(rig)
        asked = await rig.post(b"", page, method="OPTIONS")
        assert (asked.status, asked.headers["Access-Control-Allow-Methods"]) == (204, "POST")
        assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]
        for said in (asked, await rig.post(event(1), page, key="s"), await rig.post(event(1), page)):
            assert said.headers["Access-Control-Allow-Origin"] == "https://shop.example"
            assert said.headers["Vary"] == "Origin"
        for said in (await rig.post(event(1), other, key="s"), await rig.post(b"", other, method="OPTIONS")):
            assert said.status == 403
            assert "Access-Control-Allow-Origin" not in said.headers
    assert len(await stored(settings)) == 1


async def test_without_a_setting_only_pages_of_the_same_address_may_send(rig: Rig) -> None:
    assert (await rig.post(event(1), {"Origin": rig.url})).status == 202
    assert (await rig.post(event(1), {"Origin": "https://shop.example"})).status == 403
    assert (await rig.post(event(1), {"Origin": "null"})).status == 403


async def test_another_method_is_told_which_ones_there_are(rig: Rig) -> None:
    said = await rig.post(b"", method="GET")
    assert (said.status, said.headers["Allow"]) == (405, "OPTIONS, POST")
