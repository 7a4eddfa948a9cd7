"""On which date and in which hour is a moment? Days that have 23, 23.5, 24.5 or 25 hours, no midnight, or two.

America/New_York  2024-11-03   00:xx 01:xx 01:xx 02:xx ...   k = 0 1 2 3 ... 24
America/New_York  2024-03-10   00:xx 01:xx 03:xx ...         k = 0 1 2 ... 22
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.retention.days import DAY_MS, QUARTER_MS, SLOTS_PER_DAY, zone
from tests.laws.profiles import examples
from tests.oracle import day_start_ms, local_date
from tests.oracle_events import epoch_ms
from tests.strategies import DAYS, HOUR_MS, PLACES, moments

LENGTHS = [
    ("America/New_York", date(2024, 3, 10), 23 * 60),
    ("America/New_York", date(2024, 11, 3), 25 * 60),
    ("Australia/Lord_Howe", date(2024, 4, 7), 24 * 60 + 30),
    ("Australia/Lord_Howe", date(2024, 10, 6), 23 * 60 + 30),
    ("America/Sao_Paulo", date(2018, 11, 4), 23 * 60),
    ("Africa/Cairo", date(2024, 4, 26), 23 * 60),
    ("Asia/Kolkata", date(2024, 1, 1), 24 * 60),
    ("UTC", date(2024, 2, 29), 24 * 60),
]
SLOTS = [
    ("UTC", "2024-12-31T23:59:59.999Z", date(2024, 12, 31), 23),
    ("UTC", "2025-01-01T00:00:00Z", date(2025, 1, 1), 0),
    ("UTC", "2024-02-29T23:59:59Z", date(2024, 2, 29), 23),
    ("UTC", "2023-02-28T23:59:59+00:00", date(2023, 2, 28), 23),
    ("Asia/Kolkata", "2023-12-31T18:29:59.999Z", date(2023, 12, 31), 23),
    ("Asia/Kolkata", "2023-12-31T18:30:00Z", date(2024, 1, 1), 0),
    ("America/New_York", "2024-11-03T01:30:00-04:00", date(2024, 11, 3), 1),
    ("America/New_York", "2024-11-03T01:30:00-05:00", date(2024, 11, 3), 2),
    ("America/New_York", "2024-11-03T23:59:59-05:00", date(2024, 11, 3), 24),
    ("America/New_York", "2024-03-10T03:00:00-04:00", date(2024, 3, 10), 2),
    ("Australia/Lord_Howe", "2024-04-07T23:59:59+10:30", date(2024, 4, 7), 24),
    ("Australia/Lord_Howe", "2024-10-06T23:59:59+11:00", date(2024, 10, 6), 23),
    ("America/Sao_Paulo", "2018-11-04T01:00:00-02:00", date(2018, 11, 4), 0),
    # A day of 26 hours: its last two are one slot, and none of them is tomorrow.
    ("Asia/Magadan", "2014-10-26T22:30:00+10:00", date(2014, 10, 26), 24),
    ("Asia/Magadan", "2014-10-26T23:30:00+10:00", date(2014, 10, 26), 24),
    ("Asia/Magadan", "2014-10-27T00:00:00+10:00", date(2014, 10, 27), 0),
]


@pytest.mark.parametrize(("name", "day", "minutes"), LENGTHS)
def test_a_day_is_as_long_as_its_zone_makes_it(name: str, day: date, minutes: int) -> None:
    its = zone(name)
    assert its.day_start_ms(day.toordinal() + 1) - its.day_start_ms(day.toordinal()) == minutes * 60_000


@pytest.mark.parametrize(("name", "text", "day", "hour"), SLOTS)
def test_a_slot_is_the_local_date_and_the_real_hours_since_it_began(
    name: str, text: str, day: date, hour: int
) -> None:
    assert zone(name).slot(epoch_ms(text)) == day.toordinal() * SLOTS_PER_DAY + hour


@pytest.mark.parametrize(("name", "hard"), PLACES)
def test_days_start_where_walking_minute_by_minute_finds_them(name: str, hard: date) -> None:
    for day in (hard + timedelta(days=i) for i in range(-2, 3)):
        assert zone(name).day_start_ms(day.toordinal()) == day_start_ms(name, day)


@pytest.mark.parametrize(("name", "hard"), PLACES)
def test_a_window_holds_just_the_slots_that_begin_in_its_24_hours(name: str, hard: date) -> None:
    its = zone(name)
    first, end = (day_start_ms(name, hard + timedelta(days=i)) for i in (-2, 3))
    slots = sorted({its.slot(ms) for ms in range(first, end, QUARTER_MS)})
    for at, start in enumerate(slots):
        numbers = {
            slot: (its.slot_start_ms(slot) - its.slot_start_ms(start)) // DAY_MS for slot in slots[at:]
        }
        for number in set(numbers.values()):
            begin, stop = its.window(start, number)
            assert [slot for slot in slots if begin <= slot < stop] == [
                slot for slot, its_number in numbers.items() if its_number == number
            ]


@examples(200)
@given(data=st.data(), place=st.sampled_from(PLACES))
def test_every_moment_lies_in_the_slot_that_counting_hours_gives(
    data: st.DataObject, place: tuple[str, date]
) -> None:
    name, hard = place
    first = hard - timedelta(days=data.draw(st.integers(0, DAYS - 1)))
    ms = data.draw(moments(name, first))
    day, its = local_date(name, ms), zone(name)
    slot = its.slot(ms)
    assert slot == day.toordinal() * SLOTS_PER_DAY + (ms - day_start_ms(name, day)) // HOUR_MS
    assert its.day(ms) == day.toordinal()
    assert its.slot_start_ms(slot) <= ms < its.slot_start_ms(slot) + HOUR_MS


@pytest.mark.parametrize(
    "name", ["Pacific/Apia", "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca", "Europe/Lisbon"]
)
def test_slots_never_repeat_a_date_and_hour_in_a_whole_year(name: str) -> None:
    its = zone(name)
    start = epoch_ms("2011-01-01T00:00:00Z")
    moments_ms = range(start, start + 400 * 24 * HOUR_MS, HOUR_MS + 60_000)  # no two of them in one real hour
    assert len({its.slot(ms) for ms in moments_ms}) == len(moments_ms)
    assert all(0 <= ms - its.slot_start_ms(its.slot(ms)) < HOUR_MS for ms in moments_ms)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "utc/../UTC", "America"])
def test_an_unknown_zone_is_a_value_error(name: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        zone(name)
