"""Is an erasure known before the events that it makes void, whatever is read first?"""

from __future__ import annotations

import json

from aiokafka.structs import ConsumerRecord

from consumers.ingest.foresight import foresee_erasures
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


async def test_a_replay_finds_what_a_user_said_after_an_erasure(settings: Settings) -> None:
    """Had the session of Monday been counted first, its country would have hidden the later one, and gone with the erasure."""
    store = MemoryStore()
    engine = build_engine(settings, store, "log")
    await produce(settings, "erasures", [b"garbage", erasure(settings, MONDAY_MS + DAY_MS - 1)])
    await foresee_erasures(settings, engine)
    assert await store.positions() == {}, "the erasures will be counted in their turn"
    assert await count(engine, seen(0, "DE"), seen(1, "VN")) == 1
    answer = await retention(store, parse_retention(QUESTION), now_ms=MONDAY_MS + 2 * DAY_MS)
    assert [(row["cohort"], row["segment"]) for row in answer["rows"] if row["size"]] == [
        ("2023-11-21", "VN")
    ]
