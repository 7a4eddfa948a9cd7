"""How does a doctor speak? One line for everything that was looked at: what is there, and what to do where it is not right."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Told(StrEnum):
    """How it stands. `wrong` makes the exit code 1; `warning` may be meant."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


class Finding(NamedTuple):
    """What was looked at, how it stands, what was seen, and what to do (empty where nothing is)."""

    check: str
    told: Told
    seen: str
    do: str = ""


def ok(check: str, seen: str) -> Finding:
    """As it should be."""
    return Finding(check, Told.OK, seen)


def warning(check: str, seen: str, do: str) -> Finding:
    """May be meant, and may be a mistake."""
    return Finding(check, Told.WARNING, seen, do)


def wrong(check: str, seen: str, do: str) -> Finding:
    """Numbers are or will be wrong, missing or lost."""
    return Finding(check, Told.WRONG, seen, do)


def is_healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing is wrong."""
    return all(one.told is not Told.WRONG for one in findings)
