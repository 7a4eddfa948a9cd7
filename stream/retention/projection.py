"""What will a user have been worth later on? Revenue per user beyond the cells that are complete, with its interval.

Period 0, in which people arrive, and all complete cells stand as observed; from there on a curve goes (curves.py). The cells
cannot tell the shape of the curve for sure, least of all when they are few, so the projection is taken over all shapes, each
weighed by how well it fits: the mixture says where the middle is and where 95 % are.

For each shape the spread comes from the users: how far the projection would move without each of them (delta method, robust
variance of clustered data: K.-Y. Liang, S. Zeger, Biometrika 73 (1986)), so users who pay much, or again and again, widen it. The
interval is that of what users like these are worth on average. It holds as far as things go on as they began.

Numbers are floats here, since an estimate is no amount. Whatever is summed over users is summed exactly, so their order changes
nothing.
"""

from collections.abc import Sequence
from math import exp, fsum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stream.retention.curves import Curve, Floats, fitted, quantile, quasi_likelihood, shapes

METHOD = "shifted_power"
CELLS_MIN = 6  # complete cells after cell 0; fewer are no curve
PAYMENTS_MIN = 30  # entries after cell 0
REACH = 13  # times as far as the last complete cell: a week tells of three months, a month of a year
WIDTH_MAX = 10.0  # of high / low; an interval wider than that tells nobody anything
_SHARES = 0.025, 0.5, 0.975
_SPREAD_MIN = 1e-9
_BLOCKS_MAX = 64
_EXACT_BITS = 52  # whole numbers of so many bits are added exactly by floats, in any order

Ints = npt.NDArray[np.int64]


class Cohorts(NamedTuple):
    """The rows of an answer: how many users, and how many complete cells from 0 on."""

    sizes: Ints
    complete: Ints


class Payments(NamedTuple):
    """What was paid in complete cells, entry by entry. `users` are numbered from 0, `cohorts` are places in the rows."""

    users: Ints
    cohorts: Ints
    cells: Ints
    amounts_minor: Ints


class Projected(NamedTuple):
    """Minor units per user up to period n, and the 95 % interval."""

    n: int
    ltv_minor: float
    low_minor: float
    high_minor: float


class Projection(NamedTuple):
    """`cells` complete cells after cell 0 made it, of cohorts with `users` users."""

    cells: int
    users: int
    points: list[Projected]


class _Moments(NamedTuple):
    """Sums over users of what they paid by block of cells: of its products, and by cohort."""

    block: Ints  # of each cell
    products: Floats
    by_cohort: Floats


class _Guess(NamedTuple):
    """What one shape says: its weight (not yet of sum 1), and of each horizon the LTV and its relative spread."""

    weight: float
    ltv: Floats
    spread: Floats


def project(cohorts: Cohorts, paid: Payments, horizons: Sequence[int]) -> Projection | None:
    """The projections to the horizons that lie behind what is complete; None where the data does not carry one."""
    cells = int(cohorts.complete[cohorts.sizes > 0].max(initial=0))
    last = cells - 1
    wanted = sorted({n for n in horizons if last < n <= last * REACH})
    if last < CELLS_MIN or np.count_nonzero(paid.cells) < PAYMENTS_MIN or not wanted:
        return None
    exposed, revenue = _exposed(cohorts, cells), _sums(paid.cells, paid.amounts_minor, cells)
    curves = [fitted(shape, exposed[1:], revenue[1:]) for shape in shapes(last)]
    moments = _moments(cohorts, paid, cells)
    guesses = _guesses([curve for curve in curves if curve], cohorts, moments, exposed, revenue, wanted)
    points = [_mixed(n, guesses, at) for at, n in enumerate(wanted)]
    known = [point for point in points if point is not None]
    return Projection(last, int(exposed[0]), known) if known else None


def _exposed(cohorts: Cohorts, cells: int) -> Floats:
    """How many users had all of each cell."""
    by_age = np.zeros(cells + 1, np.int64)
    np.add.at(by_age, np.minimum(cohorts.complete, cells), cohorts.sizes)
    return by_age[::-1].cumsum()[::-1][1:].astype(np.float64)


def _sums(places: Ints, amounts: Ints, length: int) -> Floats:
    """Amounts by place, added as whole numbers in two halves, which cannot overflow."""
    high, low = np.zeros(length, np.int64), np.zeros(length, np.int64)
    np.add.at(high, places, amounts >> 32)
    np.add.at(low, places, amounts & 0xFFFFFFFF)
    return high.astype(np.float64) * 2.0**32 + low


