"""Are the returning users of the last minutes, or of the day so far, too few? The tests of one minute and what they say together.

A population is the whole app or a segment. Its first series are all returning users, then those of each age group (days since first
seen). Each window, and the day so far, is one family of tests.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.churn.discoveries import discoveries, shares
from stream.churn.pace import (
    MARKS,
    MINUTES,
    SO_FAR_MINUTES,
    WINDOWS,
    Expected,
    Found,
    at_minutes,
    level_start,
)

Floats = npt.NDArray[np.float64]

# Days since first seen, the youngest and the oldest of each group; the last one has no oldest.
AGES = ((1, 6), (7, 29), (30, None))
AGE_GROUPS = tuple(f"{youngest}+" if oldest is None else f"{youngest}-{oldest}" for youngest, oldest in AGES)
SERIES = ("", *AGE_GROUPS)
SO_FAR = 0  # the window that is the whole day

Z_FIRE, Z_QUIET = -3.0, -2.0
DROP_MIN, DROP_QUIET = 0.10, 0.05
USERS_MIN = 100
FALSE_RATES: Mapping[int, float] = {15: 2e-6, 60: 4e-6, SO_FAR: 1e-4}  # of the family of one evaluation
WHOLE_SHARE, SO_FAR_WHOLE_SHARE = 0.75, 0.5
UNSEEN_MINUTES_MAX = 60  # of a day so far that is judged; a window has none
GAP_MINUTES_MAX = 120
SILENT_USERS, SILENT_SHARE = 20.0, 0.05


class PaceTest(NamedTuple):
    """One test of one series of one population; `fired` if it is believed, `quiet` if it shows nothing at all."""

    population: int
    series: int
    minutes: int
    seen: float
    expected: float
    z: float
    p: float
    sigma: float
    fired: bool = False

    @property
    def drop(self) -> float:
        """The missing share of the expected users."""
        return 1 - self.seen / self.expected if self.expected > 0 else 0.0

    @property
    def is_enough(self) -> bool:
        """Whether there should be users enough for a verdict."""
        return self.expected >= USERS_MIN and bool(np.isfinite(self.p))

    @property
    def is_low(self) -> bool:
        """Whether z and drop are both large."""
        return self.is_enough and self.z <= Z_FIRE and self.drop >= DROP_MIN

    @property
    def is_quiet(self) -> bool:
        """Whether it does not even look low; of the day so far, which moves slowly, that takes more."""
        if self.minutes == SO_FAR:
            return not self.is_enough or self.z > Z_QUIET or self.drop < DROP_QUIET
        return not self.is_low


def pace_tests(minute: int, days: Sequence[tuple[Expected, Floats]]) -> list[PaceTest]:
    """Every test that is due at a minute of the day, those that are believed marked.

    Args:
        minute: 1..1440, of the local day; what is counted until then stands in the arrays.
            A window with a minute that was not seen is not tested: what came in it may be lost, or late.
        days: of each population what the day should bring, and its returning users so far: series by minute (0..1440), NaN where
            not known. A population that still learns has no tests.
    """
    found: list[PaceTest] = []
    for minutes in [*(w.minutes for w in WINDOWS if minute % w.every == 0 and minute >= w.minutes), SO_FAR]:
        if minutes == SO_FAR and minute % SO_FAR_MINUTES:
            continue
        family = [
            test
            for population, (expected, seen) in enumerate(days)
            if not expected.is_learning
            for test in _tests(population, minutes, minute, expected, seen)
        ]
        found += _believed(family, len(days), minutes)
    return found


def is_silent(minute: int, expected: Expected, seen: Floats) -> bool:
    """Whether hardly anybody came in the last minutes, in which 20 users should have: not churn, but something that is broken.

    The shortest time back in which so many are expected is looked at, so that an outage is met before it looks like a drop.
    """
    if expected.is_learning or minute < WINDOWS[0].minutes:
        return False
    usual = float(at_minutes(expected.windows[WINDOWS[0].minutes][0], np.array(minute)))
    back = int(np.ceil(SILENT_USERS * WINDOWS[0].minutes / usual)) if usual > 0 else MINUTES
    if back > min(WINDOWS[0].minutes, minute):
        return False
    came = seen[0, minute] - seen[0, minute - back]
    return bool(came <= SILENT_SHARE * usual * back / WINDOWS[0].minutes)


def weights(populations: int, minutes: int) -> Floats:
    """Of the tests of one family, population by population: all users of the whole app weigh most."""
    if minutes != SO_FAR:
        return shares([(WHOLE_SHARE, 1), (1 - WHOLE_SHARE, populations - 1)])
    groups, rest = len(AGE_GROUPS), (1 - SO_FAR_WHOLE_SHARE) / 5
    whole = shares([(SO_FAR_WHOLE_SHARE, 1), (2 * rest, groups)])
    each = np.concatenate([[2 * rest], np.full(groups, rest / groups)]) / max(populations - 1, 1)
    return np.concatenate([whole, *([each] * (populations - 1))])


def believed(
    p: Floats, z: Floats, drop: Floats, expected: Floats, weights: Floats, minutes: int
) -> npt.NDArray[np.bool_]:
    """Which tests of a family (last axis) fire: users enough, z and drop large, and the false discovery rate kept."""
    with np.errstate(invalid="ignore"):
        enough = expected >= USERS_MIN
        low = enough & (z <= Z_FIRE) & (drop >= DROP_MIN)
    return discoveries(np.where(enough, p, np.nan), weights, FALSE_RATES[minutes]) & low


def usual_marks(minutes: Floats) -> Floats | None:
    """A day as its history keeps it: series by mark, gaps filled straight; None where too much of it was not seen."""
    filled = minutes.copy()
    at = np.arange(MINUTES + 1)
    for row in filled:
        known = np.flatnonzero(np.isfinite(row))
        if known.size < 2 or np.diff(known).max() > GAP_MINUTES_MAX:
            return None
        if known[0] > GAP_MINUTES_MAX or MINUTES - known[-1] > GAP_MINUTES_MAX:
            return None
        row[:] = np.interp(at, known, row[known])
    return filled[:, :: MINUTES // (MARKS - 1)]


def blame(expected: Sequence[float], seen: Sequence[float]) -> tuple[int, float] | None:
    """The population, after the first, that misses most beyond what the whole app (the first) misses everywhere; with its share of
    the missing users. None where none stands out by two standard errors."""
    missing = expected[0] - seen[0]
    if missing <= 0 or expected[0] <= 0:
        return None
    beyond = [
        (e - s - missing / expected[0] * e) / e**0.5 if e > 0 else 0.0
        for e, s in zip(expected[1:], seen[1:], strict=True)
    ]
    worst = int(np.argmax(beyond)) if beyond else -1
    if worst < 0 or beyond[worst] < 2.0:
        return None
    return worst + 1, min(1.0, (expected[worst + 1] - seen[worst + 1]) / missing)


def _tests(population: int, minutes: int, minute: int, expected: Expected, seen: Floats) -> list[PaceTest]:
    unseen = np.isnan(seen[0, minute - (minutes or minute) : minute + 1]).sum()
    if unseen > (UNSEEN_MINUTES_MAX if minutes == SO_FAR else 0):
        return []
    if minutes == SO_FAR:
        found, count = expected.day_so_far(minute // SO_FAR_MINUTES - 1, seen[:, minute]), len(SERIES)
    else:
        at = np.array([minute])
        whole = seen[:1]
        begin, start = whole[:, at - minutes], whole[:, level_start(at, minutes)]
        found = expected.window(minutes, at, whole[:, at] - begin, begin - start)
        found, count = Found(*(part[:, 0] for part in found)), 1
    numbers = [[float(part[series]) for part in found] for series in range(count)]
    return [
        PaceTest(population, series, minutes, seen, usual, z, p, sigma)
        for series, (seen, usual, z, p, sigma) in enumerate(numbers)
    ]


def _believed(family: list[PaceTest], populations: int, minutes: int) -> list[PaceTest]:
    each = len(SERIES) if minutes == SO_FAR else 1
    p, z, drop, expected = (np.full(populations * each, np.nan) for _ in range(4))
    for test in family:
        at = test.population * each + test.series
        p[at], z[at], drop[at], expected[at] = test.p, test.z, test.drop, test.expected
    kept = believed(p, z, drop, expected, weights(populations, minutes), minutes)
    return [test._replace(fired=bool(kept[test.population * each + test.series])) for test in family]
