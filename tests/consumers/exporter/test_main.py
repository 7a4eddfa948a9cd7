"""The exporter as a process, against a real Valkey: numbers without any worker, and a clean end."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from consumers.local.servers import free_port
from consumers.settings import Settings, environment
from tests.grafana.programs import program
from tests.servers import Valkey
from tests.waiting import wait_until

RETENTION = [sys.executable, "-P", "-m", "consumers.cli", "exporter"]


class Process:
    """An exporter that runs."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        nowhere = {"kafka": f"127.0.0.1:{free_port()}", "exporter_port": free_port(), "data_dir": directory}
        found = Settings(**nowhere | settings)
        self.url = f"http://127.0.0.1:{found.exporter_port}"
        set_ones = {name: value for name, value in environment(found).items() if value}
        self.popen = subprocess.Popen(
            RETENTION,
            env={"PATH": "/usr/bin:/bin"} | set_ones,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def ready(self) -> bool:
        return self.get("/readyz")[0] == 200


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def make(**settings: Any) -> Process:
        started.append(Process(tmp_path, **settings))
        return started[-1]

    yield make
    for one in started:
        one.popen.kill()
        one.popen.communicate()


@pytest.mark.slow
async def test_numbers_are_told_while_no_worker_runs_and_promtool_finds_nothing_wrong(
    filled_valkey: Valkey, start: Callable[..., Process]
) -> None:
    one = start(redis_url=filled_valkey.url, timezones={"game": "Asia/Kolkata"})
    await wait_until(one.ready, 30)
    _, page = one.get("/metrics")
    assert 'retention_payers{app="game"}' in page
    assert 'retention_cohort_users{app="shop",cohort="' in page
    checked = subprocess.run(
        [program("promtool"), "check", "metrics"], input=page, capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    one.popen.send_signal(signal.SIGTERM)
    out, _ = one.popen.communicate(timeout=15)
    assert (one.popen.returncode, out) == (0, f"The exporter answers at {one.url}/metrics\n")


@pytest.mark.slow
async def test_data_that_was_counted_in_other_zones_is_refused_in_one_line(
    filled_valkey: Valkey, start: Callable[..., Process]
) -> None:
    _, said = start(redis_url=filled_valkey.url).popen.communicate(timeout=30)
    assert "RETENTION_TIMEZONES=game=Asia/Kolkata" in said
    assert len(said.splitlines()) == 1


@pytest.mark.slow
async def test_without_redis_it_is_alive_and_says_what_it_waits_for(start: Callable[..., Process]) -> None:
    one = start(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    await wait_until(lambda: one.get("/healthz")[0] == 200, 30)
    code, said = one.get("/readyz")
    assert (code, "no refresh" in said) == (503, True)
    assert "retention_redis_connected 0.0" in one.get("/metrics")[1]