def _moments(cohorts: Cohorts, paid: Payments, cells: int) -> _Moments:
    """The moments. Amounts are cut to so few bits that floats add their products exactly."""
    block = np.arange(cells) * min(cells, _BLOCKS_MAX) // cells
    blocks, users = int(block[-1]) + 1, int(paid.users.max()) + 1
    largest = int(_sums(paid.users, np.abs(paid.amounts_minor), users).max())
    unit = 2.0 ** max(0, largest.bit_length() - (_EXACT_BITS - users.bit_length()) // 2)
    amounts = np.rint(paid.amounts_minor / unit)
    columns, rows = block[paid.cells], cohorts.sizes.size
    by_cohort = _by_place(paid.cohorts * blocks + columns, amounts, rows * blocks)
    places, which = np.unique(paid.users * blocks + columns, return_inverse=True)
    products = _products(places // blocks, places % blocks, _by_place(which, amounts, places.size), blocks)
    return _Moments(block, products * unit**2, by_cohort.reshape(rows, blocks) * unit)


def _products(users: Ints, columns: Ints, amounts: Floats, blocks: int) -> Floats:
    """The sum over users of the products of what each has in two blocks, from one entry for each user and block, by user.

    Most users have something in few blocks: pairs of entries are far fewer than pairs of blocks. They are taken by their distance.
    """
    upper = np.zeros(blocks * blocks)
    one, distance = np.arange(users.size), 0
    while one.size:
        other = one + distance
        upper += _by_place(columns[one] * blocks + columns[other], amounts[one] * amounts[other], upper.size)
        distance += 1
        one = one[one + distance < users.size]
        one = one[users[one] == users[one + distance]]
    products = upper.reshape(blocks, blocks)
    return products + np.triu(products, 1).T


def _by_place(places: Ints, amounts: Floats, length: int) -> Floats:
    """Whole numbers added up by place. What numpy counts of nothing are integers."""
    return np.bincount(places, amounts, length).astype(np.float64)


def _guesses(
    curves: Sequence[Curve],
    cohorts: Cohorts,
    moments: _Moments,
    exposed: Floats,
    revenue: Floats,
    horizons: Sequence[int],
) -> list[_Guess]:
    """What each curve says; none says anything where the observed part or the curve comes to nothing."""
    fits = [quasi_likelihood(curve, exposed[1:], revenue[1:]) for curve in curves]
    told = [_told(curve, cohorts, moments, exposed, revenue, horizons) for curve in curves]
    if not told or min(float(ltv.min()) for ltv, _, _ in told) <= 0:
        return []
    best = int(np.argmax(fits))
    # A user pays more than once and not always the same, so the cells tell less than so many payments would.
    dispersion = told[best][2]
    return [
        _Guess(exp((fit - fits[best]) / dispersion), ltv, spread / ltv)
        for fit, (ltv, spread, _) in zip(fits, told, strict=True)
    ]


def _told(
    curve: Curve,
    cohorts: Cohorts,
    moments: _Moments,
    exposed: Floats,
    revenue: Floats,
    horizons: Sequence[int],
) -> tuple[Floats, Floats, float]:
    """Of one curve the LTV at each horizon, its spread, and how much the payments vary beyond their mean."""
    ages, means = np.arange(1.0, revenue.size), revenue / exposed
    clock, mean = curve.shape.clock(ages), curve.at(ages)
    scores = np.zeros((2, revenue.size))
    scores[:, 1:] = np.ones_like(clock), -clock
    pulls, expected = list(scores), list(scores * np.concatenate([[0.0], mean]))
    ltv = []
    for n in horizons:
        later = np.arange(revenue.size, n + 1.0)
        tail = curve.at(later)
        ltv.append(fsum(means) + fsum(tail))
        slope = np.array([fsum(tail), -fsum(tail * curve.shape.clock(later))]) @ curve.inverse
        moved = slope @ scores
        pulls.append(1 / exposed + moved)
        expected.append(means / exposed + moved * np.concatenate([[0.0], mean]))
    spread = _covariance(cohorts, moments, np.array(pulls), np.array(expected))
    dispersion = float(np.trace(curve.inverse @ spread[:2, :2])) / 2
    return np.array(ltv), np.sqrt(np.maximum(np.diag(spread)[2:], 0.0)), max(dispersion, 1.0)


def _covariance(cohorts: Cohorts, moments: _Moments, pulls: Floats, expected: Floats) -> Floats:
    """Sums over users of products of (payments weighed by a pull, less what was expected of the cohort in its cells)."""
    blocks = moments.products.shape[0]
    pull = np.zeros((pulls.shape[0], blocks))
    np.add.at(pull.T, moments.block, pulls.T)
    pull /= np.bincount(moments.block)
    known = np.concatenate([np.zeros((pulls.shape[0], 1)), expected.cumsum(axis=1)], axis=1)
    known = known[:, np.minimum(cohorts.complete, pulls.shape[1])]
    crossed = known @ moments.by_cohort @ pull.T
    covariance: Floats = pull @ moments.products @ pull.T - crossed - crossed.T
    covariance += (known * cohorts.sizes) @ known.T
    return covariance


def _mixed(n: int, guesses: Sequence[_Guess], at: int) -> Projected | None:
    """The middle and the ends of the mixture of log-normal guesses; None where they are too far apart."""
    if not guesses:
        return None
    weights = np.array([guess.weight for guess in guesses])
    middles = np.log([guess.ltv[at] for guess in guesses])
    spreads = np.maximum([guess.spread[at] for guess in guesses], _SPREAD_MIN)
    low, middle, high = (exp(quantile(share, weights, middles, spreads)) for share in _SHARES)
    return Projected(n, middle, low, high) if high <= low * WIDTH_MAX else None
