"""What did users pay? The answer of GET /api/v1/revenue, purchase by purchase."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from tests.oracle_calendar import Key, Slot, key_text
from tests.oracle_money import added, money_text, per_head
from tests.oracle_people import Act, Person
from tests.oracle_question import Question
from tests.oracle_retention import periods_of


class Member(NamedTuple):
    """Somebody of a cohort: when it started, and what it did with money from then on."""

    person: Person
    start: Slot
    purchases: list[Act]
    money: list[Act]


def revenue(question: Question, everybody: Iterable[Person]) -> dict[str, Any]:
    people = question.asked_about(everybody)
    return {
        "rows": [_row(question, key, people) for key in question.keys],
        "total": _total(question, people),
        "average": _average(question, people),
    }


def _members(question: Question, key: Key, people: list[Person]) -> list[Member]:
    members = []
    for person in people:
        start = question.start(person, key)
        if start is not None:
            money = [act for act in person.acts if act.event.kind == "purchase" and act.slot >= start]
            members.append(Member(person, start, [act for act in money if act.kind == "purchase"], money))
    return members


def _row(question: Question, key: Key, people: list[Person]) -> dict[str, Any]:
    members = _members(question, key, people)
    shown = []
    for n in range(periods_of(question) + 1):
        begin_ms, end_ms = question.span_ms(key, n, n)
        if question.as_of_ms < begin_ms:
            break
        shown.append(_cell(question, n, members) | {"complete": question.as_of_ms >= end_ms})
    return {
        "cohort": key_text(key),
        "size": len(members),
        "repeat_rate": _repeat_rate([[act.slot[0] for act in member.purchases] for member in members]),
        "cells": shown,
    }


def _cell(question: Question, n: int, members: list[Member]) -> dict[str, Any]:
    def nth(member: Member, act: Act) -> int:
        return question.nth(member.start, act.slot)

    def is_active(member: Member) -> bool:
        # The start is activity, so in period 0 everybody is.
        return n == 0 or any(question.nth(member.start, slot) == n for slot in member.person.slots("any"))

    bought = [act for member in members for act in member.purchases if nth(member, act) == n]
    payers = sum(any(nth(member, act) == n for act in member.purchases) for member in members)
    buyers = sum(any(nth(member, act) <= n for act in member.purchases) for member in members)
    paid = _sum(act for member in members for act in member.money if nth(member, act) == n)
    so_far = _sum(act for member in members for act in member.money if nth(member, act) <= n)
    actives = sum(map(is_active, members))
    return {
        "n": n,
        "active": actives,
        "payers": payers,
        "purchases": len(bought),
        "revenue": money_text(paid),
        "arpu": per_head(paid, actives),
        "arppu": per_head(paid, payers),
        "ltv": per_head(so_far, len(members)),
        "conversion": buyers / len(members) if members else None,
    }


def _average(question: Question, people: list[Person]) -> list[dict[str, Any]]:
    """What the members of all rows whose cell n is over have paid up to it, each of them once for each row."""
    average = []
    for n in range(periods_of(question) + 1):
        over = [key for key in question.keys if question.as_of_ms >= question.span_ms(key, n, n)[1]]
        if over:
            cell = _cell(question, n, [member for key in over for member in _members(question, key, people)])
            size = sum(len(_members(question, key, people)) for key in over)
            average.append({"n": n, "size": size, "ltv": cell["ltv"], "conversion": cell["conversion"]})
    return average


def _total(question: Question, people: list[Person]) -> dict[str, Any]:
    """What is dated in the range, whoever bought it and whenever they came."""
    first, last = question.widened
    dated = [
        [act for act in person.acts if act.event.kind == "purchase" and first <= act.slot[0] <= last]
        for person in people
    ]
    bought = [[act.slot[0] for act in acts if act.kind == "purchase"] for acts in dated]
    return {
        "revenue": money_text(_sum(act for acts in dated for act in acts)),
        "buyers": sum(map(bool, bought)),
        "purchases": sum(map(len, bought)),
        "repeat_rate": _repeat_rate(bought),
    }


def _sum(acts: Iterable[Act]) -> dict[str, int]:
    return added(
        (act.event.currency, -act.event.minor if act.event.is_refund else act.event.minor) for act in acts
    )


def _repeat_rate(bought: list[list[date]]) -> float | None:
    """The share of buyers who bought on two dates or more."""
    buyers = [days for days in bought if days]
    return sum(len(set(days)) >= 2 for days in buyers) / len(buyers) if buyers else None
