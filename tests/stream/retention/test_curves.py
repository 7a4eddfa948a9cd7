"""Curves of what a user brings at each age."""

from __future__ import annotations

from math import inf, log

import numpy as np
import pytest

from stream.retention.curves import Shape, fitted, quantile, quasi_likelihood, root, shapes

AGES = np.arange(1.0, 31.0)
EXPOSED = np.linspace(3000, 100, 30)


@pytest.mark.parametrize("shape", list(shapes(30)))
def test_a_curve_without_noise_is_found_again_and_none_fits_better(shape: Shape) -> None:
    revenue = EXPOSED * 7.0 * np.exp(-0.8 * shape.clock(AGES) / shape.clock(AGES)[-1])
    curve = fitted(shape, EXPOSED, revenue)
    assert curve is not None
    assert curve.at(AGES) == pytest.approx(revenue / EXPOSED)
    others = [fitted(other, EXPOSED, revenue) for other in shapes(30)]
    best = max(quasi_likelihood(other, EXPOSED, revenue) for other in others if other is not None)
    assert quasi_likelihood(curve, EXPOSED, revenue) == pytest.approx(best, abs=1e-9)


def test_the_shapes_go_from_a_power_curve_to_an_exponential_one() -> None:
    first, *_, last = shapes(30)
    assert (first, last) == (Shape(0.0), Shape(inf))
    assert first.clock(AGES) == pytest.approx(np.log(AGES))
    assert last.clock(AGES) == pytest.approx(AGES - 1)


def test_a_curve_is_never_drawn_on_rising() -> None:
    curve = fitted(Shape(0.0), EXPOSED, EXPOSED * AGES)
    assert curve is not None
    assert curve.steepness == 0.0
    assert curve.scale == pytest.approx((EXPOSED * AGES).sum() / EXPOSED.sum())


def test_what_is_all_over_at_once_or_nothing_at_all_is_no_curve() -> None:
    assert fitted(Shape(0.0), EXPOSED, np.where(AGES == 1, 100.0, 0.0)) is None
    assert fitted(Shape(0.0), EXPOSED, np.zeros(30)) is None
    assert fitted(Shape(0.0), EXPOSED, -EXPOSED) is None


def test_the_information_is_that_of_poisson_counts() -> None:
    """With a variance equal to the mean the spread over many draws is what the inverse says."""
    rng = np.random.default_rng(1)
    mean = EXPOSED * 0.5 * AGES**-0.6
    draws = [fitted(Shape(0.0), EXPOSED, rng.poisson(mean).astype(float)) for _ in range(400)]
    found = np.array([(log(curve.scale), curve.steepness) for curve in draws if curve is not None])
    exact = fitted(Shape(0.0), EXPOSED, mean)
    assert exact is not None
    assert np.cov(found.T) == pytest.approx(exact.inverse, rel=0.25)


def test_a_quantile_of_a_mixture_lies_where_its_weight_does() -> None:
    one = quantile(0.975, np.array([3.0]), np.array([10.0]), np.array([2.0]))
    assert one == pytest.approx(10 + 1.959964 * 2, abs=1e-5)
    apart = [np.array([1.0, 3.0]), np.array([0.0, 100.0]), np.array([1.0, 1.0])]
    assert quantile(0.125, *apart) == pytest.approx(0.0, abs=1e-6)
    assert quantile(0.625, *apart) == pytest.approx(100.0, abs=1e-6)


def test_a_root_is_where_a_function_is_0() -> None:
    assert root(lambda x: x * x - 2, 0.0, 2.0) == pytest.approx(2**0.5)
