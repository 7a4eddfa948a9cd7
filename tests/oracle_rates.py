"""How sure is a share, and do two shares differ? Textbook formulas, written out one by one."""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, sqrt
from statistics import NormalDist
from typing import Any

Z_95 = NormalDist().inv_cdf(0.975)


def wilson(users: int, size: int) -> tuple[float | None, float | None]:
    """The 95 % score interval of a share, without continuity correction (Wilson 1927)."""
    if size == 0:
        return None, None
    rate, square = users / size, Z_95 * Z_95
    middle = (rate + square / (2 * size)) / (1 + square / size)
    half = Z_95 * sqrt(rate * (1 - rate) / size + square / (4 * size * size)) / (1 + square / size)
    return max(0.0, middle - half), min(1.0, middle + half)


def share(users: int, size: int) -> dict[str, Any]:
    low, high = wilson(users, size)
    return {"users": users, "rate": users / size if size else None, "low": low, "high": high}


def newcombe(a: tuple[int, int], b: tuple[int, int]) -> tuple[float, float]:
    """The 95 % interval of the share of `b` minus that of `a`, each (users, size): method 10 of Newcombe (1998)."""
    (low_a, high_a), (low_b, high_b) = wilson(*a), wilson(*b)
    assert low_a is not None
    assert high_a is not None
    assert low_b is not None
    assert high_b is not None
    rate_a, rate_b = a[0] / a[1], b[0] / b[1]
    difference = rate_b - rate_a
    down = sqrt((rate_b - low_b) ** 2 + (high_a - rate_a) ** 2)
    up = sqrt((high_b - rate_b) ** 2 + (rate_a - low_a) ** 2)
    return difference - down, difference + up


def z_test(a: tuple[int, int], b: tuple[int, int]) -> tuple[float | None, float | None]:
    """(z, two-sided p) of b minus a with the pooled variance. Where nobody or everybody came back it is 0 / 0: nothing."""
    pooled = (a[0] + b[0]) / (a[1] + b[1])
    variance = pooled * (1 - pooled) * (1 / a[1] + 1 / b[1])
    if variance == 0:
        return None, None
    z = (b[0] / b[1] - a[0] / a[1]) / sqrt(variance)
    return z, erfc(abs(z) / sqrt(2))


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """p values corrected for being many (Holm 1979), in their order; one that could not be worked out is not among the many."""
    ranked = sorted((p, at) for at, p in enumerate(ps) if p is not None)
    corrected: list[float | None] = [None] * len(ps)
    worst = 0.0
    for rank, (p, at) in enumerate(ranked):
        worst = max(worst, min(1.0, p * (len(ranked) - rank)))
        corrected[at] = worst
    return corrected
