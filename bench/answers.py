"""How long does each answer take at a million users, and how long the same question asked of the raw events in DuckDB?

The plain questions are to be answered in 50 ms, segments and cohorts that recur in 250 ms. Hours and elapsed windows that are still
open may read the records; their rows say what that costs and have no bar. Before every question some users have a session, so that
the API cannot answer it from what it remembers alone; what the first one took stands in the note.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import duckdb
import numpy as np

from bench.bars import Row
from bench.machine import Machine
from bench.population import APP, COHORT_DAYS, People
from bench.triangle import api_url, kept_people
from bench.visitors import Visitors
from stream.retention.days import DAY_MS, iso, zone

WARM_UP = 1
PLAIN, SEGMENT = "plain_p99_ms", "segment_p99_ms"
SLOW_TIMES = 2
DUCKDB_TIMES = 3

Question = tuple[str, str, dict[str, str], str | None]


def questions(first: str, last: str) -> list[Question]:
    """Name, endpoint, parameters, bar."""
    week = {"from": last, "to": last}
    found: list[Question] = [
        ("triangle", "retention", {}, PLAIN),
        ("weeks", "retention", {"period": "week"}, PLAIN),
        ("on or after", "retention", {"criterion": "on_or_after"}, PLAIN),
        ("brackets", "retention", {"brackets": "1-3,4-7,8-14"}, PLAIN),
        ("actives by day", "active", {}, PLAIN),
        ("CRR", "crr", {"from": last, "to": last}, PLAIN),
        ("revenue", "revenue", {}, PLAIN),
        ("feedback", "feedback", {}, PLAIN),
        ("purchases of a segment", "retention", {"return": "purchase", "where": "country:VN"}, SEGMENT),
        ("breakdown by country", "retention", {"breakdown": "country", "periods": "7"}, SEGMENT),
        ("recurring cohorts", "retention", {"cohort": "session"}, SEGMENT),
        (
            "compare countries",
            "compare",
            {"dimension": "country", "a": "VN", "b": "US", "day": "7"},
            SEGMENT,
        ),
        ("revenue cells", "retention", {"return": "revenue"}, SEGMENT),
        ("24-hour windows", "retention", {"window": "elapsed", "periods": "14"}, SEGMENT),
        ("hours of one day", "retention", {"period": "hour", "periods": "24", **week}, None),
    ]
    dates = {"app": APP, "from": first, "to": last}
    return [(name, path, dates | asked, bar) for name, path, asked, bar in found]


async def answers(machine: Machine) -> list[Row]:
    """p99 of every question over HTTP, then the seconds that DuckDB takes for some of them."""
    people, store = await kept_people(machine)
    first, last = iso(people.first_day), iso(people.first_day + COHORT_DAYS - 1)
    settings = machine.settings(store, "people.")
    visitors = await Visitors.of(people, settings)
    child = machine.start(("-m", "consumers.cli", "api"), settings)
    rows: list[Row] = []
    try:
        base = await api_url(child)
        async with aiohttp.ClientSession() as session:
            for name, path, asked, bar in questions(first, last):
                times = max(SLOW_TIMES, machine.sizes.questions // 3) if bar else SLOW_TIMES
                url = f"{base}/api/v1/{path}"
                rows.append(_row(name, bar, await _asked(session, visitors, url, asked, times)))
    finally:
        child.kill()
        await visitors.aclose()
    return rows + await asyncio.to_thread(_of_raw_events, people)


async def _asked(
    session: aiohttp.ClientSession, visitors: Visitors, url: str, asked: dict[str, str], times: int
) -> list[float]:
    """The milliseconds of the first answer, and of so many after the warm-up."""
    taken = []
    for _ in range(1 + WARM_UP + times):
        await visitors.come()
        began = time.perf_counter()
        async with session.get(url, params=asked) as answer:
            body = await answer.read()
            if answer.status != 200:
                raise RuntimeError(f"HTTP {answer.status}: {body[:300]!r}")
        taken.append((time.perf_counter() - began) * 1000)
    return [taken[0], *taken[1 + WARM_UP :]]


def _row(name: str, bar: str | None, taken_ms: list[float]) -> Row:
    first, *others = taken_ms
    note = f"{len(others)} answers, p50 {np.percentile(others, 50):.1f} ms, the first {first:.1f} ms"
    return Row(f"{name}: p99", float(np.percentile(others, 99)), "ms", bar, note)


_TRIANGLE = """
with started as (select who, min(day) as start from events where kind = 0 group by who)
select start, day - start as n, count(distinct e.who) from events e join started using (who)
where e.kind = 1 and day >= start group by all
"""
_ACTIVE = "select day, count(distinct who) from events group by day"
_REVENUE = """
with started as (select who, min(day) as start from events where kind = 0 group by who)
select start, day - start as n, count(*), count(distinct e.who) from events e join started using (who)
where e.kind = 2 group by all
"""


def _of_raw_events(people: People) -> list[Row]:
    connection = duckdb.connect()
    start = zone("UTC").day_start_ms(people.first_day)
    columns = {
        "who": people.who.astype(np.int32),
        "day": ((people.when - start) // DAY_MS).astype(np.int32),
        "kind": people.kind.astype(np.int8),
    }
    connection.register("columns", columns)
    connection.execute("create table events as select * from columns")
    asked = {"triangle": _TRIANGLE, "actives by day": _ACTIVE, "revenue": _REVENUE}
    return [_duckdb(name, lambda sql=sql: connection.execute(sql).fetchall()) for name, sql in asked.items()]  # type: ignore[misc]


def _duckdb(name: str, ask: Callable[[], list[Any]]) -> Row:
    taken = []
    for _ in range(DUCKDB_TIMES):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    return Row(
        f"DuckDB over the raw events, {name}", float(np.median(taken)), "ms", note=f"median of {DUCKDB_TIMES}"
    )
