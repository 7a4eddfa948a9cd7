"""How do the daily tests of settled cells do? False alarms of a year of quiet days, and how soon a drop is told."""

import numpy as np
import numpy.typing as npt

from bench.churn.world import Array, Happenings, World, cohorts
from stream.churn.cusum import Cusum, H
from stream.churn.incidents import QUIET, SETTLED
from stream.churn.settled import COHORTS, DROP_MIN, Z_QUIET, drifted, fired, scores

Flags = npt.NDArray[np.bool_]
_LATER_MAX = 60


def alarms(world: World, days: int) -> Array:
    """Incidents of each app that open in so many days in which nothing happens but a holiday and a release."""
    happens = Happenings.drawn(world, COHORTS, COHORTS + days)
    opened = _incidents(world, COHORTS + days, happens, np.zeros((len(world.days), COHORTS + days)))
    return opened[..., COHORTS:].sum((1, 2)).astype(float)


def days_until_told(world: World, points: float, n: int = 1) -> Array:
    """Days from the first settled cell of `n` that misses so many points to its incident; infinite where there is none.

    Every share of that n misses them from then on; 0 is the day on which the first such cell settles.
    """
    first = COHORTS + 3
    total = first + _LATER_MAX
    drop = np.zeros((len(world.days), total))
    drop[world.days.index(n), first:] = points
    never = Happenings(*(np.full(world.seeds, -1) for _ in range(3)))
    opened = _incidents(world, total, never, drop)[:, world.days.index(n)]
    opened[:, :first] = False
    return np.where(opened.any(-1), opened.argmax(-1) - first, np.inf).astype(float)


def _incidents(world: World, total: int, happens: Happenings, drop: Array) -> Flags:
    """On which days an incident of each n opens: seeds x n x days, as stream/churn/verdicts.py tells them of one app."""
    users, sizes = cohorts(world, total, happens, drop)
    found = scores(users, sizes)
    low = fired(found, sizes, world.days).any(1)
    z, missing, size = found.z[:, 0], found.drop[:, 0], sizes[:, 0]
    opened, is_open = np.zeros(z.shape, bool), np.zeros(z.shape[:2], bool)
    quiet, sums = np.zeros(z.shape[:2]), Cusum.zeros(z.shape[:2])
    for day in range(total):
        sums = sums.step(z[..., day], missing[..., day])
        now = low[..., day] | drifted(sums, size[..., day])
        opened[..., day] = now & ~is_open
        uneasy = ((z[..., day] <= Z_QUIET) & (missing[..., day] >= DROP_MIN)) | (sums.sum > H)
        quiet = np.where(now | uneasy, 0, quiet + np.isfinite(z[..., day]))
        over = is_open & (quiet >= QUIET[SETTLED])
        is_open = (is_open | now) & ~over
        sums = Cusum(*(np.where(over, 0.0, part) for part in sums))
    return opened
