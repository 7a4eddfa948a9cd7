"""How long does the answer take that people look at? The triangle of 30 x 30, asked of the read model and over HTTP."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable

import aiohttp
import numpy as np

from bench.bars import Row
from bench.machine import OUR_LISTPACK, Child, Machine
from bench.population import APP, COHORT_DAYS, People, load
from consumers.settings import Settings
from stream.report import retention
from stream.report.query import parse_retention
from stream.retention.days import iso
from stream.store.redis import RedisStore
from tests.servers import Valkey

WARM_UP = 5
START_SECONDS_MAX = 30.0


async def kept_people(machine: Machine) -> tuple[People, Valkey]:
    """The largest population and the store that holds it; loaded by whoever asks first."""
    if "people" not in machine.kept:
        people, store = People.of(max(machine.sizes.users)), machine.store(*OUR_LISTPACK)
        await load(machine.settings(store, "people."), people, "users")
        machine.kept["people"] = people, store
    kept: tuple[People, Valkey] = machine.kept["people"]
    return kept


async def triangle(machine: Machine) -> list[Row]:
    """p50 and p99 of both ways, plain and with two conditions."""
    people, store = await kept_people(machine)
    settings = machine.settings(store, "people.")
    plain = {
        "app": APP,
        "from": iso(people.first_day),
        "to": iso(people.first_day + COHORT_DAYS - 1),
        "periods": "29",
    }
    where = plain | {"where": "country:VN,platform:ios"}
    rows: list[Row] = []
    for name, asked, bar in (
        ("plain", plain, "triangle_p99_ms"),
        ("two where", where, "triangle_where_p99_ms"),
    ):
        rows += _rows(f"{name}, read model", await _direct(machine, settings, people, asked), bar)
    child = machine.start(("-m", "consumers.cli", "api"), settings)
    try:
        base = await api_url(child)
        async with aiohttp.ClientSession() as session:
            for name, asked, bar in (
                ("plain", plain, "triangle_p99_ms"),
                ("two where", where, "triangle_where_p99_ms"),
            ):
                rows += _rows(f"{name}, over HTTP", await _over_http(machine, session, base, asked), bar)
    finally:
        child.kill()
    return rows


def _rows(name: str, taken_ms: list[float], bar: str) -> list[Row]:
    note = (
        f"{len(taken_ms)} answers, p50 {np.percentile(taken_ms, 50):.2f} ms, longest {max(taken_ms):.2f} ms"
    )
    return [Row(f"30 x 30, {name}: p99", float(np.percentile(taken_ms, 99)), "ms", bar, note)]


async def _direct(machine: Machine, settings: Settings, people: People, asked: dict[str, str]) -> list[float]:
    store = RedisStore.connect(settings.redis_url.get_secret_value())
    query = parse_retention(asked)

    async def ask() -> None:
        found = await retention(store, query, now_ms=time.time_ns() // 1_000_000)
        _check(found, people.users if not query.where else None)

    try:
        return await _times(ask, machine.sizes.questions)
    finally:
        await store.aclose()


async def _over_http(
    machine: Machine, session: aiohttp.ClientSession, base: str, asked: dict[str, str]
) -> list[float]:
    answers: list[bytes] = []

    async def ask() -> None:
        async with session.get(f"{base}/api/v1/retention", params=asked) as answer:
            body = await answer.read()
            if answer.status != 200:
                raise RuntimeError(f"HTTP {answer.status}: {body[:300]!r}")
            answers[:] = [body]

    times = await _times(ask, machine.sizes.questions)
    _check(json.loads(answers[0]), None)
    return times


def _check(found: dict, users: int | None) -> None:  # type: ignore[type-arg]
    """The answer has all rows and cells, and is about everybody."""
    rows = found["rows"]
    if len(rows) != COHORT_DAYS or any(len(row["cells"]) != COHORT_DAYS for row in rows):
        raise RuntimeError("the triangle is not 30 x 30")
    size = sum(row["size"] for row in rows)
    if (users is not None and size != users) or not size:
        raise RuntimeError(f"the triangle is about {size} users, {users} were counted")


async def _times(ask: Callable[[], Awaitable[None]], count: int) -> list[float]:
    for _ in range(WARM_UP):
        await ask()
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


async def api_url(child: Child) -> str:
    """Where an API process listens, once it can answer."""
    give_up = time.monotonic() + START_SECONDS_MAX
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < give_up:
            child.check()
            said = re.search(r"answers at (http\S+)", child.log.read_text())
            if said:
                base = said[1].rstrip("/")
                async with session.get(f"{base}/readyz") as answer:
                    if answer.status == 200:
                        return base
            await asyncio.sleep(0.05)
    raise RuntimeError(f"the API did not start:\n{child.log.read_text()[-2000:]}")
