"""Laney's correction."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, t

from stream.churn.dispersion import (
    CLIPPED_EFFICIENCY,
    MAD_EFFICIENCY,
    RESIDUALS_MIN,
    clipped_sigma,
    dispersions,
    lower_tail,
    mad_sigma,
)


def test_residuals_of_chance_alone_give_one_and_wilder_ones_their_spread() -> None:
    rng = np.random.default_rng(1)
    ratio, _ = dispersions(rng.normal(0, 2, (200, 120)))
    assert np.mean(ratio[:, -1]) == pytest.approx(2.0, rel=0.05)
    assert (dispersions(rng.normal(0, 0.3, (10, 120)))[0][:, -1] == 1.0).all()


def test_a_day_is_not_among_the_residuals_it_is_judged_by() -> None:
    z = np.random.default_rng(2).normal(0, 2, 60)
    wild = z.copy()
    wild[59] = 1_000.0
    assert dispersions(z)[0][59] == dispersions(wild)[0][59]


def test_a_few_outliers_do_not_move_the_spread() -> None:
    z = np.random.default_rng(3).normal(0, 2, 85)
    wild = z.copy()
    wild[[10, 20, 30]] = -40.0
    assert dispersions(wild)[0][84] == pytest.approx(dispersions(z)[0][84], rel=0.15)
    assert mad_sigma(np.array([1.0, 2.0, 3.0, 4.0, 100.0])) == pytest.approx(1.4826)


def test_the_spread_is_known_as_well_as_its_efficiency_says() -> None:
    values = np.random.default_rng(4).normal(0, 2, (20_000, 84))
    for estimate, efficiency in ((mad_sigma, MAD_EFFICIENCY), (clipped_sigma, CLIPPED_EFFICIENCY)):
        sigma = estimate(values)
        assert sigma.mean() == pytest.approx(2.0, rel=0.02)
        assert values.std(axis=-1).var() / sigma.var() == pytest.approx(efficiency, rel=0.1)


def test_residuals_that_are_all_the_same_have_no_spread_and_holes_are_left_out() -> None:
    same = np.full((2, 84), 0.1)
    same[1, ::3] = np.nan
    assert clipped_sigma(same) == pytest.approx([0.0, 0.0], abs=1e-12)
    holes = np.random.default_rng(5).normal(0, 2, (1, 84))
    more = np.insert(holes, range(0, 84, 4), np.nan, axis=1)
    assert clipped_sigma(more) == pytest.approx(clipped_sigma(holes))


def test_too_few_residuals_are_no_spread() -> None:
    ratio, known = dispersions(np.arange(RESIDUALS_MIN + 1, dtype=float))
    assert np.isnan(ratio[RESIDUALS_MIN - 1])
    assert ratio[RESIDUALS_MIN] > 1
    assert known.tolist() == list(range(RESIDUALS_MIN + 1))


def test_a_spread_that_is_known_from_few_days_makes_a_z_less_unlikely() -> None:
    z = np.array([-3.0])
    assert lower_tail(z) == pytest.approx(norm.cdf(-3))
    assert lower_tail(z, np.array([85.0])) == pytest.approx(t.cdf(-3, 0.37 * 84))
    assert lower_tail(z, np.array([15.0])) > lower_tail(z, np.array([85.0])) > lower_tail(z)
