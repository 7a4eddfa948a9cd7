"""What is remembered."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from stream.churn.documents import (
    Cell,
    Minutes,
    Reading,
    State,
    day_name,
    minutes_bytes,
    minutes_of,
    state_bytes,
    state_of,
)
from stream.churn.incidents import SETTLED, Incident
from stream.churn.live import AGE_GROUPS
from stream.churn.settled import COHORTS
from stream.store.protocol import DOCUMENT_BYTES_MAX
from tests.stream.churn.test_incidents import WHY

PAGE = Path(__file__).parents[3] / "docs" / "churn.md"


def test_a_state_comes_back_as_it_was() -> None:
    state = State(run_ms=5, waiting="learning", settled=9, cusum={1: (1.5, 0.02, 1.0)})
    state.note("platform:ios", 7, Cell(9, 30, 100))
    state.read(Reading(SETTLED, 7, 100, z=-1.0))
    state.incidents.append(Incident(3, SETTLED, 7, 5, WHY, telling="told", tries=1))
    assert state_of(state_bytes(state)) == state


@pytest.mark.parametrize("document", [b"", b"{", b"[]", b'{"version": 99}', b'{"cells": 3}'])
def test_a_document_that_cannot_be_read_is_a_new_state(document: bytes) -> None:
    assert state_of(document) == State()


def test_the_cells_of_a_test_are_kept_and_no_more() -> None:
    state = State()
    for day in range(1_000, 1_000 + 2 * COHORTS):
        state.note("", 1, Cell(day, day, 5_000))
        state.settled = day
    assert len(state.cells[""][1]) == COHORTS
    users, sizes = state.history(["", "platform:ios"], [1])
    assert users[0, 0].tolist() == list(range(1_000 + COHORTS, 1_000 + 2 * COHORTS))
    assert (sizes[0, 0].min(), sizes[1, 0].max()) == (5_000, 0)


def test_a_day_without_a_cell_leaves_its_place_empty() -> None:
    state = State(settled=1_010)
    for day in (1_000, 1_009):
        state.note("", 1, Cell(day, 7, 70))
    users, _ = state.history([""], [1])
    assert np.flatnonzero(users[0, 0]).tolist() == [COHORTS - 11, COHORTS - 2]


def test_a_reading_takes_the_place_of_the_one_before() -> None:
    state = State()
    for n, size in ((1, 10), (7, 20), (1, 30)):
        state.read(Reading(SETTLED, n, size))
    assert [(one.day, one.sample_users) for one in state.readings] == [(7, 20), (1, 30)]


def test_days_that_are_tested_no_more_take_their_incidents_with_them() -> None:
    state = State(incidents=[Incident(1, SETTLED, 7, 0, WHY), Incident(2, SETTLED, 1, 0, WHY)])
    state.begin([""], [1], now_ms=9)
    assert [one.closed_ms for one in state.incidents] == [9, None]
    assert state.cells == {"": {1: []}}


def test_the_minutes_of_a_day_come_back_as_they_were() -> None:
    minutes = Minutes()
    minutes.note(600, {"": [1, 2, 3], "platform:ios": [0, 1, 0]})
    minutes.note(602, {"": [4, 5, 6], "platform:ios": [2, 1, 0]})
    found = minutes_of(minutes_bytes(minutes))
    assert found.of("")[:, [0, 600, 602]].tolist() == [[0, 6, 15], [0, 1, 4], [0, 2, 5], [0, 3, 6]]
    assert np.isnan(found.of("")[:, 601]).all()
    assert found.of("platform:ios")[0, 602] == 3
    assert np.isnan(found.of("country:VN")[0, 1:]).all()


@pytest.mark.parametrize("document", [b"", b"x", b"\x78\x9c"])
def test_minutes_that_cannot_be_read_were_not_seen(document: bytes) -> None:
    assert minutes_of(document).seen == {}


def test_the_largest_day_and_the_largest_state_fit_into_a_document() -> None:
    rng, names, minutes, state = (
        np.random.default_rng(1),
        [f"platform:{'x' * 120}{n}" for n in range(11)],
        Minutes(),
        State(),
    )
    for name in names:
        counts = rng.integers(0, 9_000, (len(AGE_GROUPS) + 1, 1441)).cumsum(-1).astype(float)
        counts[:, 0] = 0
        minutes.seen[name] = counts
        for n in range(1, 9):
            state.cells.setdefault(name, {})[n] = [Cell(740_000, 90_000_000, 90_000_000)] * COHORTS
    assert len(minutes_bytes(minutes)) < DOCUMENT_BYTES_MAX
    assert len(state_bytes(state)) < DOCUMENT_BYTES_MAX


def test_a_day_has_its_name_by_its_date() -> None:
    assert day_name(date(2026, 11, 25).toordinal()) == "churn:2026-11-25"


def test_a_day_of_a_population_is_as_small_as_the_docs_say() -> None:
    rng, minutes = np.random.default_rng(1), Minutes()
    counts = rng.poisson(5_000 / 60 / len(AGE_GROUPS), (len(AGE_GROUPS), 1440)).cumsum(-1)
    for minute in range(1, 1441):
        minutes.note(minute, {"": counts[:, minute - 1].tolist()})
    assert len(minutes_bytes(minutes)) < 8 * 1024
    assert "less than 8 KiB a day and population at 5,000 actives an hour" in PAGE.read_text()
