"""Who came back? The answer of GET /api/v1/retention, user by user and cell by cell."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any, NamedTuple

from tests.oracle_calendar import Key, Slot, key_text
from tests.oracle_money import Money, added, money_text
from tests.oracle_people import Person
from tests.oracle_question import Question
from tests.oracle_rates import share


class Cell(NamedTuple):
    """A column of the triangle.

    n, label      what answers call it; only brackets have a label
    first, last   the periods whose calendar it spans, both in it
    least, most   the periods in which coming back counts, both in it
    """

    n: int
    label: str | None
    first: int
    last: int
    least: float
    most: float


class Returned(NamedTuple):
    """What a member did that can count: in which periods after its start, and what it paid in them."""

    periods: set[int]
    paid: list[tuple[int, str, int]]

    def within(self, cell: Cell) -> bool:
        return any(cell.least <= n <= cell.most for n in self.periods)

    def money(self, cell: Cell) -> list[tuple[str, int]]:
        return [(currency, minor) for n, currency, minor in self.paid if cell.least <= n <= cell.most]


def retention(question: Question, everybody: Iterable[Person]) -> dict[str, Any]:
    people = question.asked_about(everybody)
    rows, average = [], []
    for segment, members in question.segments(people, lambda person: _rows_of(question, person)):
        mine = [_row(question, key, segment, members) for key in question.keys]
        average += _average(mine, segment, [cell.n for cell in cells(question)])
        rows += [{name: value for name, value in row.items() if name != "money"} for row in mine]
    return {
        "app": question.words["app"],
        "timezone": question.zone,
        "period": question.period,
        "cohort": question.word("cohort", "install"),
        "return": question.word("return", "session"),
        "criterion": question.word("criterion", "on"),
        "window": question.word("window", "calendar"),
        "as_of_ms": question.as_of_ms,
        "rows": rows,
        "average": average,
    }


def cells(question: Question) -> list[Cell]:
    """The columns that are asked for. Without `periods` as many as can have begun."""
    criterion = question.word("criterion", "on")
    if "brackets" in question.words:
        spans = [(0, 0, "0"), *map(_bracket, question.words["brackets"].split(","))]
        return [
            Cell(first, label, first, last, first, inf if criterion == "on_or_after" else last)
            for first, last, label in spans
        ]
    columns = []
    for n in range(periods_of(question) + 1):
        least, most = {
            "on": (n, n),
            "on_or_after": (n, inf),
            "up_to": (min(n, 1), n),
        }[criterion]
        columns.append(Cell(n, None, n, n, least, most))
    return columns


def _bracket(text: str) -> tuple[int, int, str]:
    first, last = (int(part) for part in (text if "-" in text else f"{text}-{text}").split("-"))
    return first, last, str(first) if first == last else f"{first}-{last}"


def periods_of(question: Question) -> int:
    if "periods" in question.words:
        return int(question.words["periods"])
    n = 0
    while question.keys and question.span_ms(question.keys[0], n + 1, n + 1)[0] <= question.as_of_ms:
        n += 1
    return n


def returned(question: Question, person: Person, start: Slot, kind: str) -> Returned:
    """What somebody who started then did; nothing that is before the slot of the start."""
    wanted = "purchase" if kind == "revenue" else kind
    later = [slot for slot in person.slots(wanted) if slot >= start]
    paid = [
        (
            question.nth(start, act.slot),
            act.event.currency,
            -act.event.minor if act.event.is_refund else act.event.minor,
        )
        for act in person.acts
        if act.event.kind == "purchase" and act.slot >= start
    ]
    return Returned({question.nth(start, slot) for slot in later}, paid)


def _rows_of(question: Question, person: Person) -> int:
    return sum(question.start(person, key) is not None for key in question.keys)


def _row(question: Question, key: Key, segment: str | None, people: list[Person]) -> dict[str, Any]:
    kind = question.word("return", "session")
    members = [
        returned(question, person, start, kind)
        for person in people
        if (start := question.start(person, key)) is not None
    ]
    row: dict[str, Any] = {
        "cohort": key_text(key),
        "segment": segment,
        "size": len(members),
        "size_complete": question.is_over(key),
        "cells": [],
        "money": [],
    }
    for cell in cells(question):
        begin_ms, end_ms = question.span_ms(key, cell.first, cell.last)
        if question.as_of_ms < begin_ms:
            break
        is_cohort = cell.n == 0 and kind in ("session", "any")
        users = len(members) if is_cohort else sum(member.within(cell) for member in members)
        shown = {"n": cell.n} | share(users, len(members)) | {"complete": question.as_of_ms >= end_ms}
        if cell.label is not None:
            shown["label"] = cell.label
        row["money"].append(added(one for member in members for one in member.money(cell)))
        if kind == "revenue":
            shown["revenue"] = money_text(row["money"][-1])
        row["cells"].append(shown)
    return row


def _average(rows: list[dict[str, Any]], segment: str | None, columns: list[int]) -> list[dict[str, Any]]:
    """Pooled over the complete cells of one segment, column by column."""
    average = []
    for at, n in enumerate(columns):
        complete = [row for row in rows if at < len(row["cells"]) and row["cells"][at]["complete"]]
        if not complete:
            continue
        users = sum(row["cells"][at]["users"] for row in complete)
        size = sum(row["size"] for row in complete)
        pooled: dict[str, Any] = {"n": n, "size": size, "segment": segment} | share(users, size)
        first = complete[0]["cells"][at]
        if "label" in first:
            pooled["label"] = first["label"]
        if "revenue" in first:
            money: Money = added(one for row in complete for one in row["money"][at].items())
            pooled["revenue"] = money_text(money)
        average.append(pooled)
    return average
