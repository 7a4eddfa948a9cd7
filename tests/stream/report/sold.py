"""How are tests of revenue told? Purchases at a moment, one cohort to ask for, and its cells by name."""

from __future__ import annotations

from typing import Any

from tests.strategies import Record
from tests.stream.report.counted import event

DAY = "2026-11-20"
COHORT: dict[str, str] = {"from_": DAY, "to": DAY, "now": "2026-11-22T18:00:00Z"}


def bought(user: str, time: str, amount: str, currency: str = "USD", **fields: Any) -> Record:
    """A purchase at a moment."""
    return event("purchases", user, time, amount=amount, currency=currency, **fields)


def column(answer: dict[str, Any], name: str, row: int = 0) -> list[Any]:
    """One number of every cell of a row."""
    return [cell[name] for cell in answer["rows"][row]["cells"]]
