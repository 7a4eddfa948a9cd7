"""Which share came back, and how sure is it? Rates with their 95 % Wilson intervals, and pooled averages."""

from collections.abc import Iterable, Sequence
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

Z_95 = NormalDist().inv_cdf(0.975)


class Rate(NamedTuple):
    """A share with its interval; all three None where there is nobody to share by."""

    rate: float | None
    low: float | None
    high: float | None


def wilson(successes: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """The Wilson score interval of `successes` out of `n`.

    With p = successes / n: (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n). It stays inside 0..1
    and holds for small n and for p near 0 or 1, where the usual interval does not. Source: E. B. Wilson,
    "Probable inference, the law of succession, and statistical inference", JASA 22 (1927) 209-212, and
    Brown, Cai, DasGupta, "Interval estimation for a binomial proportion", Stat. Science 16 (2001).

    Raises ValueError unless 0 <= successes <= n and n > 0.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} of {n} is no share")
    p, square = successes / n, z * z / n
    middle, half = p + square / 2, z * sqrt(p * (1 - p) / n + square / (4 * n))
    # At 0 and n the formula gives 0 and 1 exactly, floats only nearly.
    low = 0.0 if successes == 0 else (middle - half) / (1 + square)
    high = 1.0 if successes == n else (middle + half) / (1 + square)
    return low, high


def rate(users: int, size: int) -> Rate:
    """users / size with its interval; nothing where size is 0."""
    if size == 0:
        return Rate(None, None, None)
    return Rate(users / size, *wilson(users, size))


def rates(users: Sequence[int], sizes: Sequence[int]) -> list[Rate]:
    """`rate` of many at once, the same to the last bit. Raises ValueError as `wilson` does."""
    some, of = np.array(users, np.float64), np.array(sizes, np.float64)
    if not ((some >= 0) & (some <= of)).all():
        raise ValueError("not every one is a share")
    with np.errstate(divide="ignore", invalid="ignore"):
        p, square = some / of, Z_95 * Z_95 / of
        middle, half = p + square / 2, Z_95 * np.sqrt(p * (1 - p) / of + square / (4 * of))
        low, high = (middle - half) / (1 + square), (middle + half) / (1 + square)
    low[some == 0] = 0.0
    high[some == of] = 1.0
    found = list(map(Rate, p.tolist(), low.tolist(), high.tolist()))
    for at in np.flatnonzero(of == 0).tolist():
        found[at] = Rate(None, None, None)
    return found


def pooled(cells: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """(users, size) of several cells taken together: big cohorts weigh more, as each user does once."""
    users = size = 0
    for some, of in cells:
        users += some
        size += of
    return users, size
