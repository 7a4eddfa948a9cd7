"""Is a share sliding down slowly? The cumulative sum of corrected residuals, for drifts too small for one day to show."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

K, H = 0.5, 5.0
SUM_MAX = 2 * H


class Cusum(NamedTuple):
    """The lower sum of one or many series; `drops` and `days` are of the run since it last stood at 0."""

    sum: Floats
    drops: Floats
    days: Floats

    @classmethod
    def zeros(cls, shape: tuple[int, ...] = ()) -> "Cusum":
        """At the beginning, and after an incident is over."""
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(shape))

    def step(self, z: Floats, drop: Floats) -> "Cusum":
        """One day on: S = max(0, S - z - K), at most SUM_MAX, so that it comes back. A day without a z changes nothing.

        Source: E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954) 100-115; K and H as in Montgomery, "Introduction
        to Statistical Quality Control": a shift of one standard deviation is met after about 10 days, chance meets H in about 930.
        """
        known = np.isfinite(z)
        grown = np.clip(self.sum - np.where(known, z, 0.0) - K, 0.0, SUM_MAX)
        runs = grown > 0
        after = Cusum(
            grown,
            np.where(runs, self.drops + np.where(known, drop, 0.0), 0.0),
            np.where(runs, self.days + known, 0.0),
        )
        return Cusum(*(np.where(known, new, old) for new, old in zip(after, self, strict=True)))

    @property
    def mean_drop(self) -> Floats:
        """By how much the days of the run fell short, on average."""
        return np.asarray(self.drops / np.maximum(self.days, 1.0))
