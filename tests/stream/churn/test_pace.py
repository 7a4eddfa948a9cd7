"""What a day should bring."""

from __future__ import annotations

import numpy as np
import pytest

from stream.churn.pace import DAYS_MIN, MINUTES, WEEKDAYS, Pace, at_minutes
from tests.stream.churn.days import drawn, learned, marks, window_z


def test_a_usual_day_is_usual_at_every_minute() -> None:
    pace, rng = learned()
    expected, day = pace.expect(), drawn(rng)
    z = [window_z(expected, day, minute) for minute in range(15, MINUTES + 1, 15)]
    assert abs(np.mean(z)) < 0.3
    assert 0.7 < np.std(z) < 1.3
    assert min(z) > -4


def test_a_fifth_fewer_users_show_within_a_quarter_of_an_hour() -> None:
    pace, rng = learned(level=0.02)
    kept = np.where(np.arange(MINUTES) < 700, 1.0, 0.8)
    day = drawn(rng, kept=kept)
    assert window_z(pace.expect(), day, 700) > -3
    assert window_z(pace.expect(), day, 715) < -4


def test_a_lasting_fall_is_not_taken_for_the_level_of_the_day() -> None:
    pace, rng = learned(level=0.02)
    kept = np.where(np.arange(MINUTES) < 500, 1.0, 0.8)
    assert window_z(pace.expect(), drawn(rng, kept=kept), 1_300) < -3


def test_a_day_that_is_a_little_worse_all_day_is_no_sign() -> None:
    pace, rng = learned(level=0.03)
    day = drawn(rng, kept=np.full(MINUTES, 0.96))
    z = [window_z(pace.expect(), day, minute) for minute in range(120, MINUTES + 1, 60)]
    assert np.mean(z) > -0.7
    assert float(pace.expect().day_so_far(23, day[:, MINUTES]).z[0]) > -3


def test_the_day_so_far_shows_a_fall_that_no_quarter_of_an_hour_does() -> None:
    pace, rng = learned(level=0.005)
    day = drawn(rng, kept=np.full(MINUTES, 0.94))
    found = pace.expect().day_so_far(23, day[:, MINUTES])
    assert found.z[0] < -5
    assert found.drop[0] == pytest.approx(0.06, abs=0.02)
    assert found.expected[0] == pytest.approx(120_000, rel=0.02)


def test_wilder_days_make_the_same_fall_less_sure() -> None:
    p = []
    for level in (0.005, 0.05):
        pace, rng = learned(level=level)
        day = drawn(rng, kept=np.full(MINUTES, 0.9))
        p.append(float(pace.expect().day_so_far(23, day[:, MINUTES]).p[0]))
    assert p[0] < 1e-6 < p[1]


def test_a_holiday_among_the_weeks_does_not_move_what_is_expected() -> None:
    pace, rng = learned(days=56 - WEEKDAYS)
    holiday = Pace(1)
    for day in range(56):
        kept = np.full(MINUTES, 0.5 if day == 42 else 1.0)
        holiday.learn(marks(drawn(rng, kept=kept)))
    for _ in range(WEEKDAYS):
        pace.learn(marks(drawn(rng)))
    assert holiday.expect().so_far[0, 23] == pytest.approx(pace.expect().so_far[0, 23], rel=0.01)


def test_it_learns_until_there_are_three_weeks() -> None:
    pace = Pace(1)
    assert pace.expect().is_learning
    rng = np.random.default_rng(1)
    for day in range(22):
        assert pace.expect().is_learning is (day < 3 * WEEKDAYS)
        pace.learn(marks(drawn(rng)))
    assert pace.expect().days >= DAYS_MIN


def test_days_that_were_not_seen_are_left_out() -> None:
    pace, rng = learned(days=56)
    before = pace.expect()
    gaps = Pace(1)
    for day in range(56):
        gaps.learn(None if day % 5 == 0 else marks(drawn(rng)))
    after = gaps.expect()
    assert after.weeks < before.weeks
    assert after.so_far[0, 23] == pytest.approx(before.so_far[0, 23], rel=0.01)


def test_its_memory_is_bounded() -> None:
    pace, _ = learned(days=80)
    assert len(pace._days) == 56


def test_between_marks_it_is_straight() -> None:
    marks = np.arange(289, dtype=float)[None] * 10
    assert at_minutes(marks, np.array([0, 3, 5, 1440])).tolist() == [[0.0, 6.0, 10.0, 2880.0]]
