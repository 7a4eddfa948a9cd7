"""Does every benchmark run, and does it tell what it must? How good the numbers are is not judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.bars import BARS, Bar
from bench.profile import STEPS
from bench.traffic import TOPICS, backlog
from consumers.local.servers import Missing, broker_binary, store_binary
from stream.events.decode import Decoder
from stream.events.schema import Event
from stream.retention.days import zone
from tests.servers import ROOT, missing


@pytest.mark.parametrize(
    ("bar", "value", "words"),
    [
        (Bar(100, 60), 101, "short by 1%"),
        (Bar(100, 60), 90, "reached; 50% from the aim"),
        (Bar(100, 60), 60, "reached"),
        (Bar(20, most=False), 19, "short by 5%"),
        (Bar(20, most=False), 20, "reached"),
    ],
)
def test_a_verdict_says_how_far_a_value_is_from_its_bar(bar: Bar, value: float, words: str) -> None:
    assert bar.verdict(value) == words


def test_the_steps_of_the_profile_name_files_that_there_are() -> None:
    ours = [text for text, _ in STEPS if text.startswith(("/stream/", "/consumers/"))]
    assert [text for text in ours if not (ROOT / text.strip("/")).exists()] == []


def test_the_backlog_is_the_mix_that_its_docstring_promises() -> None:
    decoder = Decoder(zones=zone_of_any, secret=b"secret", earliest_ms=0)
    messages = list(backlog(20_000))
    decoded = [decoder.decode(topic, value, -1) for topic, _, value in messages]
    events = [event for event in decoded if isinstance(event, Event)]
    purchases = sum(event.kind == "purchase" for event in events)
    assert {topic for topic, _, _ in messages} == set(TOPICS)
    assert 0.005 < 1 - len(events) / len(decoded) < 0.015
    assert 0.02 < purchases / len(events) < 0.04
    assert len({event.event_id for event in events}) == len(events)
    assert all(len(event.dims) == 3 for event in events)


def zone_of_any(app: str):  # type: ignore[no-untyped-def]
    return zone("UTC")


@pytest.mark.e2e
def test_a_quick_run_measures_every_bar_and_names_every_version(tmp_path: Path) -> None:
    try:
        broker_binary(), store_binary()
    except Missing as error:
        missing(str(error))
    told = tmp_path / "bench.json"
    command = [sys.executable, "-m", "bench", "--quick", "--json", str(told)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]
    results = json.loads(told.read_text())
    rows = [row for some in results["rows"].values() for row in some]
    assert {row["bar"] for row in rows if row["bar"]} == set(BARS)
    assert all(row["value"] >= 0 for row in rows)
    bytes_of = {row["name"]: row["value"] for row in results["rows"]["families"]}
    assert bytes_of["memory, no family"] < bytes_of["memory, all families"]
    assert all(
        results["versions"][name]
        for name in ("python", "faust-streaming", "aiokafka", "redis", "server", "cpu", "cores")
    )
