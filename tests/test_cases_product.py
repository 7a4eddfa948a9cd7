"""Does the product count what other products published? The third-party cases through the engine and the read model."""

from __future__ import annotations

import random

import pytest

from stream.report import active, retention
from stream.report.query import parse_active, parse_retention
from stream.store.memory import MemoryStore
from tests.cases import (
    APP,
    RETENTION,
    RETENTION_MORE,
    SKIP,
    Case,
    check_retention,
    lifecycle_case,
    retention_case,
)
from tests.laws.world import Log, World

pytestmark = SKIP
YEAR_MS = 365 * 86_400_000


async def counted(case: Case) -> MemoryStore:
    """A store that two workers have counted the case into, with everything going wrong that can."""
    rng, store = random.Random(1), MemoryStore(2)
    await World(Log(case.records, rng), store, rng, case.zone).run()
    assert await store.zones() == {APP: case.zone}
    return store


@pytest.mark.parametrize("later_ms", [0, YEAR_MS])
@pytest.mark.parametrize("name", [*RETENTION, *RETENTION_MORE])
async def test_the_triangle_says_what_was_published(name: str, later_ms: int) -> None:
    case = retention_case(name)
    answer = await retention(await counted(case), parse_retention(case.query), now_ms=case.ends_ms + later_ms)
    check_retention(case, answer)


async def test_lifecycle_says_what_was_published() -> None:
    case, days = lifecycle_case()
    rows = (await active(await counted(case), parse_active(case.query), now_ms=case.ends_ms + YEAR_MS))[
        "rows"
    ]
    assert [{name: row[name] for name in days[0]} for row in rows] == days
