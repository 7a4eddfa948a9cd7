"""One app, minute by minute, over the in-memory store."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from consumers.settings import Settings
from consumers.watch.one_app import OneApp, Overtaken
from stream.churn.documents import HISTORY_DAYS, STATE, day_name, minutes_of
from stream.retention.days import DAY_MS, zone
from stream.store.memory import MemoryStore
from tests.consumers.watch.living import APP, TODAY, Living, moment

NOON = 720


def watch(store: MemoryStore, zone_name: str = "UTC", **settings: str) -> OneApp:
    return OneApp(Settings(**settings), store, APP, zone(zone_name), None)


async def seen(store: MemoryStore, day: int = TODAY) -> list[int]:
    """The minutes of a day that are remembered as seen."""
    (document,) = await store.documents(APP, [day_name(day)])
    return [int(minute) for minute in np.flatnonzero(np.isfinite(minutes_of(document).of("")[0])) if minute]


async def test_minutes_in_trouble_are_not_seen_and_not_bridged_and_a_late_look_is() -> None:
    store = MemoryStore()
    one = watch(store)
    for minute, trouble in ((1, ""), (2, ""), (3, "lag"), (4, ""), (6, ""), (11, "")):
        await one.look(moment(NOON + minute), trouble)
    assert await seen(store) == [NOON + minute for minute in (1, 2, 4, 5, 6, 11)]


async def test_what_was_seen_outlives_the_process() -> None:
    store = MemoryStore()
    await watch(store).look(moment(NOON), "")
    await watch(store).look(moment(NOON + 1), "")
    assert await seen(store) == [NOON, NOON + 1]


async def test_a_day_on_which_a_clock_changes_has_no_pace() -> None:
    store = MemoryStore()
    one = watch(store, "Europe/Berlin")
    await one.look(int(datetime(2026, 3, 29, 12, tzinfo=UTC).timestamp() * 1000), "")
    assert "the clock changes today" in one.state.waiting
    assert one.state.run_ms
    assert await seen(store, datetime(2026, 3, 29, tzinfo=UTC).toordinal()) == []


async def test_days_behind_the_history_are_forgotten() -> None:
    store = MemoryStore()
    one = watch(store)
    old, kept = day_name(TODAY - HISTORY_DAYS), day_name(TODAY - HISTORY_DAYS + 1)
    for name in (old, kept):
        assert await store.replace_document(APP, name, b"", b"x")
    await one.look(moment(1439), "")
    await one.look(moment(1439) + DAY_MS, "")
    assert await store.documents(APP, [old, kept]) == [b"", b"x"]
    assert await seen(store) == [1439]


async def test_a_watch_that_stood_still_over_midnight_forgets_them_too() -> None:
    store = MemoryStore()
    names = [day_name(TODAY - HISTORY_DAYS - ago) for ago in (20, 1, 0)]
    for name in names:
        assert await store.replace_document(APP, name, b"", b"x")
    await watch(store).look(moment(NOON), "")
    assert await store.documents(APP, names) == [b"", b"", b"x"]


async def test_a_state_that_cannot_be_read_is_begun_anew() -> None:
    store = MemoryStore()
    assert await store.replace_document(APP, STATE, b"", b"{broken")
    one = watch(store)
    await one.look(moment(NOON), "")
    assert one.state.settled == TODAY - 1


async def test_who_was_overtaken_writes_nothing() -> None:
    store = MemoryStore()
    first, second = watch(store), watch(store)
    await first.look(moment(NOON), "")
    await second.look(moment(NOON + 1), "")
    stands = await store.documents(APP, [STATE, day_name(TODAY)])
    with pytest.raises(Overtaken):
        await first.look(moment(NOON + 2), "")
    assert await store.documents(APP, [STATE, day_name(TODAY)]) == stands


async def test_other_settings_are_taken_up_with_the_history_of_the_read_model() -> None:
    store = MemoryStore()
    app = Living(store)
    for age in range(30, 0, -1):
        await app.cohort(age, 20, 5)
    await watch(store, watch_days="1").look(moment(NOON), "")
    one = watch(store, watch_days="1,2", watch_segments="platform:ios")
    await one.look(moment(NOON + 1), "")
    await one.look(moment(NOON + 1) + DAY_MS, "")
    assert {name: sorted(by_n) for name, by_n in one.state.cells.items()} == {
        "": [1, 2],
        "platform:ios": [1, 2],
    }
    cells = one.state.cells[""][1]
    assert [(cell.settled, cell.users, cell.size) for cell in cells[-2:]] == [
        (TODAY - 1, 5, 20),
        (TODAY, 5, 20),
    ]
    assert len({cell.settled for cell in cells}) == len(cells)
