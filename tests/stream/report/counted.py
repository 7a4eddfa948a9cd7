"""How does a test of the read model get its numbers? The real engine counts raw records in memory."""

from __future__ import annotations

import json
import random
from typing import Any

from stream.report import active, compare, crr, feedback, retention, revenue
from stream.report.query import parse_active, parse_retention
from stream.report.questions import parse_compare, parse_crr, parse_feedback
from stream.report.revenue_query import parse_revenue
from stream.store.memory import MemoryStore
from stream.store.protocol import Store
from tests.laws.world import Log, World
from tests.oracle_events import epoch_ms
from tests.strategies import Record

APP = "shop"
LATE_MS = epoch_ms("2030-01-01T00:00:00Z")


def event(topic: str, user: str, time: str, **fields: Any) -> Record:
    """One good record; its id is made of what it says."""
    said = {"event_id": f"{user} {time}", "app_id": APP, "user_id": user, "timestamp": time, **fields}
    return Record(topic, json.dumps(said).encode(), LATE_MS)


def install(user: str, day: str, **fields: Any) -> Record:
    """An install at noon UTC."""
    return event("installs", user, f"{day}T12:00:00Z", **fields)


def session(user: str, day: str, **fields: Any) -> Record:
    """A session at one in the afternoon UTC."""
    return event("sessions", user, f"{day}T13:00:00Z", **fields)


def purchase(user: str, day: str, **fields: Any) -> Record:
    """A purchase at two in the afternoon UTC."""
    return event("purchases", user, f"{day}T14:00:00Z", amount="1.00", currency="USD", **fields)


def answer_to(survey: str, user: str, day: str, score: int, **fields: Any) -> Record:
    """A score given at three in the afternoon UTC."""
    return event("feedback", user, f"{day}T15:00:00Z", kind=survey, score=score, **fields)


async def counted(
    *records: Record, zone: str = "UTC", shards: int = 1, store: MemoryStore | None = None
) -> MemoryStore:
    """A store that holds these records."""
    store, rng = store or MemoryStore(shards), random.Random(1)
    calm = {"workers": 1, "zombies": False, "kill_rate": 0.0, "outage_rate": 0.0}
    await World(log=Log(records, rng), store=store, rng=rng, zone=zone, **calm).run()
    return store


async def ask(store: Store, *, now: str = "2026-12-31T00:00:00Z", **query: str) -> dict[str, Any]:
    """The answer to a question in the words of the interface (`from` is `from_`, `return` is `return_`)."""
    return await retention(store, parse_retention(given(query)), now_ms=epoch_ms(now))


async def ask_active(
    store: Store, *, now: str = "2026-12-31T00:00:00Z", **query: str
) -> list[dict[str, Any]]:
    """The rows of the actives."""
    rows: list[dict[str, Any]] = (await active(store, parse_active(given(query)), now_ms=epoch_ms(now)))[
        "rows"
    ]
    return rows


async def ask_crr(store: Store, *, now: str = "2026-12-31T00:00:00Z", **query: str) -> dict[str, Any]:
    """Who stayed."""
    return await crr(store, parse_crr(given(query)), now_ms=epoch_ms(now))


async def ask_compare(store: Store, *, now: str = "2026-12-31T00:00:00Z", **query: str) -> dict[str, Any]:
    """Which variant keeps more."""
    return await compare(store, parse_compare(given(query)), now_ms=epoch_ms(now))


async def ask_feedback(store: Store, *, now: str = "2026-12-31T00:00:00Z", **query: str) -> dict[str, Any]:
    """What users say."""
    return await feedback(store, parse_feedback(given(query)), now_ms=epoch_ms(now))


async def ask_revenue(store: Store, *, now: str = "2026-12-31T00:00:00Z", **query: str) -> dict[str, Any]:
    """What users paid."""
    return await revenue(store, parse_revenue(given(query)), now_ms=epoch_ms(now))


def given(query: dict[str, str]) -> dict[str, str]:
    """Parameters, the app filled in."""
    return {"app": APP} | {name.rstrip("_"): value for name, value in query.items()}


def users(answer: dict[str, Any], segment: str | None = None) -> dict[str, list[int]]:
    """The users of every cell there is, by cohort."""
    rows = [row for row in answer["rows"] if row["segment"] == segment]
    return {row["cohort"]: [cell["users"] for cell in row["cells"]] for row in rows}
