"""When does an incident open, when is it over, and is it told? One for each detector and day n, from its evidence to its end.

    quiet ──fired──> open ──QUIET evaluations without a sign in a row──> closed
                      │ fired again: stays the same incident, and is not told again

An evaluation without a verdict (too few users, unhealthy data) changes nothing: an incident stays open until its cells recover.
"""

from typing import Literal

from msgspec import Struct

Verdict = Literal["fired", "low", "quiet", "unclear"]
Telling = Literal["waiting", "sending", "told", "unknown", "given_up", "silent"]

SETTLED, PACE = "settled", "pace"
QUIET = {SETTLED: 2, PACE: 60}  # cells, minutes
CLOSED_MAX = 20  # incidents that are over and still shown


class Evidence(Struct, frozen=True):
    """Why an incident opened. `rule`: z, cusum, or the minutes of a window (0: the day so far); a ratio is a share of the sample
    for settled cells and of the expected users for the pace."""

    rule: str
    population: str
    group: str
    cohort: str
    sample_users: int
    expected: float
    expected_low: float
    expected_high: float
    seen: float
    z: float
    drop: float
    segment: str = ""
    segment_share: float = 0.0


class Incident(Struct):
    """One incident of one app. `number` is unique in the app; `day` is the n of settled cells, None for the pace."""

    number: int
    detector: str
    day: int | None
    opened_ms: int
    evidence: Evidence
    quiet: int = 0
    closed_ms: int | None = None
    telling: Telling = "waiting"
    tries: int = 0
    next_try_ms: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it lasts."""
        return self.closed_ms is None


def open_one(incidents: list[Incident], detector: str, day: int | None) -> Incident | None:
    """The incident of a detector and day that lasts."""
    return next(
        (one for one in incidents if one.is_open and (one.detector, one.day) == (detector, day)), None
    )


def judged(
    incidents: list[Incident],
    detector: str,
    day: int | None,
    verdict: Verdict,
    evidence: Evidence | None,
    now_ms: int,
) -> Incident | None:
    """Takes one evaluation into the incidents; the incident that it opened, if it did."""
    now = open_one(incidents, detector, day)
    if now is None:
        if verdict != "fired" or evidence is None:
            return None
        number = 1 + max((one.number for one in incidents), default=0)
        opened = Incident(number, detector, day, now_ms, evidence)
        incidents.append(opened)
        return opened
    if verdict in ("fired", "low"):
        now.quiet = 0
    elif verdict == "quiet":
        now.quiet += 1
        if now.quiet >= QUIET[detector]:
            now.closed_ms = now_ms
            _forget(incidents)
    return None


def _forget(incidents: list[Incident]) -> None:
    """Keeps the newest of those that are over, and those that still have to be told."""
    over = [one for one in incidents if not one.is_open and one.telling not in ("waiting", "sending")]
    for one in over[:-CLOSED_MAX]:
        incidents.remove(one)
