"""Does the whole product count as the definitions say? Small histories whose tables were worked out by hand, from Kafka to HTTP.

Every history has an app of its own, so that one running product counts all of them. A second chapter comes when the first has been
counted and asked about.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.e2e.histories import FIRST, LATER, ZONES, Chapter, Questions
from tests.e2e.running import Up

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="`up` is for Linux and macOS")]
FIELDS = {
    "purchase": ("amount", "currency", "refund_of"),
    "feedback": ("kind", "score"),
    "identity": ("alias",),
    "install": ("country",),
    "session": ("country",),
}


def event(app: str, place: str, line: str) -> dict[str, Any]:
    """A line `KIND USER TIME WHAT...`; `#ID` at its end is the event's id."""
    said, _, event_id = line.partition(" #")
    kind, user, time, *more = said.split()
    row = {
        "type": kind,
        "user_id": user,
        "timestamp": time,
        "app_id": app,
        "event_id": event_id or f"{kind}{place}",
        **dict(zip(FIELDS[kind], more, strict=False)),
    }
    return row | ({"score": int(row["score"])} if kind == "feedback" else {})


def rows(chapters: Mapping[str, Chapter]) -> list[dict[str, Any]]:
    """The events of all histories, shuffled: order must not matter."""
    found = [
        event(app, str(at), line.strip())
        for app, chapter in chapters.items()
        for at, line in enumerate(chapter.events.strip().splitlines())
    ]
    random.Random(1).shuffle(found)
    return found


def table(answer: dict[str, Any]) -> list[str]:
    """A triangle as lines: cohort, segment, size, users and money of each cell; `~` is still open."""
    return [" ".join([*_head(row), *map(_cell, row["cells"])]) for row in answer["rows"]]


def _head(row: dict[str, Any]) -> Iterator[str]:
    yield row["cohort"]
    if row["segment"] is not None:
        yield row["segment"]
    yield f"{row['size']}{'' if row['size_complete'] else '~'}:"


def _cell(cell: dict[str, Any]) -> str:
    money = ",".join(f"{amount}{name}" for name, amount in cell.get("revenue", {}).items())
    return f"{cell['users']}{f'({money})' if money else ''}{'' if cell['complete'] else '~'}"


def shown(answer: dict[str, Any], expected: Any) -> Any:
    """Of an answer what is expected of it: the table, some members, or some members of its rows."""
    if isinstance(expected, str):
        return table(answer)
    if isinstance(expected, list):
        pairs = zip(answer["rows"], expected, strict=True)
        return [{name: row[name] for name in wanted} for row, wanted in pairs]
    return {name: answer[name] for name in expected}


def check(one: Up, app: str, questions: Questions) -> None:
    for question, expected in questions.items():
        path, *words = question.split()
        query = {"app": app} | dict(word.split("=", 1) for word in words)
        answer = one.get(f"/api/v1/{path}?{urlencode(query)}")
        wanted = expected.split("\n") if isinstance(expected, str) else expected
        assert shown(answer, expected) == wanted, f"{app}: {question}"


def test_histories_are_counted_as_by_hand(
    up: Callable[..., Up], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_TIMEZONES", ZONES)
    one = up("--no-demo")
    for name, chapters in (("first", FIRST), ("later", LATER)):
        file = tmp_path / f"{name}.ndjson"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows(chapters)))
        one.run("import", str(file), "--wait", "--no-revisions")
        for app, chapter in chapters.items():
            check(one, app, chapter.questions)
    one.run("audit")
    assert one.status()["dead_letters"] == 0
    assert one.stop() == 0
