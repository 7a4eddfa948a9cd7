"""How does a test of the oracle tell a small story? A raw record in a line, and questions with app and time filled in."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from tests.oracle import Oracle
from tests.oracle_events import epoch_ms
from tests.strategies import Record

APP = "shop"
LATE = "2026-12-31T00:00:00Z"
_ids = count()


def record(topic: str, user: str, time: str, **fields: Any) -> Record:
    """A good record; a date is noon UTC. Every record has an event id of its own unless the test names one."""
    said = {"event_id": f"e{next(_ids)}", "app_id": APP, "user_id": user, "timestamp": _time(time)} | fields
    return Record(topic, json.dumps(said).encode(), epoch_ms(LATE))


def _time(text: str) -> str:
    return text if "T" in text else f"{text}T12:00:00Z"


def install(user: str, time: str, **fields: Any) -> Record:
    return record("installs", user, time, **fields)


def session(user: str, time: str, **fields: Any) -> Record:
    return record("sessions", user, time, **fields)


def purchase(user: str, time: str, amount: str = "1.00", **fields: Any) -> Record:
    return record("purchases", user, time, **({"amount": amount, "currency": "USD"} | fields))


def refund(user: str, time: str, amount: str = "1.00", **fields: Any) -> Record:
    return purchase(user, time, amount, **({"refund_of": "somewhere"} | fields))


def nps(user: str, time: str, score: int, **fields: Any) -> Record:
    return record("feedback", user, time, kind="nps", score=score, **fields)


def csat(user: str, time: str, score: int, **fields: Any) -> Record:
    return record("feedback", user, time, kind="csat", score=score, **fields)


def identity(user: str, alias: str, time: str = "2026-03-01", **fields: Any) -> Record:
    return record("identities", user, time, alias=alias, **fields)


def told(*records: Record, zone: str = "UTC", refused: int = 0) -> Oracle:
    """An oracle that was told these; it accepts all but so many."""
    oracle = Oracle(zone=zone)
    for one in records:
        oracle.add(one.topic, one.value, one.timestamp)
    assert len(oracle.refused) == refused, oracle.refused
    return oracle


def ask(oracle: Oracle, what: str = "retention", *, now: str = LATE, **query: str) -> dict[str, Any]:
    """An answer to a question in the words of the interface (`from` is `from_`, `return` is `return_`)."""
    words = {name.rstrip("_"): word for name, word in query.items()}
    if "from" in words:
        words = {"to": words["from"]} | words
    answer: dict[str, Any] = getattr(oracle, what)(now_ms=epoch_ms(_time(now)), app=APP, **words)
    return answer


def users(answer: dict[str, Any], segment: str | None = None) -> dict[str, list[int]]:
    """The users of every cell there is, by cohort."""
    rows = [row for row in answer["rows"] if row["segment"] == segment]
    return {row["cohort"]: [cell["users"] for cell in row["cells"]] for row in rows}


def shown(answer: dict[str, Any], name: str) -> list[Any]:
    """One member of all cells of an answer with one row."""
    (row,) = answer["rows"]
    return [cell[name] for cell in row["cells"]]
