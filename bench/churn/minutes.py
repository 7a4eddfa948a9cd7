"""How does the live pace do? A year of quiet minutes through its tests, and how soon a drop is told at any minute of the day."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bench.churn.world import DAY_MINUTES, Actives, Array, Happenings, World
from stream.churn.incidents import PACE, Evidence, Incident, judged
from stream.churn.live import (
    DROP_MIN,
    DROP_QUIET,
    SERIES,
    SO_FAR,
    USERS_MIN,
    Z_FIRE,
    Z_QUIET,
    believed,
    weights,
)
from stream.churn.pace import (
    DAYS,
    MARK_MINUTES,
    MARKS,
    SO_FAR_MARKS,
    WEEKDAYS,
    WEEKS,
    WINDOWS,
    Expected,
    Found,
    Pace,
    level_start,
)

Flags = npt.NDArray[np.bool_]
WARM = DAYS + WEEKS * WEEKDAYS
POPULATIONS = 6
_NOTHING = Evidence("", "", "", "", 0, 0, 0, 0, 0, 0, 0)


class Minutes(NamedTuple):
    """What the tests of a day say: seeds x minutes (0..1440)."""

    fired: Flags
    low: Flags
    enough: Flags


class Apps:
    """Some apps, and what their watch knows of them."""

    def __init__(self, world: World, days: int) -> None:
        self.world = world
        self.actives = Actives(world, Happenings.drawn(world, WARM, WARM + days))
        self.pace = Pace(world.seeds * POPULATIONS)
        self.day = 0

    def live(self, days: int) -> Iterator[Minutes]:
        """One quiet day after the other."""
        for _ in range(days):
            expected = self.pace.expect()
            so_far, ages = self.actives.draw(self.day)
            yield self.judge(expected, so_far, ages)
            self.pace.learn(self._marks(so_far, ages), expected)
            self.day += 1

    def warm(self) -> None:
        """Enough days for a whole history."""
        for _ in range(WARM):
            self.pace.learn(self._marks(*self.actives.draw(self.day)))
            self.day += 1

    def judge(self, expected: Expected, so_far: Array, ages: Array) -> Minutes:
        """The tests of one day, as stream/churn/live.py makes them minute by minute."""
        seeds = self.world.seeds
        fired, low = (np.zeros((seeds, DAY_MINUTES + 1), bool) for _ in range(2))
        enough = np.zeros((seeds, DAY_MINUTES + 1), bool)
        flat = so_far.reshape(seeds * POPULATIONS, -1)
        for window in WINDOWS:
            at = np.arange(window.minutes, DAY_MINUTES + 1, window.every)
            begin, start = flat[:, at - window.minutes], flat[:, level_start(at, window.minutes)]
            found = expected.window(window.minutes, at, flat[:, at] - begin, begin - start)
            z, p, drop, usual = self._families(found)
            fired[:, at] |= believed(
                p, z, drop, usual, weights(POPULATIONS, window.minutes), window.minutes
            ).any(-1)
            low[:, at] |= ((z <= Z_FIRE) & (drop >= DROP_MIN) & (usual >= USERS_MIN)).any(-1)
            if window is WINDOWS[0]:
                enough[:, at] = usual[..., 0] >= USERS_MIN
        self._day_so_far(expected, so_far, ages, fired, low)
        return Minutes(fired, low, enough)

    def _day_so_far(self, expected: Expected, so_far: Array, ages: Array, fired: Flags, low: Flags) -> None:
        series = self._marks(so_far, ages)[:, SO_FAR_MARKS]
        for hour in range(24):
            found = self._by_population(expected.day_so_far(hour, series[:, hour]))
            z, p, usual, drop = found.z, found.p, found.expected, found.drop
            at = (hour + 1) * 60
            fired[:, at] |= believed(p, z, drop, usual, weights(POPULATIONS, SO_FAR), SO_FAR).any(-1)
            uneasy = ((z <= Z_QUIET) & (drop >= DROP_QUIET) & (usual >= USERS_MIN)).any(-1)
            low[:, at : at + 60] |= uneasy[:, None]

    def _families(self, found: Found) -> tuple[Array, Array, Array, Array]:
        """z, p, drop and expected users with the populations in the last axis."""
        shape = (self.world.seeds, POPULATIONS, -1)
        parts = found.z, found.p, found.drop, found.expected
        z, p, drop, expected = (np.moveaxis(part.reshape(shape), 1, 2) for part in parts)
        return z, p, drop, expected

    def _by_population(self, found: Found) -> Found:
        """The series in the order of a family: of each population all users, then the age groups."""
        seeds, each = self.world.seeds, len(SERIES)

        def ordered(part: Array) -> Array:
            whole = part[: seeds * POPULATIONS].reshape(seeds, POPULATIONS, 1)
            groups = part[seeds * POPULATIONS :].reshape(seeds, POPULATIONS, each - 1)
            return np.concatenate([whole, groups], -1).reshape(seeds, POPULATIONS * each)

        return Found(*(ordered(part) for part in found))

    def _marks(self, so_far: Array, ages: Array) -> Array:
        whole = so_far.reshape(-1, DAY_MINUTES + 1)[:, ::MARK_MINUTES]
        groups = np.zeros((ages.shape[0] * POPULATIONS * (len(SERIES) - 1), MARKS))
        groups[:, SO_FAR_MARKS] = ages.reshape(len(groups), -1)
        return np.concatenate([whole, groups])


def alarms(apps: Apps, days: int) -> Array:
    """Incidents of each app that open in so many quiet days."""
    opened, incidents = np.zeros(apps.world.seeds), [list[Incident]() for _ in range(apps.world.seeds)]
    for minutes in apps.live(days):
        for seed, mine in enumerate(incidents):
            if minutes.fired[seed].any() or any(one.is_open for one in mine):
                opened[seed] += _followed(mine, Minutes(*(part[seed] for part in minutes)))
                del mine[:-1]
    return opened


def _followed(incidents: list[Incident], day: Minutes) -> int:
    opened = 0
    for fired, low, enough in zip(*(part.tolist() for part in day), strict=True):
        verdict = "fired" if fired else "low" if low else "quiet" if enough else "unclear"
        opened += judged(incidents, PACE, None, verdict, _NOTHING, 0) is not None
    return opened


def minutes_until_told(apps: Apps, share: float, tries: int) -> Array:
    """Minutes of event time from the moment at which a share of the returning users stays away until an incident opens.

    The moments are drawn among those at which the average number of actives an hour comes (within 3 %). Infinite where nothing
    is told on that day; apps that had an alarm on it before are left out.
    """
    rng, found = np.random.default_rng(apps.world.seed + 3), []
    expected, minute = apps.pace.expect(), np.arange(DAY_MINUTES)
    usual = apps.actives.rate(apps.day) / apps.world.actives_an_hour
    moments = np.flatnonzero((np.abs(usual - 1) <= 0.03) & (minute >= 60) & (minute < DAY_MINUTES - 60))
    for _ in range(tries):
        begins = rng.choice(moments, apps.world.seeds)
        kept = np.where(minute[None] >= begins[:, None], 1 - share, 1.0)
        fired = apps.judge(expected, *apps.actives.draw(apps.day, kept)).fired
        for begin, mine in zip(begins, fired, strict=True):
            told = np.flatnonzero(mine)
            if not told.size or told[0] > begin:
                found.append(float(told[0] - begin) if told.size else np.inf)
    return np.array(found)
