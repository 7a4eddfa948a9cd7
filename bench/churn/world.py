"""What does the traffic of the simulated apps look like? Every knob, and the draws; many apps side by side.

An app has users on two platforms in three countries, which makes five segments beside the whole app. Weeks and hours have
seasons; days differ more than chance (over-dispersion), and so do hours; some events come late. Once a year there is a holiday
nobody announced, with more users for half of the apps and fewer for the others, and a release after which more come back.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

DAY_MINUTES = 1440
SEGMENTS = ("platform:ios", "platform:android", "country:VN", "country:US", "country:DE")
CELL_SHARES = (np.array([0.4, 0.6])[:, None] * np.array([0.45, 0.30, 0.25])[None, :]).ravel()
AGE_SHARES = (0.15, 0.25, 0.60)


@dataclass(frozen=True)
class World:
    """The traffic. Deviations are relative, of one day to the next, unless they say otherwise."""

    seeds: int
    seed: int = 1
    # Cohorts.
    installs: int = 2_000
    rates: tuple[float, ...] = (0.22, 0.08)  # of the days n
    days: tuple[int, ...] = (1, 7)
    rate_dispersion: float = 2.0  # variance of a day's share against the binomial's, at `installs`
    installs_deviation: float = 0.08
    # Of returns that come after their cell was tested; differs from day to day by half of that.
    late_share: float = 0.02
    platform_ratio: float = 1.05  # iOS against the mean
    # Actives.
    actives_an_hour: float = 5_000  # returning users seen for the first time that day, on the average hour
    # With 5,000 an hour that is 3 times the variance of Poisson for an hour, 50 times for a day.
    day_deviation: float = 0.02
    hour_deviation: float = 0.01
    # What happens.
    holiday_returns: float = 0.08  # more or fewer come back
    holiday_actives: float = 0.10
    release_returns: float = 0.04  # more come back from then on
    # For good, and on its first day, half of it gone after a day and a half.
    release_actives: tuple[float, float] = (0.03, 0.07)

    @property
    def rng(self) -> np.random.Generator:
        """A generator of its own for every use, so that parts do not depend on each other's order."""
        return np.random.default_rng(self.seed)


WEEK_INSTALLS = np.array([1.0, 0.98, 0.97, 0.98, 1.02, 1.15, 1.12])
WEEK_RETURNS = np.array([1.0, 0.97, 0.94, 0.97, 1.03, 1.06, 1.03])
WEEK_ACTIVES = np.array([1.0, 0.97, 0.96, 0.97, 1.02, 1.10, 1.08])


def day_profile() -> Array:
    """Actives by minute against the mean of the day: quiet at four at night, most at seven in the evening."""
    hours = np.arange(DAY_MINUTES) / 60
    profile = 1 + 0.55 * np.sin((hours - 9.5) / 24 * 2 * np.pi) + 0.18 * np.sin((hours - 18) / 12 * 2 * np.pi)
    return np.asarray(profile / profile.mean())


def delays() -> Array:
    """How many minutes after they happened events are counted: most at once, one in fifty up to six hours later."""
    kernel = np.zeros(361)
    kernel[:3] = 0.80, 0.10, 0.05
    kernel[3:31] += 0.03 / 28
    kernel[31:] += 0.02 / 330
    return kernel


def populations(cells: Array, axis: int = 1) -> Array:
    """The whole app and its segments, from platforms x countries on one axis."""
    cells = np.moveaxis(cells, axis, 0)
    parts = cells.reshape(2, 3, *cells.shape[1:])
    whole = parts.sum((0, 1))[None]
    return np.moveaxis(np.concatenate([whole, parts.sum(1), parts.sum(0)]), 0, axis)


@dataclass(frozen=True)
class Happenings:
    """On which day of each app what happens: holiday (with its sign) and release."""

    holiday: npt.NDArray[np.int64]
    sign: npt.NDArray[np.int64]
    release: npt.NDArray[np.int64]

    @classmethod
    def drawn(cls, world: World, first: int, last: int) -> "Happenings":
        """Both between two days."""
        rng = world.rng
        sign = np.where(np.arange(world.seeds) % 2, 1, -1)
        return cls(rng.integers(first, last, world.seeds), sign, rng.integers(first, last, world.seeds))


