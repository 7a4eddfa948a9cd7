"""What did other products count? The third-party cases as raw records, questions in our words and the numbers they published.

The data stands outside of the repository (../shared/data); where it is missing the tests that need it are skipped, saying so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.oracle_events import epoch_ms
from tests.strategies import Record

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
APP = "cases"
RETENTION = ("P06", "P08", "P17a", "P18", "P22", "P25a", "O01", "K01")
# Those that need identities, weeks, 24-hour windows or brackets.
RETENTION_MORE = ("P01", "P04a", "P12", "P25b", "P28")
LIFECYCLE = "L01"
SKIP = pytest.mark.skipif(not DATA.is_dir(), reason=f"the third-party cases are not here: {DATA} is missing")
# Who starts a row, by the case's own words: its mode and, for a first time, the event that is meant.
_COHORTS = {
    "recurring": "session",
    "window24": "first_seen",
    "app_open": "first_seen",
    "install": "install",
    "$user_signed_up": "install",
}
_INSTALLS = {"install", "$user_signed_up"}
PERIODS = {"day": timedelta(days=1), "week": timedelta(days=7)}
ASSERTED = 2  # the cells of a row that the one case vouches for which does not vouch for all


@dataclass(frozen=True)
class Case:
    """One published case. `expected` is segment -> rows of users by column (segment None without a breakdown)."""

    zone: str
    records: tuple[Record, ...]
    query: dict[str, str]
    expected: dict[str | None, list[list[int]]]
    ends_ms: int


def everything() -> list[dict[str, Any]]:
    """The cases as they were published."""
    cases: list[dict[str, Any]] = json.loads((DATA / "retention-cases.json").read_text())
    return cases


def load(name: str) -> dict[str, Any]:
    return next(case for case in everything() if case["id"] == name)


def retention_case(name: str) -> Case:
    raw = load(name)
    asked, expected = raw["query"], raw["expected"]
    first, period = date.fromisoformat(asked["start"]), asked["period"]
    query = {
        "app": APP,
        "from": first.isoformat(),
        "to": (first + (asked["rows"] - 1) * PERIODS[period]).isoformat(),
        "period": period,
        "periods": str(asked["cols"] - 1),
        "cohort": _COHORTS[asked.get("target", asked["mode"])],
        "criterion": "on_or_after" if asked.get("cumulative") else "on",
    }
    if "breakdown_user" in asked:
        query["breakdown"] = asked["breakdown_user"]
    if "week_start" in asked:
        query["week_start"] = asked["week_start"]
    if asked["mode"] == "window24":
        query["window"] = "elapsed"
    if "brackets" in asked:
        del query["periods"]
        query["brackets"] = _brackets(asked["brackets"])
    tables = expected if isinstance(expected, dict) else {None: expected}
    if "asserted_cells" in raw:
        tables = {segment: [row[:ASSERTED] for row in table] for segment, table in tables.items()}
    return Case(asked.get("tz", "UTC"), _records(raw), query, tables, _ends_ms(raw))


def _brackets(lengths: list[int]) -> str:
    """Lengths of brackets that follow day 0, as first and last days."""
    firsts = [1 + sum(lengths[:at]) for at in range(len(lengths))]
    return ",".join(f"{first}-{first + length - 1}" for first, length in zip(firsts, lengths, strict=True))


def lifecycle_case() -> tuple[Case, list[dict[str, int]]]:
    """The case, and what each of its days should say in the words of GET /api/v1/active."""
    raw = load(LIFECYCLE)
    first = date.fromisoformat(raw["query"]["start"])
    query = {
        "app": APP,
        "from": first.isoformat(),
        "to": (first + timedelta(days=raw["query"]["days"] - 1)).isoformat(),
    }
    names = {"new": "new", "returning": "returning", "resurrecting": "resurrected", "dormant": "dormant"}
    days = [
        {ours: abs(raw["expected"][theirs][i]) for theirs, ours in names.items()}
        for i in range(raw["query"]["days"])
    ]
    return Case("UTC", _records(raw), query | {"period": "day"}, {}, _ends_ms(raw)), days


def check_retention(case: Case, answer: dict[str, Any]) -> None:
    """Every cell that has begun says what was published, and what has not begun is absent where they say 0."""
    seen = {segment: [[0] * len(row) for row in table] for segment, table in case.expected.items()}
    first = date.fromisoformat(case.query["from"])
    for row in answer["rows"]:
        shown = seen[row["segment"]][
            (date.fromisoformat(row["cohort"]) - first) // PERIODS[case.query["period"]]
        ]
        for at, cell in enumerate(row["cells"][: len(shown)]):
            shown[at] = cell["users"]
    assert seen == case.expected


def _records(raw: dict[str, Any]) -> tuple[Record, ...]:
    events = tuple(_record(raw, i, event) for i, event in enumerate(raw["events"]))
    return events + tuple(_identity(raw, *same) for same in raw.get("identity", {}).items())


def _identity(raw: dict[str, Any], alias: str, user: str) -> Record:
    fields = {
        "event_id": alias,
        "app_id": APP,
        "user_id": user,
        "alias": alias,
        "timestamp": _ends_ms(raw),
    }
    return Record("identities", json.dumps(fields).encode(), _ends_ms(raw), user.encode())


def _record(raw: dict[str, Any], i: int, event: dict[str, str]) -> Record:
    fields = {
        "event_id": str(i),
        "app_id": APP,
        "user_id": event["user"],
        "timestamp": event["time"],
        **raw.get("users", {}).get(event["user"], {}),
    }
    topic = "installs" if event["event"] in _INSTALLS else "sessions"
    return Record(topic, json.dumps(fields).encode(), _ends_ms(raw), event["user"].encode())


def _ends_ms(raw: dict[str, Any]) -> int:
    return max(epoch_ms(event["time"]) for event in raw["events"])


def iso(ms: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    return moment.isoformat(timespec="milliseconds" if ms % 1000 else "seconds").replace("+00:00", "Z")
