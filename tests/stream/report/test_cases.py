"""The numbers that other products published, from the read model directly."""

import pytest

from stream.report import active, retention
from stream.report.query import parse_active, parse_retention
from tests.cases import RETENTION, SKIP, check_retention, lifecycle_case, retention_case
from tests.stream.report.counted import counted

pytestmark = SKIP


@pytest.mark.parametrize("name", RETENTION)
@pytest.mark.parametrize("return_", ["session", "any"])
async def test_a_published_triangle_comes_out(name: str, return_: str) -> None:
    case = retention_case(name)
    store = await counted(*case.records, zone=case.zone)
    query = parse_retention(case.query | {"return": return_})
    check_retention(case, await retention(store, query, now_ms=case.ends_ms))


async def test_the_published_lifecycle_comes_out() -> None:
    case, days = lifecycle_case()
    store = await counted(*case.records, zone=case.zone)
    rows = (await active(store, parse_active(case.query), now_ms=case.ends_ms + 86_400_000))["rows"]
    assert [{name: row[name] for name in day} for row, day in zip(rows, days, strict=True)] == days
