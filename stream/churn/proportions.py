"""How far is a share from what the same weekday had? Pooled proportions of earlier weeks and the z of the newest.

Arrays run over time in their last axis, a day each; what stands before it (populations, days n) is free.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.retention.rates import Z_95

Floats = npt.NDArray[np.float64]

WEEKDAYS = 7
WEEKS, WEEKS_MIN = 8, 4


class Compared(NamedTuple):
    """Each day against the same weekday of the weeks before it; NaN where those are too few, or nobody was there.

    expected   the pooled share of those weeks
    error      the standard error of the difference, by chance of the users alone
    z          (share - expected) / error
    """

    expected: Floats
    error: Floats
    z: Floats


def compared(users: Floats, sizes: Floats) -> Compared:
    """z of two proportions, with the variance of the pooled earlier share.

    With p = sum(users before) / sum(sizes before) and N = sum(sizes before):
    z = (users / size - p) / sqrt(p (1 - p) (1/size + 1/N)).
    Source: D. C. Montgomery, "Introduction to Statistical Quality Control", control charts for fractions nonconforming with
    variable sample size (standardized chart), the estimation error of p added as in the test of two proportions.
    """
    users, sizes = np.asarray(users, float), np.asarray(sizes, float)
    days = users.shape[-1]
    before_users, before_sizes, weeks = (np.zeros(users.shape) for _ in range(3))
    for back in range(WEEKDAYS, WEEKS * WEEKDAYS + 1, WEEKDAYS):
        if back < days:
            before_users[..., back:] += users[..., :-back]
            before_sizes[..., back:] += sizes[..., :-back]
            weeks[..., back:] += sizes[..., :-back] > 0
    known = (weeks >= WEEKS_MIN) & (sizes > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.where(known, before_users / before_sizes, np.nan)
        error = np.sqrt(expected * (1 - expected) * (1 / sizes + 1 / before_sizes))
        z = np.where(error > 0, (users / sizes - expected) / error, np.nan)
    return Compared(expected, error, z)


def interval(expected: float, error: float, dispersion: float) -> tuple[float, float]:
    """Where a share is expected with 95 % probability: expected -+ 1.96 x dispersion x error, inside 0..1."""
    half = Z_95 * dispersion * error
    return max(0.0, expected - half), min(1.0, expected + half)
