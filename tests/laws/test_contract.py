"""Do the rules of the contract hold one by one? Small examples, in every order in which their events can come."""

from __future__ import annotations

import json
import random
from itertools import permutations
from typing import Any

import pytest

from stream.report import active, retention
from stream.report.query import parse_active, parse_retention
from stream.store.memory import MemoryStore
from tests.laws.checks import check_store, is_named_here, oracle_of
from tests.laws.profiles import LIMIT
from tests.laws.world import Log, World
from tests.oracle_events import epoch_ms
from tests.strategies import APP, Record, Story

pytestmark = LIMIT
NOW_MS = epoch_ms("2024-03-10T12:00:00Z")
ORDERS_MAX = 24
UUID = "01890a5d-ac96-774b-bcce-b302099a805{}"


def install(id_: str, time: str, **fields: Any) -> Record:
    return _record("installs", id_, time, fields)


def session(id_: str, time: str, **fields: Any) -> Record:
    return _record("sessions", id_, time, fields)


def purchase(id_: str, time: str, **fields: Any) -> Record:
    return _record("purchases", id_, time, {"amount": "1.00", "currency": "USD"} | fields)


def _record(topic: str, id_: str, time: str, fields: dict[str, Any]) -> Record:
    time = time if "T" in time else f"{time}T12:00:00Z"
    common = {"event_id": id_, "app_id": APP, "user_id": "u", "timestamp": time}
    return Record(topic, json.dumps(common | fields).encode(), NOW_MS)


# rule -> events of one user, the sets the user then stands in
RULES: dict[str, tuple[list[Record], set[str]]] = {
    "sessions before the install count when the install comes late": (
        [session("1", "2024-03-02"), install("1", "2024-03-01"), session("2", "2024-03-03")],
        {"install:2024-03-01", "other:2024-03-01", "session:2024-03-02", "session:2024-03-03"},
    ),
    "the earliest install is the install, later ones are activity": (
        [install("b", "2024-03-05"), install("a", "2024-03-04"), install("c", "2024-03-05")],
        {"install:2024-03-04", "other:2024-03-04", "other:2024-03-05"},
    ),
    "of two contents under one install id the later one never was": (
        [install("a", "2024-03-04", country="DE"), install("a", "2024-03-02", platform="ios")],
        {"install:2024-03-02", "other:2024-03-02", "dim:platform=ios"},
    ),
    "of two contents at one time the smaller canonical JSON wins: a quote sorts above !": (
        [install("a", "2024-03-02", country="US"), install("a", "2024-03-02", country="US!")],
        {"install:2024-03-02", "other:2024-03-02", "dim:country=US!"},
    ),
    "of two amounts the smaller as text wins": (
        [
            purchase("p", "2024-03-02", amount="10", country="US"),
            purchase("p", "2024-03-02", amount="9.99", country="DE"),
        ],
        {
            "seen+:2024-03-02",
            "other:2024-03-02",
            "purchase:2024-03-02",
            "first_purchase:2024-03-02",
            "dim:country=US",
        },
    ),
    "two sessions with one id and two times are two activities": (
        [session("s", "2024-03-02"), session("s", "2024-03-04")],
        {"seen+:2024-03-02", "session:2024-03-02", "session:2024-03-04"},
    ),
    "a dimension is that of the first install even where something said another before": (
        [session("s", "2024-03-01", country="DE"), install("i", "2024-03-02", country="US")],
        {
            "install:2024-03-02",
            "seen+:2024-03-01",
            "seen-:2024-03-02",
            "session:2024-03-01",
            "other:2024-03-02",
        }
        | {"dim:country=US"},
    ),
    "a dimension that the first install does not have is that of the earliest event that has it": (
        [
            session("s", "2024-03-03", country="DE"),
            install("i", "2024-03-02", platform="ios"),
            purchase("p", "2024-03-01", country="VN"),
        ],
        {
            "install:2024-03-02",
            "seen+:2024-03-01",
            "seen-:2024-03-02",
            "session:2024-03-03",
            "other:2024-03-02",
        }
        | {
            "other:2024-03-01",
            "purchase:2024-03-01",
            "first_purchase:2024-03-01",
            "dim:country=VN",
            "dim:platform=ios",
        },
    ),
    "of two installs at one time the smaller event id is first": (
        [install("b", "2024-03-02", country="DE"), install("a", "2024-03-02", country="US")],
        {"install:2024-03-02", "other:2024-03-02", "dim:country=US"},
    ),
    "of two events at one time the smaller event id says the dimension, also of UUIDs that begin alike": (
        [
            session(UUID.format(2), "2024-03-02", country="DE"),
            session(UUID.format(1), "2024-03-02", country="US"),
        ],
        {"seen+:2024-03-02", "session:2024-03-02", "dim:country=US"},
    ),
    "a refund is money and no activity": (
        [purchase("r", "2024-03-05", refund_of="p"), purchase("p", "2024-03-03")],
        {"seen+:2024-03-03", "other:2024-03-03", "purchase:2024-03-03", "first_purchase:2024-03-03"},
    ),
    "a session at 23:59:59.999 is of that day, a millisecond later of the next": (
        [session("1", "2024-02-29T23:59:59.999Z"), session("2", "2024-03-01T00:00:00Z")],
        {"seen+:2024-02-29", "session:2024-02-29", "session:2024-03-01"},
    ),
    "an offset is honoured": (
        [session("1", "2024-03-01T00:30:00+05:30")],
        {"seen+:2024-02-29", "session:2024-02-29"},
    ),
}


