"""Windows from each user's own start, and where sets do not tell what there was at as_of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.report import retention, scan
from stream.report.query import parse_retention
from stream.retention.days import Zone
from stream.retention.records import Record
from stream.store.codec import decode
from stream.store.memory import MemoryStore
from tests.laws.profiles import examples
from tests.questions import retention_queries
from tests.strategies import DAYS, Story, stories
from tests.stream.report.counted import ask, counted, event, session, users

ELAPSED: dict[str, str] = {"window": "elapsed", "from_": "2026-11-01", "to": "2026-11-01"}


class Scanned(MemoryStore):
    """Remembers whether records were read."""

    scans = 0

    def stored_users(self, app: str, among: Any = None) -> Any:
        self.scans += 1
        return super().stored_users(app, among)


async def scans(store: MemoryStore, **asked: str) -> int:
    """How often an answer reads all records."""
    watched = Scanned()
    watched._data = store._data
    await ask(watched, **asked)
    return watched.scans


async def test_23_hours_later_is_period_0_and_24_are_1() -> None:
    store = await counted(
        *(event("installs", user, "2026-11-01T22:00:00Z") for user in "ab"),
        event("sessions", "a", "2026-11-02T21:59:00Z"),
        event("sessions", "b", "2026-11-02T22:00:00Z"),
    )
    assert users(await ask(store, periods="1", **ELAPSED)) == {"2026-11-01": [2, 1]}
    assert users(await ask(store, periods="1", **ELAPSED | {"window": "calendar"})) == {"2026-11-01": [2, 2]}


async def test_an_hour_that_the_clock_skips_or_repeats_does_not_move_a_window() -> None:
    store = await counted(
        event("installs", "a", "2024-03-09T12:00:00-05:00"),
        event("sessions", "a", "2024-03-10T12:30:00-04:00"),
        event("sessions", "a", "2024-03-10T13:00:00-04:00"),
        zone="America/New_York",
    )
    asked = {"from_": "2024-03-09", "to": "2024-03-09", "window": "elapsed", "periods": "1"}
    assert users(await ask(store, now="2024-03-10T12:59:00-04:00", **asked)) == {"2024-03-09": [1, 0]}
    assert users(await ask(store, now="2024-03-20T00:00:00Z", **asked)) == {"2024-03-09": [1, 1]}


async def test_an_elapsed_cell_spans_from_the_first_to_the_last_possible_start() -> None:
    store = await counted(event("installs", "a", "2026-11-01T12:00:00Z"))
    for now, complete in (
        ("2026-11-02T00:00:00Z", [False, False]),
        ("2026-11-03T00:00:00Z", [True, False, False]),
        ("2026-11-04T00:00:00Z", [True, True, False, False]),
    ):
        (row,) = (await ask(store, now=now, **ELAPSED))["rows"]
        assert [cell["complete"] for cell in row["cells"]] == complete


async def test_a_week_is_168_hours() -> None:
    store = await counted(
        event("installs", "a", "2026-11-04T12:00:00Z"), event("sessions", "a", "2026-11-11T11:00:00Z")
    )
    asked = {"window": "elapsed", "period": "week", "from_": "2026-11-02", "to": "2026-11-02", "periods": "1"}
    assert users(await ask(store, **asked)) == {"2026-11-02": [1, 0]}
    store = await counted(
        event("installs", "a", "2026-11-04T12:00:00Z"), event("sessions", "a", "2026-11-11T12:00:00Z")
    )
    assert users(await ask(store, **asked)) == {"2026-11-02": [1, 1]}


async def test_first_seen_counts_from_the_first_activity_of_those_who_installed_later() -> None:
    store = await counted(
        event("installs", "a", "2026-11-01T10:00:00Z"),
        event("sessions", "a", "2026-11-02T10:00:00Z"),
        event("sessions", "b", "2026-11-01T08:00:00Z"),
        event("installs", "b", "2026-11-01T12:00:00Z"),
        event("sessions", "b", "2026-11-02T09:00:00Z"),
    )
    assert users(await ask(store, cohort="first_seen", periods="1", **ELAPSED)) == {"2026-11-01": [2, 2]}
    assert users(await ask(store, cohort="install", periods="1", **ELAPSED)) == {"2026-11-01": [2, 1]}


async def test_records_are_read_only_where_something_happened_after_as_of() -> None:
    store = await counted(
        event("installs", "a", "2026-11-01T12:00:00Z"),
        event("sessions", "a", "2026-11-02T13:00:00Z"),
        event(
            "purchases", "a", "2026-11-03T15:00:00Z", amount="1", currency="USD", refund_of="x", event_id="r"
        ),
    )
    assert not await scans(store, now="2026-11-02T13:59:00Z", **ELAPSED)
    assert await scans(store, now="2026-11-02T12:59:00Z", **ELAPSED)
    assert not await scans(store, now="2026-11-03T14:00:00Z", **ELAPSED)
    # A refund is no activity, but money.
    assert await scans(store, now="2026-11-03T14:00:00Z", return_="revenue", **ELAPSED)
    assert not await scans(store, now="2026-11-03T15:00:00Z", return_="revenue", **ELAPSED)
    # Cells that are over are right whatever came later, but not those that count what came later.
    assert not await scans(store, as_of="2026-11-03T00:00:00Z", periods="0", **ELAPSED)
    assert await scans(store, as_of="2026-11-02T00:00:00Z", criterion="on_or_after", periods="0", **ELAPSED)


async def test_a_past_as_of_cuts_windows_at_its_hour() -> None:
    store = await counted(
        event("installs", "a", "2026-11-01T12:00:00Z", country="VN"),
        event("installs", "b", "2026-11-01T18:00:00Z", country="US"),
        event("sessions", "a", "2026-11-02T13:00:00Z"),
    )
    for as_of, seen in (
        ("2026-11-01T17:59:59Z", [1]),
        ("2026-11-02T12:59:59Z", [2, 0]),
        ("2026-11-02T13:00:00Z", [2, 1]),
    ):
        assert users(await ask(store, as_of=as_of, **ELAPSED)) == {"2026-11-01": seen}
    answer = await ask(store, as_of="2026-11-02T12:59:59Z", breakdown="country", limit="1", **ELAPSED)
    assert [(row["segment"], row["size"]) for row in answer["rows"]] == [("US", 1), ("other", 1)]


async def test_only_records_of_those_who_start_in_a_row_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    store = await counted(*(session(f"u{i}", f"2026-11-{i:02}") for i in range(1, 21)))
    read: list[bytes] = []

    def watched(data: bytes, zone: Zone) -> Record:
        read.append(data)
        return decode(data, zone)

    monkeypatch.setattr(scan, "decode", watched)
    answer = await ask(store, from_="2026-11-05", to="2026-11-05", cohort="session", period="hour")
    assert sum(row["size"] for row in answer["rows"]) == 1
    assert len(read) == 3


@pytest.mark.slow
@examples(60, shrink=False)
@given(data=st.data(), story=stories(size_max=40, garbage=False), shards=st.sampled_from([1, 2]))
async def test_sets_and_records_give_the_same_answers(data: st.DataObject, story: Story, shards: int) -> None:
    store = await counted(*story.records, zone=story.zone, shards=shards)
    now_ms = max(record.timestamp for record in story.records) - data.draw(st.integers(0, DAYS)) * 86_400_000
    for _ in range(4):
        query = parse_retention(data.draw(retention_queries(story, {"period": ("day", "week", "month")})))
        ours, theirs = [
            await retention(store, query, now_ms=now_ms, families=families)
            for families in (("elapsed", "hours", "money"), ())
        ]
        assert ours == theirs


async def test_slots_are_compared_where_a_clock_goes_back_over_midnight() -> None:
    # At 00:01 the clock went back to 23:01 of the date before: later in time, but an earlier slot.
    store = await counted(
        event("installs", "a", "2010-11-07T02:30:30Z"),
        event("purchases", "a", "2010-11-07T02:31:30Z", amount="1", currency="USD"),
        zone="America/St_Johns",
    )
    asked = {"from_": "2010-11-07", "to": "2010-11-07", "return_": "revenue", "periods": "0"}
    for window in ("calendar", "elapsed"):
        answer = await ask(store, window=window, **asked)
        assert users(answer) == {"2010-11-07": [0]}
        assert answer["rows"][0]["cells"][0]["revenue"] == {}
