"""Who is active, new, back or gone, who stayed, and what do they say? The answers of /active, /crr and /feedback."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from tests.oracle_calendar import DAY, after, begin
from tests.oracle_people import Person
from tests.oracle_question import Question

PROMOTERS, DETRACTORS, SATISFIED = range(9, 11), range(7), range(4, 6)


def active(question: Question, everybody: Iterable[Person]) -> dict[str, Any]:
    people = question.asked_about(everybody)
    return {"rows": [_row(question, people, start) for start in question.keys if isinstance(start, date)]}


def _row(question: Question, people: list[Person], start: date) -> dict[str, Any]:
    last = after(question.period, start) - DAY
    before = begin(question.period, start - DAY, question.week_start)
    shown = min(last, question.today)
    now = [person for person in people if person.was("any", start, last)]
    then = [person for person in people if person.was("any", before, start - DAY)]
    new = [person for person in now if min(person.any) >= start]
    returning = [person for person in now if person in then]
    dau, wau, mau = (
        sum(person.was("any", shown - timedelta(days=days - 1), shown) for person in people)
        for days in (1, 7, 30)
    )
    installs = [(person, day) for person in people for day in person.installs if start <= day <= last]
    first = [person for person in people if person.first_install and start <= person.first_install[0] <= last]
    return {
        "date": start.isoformat(),
        "active": len(now),
        "dau": dau,
        "wau": wau,
        "mau": mau,
        "stickiness": dau / mau if mau else None,
        "new": len(new),
        "returning": len(returning),
        "resurrected": sum(person not in new and person not in then for person in now),
        "dormant": sum(person not in now for person in then) if question.is_past(last) else None,
        "churn": sum(person not in now for person in then) / len(then)
        if then and question.is_past(last)
        else None,
        "installs": len(first),
        "reinstalls": len(installs) - len(first),
        "complete": question.is_past(last),
    }


def crr(question: Question, everybody: Iterable[Person]) -> dict[str, Any]:
    """CS were there just before, CE in the range; CN of these were not before, and CE - CN stayed."""
    kind = "purchase" if question.word("population", "users") == "customers" else "any"
    people = question.asked_about(everybody)
    first, last = question.range
    before = first - (last - first + DAY)
    at_start = [person for person in people if person.was(kind, before, first - DAY)]
    at_end = [person for person in people if person.was(kind, first, last)]
    gained = [person for person in at_end if person not in at_start]
    new = [person for person in gained if min(person.slots(kind))[0] >= first]
    complete = question.is_past(last)
    rate = None
    if complete and at_start:
        rate = (len(at_end) - len(gained)) / len(at_start) * 100
    return {
        "cs": len(at_start),
        "ce": len(at_end),
        "cn": len(gained),
        "new": len(new),
        "resurrected": len(gained) - len(new),
        "crr": rate,
        "churn": None if rate is None else 100 - rate,
        "complete": complete,
    }


def feedback(question: Question, everybody: Iterable[Person]) -> dict[str, Any]:
    """Over answers, not over users: who answers twice counts twice."""
    first, last = question.range
    scores: dict[str, list[int]] = {"nps": [], "csat": []}
    for person in question.asked_about(everybody):
        for slot, event in person.acts:
            if event.kind == "feedback" and first <= slot[0] <= last:
                scores[event.survey].append(event.score)
    nps, csat = scores["nps"], scores["csat"]
    promoters, detractors = (sum(score in some for score in nps) for some in (PROMOTERS, DETRACTORS))
    return {
        "nps": 100 * (promoters - detractors) / len(nps) if nps else None,
        "csat": sum(score in SATISFIED for score in csat) / len(csat) if csat else None,
        "answers": {"nps": len(nps), "csat": len(csat)},
    }
