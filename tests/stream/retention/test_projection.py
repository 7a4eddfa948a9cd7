"""Projections are held to worlds whose future is known: most intervals cover it, and where the data is thin nothing is said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from stream.retention import projection
from stream.retention.projection import (
    CELLS_MIN,
    PAYMENTS_MIN,
    REACH,
    Cohorts,
    Payments,
    Projection,
    project,
)

Floats = npt.NDArray[np.float64]
World = Callable[[np.random.Generator, int], tuple[Floats, Floats]]

ROWS, ROW_USERS, CELLS = 30, 200, 30
AMOUNT_MINOR, AMOUNT_SIGMA = 500.0, 0.8
FAR = 90


def power(rng: np.random.Generator, users: int) -> tuple[Floats, Floats]:
    """How often each user buys in each period, and what is expected of one: everybody less and less, some people much more."""
    ages = np.arange(FAR + 1)
    expected = 0.05 * np.where(ages == 0, 2.0, np.maximum(ages, 1.0) ** -0.7)
    return rng.gamma(0.2, 5.0, (users, 1)) * expected, expected


def leaving(rng: np.random.Generator, users: int) -> tuple[Floats, Floats]:
    """Users stay as they are until they leave, each with a chance of their own: the shifted beta-geometric."""
    alpha, beta = 0.7, 3.0
    ages = np.arange(1, FAR + 1)
    survival = np.cumprod([1.0, *((beta + n - 1) / (alpha + beta + n - 1) for n in ages[:-1])])
    lifetime = rng.geometric(rng.beta(alpha, beta, (users, 1)))
    rate = rng.gamma(0.3, 0.1 / 0.3, (users, 1))
    return rate * (np.arange(FAR + 1) <= lifetime), 0.1 * np.concatenate([[1.0], survival])


def steady(rng: np.random.Generator, users: int) -> tuple[Floats, Floats]:
    """Everybody buys as ever."""
    expected = np.full(FAR + 1, 0.02)
    return rng.gamma(0.2, 5.0, (users, 1)) * expected, expected


def history(
    world: World, seed: int, cells: int = CELLS, row_users: int = ROW_USERS
) -> tuple[Cohorts, Payments, float]:
    """A triangle of daily cohorts, the latest with one complete cell, and what a user is worth by FAR."""
    rng = np.random.default_rng(seed)
    rates, expected = world(rng, ROWS * row_users)
    bought = rng.poisson(rates[:, :cells])
    users, ages = np.nonzero(bought)
    amounts = (
        AMOUNT_MINOR * bought[users, ages] * rng.lognormal(-(AMOUNT_SIGMA**2) / 2, AMOUNT_SIGMA, users.size)
    )
    rows = users // row_users
    complete = np.maximum(cells - np.arange(ROWS), 0)
    some = ages < complete[rows]
    paid = Payments(users[some], rows[some], ages[some], np.rint(amounts[some]).astype(np.int64))
    return Cohorts(np.full(ROWS, row_users), complete), paid, AMOUNT_MINOR * float(expected.sum())


def told(cohorts: Cohorts, paid: Payments, *horizons: int) -> Projection:
    projected = project(cohorts, paid, horizons)
    assert projected is not None
    return projected


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("world", [power, leaving, steady])
@pytest.mark.parametrize(("cells", "row_users"), [(30, 200), (15, 600)])
def test_the_interval_covers_the_future_in_most_worlds(world: World, cells: int, row_users: int) -> None:
    covered, widths = [], []
    for seed in range(40):
        cohorts, paid, truth = history(world, seed, cells, row_users)
        (point,) = told(cohorts, paid, FAR).points
        covered.append(point.low_minor <= truth <= point.high_minor)
        widths.append(point.high_minor / point.low_minor)
        assert point.low_minor < point.ltv_minor < point.high_minor
    assert np.mean(covered) >= 0.8
    assert np.median(widths) < 4, "an interval that covers everything says nothing"


def test_where_everybody_pays_alike_nothing_is_unsure() -> None:
    ages = np.arange(FAR + 1)
    expected = 1e6 * np.where(ages == 0, 2.0, np.maximum(ages, 1.0) ** -0.7)
    users, cells = (part.ravel() for part in np.meshgrid(np.arange(ROWS * 2), ages[:CELLS], indexing="ij"))
    complete = CELLS - np.arange(ROWS)
    some = cells < complete[users // 2]
    paid = Payments(
        users[some], users[some] // 2, cells[some], np.rint(expected[cells[some]]).astype(np.int64)
    )
    for point in told(Cohorts(np.full(ROWS, 2), complete), paid, CELLS, 60, FAR).points:
        truth = expected[: point.n + 1].sum()
        assert point[1:] == pytest.approx([truth] * 3, rel=2e-3)


def test_farther_ahead_is_less_sure() -> None:
    cohorts, paid, _ = history(power, 1)
    points = told(cohorts, paid, 365, 60, 90).points
    assert [point.n for point in points] == [60, 90, 365]
    widths = [point.high_minor / point.low_minor for point in points]
    assert widths == sorted(widths)
    assert [point.ltv_minor for point in points] == sorted(point.ltv_minor for point in points)


def test_more_users_make_it_surer() -> None:
    (few,) = told(*history(power, 2, row_users=100)[:2], FAR).points
    (many,) = told(*history(power, 2, row_users=2000)[:2], FAR).points
    assert many.high_minor / many.low_minor < few.high_minor / few.low_minor


def test_only_what_lies_behind_complete_cells_and_in_reach_is_projected() -> None:
    cohorts, paid, _ = history(power, 3)
    projected = told(cohorts, paid, 5, CELLS - 1, CELLS, (CELLS - 1) * REACH, (CELLS - 1) * REACH + 1)
    assert [point.n for point in projected.points] == [CELLS, (CELLS - 1) * REACH]
    assert (projected.cells, projected.users) == (CELLS - 1, ROWS * ROW_USERS)
    assert project(cohorts, paid, [CELLS - 1]) is None


def test_few_cells_carry_no_projection() -> None:
    cohorts, paid, _ = history(steady, 4, cells=CELLS_MIN + 1, row_users=2000)
    assert project(cohorts, paid, [10]) is not None
    cohorts, paid, _ = history(steady, 4, cells=CELLS_MIN, row_users=2000)
    assert project(cohorts, paid, [10]) is None
    nobody = Cohorts(np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert project(nobody, Payments(*[np.zeros(0, np.int64)] * 4), [10]) is None


def test_few_payments_carry_no_projection() -> None:
    cohorts, paid, _ = history(steady, 5)
    later = np.flatnonzero(paid.cells)
    for enough in (PAYMENTS_MIN - 1, PAYMENTS_MIN):
        some = later[:: later.size // PAYMENTS_MIN][:enough]
        few = Payments(*(numbers[some] for numbers in paid))
        assert (project(cohorts, few, [CELLS]) is None) == (enough < PAYMENTS_MIN)


def test_money_that_all_went_back_carries_no_projection() -> None:
    cohorts, paid, _ = history(power, 6)
    assert project(cohorts, paid._replace(amounts_minor=-paid.amounts_minor), [FAR]) is None


def test_who_gave_all_back_later_has_no_worth_to_project() -> None:
    cohorts, paid, _ = history(power, 6)
    back = np.where(paid.cells == 0, -paid.amounts_minor * 100, paid.amounts_minor)
    assert project(cohorts, paid._replace(amounts_minor=back), [FAR]) is None


def test_one_user_who_paid_nearly_all_makes_it_too_unsure_to_say() -> None:
    cohorts, paid, _ = history(power, 7)
    amounts = np.where(paid.users == paid.users[paid.cells > 5][0], 10**9, 1)
    assert project(cohorts, paid._replace(amounts_minor=amounts), [365]) is None


def test_neither_the_numbers_nor_the_order_of_users_change_a_digit() -> None:
    cohorts, paid, _ = history(power, 8)
    rng = np.random.default_rng(0)
    order = rng.permutation(paid.users.size)
    shuffled = Payments(*(numbers[order] for numbers in paid))
    renamed = shuffled._replace(users=rng.permutation(ROWS * ROW_USERS)[shuffled.users])
    assert project(cohorts, paid, [60, FAR]) == project(cohorts, renamed, [60, FAR])


def test_what_users_paid_in_two_blocks_is_multiplied_for_every_two_blocks() -> None:
    rng = np.random.default_rng(9)
    paid = np.where(rng.random((50, 6)) < 0.4, rng.integers(-9, 99, (50, 6)), 0)
    users, blocks = np.nonzero(paid)
    found = projection._products(users, blocks, paid[users, blocks].astype(float), 6)
    assert found.tolist() == (paid.T @ paid).tolist()


def test_cells_taken_together_for_the_spread_change_little(monkeypatch: pytest.MonkeyPatch) -> None:
    cohorts, paid, _ = history(power, 10)
    (one,) = told(cohorts, paid, FAR).points
    monkeypatch.setattr(projection, "_BLOCKS_MAX", 12)
    (other,) = told(cohorts, paid, FAR).points
    assert one == pytest.approx(other, rel=0.03)


def test_amounts_may_be_as_large_as_they_come() -> None:
    cohorts, paid, _ = history(power, 11)
    small, large = (
        told(cohorts, paid._replace(amounts_minor=paid.amounts_minor * factor), FAR).points[0]
        for factor in (1, 10**9)
    )
    assert np.array(large[1:]) / 10**9 == pytest.approx(np.array(small[1:]), rel=1e-4)


def test_who_projects_nothing_does_not_pay_for_scipy() -> None:
    code = "import sys, consumers.api.app, stream.report; assert not any(m.startswith('scipy') for m in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)
