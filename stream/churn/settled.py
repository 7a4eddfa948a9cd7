"""Did the newest settled cohort come back less than its weekday does? The daily test of every population and day n.

Axes: population (0 is the whole app), day n, cohort by date. A cell is given as it stood when it settled, so that late events are
missing in it as they were missing in those it is compared with.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.churn.cusum import Cusum, H
from stream.churn.discoveries import discoveries, shares
from stream.churn.dispersion import CLIPPED_EFFICIENCY, RESIDUALS, dispersions, lower_tail
from stream.churn.proportions import WEEKDAYS, WEEKS, compared

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# So many cohorts are looked at for one test: those of the residuals, and the weeks before the first of them.
COHORTS = RESIDUALS + WEEKS * WEEKDAYS + 1
Z_FIRE, Z_QUIET = -3.0, -2.0
DROP_MIN = 0.02
USERS_MIN = 500
FALSE_RATE = 0.003  # of the family of one day
WHOLE_SHARE = 0.75  # of the weight of the tests is that of the whole app, the rest is that of its segments


class Scores(NamedTuple):
    """What the tests found, each with the axes of the cells."""

    expected: Floats
    error: Floats
    dispersion: Floats
    z: Floats
    p: Floats
    drop: Floats


def scores(users: Floats, sizes: Floats) -> Scores:
    """Every cohort against those before it: pooled proportions, corrected by the dispersion of earlier residuals."""
    share = compared(users, sizes)
    ratio, residuals = dispersions(share.z)
    z = share.z / ratio
    with np.errstate(invalid="ignore", divide="ignore"):
        drop = share.expected - users / sizes
    return Scores(share.expected, share.error, ratio, z, lower_tail(z, residuals, CLIPPED_EFFICIENCY), drop)


def weights(populations: int, days: Sequence[int]) -> Floats:
    """Of the tests of one evaluation, population by population: the whole app weighs most, and early days more than late ones."""
    early = np.array([1 / n for n in days])
    each = shares([(WHOLE_SHARE, 1), (1 - WHOLE_SHARE, populations - 1)])
    return np.asarray((each[:, None] * early / early.sum()).ravel())


def fired(found: Scores, sizes: Floats, days: Sequence[int]) -> Flags:
    """Which cells are too low: z, drop, users and the false discovery rate all have to agree. Last axis of `found` is time."""
    populations, ns, cohorts = found.z.shape[-3:]
    p = np.moveaxis(found.p, -1, -3).reshape(*found.p.shape[:-3], cohorts, populations * ns)
    kept = discoveries(p, weights(populations, days), FALSE_RATE)
    kept = np.moveaxis(kept.reshape(*p.shape[:-1], populations, ns), -3, -1)
    with np.errstate(invalid="ignore"):
        return np.asarray(kept & (found.z <= Z_FIRE) & (found.drop >= DROP_MIN) & (sizes >= USERS_MIN))


def drifted(sums: Cusum, sizes: Floats) -> Flags:
    """Whether the whole app slid down far enough to be told."""
    return np.asarray((sums.sum > H) & (sums.mean_drop >= DROP_MIN) & (sizes >= USERS_MIN))
