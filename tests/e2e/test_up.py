"""Rules of `retention up`: one command, numbers that stay, and no process left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from consumers import metrics
from tests.e2e.running import RETENTION, Up
from tests.grafana.programs import program
from tests.waiting import wait_until_now

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="`up` is for Linux and macOS")]


def events(file: Path, users: range) -> Path:
    """An install on the first of June and a session two days later for each user."""
    lines = []
    for user in users:
        common = {"app_id": "game", "user_id": f"u{user}"}
        lines.append(
            {"type": "install", "event_id": f"i{user}", "timestamp": "2026-06-01T10:00:00Z", **common}
        )
        lines.append(
            {"type": "session", "event_id": f"s{user}", "timestamp": "2026-06-03T10:00:00Z", **common}
        )
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def cohort(up: Up) -> list[tuple[int, int]]:
    """Size and day 2 of the cohort of the first of June."""
    answer = up.get(
        "/api/v1/retention?app=game&from=2026-06-01&to=2026-06-01&periods=2&as_of=2026-06-30T00:00:00Z"
    )
    return [(row["size"], row["cells"][2]["users"]) for row in answer["rows"]]


def the_metrics_of_all_roles_are_on_one_page(one: Up) -> None:
    def page() -> str:
        with urllib.request.urlopen(one.where["http"] + "/metrics", timeout=10) as answer:
            return answer.read().decode()

    # The numbers are those of the last refresh, which may have been before the history was counted.
    wait_until_now(lambda: 'retention_settled_cohort_users{app="demo",day="30"}' in page(), 15)
    text = page()
    for role in set(metrics.ROLES) - {"api"}:
        assert f'retention_role_up{{role="{role}"}} 1.0' in text
    missing = {metric.name for metric in metrics.CATALOGUE if f"# TYPE {metric.name} " not in text}
    assert not missing
    checked = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, timeout=20
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_up_shows_numbers_says_where_and_leaves_nothing_behind(up: Callable[..., Up]) -> None:
    one = up()
    assert one.status()["applied"] > 0
    assert json.loads((one.data_dir / "up.json").read_text()) == one.where
    [line] = [line for line in one.said().splitlines() if line.startswith("ready in ")]
    assert all(one.where[key] in line for key in ("http", "kafka", "redis"))
    assert one.get("/api/v1/retention?app=demo")["rows"]
    the_metrics_of_all_roles_are_on_one_page(one)
    assert one.stop() == 0


def posted(url: str, lines: list[str]) -> int:
    """How many were accepted; OSError where there is no answer."""
    with urllib.request.urlopen(
        f"{url}/api/v1/events", f"[{','.join(lines)}]".encode(), timeout=20
    ) as answer:
        return json.load(answer)["accepted"]


def test_events_that_are_posted_to_either_port_are_counted_also_those_of_the_last_moment(
    up: Callable[..., Up], tmp_path: Path
) -> None:
    one = up("--no-demo")
    lines = events(tmp_path / "a.ndjson", range(5_000)).read_text().splitlines()
    assert posted(one.where["http"], lines[:10]) + posted(one.where["collector"], lines[10:20]) == 20
    wait_until_now(lambda: one.status()["applied"] == 20, 20)
    assert one.get("/openapi.json")["paths"]["/api/v1/events"]["post"]["requestBody"]
    accepted = [20]

    def send() -> None:
        with suppress(OSError):  # until nobody answers any more
            for at in range(20, len(lines), 20):
                accepted[0] += posted(one.where["http"], lines[at : at + 20])

    sending = threading.Thread(target=send)
    sending.start()
    wait_until_now(lambda: accepted[0] >= 200, 20)
    assert one.stop() == 0
    sending.join()
    two = up("--no-demo")
    [(size, _)] = cohort(two)
    assert accepted[0] // 2 <= size <= accepted[0] // 2 + 10, "what got no answer may be there or not"
    assert two.stop() == 0


def test_a_second_up_keeps_the_numbers_and_counts_what_comes_at_another_address_too(
    up: Callable[..., Up], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = up("--no-demo")
    one.run("import", str(events(tmp_path / "a.ndjson", range(100))), "--wait")
    assert cohort(one) == [(100, 100)]
    # Kafka has acknowledged these, nobody has waited for them: they are counted before everything stops.
    one.run("import", str(events(tmp_path / "b.ndjson", range(100, 5000))))
    assert one.stop(signal.SIGTERM) == 0

    monkeypatch.setenv("RETENTION_HTTP_HOST", "127.0.0.2")
    two = up("--no-demo")
    assert two.where["http"].startswith("http://127.0.0.2:")
    assert cohort(two) == [(5000, 5000)]
    applied = two.status()["applied"]
    two.run("import", str(events(tmp_path / "c.ndjson", range(4990, 5010))), "--wait")
    assert cohort(two) == [(5010, 5010)]
    assert two.status()["applied"] == applied + 40
    assert two.stop() == 0


def test_whatever_is_killed_comes_back_and_counts(up: Callable[..., Up], tmp_path: Path) -> None:
    one = up("--no-demo")
    users = 0
    for name in (
        "consumers.cli worker",
        "consumers.cli api",
        "consumers.cli exporter",
        "consumers.cli collector",
        "valkey-server",
        "tansu",
    ):
        killed = one.child(name)
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        wait_until_now(
            lambda name=name, pid=killed: one.child(name) not in (None, pid), 20, what=f"{name} is back"
        )
        wait_until_now(lambda: one.status()["caught_up"], 40, what=f"caught up after {name} was killed")
        one.run("import", str(events(tmp_path / "e.ndjson", range(users, users + 10))), "--wait")
        users += 10
        assert cohort(one) == [(users, users)], name
    assert one.stop() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_killed_up_leaves_no_process_and_the_next_one_starts(up: Callable[..., Up]) -> None:
    one = up("--no-demo")
    refused = subprocess.run(
        [*RETENTION, "up", "--port", "0", "--data-dir", str(one.data_dir)], capture_output=True, text=True
    )
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert f"in use by another `retention up` (process {one.process.pid})" in line

    family = one.family()
    assert len(family) == 7
    one.process.kill()
    one.process.wait()
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive
    assert up("--no-demo").stop() == 0


def test_a_taken_port_is_said_in_one_line_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        command = [*RETENTION, "up", "--port", str(port), "--data-dir", str(tmp_path / "data")]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert f"port {port} is taken" in line
    assert "--port" in line
