"""Which values a user's dimensions had, and since when: by the event that said them."""

from __future__ import annotations

from datetime import date

import pytest

from stream.retention.days import HOUR_MS, SLOTS_PER_DAY, zone
from stream.retention.dimensions import Late, dimensions, dimensions_at, late
from stream.retention.kept import FEEDBACK, INSTALL, PURCHASE, Kept
from stream.retention.records import Record, say
from stream.retention.summary import summarise

UTC = zone("UTC")
DAY_MS = 24 * HOUR_MS
START_MS = 1_732_060_800_000  # 2024-11-20, midnight
DAY = UTC.day(START_MS)
VN, US = (("country", "VN"),), (("country", "US"),)


def slot(ms: int) -> int:
    return UTC.slot(START_MS + ms)


def record(
    *kept: tuple[str, int, Kept], sessions: dict[int, tuple[tuple[str, str], ...]] | None = None
) -> Record:
    """Kept events (kind, milliseconds after the start, content) and sessions with what they said."""
    found = Record()
    for kind, ms, one in kept:
        found.kept[kind, f"{kind} {ms}"] = one
    for ms, dims in (sessions or {}).items():
        say(found, START_MS + ms, f"s{ms}", dims)
        found.sessions.append(slot(ms))
    found.summary = summarise(found.kept)
    return found


def event(kind: str, ms: int, **content: object) -> tuple[str, int, Kept]:
    return kind, ms, Kept(START_MS + ms, slot(ms), **content)  # type: ignore[arg-type]


def day_of(one: Record, day: int) -> dict[str, str]:
    """The values at the end of the nth day."""
    return dimensions_at(one, (DAY + day + 1) * SLOTS_PER_DAY - 1, UTC)


def test_a_value_that_is_said_on_the_first_day_is_not_late() -> None:
    one = record(sessions={0: (), 5 * HOUR_MS: VN})
    assert late(one, slot(0), UTC) == ()
    assert dimensions_at(one, slot(4 * HOUR_MS), UTC) == {}
    assert dimensions_at(one, slot(5 * HOUR_MS), UTC) == dimensions(one) == {"country": "VN"}


def test_a_value_that_is_said_on_a_later_day_was_none_before() -> None:
    one = record(sessions={0: (), 2 * DAY_MS: VN, 3 * DAY_MS: US})
    assert late(one, slot(0), UTC) == (Late("country", DAY + 2, None, (slot(2 * DAY_MS),)),)
    assert [day_of(one, day) for day in (0, 1, 2, 3)] == [{}, {}, {"country": "VN"}, {"country": "VN"}]


def test_an_install_says_otherwise_from_its_own_day_on() -> None:
    one = record(event(INSTALL, 2 * DAY_MS, dims=US), sessions={0: VN})
    assert late(one, slot(0), UTC) == (Late("country", DAY + 2, "VN", (slot(2 * DAY_MS),)),)
    assert [day_of(one, day)["country"] for day in (0, 1, 2)] == ["VN", "VN", "US"]
    same = record(event(INSTALL, 2 * DAY_MS, dims=VN), sessions={0: VN})
    assert late(same, slot(0), UTC) == ()


def test_what_an_install_says_is_not_late_where_it_comes_first() -> None:
    one = record(event(INSTALL, 0, dims=US), event(INSTALL, DAY_MS, dims=VN), sessions={2 * DAY_MS: VN})
    assert late(one, slot(0), UTC) == ()
    more = record(event(INSTALL, 0, dims=US), sessions={DAY_MS: (("platform", "ios"), *VN)})
    assert late(more, slot(0), UTC) == (Late("platform", DAY + 1, None, (slot(DAY_MS),)),)


def test_the_group_of_a_survey_changes_with_the_latest_answer() -> None:
    given = [
        event(FEEDBACK, ms, survey="nps", score=score)
        for ms, score in ((0, 10), (DAY_MS, 3), (DAY_MS + 1, 9))
    ]
    given += [
        event(FEEDBACK, 2 * DAY_MS, survey="nps", score=9),
        event(FEEDBACK, 3 * DAY_MS, survey="nps", score=7),
    ]
    one = record(*given)
    # The two answers of one hour are one change, to the later one; two promoters in a row are none.
    assert late(one, slot(0), UTC) == (Late("nps", DAY + 3, "promoter", (slot(3 * DAY_MS),)),)
    assert [day_of(one, day)["nps"] for day in range(4)] == ["promoter"] * 3 + ["passive"]


def test_groups_that_change_and_change_back_on_one_day_are_told_by_the_hour() -> None:
    hours = (DAY_MS, DAY_MS + 5 * HOUR_MS)
    one = record(
        *(
            event(FEEDBACK, ms, survey="csat", score=score)
            for ms, score in zip((0, *hours), (5, 1, 5), strict=True)
        )
    )
    assert late(one, slot(0), UTC) == (Late("csat", DAY + 1, "satisfied", tuple(map(slot, hours))),)


@pytest.mark.parametrize("amount_minor", [0, 1])
def test_only_what_no_counter_of_hours_tells_of_is_late_on_the_first_day(amount_minor: int) -> None:
    back = event(PURCHASE, 5 * HOUR_MS, dims=VN, amount_minor=amount_minor, currency="USD", refund_of="x")
    one = record(back, sessions={0: ()})
    hidden = (Late("country", DAY, None, (slot(5 * HOUR_MS),)),)
    assert late(one, slot(0), UTC) == (() if amount_minor else hidden)
    assert late(record(back), None, UTC) == ()


def test_where_a_clock_goes_back_over_midnight_each_value_is_there_from_its_own_date_on() -> None:
    st_johns = zone("America/St_Johns")
    sunday_ms = st_johns.day_start_ms(date(2010, 11, 7).toordinal())  # a minute later it is Saturday again
    one = record()
    for ms, dims in ((sunday_ms, US), (sunday_ms + HOUR_MS // 2, VN)):
        say(one, ms, f"s{ms}", dims)
        one.sessions.append(st_johns.slot(ms))
    one.sessions.sort()
    assert one.sessions[0] // SLOTS_PER_DAY == one.sessions[1] // SLOTS_PER_DAY - 1
    # What is said first is said on Sunday, so on Saturday there is no value.
    assert dimensions(one) == {"country": "US"}
    assert dimensions_at(one, one.sessions[0], st_johns) == {}
    assert late(one, one.sessions[0], st_johns) == (
        Late("country", one.sessions[1] // SLOTS_PER_DAY, None, (one.sessions[1],)),
    )
    one.kept[INSTALL, "i"] = Kept(sunday_ms + HOUR_MS // 2, one.sessions[0], VN)
    one.summary = summarise(one.kept)
    assert late(one, one.sessions[0], st_johns) == ()
    assert dimensions_at(one, one.sessions[0], st_johns) == {"country": "VN"}
