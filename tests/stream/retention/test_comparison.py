"""The statistics of comparisons, against published numbers and laws."""

from __future__ import annotations

from math import isclose
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.retention.comparison import compared, holm, newcombe, sample_ratio, two_proportions

NORMAL = NormalDist()

# a, b, interval of a - b: Newcombe 1998, table II, method 10.
PUBLISHED = [
    ((56, 70), (48, 80), 0.0524, 0.3339),
    ((9, 10), (3, 10), 0.1705, 0.8090),
    ((6, 7), (2, 7), 0.0582, 0.8062),
    ((5, 56), (0, 29), -0.0381, 0.1926),
    ((0, 10), (0, 20), -0.1611, 0.2775),
    ((0, 10), (0, 10), -0.2775, 0.2775),
    ((10, 10), (0, 20), 0.6791, 1.0),
    ((10, 10), (0, 10), 0.6075, 1.0),
]


@st.composite
def shares(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 10**6))
    return draw(st.integers(0, n)), n


@pytest.mark.parametrize(("a", "b", "low", "high"), PUBLISHED)
def test_the_interval_is_the_published_one(
    a: tuple[int, int], b: tuple[int, int], low: float, high: float
) -> None:
    assert newcombe(b, a) == pytest.approx((low, high), abs=5e-5)


@given(shares(), shares())
def test_the_interval_holds_the_difference_and_turns_with_it(a: tuple[int, int], b: tuple[int, int]) -> None:
    low, high = newcombe(a, b)
    assert -1 - 1e-12 <= low <= b[0] / b[1] - a[0] / a[1] + 1e-12
    assert b[0] / b[1] - a[0] / a[1] - 1e-12 <= high <= 1 + 1e-12
    assert newcombe(b, a) == pytest.approx((-high, -low), abs=1e-12)


def test_z_and_p_are_those_of_a_textbook() -> None:
    z, p = two_proportions((48, 80), (56, 70))
    # 104 of 150 together: 0.2 / sqrt(0.69333 * 0.30667 * (1/70 + 1/80))
    assert z == pytest.approx(2.6502, abs=5e-5)
    assert z is not None
    assert p == pytest.approx(2 * NORMAL.cdf(-z), abs=1e-15)


@given(shares(), shares())
def test_p_is_two_sided_and_the_same_whoever_is_first(a: tuple[int, int], b: tuple[int, int]) -> None:
    (z, p), (back, same) = two_proportions(a, b), two_proportions(b, a)
    if z is None or p is None or back is None or same is None:
        assert a[0] + b[0] in (0, a[1] + b[1]), "only without variance"
        return
    assert isclose(z, -back, abs_tol=1e-12)
    assert isclose(p, same, abs_tol=1e-12)
    assert isclose(p, 2 * NORMAL.cdf(-abs(z)), abs_tol=1e-12)


def test_a_very_large_difference_has_a_p_above_zero() -> None:
    _, p = two_proportions((1_000, 10_000), (1_900, 10_000))
    assert p is not None
    assert 0 < p < 1e-70


def test_without_users_or_without_variance_there_is_nothing_to_say() -> None:
    assert set(compared((0, 0), (5, 10))) == {None}
    assert set(compared((5, 10), (0, 0))) == {None}
    assert compared((0, 10), (0, 20))[3:] == (None, None)
    assert compared((10, 10), (20, 20))[3:] == (None, None)
    assert compared((0, 10), (0, 20)).difference == 0


def test_holm_is_as_published() -> None:
    # The values that p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") of R gives.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([None, 0.02, None, 0.01]) == [None, 0.02, None, 0.02], "what is not known is no test"
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_only_raises_and_keeps_the_order(ps: list[float]) -> None:
    corrected = holm(ps)
    for p, up in zip(ps, corrected, strict=True):
        assert up is not None
        assert p <= up <= 1
    assert sorted(range(len(ps)), key=lambda at: (corrected[at], ps[at])) == sorted(
        range(len(ps)), key=lambda at: ps[at]
    )


def test_even_sizes_are_likely_and_uneven_ones_are_not() -> None:
    assert sample_ratio([500, 500], [1, 1]) == 1
    # The example of Fabijan et al.: 821,588 and 815,482 users of an even split.
    p = sample_ratio([821_588, 815_482], [50, 50])
    assert p == pytest.approx(1.8e-6, rel=0.05)
    assert sample_ratio([100, 900], [10, 90]) == 1
    assert sample_ratio([0, 0], [1, 1]) is None


def test_three_variants_have_two_degrees_of_freedom() -> None:
    # With two degrees the survival is exp(-x / 2); x = (10^2 + 0 + 10^2) / 100.
    assert sample_ratio([110, 100, 90], [1, 1, 1]) == pytest.approx(2.718281828459045**-1)
