"""Do two shares differ, and by how much? Tests of proportions: z, Newcombe's interval, Holm's correction, sample ratio.

A share is a pair (successes, n). Where a number is not defined (nobody asked, no variance) it is None.
"""

from collections.abc import Sequence
from math import erfc, sqrt
from typing import NamedTuple

from stream.retention.rates import Z_95, wilson

Share = tuple[int, int]


class Difference(NamedTuple):
    """How much larger the second share is, with its 95 % interval, the test statistic and its two-sided p."""

    difference: float | None
    low: float | None
    high: float | None
    z: float | None
    p: float | None


def compared(a: Share, b: Share) -> Difference:
    """b - a: the interval of `newcombe`, z and p of `two_proportions`."""
    if not a[1] or not b[1]:
        return Difference(None, None, None, None, None)
    return Difference(b[0] / b[1] - a[0] / a[1], *newcombe(a, b), *two_proportions(a, b))


def newcombe(a: Share, b: Share, z: float = Z_95) -> tuple[float, float]:
    """The interval of b - a from the Wilson intervals of both shares; both must have somebody.

    With the shares p, their Wilson limits l and u: from (pb - pa) - sqrt((pb - lb)^2 + (ua - pa)^2)
    to (pb - pa) + sqrt((ub - pb)^2 + (pa - la)^2). It keeps inside -1..1 and holds for small samples. Source: R. G. Newcombe,
    "Interval estimation for the difference between independent proportions: comparison of eleven methods",
    Statistics in Medicine 17 (1998) 873-890, method 10.
    """
    (low_a, high_a), (low_b, high_b) = wilson(*a, z), wilson(*b, z)
    rate_a, rate_b = a[0] / a[1], b[0] / b[1]
    difference = rate_b - rate_a
    return (
        difference - sqrt((rate_b - low_b) ** 2 + (high_a - rate_a) ** 2),
        difference + sqrt((high_b - rate_b) ** 2 + (rate_a - low_a) ** 2),
    )


def two_proportions(a: Share, b: Share) -> tuple[float | None, float | None]:
    """z and two-sided p of the hypothesis that both shares are one, its variance pooled; None where that variance is 0."""
    together, n = a[0] + b[0], a[1] + b[1]
    if not 0 < together < n:
        return None, None
    pooled = together / n
    z = (b[0] / b[1] - a[0] / a[1]) / sqrt(pooled * (1 - pooled) * (1 / a[1] + 1 / b[1]))
    return z, erfc(abs(z) / sqrt(2))


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """The p values corrected for how many they are, so that any error among them stays as rare as in one; None stays None.

    The smallest is multiplied by their number, the next by one less, and so on, each at least the one before. Source: S. Holm,
    "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979) 65-70.
    """
    order = sorted((p, at) for at, p in enumerate(ps) if p is not None)
    corrected: list[float | None] = [None] * len(ps)
    least = 0.0
    for rank, (p, at) in enumerate(order):
        least = max(least, min(1.0, p * (len(order) - rank)))
        corrected[at] = least
    return corrected


def sample_ratio(sizes: Sequence[int], ratio: Sequence[float]) -> float | None:
    """How likely so uneven sizes are where users are split by `ratio`: p of Pearson's chi-square test of fit; None without users.

    A very small p says that the split or the counting is broken, so that the shares cannot be compared. Source: A. Fabijan et al.,
    "Diagnosing sample ratio mismatch in online controlled experiments", KDD 2019.
    """
    total, whole = sum(sizes), sum(ratio)
    if not total:
        return None
    expected = [total * part / whole for part in ratio]
    square = sum((size - other) ** 2 / other for size, other in zip(sizes, expected, strict=True))
    if len(sizes) == 2:
        return erfc(sqrt(square / 2))
    from scipy.special import chdtrc  # only here: it takes a while to load

    return float(chdtrc(len(sizes) - 1, square))
