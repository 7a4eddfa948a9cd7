"""How does what a user brings fall off with age? Curves g(n) for n = 1, 2, ..., each with a shape of its own.

g(n) = scale exp(-steepness clock(n)), and the clock is the shape: log n makes a power curve, n an exponential one, and log(n + c)
goes from the one to the other as c grows. It is the survival of users whose chance to leave differs from one to the next: the
shifted beta-geometric, in continuous time (P. Fader, B. Hardie, "How to project customer retention", J. Interactive Marketing 21
(2007); K. Lomax, JASA 49 (1954)).

Importing SciPy takes more than a second, so it is imported at the first fit: a process that projects nothing never pays for it.
"""

from collections.abc import Callable, Iterator
from math import inf
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SHIFTS_PER_CELL = 8  # a shift so many times the cells there are looks like an exponential within them
_SIGMAS = 8.0  # so far out nothing is left of a normal distribution
_EXPONENT_MAX = 500.0  # exp() of more is no use as a weight


class Shape(NamedTuple):
    """A clock: log(n + shift); n itself where the shift is infinite."""

    shift: float

    def clock(self, n: Floats) -> Floats:
        """The clock at n, starting with 0 at n = 1."""
        return n - 1 if self.shift == inf else np.log((n + self.shift) / (1 + self.shift))


class Curve(NamedTuple):
    """A fitted curve. `inverse` is the inverse of its information about (log scale, steepness)."""

    shape: Shape
    scale: float
    steepness: float
    inverse: Floats

    def at(self, n: Floats) -> Floats:
        """g(n)."""
        return self.scale * np.exp(-self.steepness * self.shape.clock(n))


def shapes(cells: int) -> Iterator[Shape]:
    """The shapes that so many cells could tell apart, from the power curve to the exponential one."""
    yield Shape(0.0)
    shift = 0.5
    while shift <= _SHIFTS_PER_CELL * cells:
        yield Shape(shift)
        shift *= 2
    yield Shape(inf)


def fitted(shape: Shape, exposed: Floats, revenue: Floats) -> Curve | None:
    """The curve of one shape through the cells 1, 2, ...: how many users each had, and their revenue together.

    By quasi-likelihood: the variance of a cell is in proportion to its mean, so cells of many users weigh more, and money
    that went back may make one negative. The scale follows from the steepness, and that is the root of one falling function.
    It is never below 0: a curve that rises is not drawn on. None where all is over at once, or nothing was brought.
    """
    clock = shape.clock(np.arange(1.0, revenue.size + 1))
    total = float(revenue.sum())
    if total <= 0:
        return None
    observed = float(revenue @ clock) / total

    def excess(steepness: float) -> float:
        weights = exposed * np.exp(-steepness * clock)
        return float(weights @ clock) / float(weights.sum()) - observed

    steepness = 0.0
    if excess(0.0) > 0:
        steepest = _EXPONENT_MAX / float(clock[-1])
        if excess(steepest) >= 0:
            return None
        steepness = root(excess, 0.0, steepest)
    weights = exposed * np.exp(-steepness * clock)
    scale = total / float(weights.sum())
    one, two = scale * float(weights @ clock), scale * float(weights @ clock**2)
    determinant = total * two - one * one
    return Curve(shape, scale, steepness, np.array([[two, one], [one, total]]) / determinant)


def quasi_likelihood(curve: Curve, exposed: Floats, revenue: Floats) -> float:
    """How well the curve goes through the cells; only differences between curves mean something."""
    mean = curve.at(np.arange(1.0, revenue.size + 1))
    return float(revenue @ np.log(mean) - exposed @ mean)


def quantile(share: float, weights: Floats, middles: Floats, spreads: Floats) -> float:
    """Below which number the mixture of these normal distributions has a share of its weight."""
    from scipy.special import ndtr

    def below(x: float) -> float:
        return float(weights @ ndtr((x - middles) / spreads) / weights.sum()) - share

    return root(below, float((middles - _SIGMAS * spreads).min()), float((middles + _SIGMAS * spreads).max()))


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function is 0 that has different signs at the two ends."""
    from scipy.optimize import brentq

    return float(brentq(function, low, high))
