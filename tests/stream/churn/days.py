"""Which days do tests of the pace know? A profile with a night and an evening, drawn again for each day."""

from __future__ import annotations

import numpy as np

from stream.churn.pace import MARK_MINUTES, MINUTES, Expected, Floats, Pace, level_start


def drawn(rng: np.random.Generator, users_an_hour: float = 5_000.0, kept: Floats | None = None) -> Floats:
    """Users so far by minute of one day, as one series."""
    hours = np.arange(MINUTES) / 60
    rate = users_an_hour / 60 * (1 - 0.5 * np.cos((hours - 4) / 24 * 2 * np.pi))
    minutes = rng.poisson(rate * (1.0 if kept is None else kept))
    return np.concatenate([[0.0], minutes.cumsum()])[None]


def marks(day: Floats) -> Floats:
    """A day as its history keeps it."""
    return day[:, ::MARK_MINUTES]


def learned(days: int = 63, level: float = 0.0, seed: int = 1) -> tuple[Pace, np.random.Generator]:
    """A pace that has seen so many days, each better or worse by `level` (one deviation, relative)."""
    rng, pace = np.random.default_rng(seed), Pace(1)
    for _ in range(days):
        factor = float(np.exp(rng.normal(0, level)))
        pace.learn(marks(drawn(rng, kept=np.full(MINUTES, factor))))
    return pace, rng


def window_z(expected: Expected, day: Floats, minute: int, minutes: int = 15) -> float:
    """z of the window that ends at a minute."""
    at = np.array([minute])
    begin, start = day[:, at - minutes], day[:, level_start(at, minutes)]
    return float(expected.window(minutes, at, day[:, at] - begin, begin - start).z[0, 0])