@pytest.mark.parametrize("rule", RULES)
async def test_the_rule_holds_in_every_order(rule: str) -> None:
    records, expected = RULES[rule]
    for order in list(permutations(records))[:ORDERS_MAX]:
        for batch_max in (1, len(records)):
            store, rng = MemoryStore(), random.Random(1)
            # One partition, so that the order in the log is the order in which they come.
            log = Log(order, rng, partitions=1)
            await World(log, store, rng, workers=1, kill_rate=0.0, outage_rate=0.0, batch_max=batch_max).run()
            sets = (await store.stored_sets(APP))[0]
            assert {name for name, users in sets.items() if users.any() and is_named_here(name)} == expected
            await check_store(store, oracle_of(Story("UTC", None, tuple(order))))  # type: ignore[arg-type]


async def test_a_future_event_stays_invisible_until_its_date() -> None:
    records = [install("i", "2024-03-10"), session("s", "2024-03-11T11:00:00Z")]
    store, rng = MemoryStore(), random.Random(1)
    await World(Log(records, rng), store, rng, workers=1).run()
    query = {"app": APP, "from": "2024-03-10", "to": "2024-03-11", "periods": "1"}
    for cohort in ("install", "session"):
        asked = parse_retention(query | {"cohort": cohort})
        today = await retention(store, asked, now_ms=NOW_MS)
        assert [row["size"] for row in today["rows"]] == [1 if cohort == "install" else 0]
        assert [[cell["n"] for cell in row["cells"]] for row in today["rows"]] == [[0]]
        tomorrow = await retention(store, asked, now_ms=NOW_MS + 86_400_000)
        assert len(tomorrow["rows"]) == 2
    rows = (
        await active(
            store, parse_active({"app": APP, "from": "2024-03-10", "to": "2024-03-11"}), now_ms=NOW_MS
        )
    )["rows"]
    assert [(row["date"], row["active"], row["complete"]) for row in rows] == [("2024-03-10", 1, False)]


async def test_absent_open_and_complete_cells() -> None:
    records = [install("i", "2024-03-08"), session("s", "2024-03-10T01:00:00Z")]
    store, rng = MemoryStore(), random.Random(1)
    await World(Log(records, rng), store, rng, workers=1).run()
    asked = parse_retention({"app": APP, "from": "2024-03-07", "to": "2024-03-11", "periods": "5"})
    answer = await retention(store, asked, now_ms=NOW_MS)
    shown = {
        row["cohort"]: [(cell["n"], cell["users"], cell["rate"], cell["complete"]) for cell in row["cells"]]
        for row in answer["rows"]
    }
    assert shown == {
        "2024-03-07": [(0, 0, None, True), (1, 0, None, True), (2, 0, None, True), (3, 0, None, False)],
        "2024-03-08": [(0, 1, 1.0, True), (1, 0, 0.0, True), (2, 1, 1.0, False)],
        "2024-03-09": [(0, 0, None, True), (1, 0, None, False)],
        "2024-03-10": [(0, 0, None, False)],
    }
    assert [row["size_complete"] for row in answer["rows"]] == [True, True, True, False]
    assert [(cell["n"], cell["users"], cell["size"]) for cell in answer["average"]] == [
        (0, 1, 1),
        (1, 0, 1),
        (2, 0, 0),
    ]


async def test_the_same_ids_in_two_apps_are_two_users_and_two_events() -> None:
    store, rng = MemoryStore(), random.Random(1)
    records = [
        install("1", "2024-03-01"),
        install("1", "2024-03-02", app_id="other"),
        session("1", "2024-03-03"),
    ]
    await World(Log(records, rng), store, rng).run()
    assert set((await store.stored_sets("other"))[0]) == {
        "install:2024-03-02",
        "other:2024-03-02",
    }
    assert (await store.stored_counters("other"))[0] == {
        "triangle:install:2024-03-02": {"0": 1},
        "triangle:first_seen:2024-03-02": {"0": 1},
        "hourly:2024-03-02": {"12": 1},
    }
    assert (await store.stored_counters(APP))[0]["triangle:install:2024-03-01"] == {"0": 1, "2": 1}
