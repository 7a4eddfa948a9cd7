"""The tests of one minute."""

from __future__ import annotations

import numpy as np
import pytest

from stream.churn.live import (
    FALSE_RATES,
    SERIES,
    SO_FAR,
    Floats,
    blame,
    is_silent,
    pace_tests,
    usual_marks,
    weights,
)
from stream.churn.pace import MINUTES, Expected, Pace
from tests.stream.churn.days import drawn, marks

WHOLE, IOS = 0, 1


def app(kept: tuple[float, float] = (1.0, 1.0), since: int = 600) -> list[tuple[Expected, Floats]]:
    """The whole app and a segment that is 40 % of it, of which from some minute on only a part still comes."""
    rng = np.random.default_rng(4)
    paces = Pace(1), Pace(1)
    for _ in range(35):
        ios, other = drawn(rng, 2_000), drawn(rng, 3_000)
        for pace, day in zip(paces, (ios + other, ios), strict=True):
            pace.learn(series(marks(day)))
    later = np.arange(MINUTES) >= since
    ios = drawn(rng, 2_000, np.where(later, kept[1], 1.0))
    other = drawn(rng, 3_000, np.where(later, kept[0], 1.0))
    expected = [pace.expect() for pace in paces]
    return list(zip(expected, (series(ios + other), series(ios)), strict=True))


def series(day: Floats) -> Floats:
    """All users and three age groups."""
    return np.concatenate([day, day * 0.2, day * 0.3, day * 0.5])


def fired(days: list[tuple[Expected, Floats]], minute: int) -> set[tuple[int, int]]:
    return {(one.population, one.minutes) for one in pace_tests(minute, days) if one.fired}


def test_a_usual_day_fires_at_no_minute() -> None:
    days = app()
    assert not any(fired(days, minute) for minute in range(1, MINUTES + 1, 5))


def test_a_fall_of_everybody_fires_for_the_whole_app() -> None:
    assert (WHOLE, 15) in fired(app((0.75, 0.75)), 615)


def test_a_fall_of_one_segment_fires_for_that_segment() -> None:
    days = app((1.0, 0.6))
    assert (IOS, 60) in fired(days, 660)
    worst = [one for one in pace_tests(660, days) if one.minutes == 60]
    assert blame([one.expected for one in worst], [one.seen for one in worst])[0] == IOS  # type: ignore[index]


def test_windows_are_due_every_minute_every_five_and_every_hour() -> None:
    days = app()
    due = {minute: {one.minutes for one in pace_tests(minute, days)} for minute in (14, 15, 16, 60, 65)}
    assert due == {14: set(), 15: {15}, 16: {15}, 60: {15, 60, SO_FAR}, 65: {15, 60}}


def test_a_window_with_a_minute_that_was_not_seen_is_not_tested() -> None:
    days = app((0.5, 0.5))
    days[WHOLE][1][:, 605] = np.nan
    assert (WHOLE, 15) not in fired(days, 620)
    assert (WHOLE, 15) in fired(days, 621)


def test_a_day_of_which_more_than_an_hour_was_not_seen_is_not_judged() -> None:
    days = app((0.5, 0.5))
    days[WHOLE][1][:, 100:161] = np.nan
    assert all(one.population != WHOLE for one in pace_tests(1_380, days) if one.minutes == SO_FAR)


def test_a_small_fall_is_no_incident_however_sure_it_is() -> None:
    days = app()
    seen = days[WHOLE][1]
    days[WHOLE] = days[WHOLE][0], seen * 0.93
    whole = next(one for one in pace_tests(1_380, days) if one.minutes == SO_FAR and not one.population)
    assert whole.p < FALSE_RATES[SO_FAR] / 100
    assert not whole.fired


def test_a_population_that_still_learns_is_not_tested_and_holds_none_up() -> None:
    days = app((0.5, 0.5))
    days[IOS] = Pace(1).expect(), days[IOS][1]
    assert {one for one, _ in fired(days, 620)} == {WHOLE}
    assert pace_tests(620, [(Pace(1).expect(), days[WHOLE][1])]) == []


@pytest.mark.parametrize(("minutes", "each"), [(15, 1), (SO_FAR, len(SERIES))])
def test_the_weights_of_a_family_are_one(minutes: int, each: int) -> None:
    assert weights(6, minutes).sum() == pytest.approx(1)
    assert weights(6, minutes).shape == (6 * each,)
    assert weights(1, minutes).shape == (each,)


def test_silence_is_met_before_it_looks_like_a_drop() -> None:
    days = app((0.0, 0.0))
    expected, seen = days[WHOLE]
    silent = next(minute for minute in range(600, 700) if is_silent(minute, expected, seen))
    first = next(minute for minute in range(600, 700) if fired(days, minute))
    assert silent <= 602 < first
    assert not is_silent(600, expected, seen)
    assert not is_silent(700, Pace(1).expect(), seen)


def test_gaps_of_a_day_are_filled_and_a_day_with_a_large_one_is_left_out() -> None:
    day = np.arange(MINUTES + 1, dtype=float)[None].repeat(len(SERIES), 0)
    day[:, 100:200] = np.nan
    found = usual_marks(day)
    assert found is not None
    assert found[0].tolist() == list(range(0, MINUTES + 1, 5))
    day[:, 200:230] = np.nan
    assert usual_marks(day) is None
    assert usual_marks(np.full((len(SERIES), MINUTES + 1), np.nan)) is None


def test_nobody_is_to_blame_where_all_segments_miss_alike() -> None:
    assert blame([1_000, 400, 600], [800, 322, 478]) is None
    assert blame([1_000, 400, 600], [800, 210, 590]) == (1, pytest.approx(0.95))
    assert blame([1_000, 400], [1_100, 300]) is None
    assert blame([0, 0], [0, 0]) is None
