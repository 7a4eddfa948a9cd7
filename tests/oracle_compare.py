"""Does one variant keep more users than another? The answer of GET /api/v1/compare."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any
from urllib.parse import quote, unquote

from tests.oracle_people import Person
from tests.oracle_question import Question
from tests.oracle_rates import holm, newcombe, share, z_test
from tests.oracle_retention import retention

Counted = tuple[int, int]


def compare(question: Question, everybody: Iterable[Person]) -> dict[str, Any]:
    people = list(everybody)
    if "variants" not in question.words:
        a, b = (_counted(question, people, question.words[name]) for name in ("a", "b"))
        return {"a": _shown(a), "b": _shown(b)} | _compared(a, b)
    named = [unquote(part) for part in question.words["variants"].split(",")]
    counted = {value: _counted(question, people, value) for value in named}
    pairs: list[dict[str, Any]] = [
        {"a": a, "b": b} | _compared(counted[a], counted[b]) for a, b in combinations(named, 2)
    ]
    for pair, p in zip(pairs, holm([pair["p"] for pair in pairs]), strict=True):
        pair["p"] = p
    return {"variants": [{"variant": value} | _shown(counted[value]) for value in named], "pairs": pairs}


def _counted(question: Question, people: list[Person], value: str) -> Counted:
    """(users back on the day, size) over the cohorts whose day is over."""
    day = question.words["day"]
    conditions = [question.words["where"]] if question.words.get("where") else []
    where = ",".join([*conditions, f"{question.words['dimension']}:{quote(value, safe='()')}"])
    asked = {name: word for name, word in question.words.items() if name not in ("breakdown", "limit")}
    asked |= {"where": where, "periods": day, "period": "day"}
    pooled = retention(Question(question.zone, question.now_ms, asked), people)["average"]
    cell: dict[str, int] = next((cell for cell in pooled if cell["n"] == int(day)), {"users": 0, "size": 0})
    return cell["users"], cell["size"]


def _shown(counted: Counted) -> dict[str, Any]:
    return {"size": counted[1]} | share(*counted)


def _compared(a: Counted, b: Counted) -> dict[str, Any]:
    """b minus a; null where one of them is nobody."""
    if not a[1] or not b[1]:
        return dict.fromkeys(("difference", "low", "high", "z", "p"))
    low, high = newcombe(a, b)
    z, p = z_test(a, b)
    return {"difference": b[0] / b[1] - a[0] / a[1], "low": low, "high": high, "z": z, "p": p}
