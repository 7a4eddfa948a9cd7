"""From the first sign to the end of an incident."""

from __future__ import annotations

from stream.churn.incidents import (
    CLOSED_MAX,
    PACE,
    QUIET,
    SETTLED,
    Evidence,
    Incident,
    Verdict,
    judged,
    open_one,
)

WHY = Evidence("z", "", "", "2026-01-01", 2_000, 0.3, 0.28, 0.32, 0.24, -4.0, 0.06)


def lived(
    *verdicts: Verdict, detector: str = SETTLED, day: int | None = 1
) -> tuple[list[Incident], list[int]]:
    """The incidents after some evaluations, and at which of them one opened."""
    incidents: list[Incident] = []
    opened = [
        at
        for at, verdict in enumerate(verdicts)
        if judged(incidents, detector, day, verdict, WHY if verdict == "fired" else None, at)
    ]
    return incidents, opened


def test_it_opens_once_and_stays_while_it_lasts() -> None:
    incidents, opened = lived("quiet", "fired", "fired", "low", "quiet", "fired")
    assert opened == [1]
    assert [one.is_open for one in incidents] == [True]


def test_it_is_over_after_enough_quiet_evaluations_in_a_row() -> None:
    assert QUIET[SETTLED] == 2
    assert not lived("fired", "quiet", "low", "quiet")[0][0].closed_ms
    assert lived("fired", "quiet", "quiet")[0][0].closed_ms == 2


def test_what_cannot_be_judged_neither_opens_nor_ends_it() -> None:
    incidents, opened = lived("unclear", "fired", "unclear", "unclear", "unclear", "quiet")
    assert opened == [1]
    assert incidents[0].is_open


def test_a_new_sign_after_the_end_is_a_new_incident() -> None:
    incidents, opened = lived("fired", "quiet", "quiet", "fired")
    assert opened == [0, 3]
    assert [one.number for one in incidents] == [1, 2]


def test_detectors_and_days_have_incidents_of_their_own() -> None:
    incidents: list[Incident] = []
    for detector, day in ((SETTLED, 1), (SETTLED, 7), (PACE, None)):
        assert judged(incidents, detector, day, "fired", WHY, 0)
    assert [one.number for one in incidents] == [1, 2, 3]
    found = open_one(incidents, SETTLED, 7)
    assert found is not None
    assert found.number == 2


def test_only_the_newest_of_those_that_are_over_are_kept_and_those_still_to_be_told() -> None:
    incidents: list[Incident] = []
    for at in range(60):
        opened = judged(incidents, SETTLED, 1, "fired", WHY, at)
        assert opened
        opened.telling = "waiting" if at == 3 else "told"
        for _ in range(QUIET[SETTLED]):
            judged(incidents, SETTLED, 1, "quiet", None, at)
    assert [one.number for one in incidents] == [4, *range(61 - CLOSED_MAX, 61)]
