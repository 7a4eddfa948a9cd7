"""Pooled proportions of the same weekday."""

from __future__ import annotations

import numpy as np
import pytest

from stream.churn.proportions import compared, interval


def test_a_share_is_compared_with_the_pooled_shares_of_its_weekday() -> None:
    days = 36
    users, sizes = np.full(days, 10.0), np.full(days, 1_000.0)
    sizes[0::7], users[0::7] = 100.0, [20.0, 30.0, 40.0, 10.0, 25.0, 15.0]
    found = compared(users, sizes)
    p, n = (20 + 30 + 40 + 10 + 25) / 500, 500
    error = (p * (1 - p) * (1 / 100 + 1 / n)) ** 0.5
    assert found.expected[35] == pytest.approx(p)
    assert found.z[35] == pytest.approx((0.15 - p) / error)
    assert found.z[34] == pytest.approx(0.0)


def test_fewer_than_four_weeks_are_no_comparison() -> None:
    found = compared(np.full(40, 10.0), np.full(40, 100.0))
    assert np.isnan(found.z[:28]).all()
    assert np.isfinite(found.z[28:]).all()


def test_days_without_users_count_neither_as_weeks_nor_as_cells() -> None:
    sizes = np.full(40, 100.0)
    sizes[0] = sizes[39] = 0.0
    found = compared(np.minimum(sizes, 10.0), sizes)
    assert np.isnan(found.z[28])
    assert np.isnan(found.z[39])
    assert np.isfinite(found.z[35])


def test_only_the_last_eight_weeks_are_looked_at() -> None:
    users = np.full(64, 10.0)
    users[0] = 100.0
    assert compared(users, np.full(64, 100.0)).expected[63] == pytest.approx(0.1)


def test_the_interval_grows_with_dispersion_and_stays_a_share() -> None:
    assert interval(0.3, 0.01, 1.0) == pytest.approx((0.3 - 0.0196, 0.3 + 0.0196), abs=1e-5)
    assert interval(0.3, 0.01, 2.0) == pytest.approx((0.3 - 0.0392, 0.3 + 0.0392), abs=1e-5)
    assert interval(0.01, 0.1, 2.0)[0] == 0.0
