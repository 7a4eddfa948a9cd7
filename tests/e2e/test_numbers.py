"""Do the published cases come out right when they go through Kafka and are asked for over HTTP? And does an erasure?"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiokafka import AIOKafkaConsumer

from tests.cases import (
    APP,
    LIFECYCLE,
    RETENTION,
    RETENTION_MORE,
    SKIP,
    Case,
    check_retention,
    lifecycle_case,
    retention_case,
)
from tests.e2e.running import Up
from tests.oracle_events import KINDS
from tests.waiting import wait_until_now

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="`up` is for Linux and macOS")]
KEY = "an-admin-key-for-tests"


def told(case: Case, app: str) -> list[dict[str, Any]]:
    """The events of a case for an app of its own, as rows of an import."""
    rows = []
    for record in case.records:
        assert record.value is not None
        rows.append(json.loads(record.value) | {"app_id": app, "type": KINDS[record.topic]})
    return rows


def imported(one: Up, file: Path, rows: list[dict[str, Any]], *options: str) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    one.run("import", str(file), "--wait", *options)


def asked(one: Up, path: str, query: dict[str, str]) -> Any:
    return one.get(f"/api/v1/{path}?{urlencode(query)}")


@SKIP
def test_the_published_cases_come_through_kafka_and_http(up: Callable[..., Up], tmp_path: Path) -> None:
    one = up("--no-demo")
    cases = {name.lower(): retention_case(name) for name in (*RETENTION, *RETENTION_MORE)}
    life, days = lifecycle_case()
    rows = [row for name, case in cases.items() for row in told(case, name)] + told(life, LIFECYCLE.lower())
    imported(one, tmp_path / "cases.ndjson", rows, "--no-revisions")
    for name, case in cases.items():
        check_retention(case, asked(one, "retention", case.query | {"app": name}))
    shown = asked(one, "active", life.query | {"app": LIFECYCLE.lower()})["rows"]
    assert [{name: row[name] for name in days[0]} for row in shown] == days
    assert one.status()["dead_letters"] == 0
    assert one.stop() == 0


def purchase(user: str, number: int, day: int) -> dict[str, Any]:
    return {
        "type": "purchase",
        "event_id": f"{user}{number}",
        "app_id": APP,
        "user_id": user,
        "timestamp": f"2026-06-{day:02}T12:00:00Z",
        "amount": "4.99",
        "currency": "USD",
        "platform": "ios",
    }


def did(user: str, *days: int, kind: str = "session") -> list[dict[str, Any]]:
    return [purchase(user, day, day) | {"type": kind, "event_id": f"{kind}-{user}-{day}"} for day in days]


QUESTIONS = [
    ("retention", {}),
    ("retention", {"cohort": "first_seen", "return": "any", "window": "elapsed"}),
    ("retention", {"cohort": "first_purchase", "return": "revenue"}),
    ("retention", {"breakdown": "platform", "period": "week"}),
    ("active", {}),
    ("crr", {"from": "2026-06-02", "to": "2026-06-03"}),
    ("revenue", {}),
]


def answers(one: Up) -> list[Any]:
    dates = {"app": APP, "from": "2026-06-01", "to": "2026-06-07"}
    found = [asked(one, path, dates | query) for path, query in QUESTIONS]
    return [{name: value for name, value in answer.items() if name != "as_of"} for answer in found]


def test_an_erased_user_was_never_there(
    up: Callable[..., Up], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bo stays; Anna, whose two ids are joined late, goes: every answer is as it was before she came, and what changed is told."""
    monkeypatch.setenv("RETENTION_ADMIN_KEY", KEY)
    one = up("--no-demo")
    bo = [*did("bo", 1, kind="install"), *did("bo", 1, 2, 4), purchase("bo", 1, 3)]
    anna = [
        *did("anna", 1, kind="install"),
        *did("phone", 2, 3),
        purchase("phone", 1, 2),
        purchase("anna", 2, 5),
    ]
    same = [{**did("anna", 6)[0], "type": "identity", "alias": "phone"}]
    imported(one, tmp_path / "bo.ndjson", bo, "--no-revisions")
    without = answers(one)
    imported(one, tmp_path / "anna.ndjson", anna + same, "--no-revisions")
    assert answers(one) != without
    assert (
        asked(one, "retention", {"app": APP, "from": "2026-06-01", "to": "2026-06-01"})["rows"][0]["size"]
        == 2
    )
    receipt = one.delete(f"/api/v1/users?app={APP}&user_id=phone", KEY)
    assert receipt["ids"] == 2
    wait_until_now(lambda: one.status()["caught_up"], 30, what="caught up")
    assert answers(one) == without
    imported(one, tmp_path / "again.ndjson", anna + same, "--no-revisions")
    assert answers(one) == without
    assert one.status()["erased"] == len(anna + same)
    revisions = asyncio.run(read(one.where["kafka"], "revisions", 4))
    assert {revision["reason"] for revision in revisions} == {"erasure"}
    assert {
        "app": APP,
        "cohort": "install",
        "date": "2026-06-01",
        "n": 0,
        "old": 2,
        "new": 1,
    }.items() <= next(
        revision.items() for revision in revisions if revision["cohort"] == "install" and revision["n"] == 0
    )
    assert one.stop() == 0


def test_what_a_fast_clock_said_goes_too_and_who_comes_back_is_new(
    up: Callable[..., Up], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anna's clock is an hour ahead. Right after the answer she is there again, from another country."""
    monkeypatch.setenv("RETENTION_ADMIN_KEY", KEY)
    one = up("--no-demo")

    def ordered(user: str) -> Any:
        return one.delete(f"/api/v1/users?app={APP}&user_id={user}", KEY)

    def seen(name: str, at_ms: int, country: str) -> None:
        said = {"type": "session", "app_id": APP, "user_id": "anna", "event_id": name, "timestamp": at_ms}
        imported(one, tmp_path / f"{name}.ndjson", [said | {"country": country}])

    nobody = ordered("nobody")
    assert (nobody["ids"], nobody["known"]) == (1, False)
    now_ms, ahead_ms = nobody["erased_until"], nobody["erased_until"] + 3_600_000

    def countries() -> dict[str, int]:
        first, last = (str(datetime.fromtimestamp(ms / 1000, UTC).date()) for ms in (now_ms, ahead_ms))
        query = {"app": APP, "cohort": "first_seen", "breakdown": "country", "periods": "0"}
        rows = asked(one, "retention", query | {"from": first, "to": last, "as_of": last})["rows"]
        return {row["segment"]: row["size"] for row in rows if row["size"]}

    seen("ahead", ahead_ms, "DE")
    assert countries() == {"DE": 1}
    receipt = ordered("anna")
    assert receipt["known"]
    wait_until_now(lambda: one.status()["caught_up"], 30, what="caught up")
    assert countries() == {}
    seen("again", receipt["erased_until"] + 1, "VN")
    assert countries() == {"VN": 1}
    assert one.stop() == 0


async def read(servers: str, topic: str, least: int) -> list[dict[str, Any]]:
    """The messages of a topic, once there are so many."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset="earliest", group_id=None)
    await consumer.start()
    try:
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(60):
            while len(found) < least:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [json.loads(record.value) for record in records]
        return found
    finally:
        await consumer.stop()
