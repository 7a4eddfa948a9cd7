"""The cumulative sum."""

from __future__ import annotations

import numpy as np
import pytest

from stream.churn.cusum import SUM_MAX, Cusum, H


def after(*days: tuple[float, float]) -> Cusum:
    sums = Cusum.zeros()
    for z, drop in days:
        sums = sums.step(np.asarray(z), np.asarray(drop))
    return sums


def test_it_adds_what_falls_short_by_more_than_half_a_deviation() -> None:
    assert after((-1.0, 0.01), (-2.0, 0.03), (0.5, -0.01)).sum == pytest.approx(0.5 + 1.5 - 1.0)


def test_it_never_goes_below_zero_and_a_new_run_begins_there() -> None:
    sums = after((-1.0, 0.01), (9.0, -0.2), (-1.5, 0.04))
    assert (sums.sum, sums.days, sums.mean_drop) == (1.0, 1.0, 0.04)


def test_a_drift_too_small_for_any_single_day_is_met_after_some() -> None:
    assert after(*[(-1.5, 0.02)] * 5).sum <= H < after(*[(-1.5, 0.02)] * 6).sum


def test_a_day_without_a_verdict_changes_nothing() -> None:
    known, unknown = after((-2.0, 0.02)), after((-2.0, 0.02), (np.nan, np.nan))
    assert [float(part) for part in known] == [float(part) for part in unknown]


def test_it_is_bounded_so_that_it_can_come_back() -> None:
    assert after(*[(-8.0, 0.1)] * 50).sum == SUM_MAX
