"""Is an erasure known before the events that it makes void, whatever is read first?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord

from consumers.ingest.foresight import CLOCKS_MS, Foresight
from consumers.ingest.worker import build_engine
from consumers.settings import Settings
from stream.engine import DeadLetter, Engine, RecordBatch
from stream.events.decode import Decoder
from stream.report import retention
from stream.report.query import parse_retention
from stream.retention.days import zone
from stream.store.memory import MemoryStore
from tests.consumers.ingest.rig import produce

DAY_MS = 86_400_000
MONDAY_MS = 1_700_438_400_000  # 2023-11-20T00:00:00Z
QUESTION = {"app": "demo", "cohort": "first_seen", "breakdown": "country", "periods": "0"}


def erasure(settings: Settings, until_ms: int) -> bytes:
    decoder = Decoder(zones=lambda app: zone("UTC"), secret=settings.secret, earliest_ms=settings.earliest_ms)
    users = [decoder.user("demo", "anna").hex()]
    return json.dumps({"app_id": "demo", "users": users, "erased_until": until_ms}).encode()


def seen(at: int, country: str) -> ConsumerRecord:
    """A session of Anna's, on one of the days from Monday on."""
    ms = MONDAY_MS + at * DAY_MS
    event = {"event_id": str(at), "app_id": "demo", "user_id": "anna", "timestamp": ms, "country": country}
    return ConsumerRecord("", 0, at, ms, 0, None, json.dumps(event).encode(), None, 0, 0, ())


async def count(engine: Engine, *records: ConsumerRecord) -> int:
    """Counts them as the sessions there are; how many were erased."""

    async def none(letters: list[DeadLetter]) -> None:
        raise AssertionError(letters)

    await engine.assigned([("sessions", 0)])
    batch = RecordBatch("sessions", 0, records[0].offset, records[-1].offset + 1, records)
    return (await engine.count(batch, none)).erased


def sessions(*records: ConsumerRecord) -> RecordBatch:
    return RecordBatch("sessions", 0, records[0].offset, records[-1].offset + 1, records)


async def countries(store: MemoryStore) -> list[tuple[str, str]]:
    """The day and the country that Anna begins with."""
    answer = await retention(store, parse_retention(QUESTION), now_ms=MONDAY_MS + 3 * DAY_MS)
    return [(row["cohort"], row["segment"]) for row in answer["rows"] if row["size"]]


@asynccontextmanager
async def foresight(settings: Settings, engine: Engine, now_ms: int = MONDAY_MS) -> AsyncIterator[Foresight]:
    found = Foresight(settings, engine, lambda: now_ms)
    await found.start()
    try:
        yield found
    finally:
        await found.stop()


async def test_a_replay_finds_what_a_user_said_after_an_erasure(settings: Settings) -> None:
    """Had the session of Monday been counted first, its country would have hidden the later one, and gone with the erasure."""
    store = MemoryStore()
    engine = build_engine(settings, store, "log")
    await produce(settings, "erasures", [b"garbage", erasure(settings, MONDAY_MS + DAY_MS - 1)])
    async with foresight(settings, engine):
        assert await store.positions() == {}, "the erasures will be counted in their turn"
        assert await count(engine, seen(0, "DE"), seen(1, "VN")) == 1
    assert await countries(store) == [("2023-11-21", "VN")]


async def test_an_erasure_is_known_before_what_kafka_got_after_it(settings: Settings) -> None:
    """Its partition may be read by somebody else, or later: it is looked for before anything is counted that is later."""
    store = MemoryStore()
    engine = build_engine(settings, store, "log")
    async with foresight(settings, engine) as known:
        for day, country in enumerate(("DE", "VN", "FR")):
            await known.before(sessions(seen(day, country)))
            assert await count(engine, seen(day, country)) == 0
            if day < 2:
                await produce(settings, "erasures", [erasure(settings, MONDAY_MS + (day + 1) * DAY_MS - 1)])
    assert await countries(store) == [("2023-11-22", "FR")]


async def test_what_kafka_had_before_the_last_look_is_counted_without_another(settings: Settings) -> None:
    """Whatever is erased since then takes it along."""
    store = MemoryStore()
    engine = build_engine(settings, store, "log")
    async with foresight(settings, engine, MONDAY_MS + DAY_MS + CLOCKS_MS) as known:
        await known.before(sessions(seen(0, "DE")))
        await produce(settings, "erasures", [erasure(settings, MONDAY_MS + 3 * DAY_MS)])
        await known.before(sessions(seen(0, "DE"), seen(1, "VN")))
        assert await count(engine, seen(0, "DE")) == 0
        await known.before(sessions(seen(1, "VN"), seen(2, "FR")))
        assert await count(engine, seen(1, "VN"), seen(2, "FR")) == 2
    assert await countries(store) == []


async def test_partitions_that_are_added_are_looked_at_from_their_beginning(settings: Settings) -> None:
    store = MemoryStore()
    engine = build_engine(settings, store, "log")
    async with foresight(settings, engine) as known:
        added = max(known._next, key=lambda tp: tp.partition)
        del known._next[added]
        gone = [erasure(settings, MONDAY_MS + DAY_MS - 1)]
        await produce(settings, "erasures", gone, partition=added.partition)
        await known.before(sessions(seen(0, "DE")))
        assert await count(engine, seen(0, "DE")) == 1


async def test_those_who_wait_for_the_same_look_share_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = build_engine(settings, MemoryStore(), "log")
    async with foresight(settings, engine) as known:
        asked = []
        ends = known._reader.end_offsets  # type: ignore[union-attr]  # it is started

        async def counting(tps: list[Any]) -> Any:
            asked.append(tps)
            return await ends(tps)

        monkeypatch.setattr(known._reader, "end_offsets", counting)
        await asyncio.gather(*(known.before(sessions(seen(0, "DE"))) for _ in range(20)))
    assert len(asked) <= 2
