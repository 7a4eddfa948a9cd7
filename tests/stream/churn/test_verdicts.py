"""From tests to readings and incidents."""

from __future__ import annotations

import numpy as np
import pytest

from stream.churn.documents import Cell, State
from stream.churn.incidents import PACE, SETTLED, Incident
from stream.churn.live import SO_FAR, PaceTest
from stream.churn.settled import COHORTS
from stream.churn.verdicts import pace_minute, settled_day
from stream.retention.days import iso

NAMES = ("", "platform:ios", "country:VN")
TODAY = 739_000


def settled(state: State, drops: dict[str, float], days: int = 1) -> list[Incident]:
    """Some days go by on which the D1 of the named populations is so much lower; the incidents that open."""
    rng, opened = np.random.default_rng(state.settled), []
    for day in range(state.settled + 1, state.settled + 1 + days):
        for name, size in zip(NAMES, (2_000, 800, 900), strict=True):
            users = rng.binomial(size, 0.3 - drops.get(name, 0.0))
            state.note(name, 1, Cell(day, int(users), size))
        state.settled = day
        opened += settled_day(state, NAMES, [1], now_ms=day)
    return opened


@pytest.fixture
def state() -> State:
    """A history without anything."""
    rng, state = np.random.default_rng(1), State(settled=TODAY)
    for name, size in zip(NAMES, (2_000, 800, 900), strict=True):
        for day in range(TODAY - COHORTS + 1, TODAY + 1):
            state.note(name, 1, Cell(day, int(rng.binomial(size, 0.3)), size))
    return state


def test_a_quiet_day_leaves_a_reading_and_no_incident(state: State) -> None:
    assert settled(state, {}) == []
    (reading,) = state.readings
    assert (reading.detector, reading.day, reading.sample_users) == (SETTLED, 1, 2_000)
    assert reading.expected == pytest.approx(0.3, abs=0.01)
    assert reading.expected_low is not None
    assert reading.expected_high is not None
    assert reading.expected_low < 0.3 < reading.expected_high
    assert abs(reading.z or 9) < 3


def test_a_drop_opens_an_incident_on_the_day_it_settles_with_its_evidence(state: State) -> None:
    (incident,) = settled(state, {"": 0.07, "platform:ios": 0.15})
    found = incident.evidence
    assert (found.rule, found.population, found.cohort) == ("z", "", iso(TODAY + 1 - 1))
    assert (found.seen, found.drop) == (pytest.approx(0.23, abs=0.03), pytest.approx(0.07, abs=0.03))
    assert found.seen < found.expected_low < found.expected < found.expected_high
    assert found.segment == "platform:ios"
    assert 0.5 < found.segment_share <= 1.0


def test_a_drop_of_a_segment_alone_is_told_as_that_segment(state: State) -> None:
    (incident,) = settled(state, {"platform:ios": 0.12})
    assert incident.evidence.population == "platform:ios"
    assert incident.evidence.segment == ""


def test_a_lasting_drop_is_one_incident_and_ends_two_usual_days_later(state: State) -> None:
    assert len(settled(state, {"": 0.1}, days=4)) == 1
    assert state.incidents[0].is_open
    assert settled(state, {}, days=1) == []
    assert state.cusum[1][0] > 5  # what it had added up keeps it open
    settled(state, {"": -0.05}, days=7)
    assert not state.incidents[0].is_open
    assert state.cusum[1] == (0.0, 0.0, 0.0)


def test_a_slow_slide_is_told_by_the_cumulative_sum(state: State) -> None:
    opened = settled(state, {"": 0.022}, days=25)
    assert [one.evidence.rule for one in opened][:1] == ["cusum"]


def test_a_slide_that_becomes_a_fall_is_the_same_incident_with_the_evidence_of_the_fall(state: State) -> None:
    settled(state, {"": 0.022}, days=25)
    assert [one.evidence.rule for one in state.incidents] == ["cusum"]
    assert settled(state, {"": 0.12}) == []
    assert [one.evidence.rule for one in state.incidents] == ["z"]


def test_without_history_there_is_no_verdict() -> None:
    state = State(settled=TODAY)
    assert settled(state, {"": 0.3}, days=20) == []
    assert state.readings[0].z is None
    assert state.readings[0].sample_users == 2_000


def low(population: int = 0, minutes: int = 15, fired: bool = True, seen: float = 800.0) -> PaceTest:
    return PaceTest(population, 0, minutes, seen, 1_000.0, -6.0, 1e-9, 1.1, fired)


def usual(population: int = 0, minutes: int = 15, expected: float = 1_000.0) -> PaceTest:
    return PaceTest(population, 0, minutes, expected, expected, 0.0, 0.5, 1.1)


def test_a_believed_window_opens_an_incident_of_the_pace() -> None:
    state = State()
    tests = [low(), usual(1)._replace(seen=600.0), usual(2)._replace(seen=1_000.0)]
    incident = pace_minute(state, NAMES, tests, [], now_ms=5)
    assert incident is not None
    found = incident.evidence
    assert (incident.detector, incident.day, found.rule, found.population) == (PACE, None, "15", "")
    assert (found.seen, found.expected, found.drop) == (800, 1_000, pytest.approx(0.2))
    assert found.expected_low == pytest.approx(1_000 - 1.96 * 1.1 * 1_000**0.5, abs=0.1)
    assert found.segment == "platform:ios"
    assert state.readings[0].z == -6.0


def test_it_ends_after_an_hour_of_quiet_minutes_and_not_at_night() -> None:
    state = State()
    pace_minute(state, NAMES, [low()], [], now_ms=0)
    for minute in range(200):  # too few users for a verdict
        pace_minute(state, NAMES, [usual(expected=50.0)], [], now_ms=minute)
    assert state.incidents[0].is_open
    for minute in range(59):
        pace_minute(state, NAMES, [usual()], [], now_ms=minute)
    pace_minute(state, NAMES, [low(fired=False)], [], now_ms=60)  # low again, if not believed by itself
    for minute in range(59):
        pace_minute(state, NAMES, [usual()], [], now_ms=minute)
    assert state.incidents[0].is_open
    pace_minute(state, NAMES, [usual()], [], now_ms=300)
    assert state.incidents[0].closed_ms == 300


def test_a_day_that_is_low_so_far_keeps_it_open() -> None:
    state = State()
    pace_minute(state, NAMES, [low(minutes=SO_FAR)], [], now_ms=0)
    for minute in range(120):
        pace_minute(state, NAMES, [usual()], [low(minutes=SO_FAR)], now_ms=minute)
    assert state.incidents[0].is_open