def cohorts(world: World, days: int, happens: Happenings, drop: Array) -> tuple[Array, Array]:
    """(users who came back, sizes), each of seeds x populations x n x settled day.

    Args:
        drop: points (as shares) that are missing from the share of each n on each day.
    """
    rng, today = np.random.default_rng(world.seed + 1), np.arange(days)
    mean = world.installs * WEEK_INSTALLS[today % 7] / WEEK_INSTALLS.mean()
    mean = mean * np.exp(rng.normal(0, world.installs_deviation, (world.seeds, days)))
    sizes = rng.poisson(mean[:, None, :] * CELL_SHARES[None, :, None])
    ratio = np.array([world.platform_ratio] * 3 + [1.0] * 3)
    ratio = ratio / (ratio * CELL_SHARES).sum()
    released = today >= happens.release[:, None]
    holiday = (today == happens.holiday[:, None]) * happens.sign[:, None]
    users = []
    for row, rate in enumerate(world.rates):
        spread = np.sqrt((world.rate_dispersion - 1) * rate * (1 - rate) / world.installs)
        share = rate * WEEK_RETURNS[today % 7] + rng.normal(0, spread, (world.seeds, days))
        share = share * (1 + world.release_returns * released) * (1 + world.holiday_returns * holiday)
        share = share - drop[row]
        late = rng.beta(4, 4 / world.late_share - 4, (world.seeds, days))
        cells = share[:, None, :] * ratio[None, :, None] * (1 - late)[:, None, :]
        users.append(rng.binomial(sizes, np.clip(cells, 0, 1)))
    back = populations(np.stack(users, axis=2).astype(float))
    return back, np.repeat(populations(sizes.astype(float))[:, :, None], len(world.rates), axis=2)


class Actives:
    """Draws the returning users of one day after the other."""

    def __init__(self, world: World, happens: Happenings) -> None:
        self._world, self._happens = world, happens
        self._rng = np.random.default_rng(world.seed + 2)
        self._profile, self._delays = day_profile(), np.fft.rfft(delays(), 2048)

    def rate(self, day: int) -> Array:
        """Users an hour by minute, as they are on average."""
        return np.asarray(self._world.actives_an_hour * WEEK_ACTIVES[day % 7] * self._profile)

    def draw(self, day: int, kept: Array | None = None) -> tuple[Array, Array]:
        """Users so far: seeds x populations x minutes (0..1440), and seeds x populations x age groups x hours.

        Args:
            kept: the share of users that still comes, by seed and minute.
        """
        world, rng = self._world, self._rng
        level = self._level(day) * np.exp(rng.normal(0, world.day_deviation, world.seeds))
        hours = np.exp(rng.normal(0, world.hour_deviation, (world.seeds, 24))).repeat(60, axis=1)
        happen = self.rate(day) / 60 * level[:, None] * hours * (1.0 if kept is None else kept)
        counted = np.fft.irfft(np.fft.rfft(happen, 2048) * self._delays, 2048)[:, :DAY_MINUTES]
        minutes = rng.poisson(counted[:, None, :] * CELL_SHARES[None, :, None])
        hourly = minutes.reshape(world.seeds, 6, 24, 60).sum(-1)
        young = rng.binomial(hourly, AGE_SHARES[0])
        middle = rng.binomial(hourly - young, AGE_SHARES[1] / (1 - AGE_SHARES[0]))
        ages = np.stack([young, middle, hourly - young - middle], axis=2)
        so_far = populations(minutes.cumsum(-1).astype(float))
        nobody = np.zeros((*so_far.shape[:2], 1))
        return np.concatenate([nobody, so_far], -1), populations(ages.cumsum(-1).astype(float))

    def _level(self, day: int) -> Array:
        world, happens = self._world, self._happens
        since = np.maximum(day - happens.release, 0)
        stays, first = world.release_actives
        released = np.where(day >= happens.release, stays + first * 0.5 ** (since / 1.5), 0.0)
        return np.asarray(
            (1 + released) * (1 + world.holiday_actives * happens.sign * (day == happens.holiday))
        )
