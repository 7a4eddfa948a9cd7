"""The daily test."""

from __future__ import annotations

import numpy as np
import pytest

from stream.churn.cusum import Cusum
from stream.churn.settled import COHORTS, USERS_MIN, Floats, drifted, fired, scores, weights

DAYS = (1, 7)


def history(size: float = 2_000.0, populations: int = 3) -> tuple[Floats, Floats]:
    """Users and sizes that differ as chance makes them; the last cohort is exactly as usual."""
    rng, shape = np.random.default_rng(5), (populations, len(DAYS), COHORTS)
    users = rng.binomial(int(size), 0.3, shape).astype(float)
    users[..., -1] = 0.3 * size
    return users, np.full(shape, size)


def fires(users: Floats, sizes: Floats) -> list[list[bool]]:
    found: list[list[bool]] = fired(scores(users, sizes), sizes, DAYS)[..., -1].tolist()
    return found


def test_a_usual_cell_is_silent_and_one_that_misses_six_points_fires() -> None:
    users, sizes = history()
    assert not np.any(fires(users, sizes))
    users[0, 0, -1] -= 0.06 * 2_000
    assert fires(users, sizes) == [[True, False], [False, False], [False, False]]


def test_less_than_two_points_is_no_incident_however_sure_it_is() -> None:
    users, sizes = history(size=200_000.0)
    users[0, 0, -1] -= 0.019 * 200_000
    assert scores(users, sizes).z[0, 0, -1] < -10
    assert not np.any(fires(users, sizes))


def test_few_users_are_no_incident() -> None:
    size = USERS_MIN - 1.0
    users, sizes = history(size=size)
    users[0, 0, -1] = 0.0
    assert not np.any(fires(users, sizes))


def test_days_that_differ_more_than_chance_need_a_larger_drop() -> None:
    users, sizes = history()
    usual = users.copy()
    usual[0, 0, -1] -= 0.045 * 2_000
    assert fires(usual, sizes)[0][0]
    wild = users.copy()
    wild[0, 0, :-1] += np.random.default_rng(6).normal(0, 60, COHORTS - 1)
    wild[0, 0, -1] -= 0.045 * 2_000
    assert not fires(wild, sizes)[0][0]


def test_a_segment_needs_more_evidence_than_the_whole_app() -> None:
    users, sizes = history()
    for population in (0, 1):
        some = users.copy()
        some[population, 0, -1] -= 0.04 * 2_000
        assert fires(some, sizes)[population][0] is (population == 0)


def test_the_weights_of_a_family_are_one_and_prefer_the_whole_app_and_early_days() -> None:
    found = weights(6, (1, 7))
    assert found.sum() == pytest.approx(1)
    assert found[:2].sum() == pytest.approx(0.75)
    assert found[0] == pytest.approx(7 * found[1])
    assert weights(1, (1,)).tolist() == [0.75]


def test_a_slide_is_told_only_when_it_is_two_points_deep() -> None:
    enough = np.asarray(2_000.0)
    assert drifted(Cusum(*(np.asarray(part) for part in (5.1, 0.20, 10.0))), enough)
    assert not drifted(Cusum(*(np.asarray(part) for part in (5.1, 0.19, 10.0))), enough)
    assert not drifted(Cusum(*(np.asarray(part) for part in (4.9, 0.20, 10.0))), enough)
