"""A projection that is remembered is the one that would be worked out, whatever has changed since."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from stream.report import fits
from stream.report.fits import Fits
from stream.retention.projection import Cohorts, Payments, Projection, project

ROWS, CELLS, USERS = 10, 12, 60
HORIZONS = (30, 60)
Asked = tuple[Cohorts, Payments, Sequence[int]]


def asked() -> Asked:
    """What a projection is made of, fresh arrays each time: every user pays in some cells, in later ones fewer do."""
    dice = np.random.default_rng(5)
    cells = np.concatenate([np.arange(CELLS - user * CELLS // (2 * USERS)) for user in range(USERS)])
    users = np.repeat(np.arange(USERS), [CELLS - user * CELLS // (2 * USERS) for user in range(USERS)])
    cohorts = Cohorts(np.full(ROWS, 40, np.int64), np.full(ROWS, CELLS, np.int64))
    return cohorts, Payments(users, users % ROWS, cells, dice.integers(100, 900, users.size)), HORIZONS


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """What was really fitted."""
    found: list[Asked] = []

    def noted(*of: object) -> Projection | None:
        found.append(of)  # type: ignore[arg-type]
        return project(*of)  # type: ignore[arg-type]

    monkeypatch.setattr(fits, "project", noted)
    return found


def test_the_same_is_fitted_once(fitted: list[Asked]) -> None:
    known = Fits(4)
    first, again = known.project(*asked()), known.project(*asked())
    assert first == again == project(*asked())
    assert first is not None
    assert len(fitted) == 1


def test_that_there_is_none_is_remembered_too(fitted: list[Asked]) -> None:
    known = Fits(4)
    cohorts, paid, _ = asked()
    assert [known.project(cohorts, paid, (5,)) for _ in range(2)] == [None, None]
    assert len(fitted) == 1


def _more(column: str) -> Callable[[Asked], Asked]:
    def changed(of: Asked) -> Asked:
        cohorts, paid, horizons = of
        part = cohorts if column in Cohorts._fields else paid
        getattr(part, column)[7] += 1
        return cohorts, paid, horizons

    return changed


CHANGES: dict[str, Callable[[Asked], Asked]] = {
    **{column: _more(column) for column in (*Cohorts._fields, *Payments._fields)},
    "horizons": lambda of: (of[0], of[1], (30, 61)),
    "one payment less": lambda of: (of[0], Payments(*(column[:-1] for column in of[1])), of[2]),
    "an empty cohort more": lambda of: (Cohorts(*(np.append(part, 0) for part in of[0])), of[1], of[2]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_is_fitted_anew(change: str, fitted: list[Asked]) -> None:
    known = Fits(4)
    known.project(*asked())
    assert known.project(*CHANGES[change](asked())) == project(*CHANGES[change](asked()))
    assert len(fitted) == 2
    assert known.project(*asked()) == project(*asked())
    assert len(fitted) == 2


def test_only_so_many_are_remembered_the_latest_asked_for(fitted: list[Asked]) -> None:
    known = Fits(2)
    cohorts, paid, _ = asked()
    for n in (30, 40, 30, 50):
        known.project(cohorts, paid, (n,))
    assert len(known) == 2
    fitted.clear()
    for n in (30, 50):
        known.project(cohorts, paid, (n,))
    assert not fitted
    known.project(cohorts, paid, (40,))
    assert len(fitted) == 1
