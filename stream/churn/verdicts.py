"""What do the tests of a day, or of a minute, say of an app? From tests to readings that are shown and incidents that are told.

The whole app is the first population. An incident of a segment is one of the app, with the segment in its evidence.
"""

from collections.abc import Sequence

import numpy as np

from stream.churn.cusum import Cusum, H
from stream.churn.documents import Reading, State
from stream.churn.incidents import PACE, SETTLED, Evidence, Incident, Verdict, judged, open_one
from stream.churn.live import SERIES, SO_FAR, PaceTest, blame
from stream.churn.proportions import interval
from stream.churn.settled import DROP_MIN, Z_QUIET, Floats, Scores, drifted, fired, scores
from stream.retention.days import iso
from stream.retention.rates import Z_95


def settled_day(state: State, populations: Sequence[str], days: Sequence[int], now_ms: int) -> list[Incident]:
    """Tests the cells that `state.settled` settled, once each; the incidents that they open. They stand in the state already."""
    users, sizes = state.history(populations, days)
    found = scores(users, sizes)
    low = fired(found, sizes, days)[..., -1]
    newest = Scores(*(part[..., -1] for part in found))
    opened = []
    for column, n in enumerate(days):
        size, seen = sizes[:, column, -1], users[:, column, -1]
        sums = _stepped(state, n, newest, column)
        slid = bool(drifted(sums, size[0]))
        state.read(_settled_reading(newest, column, n, size[0], sums))
        verdict = _settled_verdict(newest, column, sums, bool(low[:, column].any()) or slid)
        evidence = None
        if verdict == "fired":
            row = (
                0 if low[0, column] or slid else int(np.nanargmin(np.where(low, newest.p, np.nan)[:, column]))
            )
            rule = "z" if low[row, column] else "cusum"
            cohort = iso(state.settled - n)
            evidence = _settled_evidence(newest, populations, (row, column), (size, seen), rule, cohort)
        lasting = open_one(state.incidents, SETTLED, n)
        incident = judged(state.incidents, SETTLED, n, verdict, evidence, now_ms)
        opened += [incident] if incident else []
        if (
            lasting is not None
            and evidence is not None
            and (evidence.rule, lasting.evidence.rule) == ("z", "cusum")
        ):
            lasting.evidence = evidence  # a slide that became a fall
        if lasting is not None and not lasting.is_open:
            state.cusum[n] = (0.0, 0.0, 0.0)
    return opened


def pace_minute(
    state: State,
    populations: Sequence[str],
    tests: Sequence[PaceTest],
    so_far: Sequence[PaceTest],
    now_ms: int,
) -> Incident | None:
    """Takes the tests of one minute; the incident that they open.

    Args:
        tests: of this minute; so_far: the newest ones of the day so far, which hold until the next.
    """
    whole = next((one for one in tests if one.population == 0 and one.minutes != SO_FAR), None)
    if whole is not None and np.isfinite(whole.z):
        state.read(_pace_reading(whole))
    believed = [one for one in tests if one.fired]
    if believed:
        first = min(believed, key=lambda one: (one.population != 0, one.series != 0, one.p))
        evidence = _pace_evidence(first, populations, tests)
        return judged(state.incidents, PACE, None, "fired", evidence, now_ms)
    verdict: Verdict = "low" if not all(one.is_quiet for one in (*tests, *so_far)) else "quiet"
    if verdict == "quiet" and (whole is None or not whole.is_enough):
        verdict = "unclear"
    return judged(state.incidents, PACE, None, verdict, None, now_ms)


def _stepped(state: State, n: int, newest: Scores, column: int) -> Cusum:
    before = Cusum(*(np.asarray(part) for part in state.cusum.get(n, (0.0, 0.0, 0.0))))
    sums = before.step(newest.z[0, column], newest.drop[0, column])
    state.cusum[n] = (float(sums.sum), float(sums.drops), float(sums.days))
    return sums


def _settled_verdict(newest: Scores, column: int, sums: Cusum, is_low: bool) -> Verdict:
    z, drop = newest.z[0, column], newest.drop[0, column]
    if is_low:
        return "fired"
    if not np.isfinite(z):
        return "unclear"
    return "low" if (z <= Z_QUIET and drop >= DROP_MIN) or sums.sum > H else "quiet"


def _settled_reading(newest: Scores, column: int, n: int, size: float, sums: Cusum) -> Reading:
    z, expected = float(newest.z[0, column]), float(newest.expected[0, column])
    if not np.isfinite(z):
        return Reading(SETTLED, n, int(size), cusum=float(sums.sum))
    ratio = float(newest.dispersion[0, column])
    low, high = interval(expected, float(newest.error[0, column]), ratio)
    drop = float(newest.drop[0, column])
    return Reading(SETTLED, n, int(size), z, ratio, expected, low, high, drop, float(sums.sum))


def _settled_evidence(
    newest: Scores,
    populations: Sequence[str],
    at: tuple[int, int],
    counts: tuple[Floats, Floats],
    rule: str,
    cohort: str,
) -> Evidence:
    (row, column), (size, seen) = at, counts
    expected = np.nan_to_num(newest.expected[:, column])
    ratio = float(newest.dispersion[row, column])
    low, high = interval(float(expected[row]), float(newest.error[row, column]), ratio)
    worst = blame((expected * size).tolist(), seen.tolist()) if row == 0 else None
    return Evidence(
        rule=rule,
        population=populations[row],
        group="",
        cohort=cohort,
        sample_users=int(size[row]),
        expected=float(expected[row]),
        expected_low=low,
        expected_high=high,
        seen=float(seen[row] / size[row]),
        z=float(newest.z[row, column]),
        drop=float(newest.drop[row, column]),
        segment=populations[worst[0]] if worst else "",
        segment_share=worst[1] if worst else 0.0,
    )


def _pace_reading(test: PaceTest) -> Reading:
    low, high = _users_between(test)
    return Reading(PACE, None, round(test.seen), test.z, test.sigma, test.expected, low, high, test.drop)


def _pace_evidence(test: PaceTest, populations: Sequence[str], tests: Sequence[PaceTest]) -> Evidence:
    low, high = _users_between(test)
    alike = {one.population: one for one in tests if (one.minutes, one.series) == (test.minutes, test.series)}
    worst = None
    if test.population == 0 and len(alike) == len(populations):
        rows = [alike[row] for row in range(len(populations))]
        worst = blame([one.expected for one in rows], [one.seen for one in rows])
    return Evidence(
        rule=str(test.minutes),
        population=populations[test.population],
        group=SERIES[test.series],
        cohort="",
        sample_users=round(test.seen),
        expected=test.expected,
        expected_low=low,
        expected_high=high,
        seen=test.seen,
        z=test.z,
        drop=test.drop,
        segment=populations[worst[0]] if worst else "",
        segment_share=worst[1] if worst else 0.0,
    )


def _users_between(test: PaceTest) -> tuple[float, float]:
    """Where 95 % of such windows lie: of a window sigma is a ratio to chance, and so it is of the day so far."""
    half = Z_95 * test.sigma * max(test.expected, 0.0) ** 0.5
    return max(0.0, test.expected - half), test.expected + half
