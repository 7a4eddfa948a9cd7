"""Does a month of a real game come out right, from the file to the table? Compared cell by cell with SQL in DuckDB.

`retention import` -> broker -> two workers -> store -> read model. The same rows come as they are, shuffled and all of them twice,
and newest first (every install after its sessions); each as an app of its own, in a zone of its own.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from stream.report import active, retention
from stream.report.query import parse_active, parse_retention
from stream.retention.days import zone
from stream.retention.scope import Scope
from stream.store.audit import audit
from stream.store.redis import RedisStore
from tests.cases import DATA, SKIP
from tests.e2e.gamelaunch import Launch
from tests.servers import Broker, KafkaLike, Valkey

pytestmark = [SKIP, pytest.mark.e2e]
FILE = DATA / "gamelaunch.csv.gz"
MAPPING = ("--map", "user_id=userid,timestamp=eventDate,type=eventName")
TYPES = ("--map-type", "newPlayer=install,gameStarted=session")
# app -> its zone, and the order in which its rows come
APPS: dict[str, tuple[str, Callable[[list[list[str]]], list[list[str]]]]] = {
    "launch": ("UTC", lambda rows: rows),
    "shuffled": ("America/New_York", lambda rows: random.Random(7).sample(rows, len(rows))),
    "backwards": ("Asia/Kolkata", lambda rows: sorted(rows, key=lambda row: (row[1], row[2]), reverse=True)),
}
TWICE = ("shuffled",)
PERIODS = 30
SHAPES = [
    (cohort, returns, criterion)
    for cohort in ("install", "first_seen", "session")
    for returns in ("session", "any")
    for criterion in ("on", "on_or_after")
]


def environment(server: KafkaLike, redis: str) -> dict[str, str]:
    """What a role of this test is told; nothing of the machine's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RETENTION_")}
    prefix = server.prefix()
    return kept | {
        "RETENTION_KAFKA": server.bootstrap,
        "RETENTION_KAFKA_IDEMPOTENCE": str(not isinstance(server, Broker)),
        "RETENTION_REDIS_URL": redis,
        "RETENTION_TOPIC_PREFIX": prefix,
        "RETENTION_GROUP": prefix,
        "RETENTION_USER_ID_SECRET": "a secret of the tests, long enough",
        "RETENTION_TIMEZONES": ",".join(f"{app}={zone}" for app, (zone, _) in APPS.items()),
        "RETENTION_WORKER_PORT": "0",
    }


def retention_command(*words: str) -> list[str]:
    return [sys.executable, "-m", "consumers.cli", *words]


@contextmanager
def workers(count: int, env: dict[str, str], directory: Path) -> Iterator[None]:
    """Worker processes, ended with the test."""
    running = []
    for number in range(count):
        with (directory / f"worker-{number}.log").open("wb") as log:
            command = retention_command("worker")
            running.append(subprocess.Popen(command, env=env, cwd=directory, stdout=log, stderr=log))
    try:
        yield
        assert all(process.poll() is None for process in running), "a worker ended by itself"
    finally:
        for process in running:
            process.kill()
            process.wait()


def rows_of(order: Callable[[list[list[str]]], list[list[str]]], path: Path) -> Path:
    """The game's rows in another order, as a file."""
    with gzip.open(FILE, "rt", newline="") as source:
        header, *rows = csv.reader(source)
    with path.open("w", newline="") as target:
        csv.writer(target).writerows([header, *order(rows)])
    return path


def bring_in(app: str, file: Path, env: dict[str, str], *options: str) -> None:
    """`retention import`: sent and acknowledged, with `--wait` counted as well."""
    command = retention_command("import", str(file), "--app", app, *MAPPING, *TYPES, *options)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def everything(server: KafkaLike, valkey: Valkey, directory: Path) -> RedisStore:
    """The store after all apps have come in."""
    env = environment(server, valkey.url)
    with workers(2, env, directory):
        for app, (_, order) in APPS.items():
            file = rows_of(order, directory / f"{app}.csv") if app != "launch" else FILE
            for _ in range(2 if app in TWICE else 1):
                await asyncio.to_thread(bring_in, app, file, env, "--wait")
    return RedisStore.connect(valkey.url)


@pytest.fixture
async def store(request: pytest.FixtureRequest, valkey: Valkey, tmp_path: Path) -> AsyncIterator[RedisStore]:
    opened = await everything(request.getfixturevalue(request.param), valkey, tmp_path)
    yield opened
    await opened.aclose()


@pytest.mark.parametrize("store", ["broker", "kafka"], indirect=True)
async def test_every_cell_is_what_sql_counts_however_the_rows_came(store: RedisStore) -> None:
    launch = Launch(FILE)
    totals = await store.totals()
    assert totals.get("dead_letters", 0) == totals.get("offset_holes", 0) == 0
    for app, (name, _) in APPS.items():
        for shape in SHAPES:
            await check_triangle(store, app, name, launch, *shape)
        await check_active(store, app, name, launch)
        found = await audit(store, app, Scope(zone(name)))
        assert not found.differences


async def check_triangle(
    store: RedisStore, app: str, name: str, launch: Launch, cohort: str, returns: str, criterion: str
) -> None:
    first, last = launch.days()
    query = {
        "app": app,
        "from": first.isoformat(),
        "to": last.isoformat(),
        "periods": str(PERIODS),
        "cohort": cohort,
    }
    asked = parse_retention(query | {"return": returns, "criterion": criterion})
    answer = await retention(store, asked, now_ms=end_of(name, last))
    assert answer["timezone"] == name
    sizes, cells = launch.sizes(cohort), launch.triangle(cohort, returns, criterion, PERIODS)
    expected: dict[str, Any] = {}
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        spans = range(1, min(PERIODS, (last - day).days + 1) + 1)
        expected[day.isoformat()] = [sizes.get(day, 0), *(cells.get((day, n), 0) for n in spans)]
    shown = {row["cohort"]: [cell["users"] for cell in row["cells"]] for row in answer["rows"]}
    assert shown == expected, (app, cohort, returns, criterion)
    assert {row["cohort"]: row["size"] for row in answer["rows"]} == {
        day: row[0] for day, row in expected.items()
    }
    for row in answer["rows"]:
        over = (last - date.fromisoformat(row["cohort"])).days
        assert all(cell["complete"] == (cell["n"] <= over) for cell in row["cells"])


async def check_active(store: RedisStore, app: str, name: str, launch: Launch) -> None:
    first, last = launch.days()
    asked = parse_active({"app": app, "from": first.isoformat(), "to": last.isoformat()})
    answer = await active(store, asked, now_ms=end_of(name, last))
    expected = launch.active()
    shown = [{column: row[column] for column in expected[0]} for row in answer["rows"]]
    assert shown == expected, app
    assert all(row["active"] == row["new"] + row["returning"] + row["resurrected"] for row in answer["rows"])


def end_of(name: str, day: date) -> int:
    """The first instant after a local date: it is over, and the cells of the next day have just begun."""
    return zone(name).day_start_ms(day.toordinal() + 1)
