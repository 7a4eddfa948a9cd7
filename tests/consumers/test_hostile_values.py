"""What clients send as the value of a dimension is shown as it is, does nothing anywhere, and makes nothing large.

Fifteen values that would be something else to a browser, a terminal, Prometheus, a table or a spreadsheet, and ten thousand others,
go through decoder, engine, API, exporter and terminal. (tests/e2e has such values on the page, before a real browser.)
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from consumers.cli.console import printable
from consumers.exporter.collecting import numbers_of
from consumers.exporter.exposition import SnapshotCollector
from consumers.exporter.main import SNAPSHOT
from consumers.metrics import exporting
from consumers.settings import Settings
from consumers.telemetry import Telemetry
from stream.store.memory import MemoryStore
from tests.consumers.api.served import served
from tests.consumers.api.test_api import NOW_MS
from tests.consumers.cli import Command, command
from tests.stream.report.counted import APP, counted, install, session

HOSTILE = (
    "line\nbreak",
    'quote" and \\',
    '"} 1\nretention_payers{app="shop"} 1e9',
    "\x1b]0;owned\x07\x1b[2J\x1b[31m",
    "\u202egnp.exe",
    "a|b | c",
    "=1+1",
    "@SUM(A1)",
    "<script>alert(1)</script>",
    "[bold red]rich[/]",
    "a,b:c%41",
    "{s0}:rt5:identity",
    "x" * 128,
    "\x00",
    "other",
)
USERS_EACH = 3
DISTINCT = 10_000
DAY = "2026-11-20"
RANGE = f"app={APP}&from={DAY}&to={DAY}&periods=1"
SERIES_MAX = 33  # of one family by value: ten values and `other`, on three days


def records() -> Iterator[Any]:
    for number, value in enumerate(HOSTILE):
        for user in range(USERS_EACH):
            yield install(f"h{number}-{user}", DAY, country=value)
            yield session(f"h{number}-{user}", "2026-11-21")
    for number in range(DISTINCT):
        yield install(f"u{number}", DAY, country=f"value {number}")


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return asyncio.run(counted(*records()))


@pytest.fixture(scope="module")
def url(store: MemoryStore) -> Iterator[str]:
    with served(store=store) as url:
        yield url


@pytest.fixture
def retention(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return command(monkeypatch, capsys)


def asked(url: str, path: str) -> Any:
    with urlopen(f"{url}/api/v1/{path}") as answer:
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        return json.loads(answer.read())


def test_every_value_is_counted_as_it_is(url: str) -> None:
    for value in HOSTILE:
        inside = quote(quote(value, safe=""), safe="")
        [row] = asked(url, f"retention?{RANGE}&where=country:{inside}")["rows"]
        assert row["size"] == USERS_EACH, value


def test_ten_thousand_values_are_ten_and_other_in_an_answer(url: str) -> None:
    answer = asked(url, f"retention?{RANGE}&breakdown=country")
    segments = {row["segment"]: row["size"] for row in answer["rows"]}
    assert len(segments) == 11
    assert set(segments) - {"other"} < set(HOSTILE)
    assert sum(segments.values()) == len(HOSTILE) * USERS_EACH + DISTINCT
    known = asked(url, f"values?app={APP}&dimension=country&limit=1000")
    assert (len(known["values"]), known["more"]) == (1000, len(HOSTILE) + DISTINCT - 1000)


def test_values_are_labels_and_nothing_else_and_few(store: MemoryStore) -> None:
    settings = Settings(exporter_dimensions=frozenset({"country"}), exporter_days=(0, 2, 3))
    shown = asyncio.run(numbers_of(settings, store, NOW_MS)).frozen()
    telemetry = Telemetry("exporter")
    for metric in (exporting.REFRESH_ERRORS, exporting.REDIS_CONNECTED):
        telemetry.child(metric)
    telemetry.registry.register(SnapshotCollector(SNAPSHOT, lambda: [shown]))
    text = telemetry.render().decode()
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    segments = families["retention_segment_settled_cohort_users"]
    values = {sample.labels["value"] for sample in segments}
    assert values <= {*HOSTILE, "other"}
    assert len(values) > 5
    assert max(len(samples) for name, samples in families.items() if "segment" in name) <= SERIES_MAX
    assert [sample.value for sample in families["retention_payers"]] == [0.0]


def one_line(text: str) -> bool:
    return all(sign.isprintable() or sign == "\n" for sign in text)


def test_a_terminal_is_told_nothing_but_text(retention: Command, url: str) -> None:
    ask = ("report", "--app", APP, "--from", DAY, "--to", DAY, "--breakdown", "country", "--limit", "20")
    for form in ((), ("--markdown",)):
        ran = retention(*ask, *form, "--url", url)
        assert ran.code == 0
        assert one_line(ran.out)
        assert r"\x1b]0;owned\x07" in ran.out
        assert "[bold red]rich[/]" in ran.out
    rows = [line for line in ran.out.splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in rows} == {rows[0].count("|")}, "a table stays one"


def test_csv_and_json_hold_the_values_themselves(retention: Command, url: str) -> None:
    ask = ("report", "--app", APP, "--from", DAY, "--to", DAY, "--breakdown", "country", "--limit", "20")
    lines = list(csv.DictReader(io.StringIO(retention(*ask, "--csv", "--url", url).out, newline="")))
    assert {line["segment"] for line in lines} >= {*HOSTILE} - {"\x00"}
    answer = json.loads(retention(*ask, "--json", "--url", url).out)
    assert {row["segment"] for row in answer["rows"]} >= {*HOSTILE}


def test_what_is_made_printable_stays_apart() -> None:
    assert printable("a\nb\x1b\u202e") == "a\\nb\\x1b\\u202e"
    assert printable({"a\n": ["b\t", 1, None]}) == {"a\\n": ["b\\t", 1, None]}
    assert len({printable(value) for value in HOSTILE}) == len(HOSTILE)
