"""How happy are the users who say so? NPS and CSAT, the answer of GET /api/v1/feedback.

NPS is the share of the scores 9 and 10 less that of 0 to 6, in percent points. CSAT is the share of the scores 4 and 5.
Both are shares of answers, not of users.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from stream.report.parameters import QueryError
from stream.report.questions import FeedbackQuery
from stream.report.span import Span, span_of
from stream.retention.days import iso, zone
from stream.retention.dimensions import (
    CSAT,
    CSAT_SATISFIED_MIN,
    NPS,
    NPS_PASSIVE_MIN,
    NPS_PROMOTER_MIN,
)
from stream.retention.names import feedback_counter
from stream.retention.rates import rate
from stream.store.protocol import Store, View

DAYS_MAX = 10_000
PERCENT = 100
KINDS = (NPS, CSAT)
PROMOTERS, SATISFIED = range(NPS_PROMOTER_MIN, 11), range(CSAT_SATISFIED_MIN, 6)
PASSIVES, DETRACTORS = range(NPS_PASSIVE_MIN, NPS_PROMOTER_MIN), range(NPS_PASSIVE_MIN)


class Answers(NamedTuple):
    """How often each score was given, by kind."""

    nps: Counter[int]
    csat: Counter[int]


async def feedback(
    store: Store, query: FeedbackQuery, *, now_ms: int, default_zone: str = "UTC"
) -> dict[str, Any]:
    """The answer, in the words and the order of the interface; arguments as of `retention`."""
    span = span_of(query, zone((await store.zones()).get(query.app, default_zone)), now_ms)
    if len(span.days) > DAYS_MAX:
        raise QueryError(
            f"the answer would reach over more than {DAYS_MAX:,} days; ask for a shorter range (from, to)"
        )
    cohorts = [None, query.cohort] if query.by == "cohort" else [None]
    names = [feedback_counter(kind, day, cohort) for kind in KINDS for day in span.days for cohort in cohorts]
    return answer(query, span, await store.view(query.app, counters=names))


def answer(query: FeedbackQuery, span: Span, view: View) -> dict[str, Any]:
    """The answer from what was read."""
    days = [Answers(*(_of_day(view, kind, day) for kind in KINDS)) for day in span.days]
    rows = [
        {"date": iso(day), **scores(given), "complete": span.complete(day)}
        for day, given in zip(span.days, days, strict=True)
    ]
    if query.by == "cohort":
        rows = [
            {"cohort": iso(day), **scores(_of_cohort(view, query.cohort, span, day))} for day in span.days
        ]
    return {**scores(_sum(days)), "rows": rows}


def _of_day(view: View, kind: str, day: int) -> Counter[int]:
    return Counter(
        {int(score): answers for score, answers in view.counters[feedback_counter(kind, day)].items()}
    )


def _of_cohort(view: View, cohort: str, span: Span, day: int) -> Answers:
    """What the members of a cohort have answered since its day, up to as_of."""
    given = Answers(Counter(), Counter())
    for kind, scored in zip(KINDS, given, strict=True):
        for name, answers in view.counters[feedback_counter(kind, day, cohort)].items():
            n, _, score = name.partition(":")
            if day + int(n) <= span.today:
                scored[int(score)] += answers
    return given


def _sum(days: Iterable[Answers]) -> Answers:
    total = Answers(Counter(), Counter())
    for given in days:
        for scored, more in zip(total, given, strict=True):
            scored.update(more)
    return total


def scores(given: Answers) -> dict[str, Any]:
    """The members that every row has."""
    promoters, passives, detractors = (
        _answers(given.nps, these) for these in (PROMOTERS, PASSIVES, DETRACTORS)
    )
    of_nps, of_csat = given.nps.total(), given.csat.total()
    csat, low, high = rate(_answers(given.csat, SATISFIED), of_csat)
    return {
        "nps": PERCENT * (promoters - detractors) / of_nps if of_nps else None,
        "promoters": promoters,
        "passives": passives,
        "detractors": detractors,
        "csat": csat,
        "csat_low": low,
        "csat_high": high,
        "answers": {"nps": of_nps, "csat": of_csat},
    }


def _answers(scored: Mapping[int, int], these: range) -> int:
    return sum(scored.get(score, 0) for score in these)
