"""Returning users so far today, by age."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from stream.report.returning import AGES, Returning
from tests.stream.report.counted import APP, counted, install, session

TODAY = date(2026, 3, 1)
EVERYBODY = {"": ()}


def back(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def user(name: str, age: int, **fields: str) -> list:
    """Somebody first seen so many days ago who is active today."""
    return [install(name, back(age), **fields), session(name, TODAY.isoformat(), **fields)]


async def so_far(*records: list, populations: dict = EVERYBODY, shards: int = 1) -> dict:
    store = await counted(*(one for some in records for one in some), shards=shards)
    return await Returning(store, APP).so_far(TODAY.toordinal(), 800, populations)


@pytest.mark.parametrize("shards", [1, 3])
async def test_users_are_counted_by_days_since_first_seen(shards: int) -> None:
    ages = (0, 1, 6, 7, 7, 29, 30, 30, 30, 400)
    found = await so_far(*(user(f"u{at}", age) for at, age in enumerate(ages)), shards=shards)
    assert found == {"": [2, 3, 4]}


async def test_who_is_new_or_not_active_today_does_not_count() -> None:
    assert await so_far(user("new", 0), [install("away", back(3)), session("away", back(1))]) == {
        "": [0, 0, 0]
    }


async def test_who_was_seen_before_the_install_is_not_new() -> None:
    early = [session("early", back(2)), install("early", TODAY.isoformat())]
    assert await so_far(early) == {"": [1, 0, 0]}


async def test_segments_hold_who_fulfils_their_condition() -> None:
    users = [user("a", 2, platform="ios"), user("b", 2, platform="android"), user("c", 40, platform="ios")]
    populations = {"": (), "ios": (("platform", "ios"),), "none": (("platform", "(not set)"),)}
    assert await so_far(*users, user("d", 9), populations=populations) == {
        "": [2, 1, 1],
        "ios": [1, 0, 1],
        "none": [0, 1, 0],
    }


async def test_ages_are_read_once_an_hour_and_users_of_now_every_time() -> None:
    store = await counted(*user("a", 2), install("b", back(3)))
    returning, day = Returning(store, APP), TODAY.toordinal()
    assert await returning.so_far(day, 800, EVERYBODY) == {"": [1, 0, 0]}
    later = session("b", TODAY.isoformat()), *user("c", 3)
    await counted(*user("a", 2), install("b", back(3)), *later, store=store)
    assert await returning.so_far(day, 859, EVERYBODY) == {"": [2, 0, 1]}, "how old c is was not known then"
    assert await returning.so_far(day, 860, EVERYBODY) == {"": [3, 0, 0]}


def test_the_groups_follow_each_other() -> None:
    assert [group[0] for group in AGES[1:]] == [group[1] + 1 for group in AGES[:-1] if group[1]]
