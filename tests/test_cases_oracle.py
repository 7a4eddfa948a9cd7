"""Is the oracle itself right? It gives what other products published, before it judges ours."""

from __future__ import annotations

import pytest

from tests.cases import (
    LIFECYCLE,
    RETENTION,
    RETENTION_MORE,
    SKIP,
    Case,
    check_retention,
    everything,
    lifecycle_case,
    retention_case,
)
from tests.oracle import Oracle

pytestmark = SKIP
YEAR_MS = 365 * 86_400_000


def counted(case: Case) -> Oracle:
    oracle = Oracle(zone=case.zone)
    for record in case.records:
        oracle.add(record.topic, record.value, record.timestamp)
    assert not oracle.refused
    return oracle


@pytest.mark.parametrize("later_ms", [0, YEAR_MS])
@pytest.mark.parametrize("name", RETENTION + RETENTION_MORE)
def test_the_oracle_counts_what_was_published(name: str, later_ms: int) -> None:
    case = retention_case(name)
    check_retention(case, counted(case).retention(now_ms=case.ends_ms + later_ms, **case.query))


def test_every_published_case_is_asked() -> None:
    assert {*RETENTION, *RETENTION_MORE, LIFECYCLE} == {case["id"] for case in everything()}


def test_the_oracle_counts_the_published_lifecycle() -> None:
    case, days = lifecycle_case()
    rows = counted(case).active(now_ms=case.ends_ms + YEAR_MS, **case.query)["rows"]
    assert [{name: row[name] for name in days[0]} for row in rows] == days
