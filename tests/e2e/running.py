"""A running `retention up`, and a second terminal beside it."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from consumers.local.servers import Missing, broker_binary, store_binary
from tests.servers import missing
from tests.waiting import wait_until_now

RETENTION = [sys.executable, "-P", "-m", "consumers.cli"]
READY_SECONDS_MAX = 60.0


class Up:
    """A running `retention up`."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.data_dir = directory / "data"
        self.ready = ready = directory / f"ready-{len(list(directory.iterdir()))}.json"
        command = [
            *RETENTION,
            "up",
            "--port",
            "0",
            "--data-dir",
            str(self.data_dir),
            "--ready-file",
            str(ready),
            *options,
        ]
        self.out = (directory / "out.txt").open("ab")
        self.process = subprocess.Popen(
            command, stdout=self.out, stderr=subprocess.STDOUT, start_new_session=True
        )
        wait_until_now(
            lambda: ready.exists() or self.process.poll() is not None, READY_SECONDS_MAX, what="ready"
        )
        assert self.process.poll() is None, self.said()
        self.where: dict[str, str] = json.loads(ready.read_text())

    def said(self) -> str:
        return Path(self.out.name).read_text()

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, name: str) -> int | None:
        """The process of one role, None while there is none."""
        for one in self.family():
            with suppress(psutil.NoSuchProcess):
                if name in " ".join(one.cmdline()) and "tied.py" not in " ".join(one.cmdline()):
                    return one.pid
        return None

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.where["http"] + path, timeout=10) as answer:
            return json.load(answer)

    def delete(self, path: str, key: str) -> Any:
        request = urllib.request.Request(
            self.where["http"] + path, method="DELETE", headers={"Authorization": f"Bearer {key}"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def status(self) -> dict[str, Any]:
        return self.get("/api/v1/status")

    def run(self, *arguments: str) -> str:
        """What another command says, as in a second terminal; it must not fail."""
        done = self.ran(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ran(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command, whatever comes of it."""
        env = os.environ | {"RETENTION_DATA_DIR": str(self.data_dir)}
        return subprocess.run(
            [*RETENTION, *arguments], capture_output=True, text=True, env=env, timeout=60, check=False
        )

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ends it as Ctrl-C does, and fails when a process stays."""
        family = self.family()
        self.process.send_signal(number)
        code = self.process.wait(40)
        assert [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
        assert not (self.data_dir / "up.json").exists()
        assert not self.ready.exists()
        return code


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    try:
        broker_binary(), store_binary()
    except Missing as error:
        missing(str(error))
    started: list[Up] = []

    def start(*options: str) -> Up:
        started.append(Up(tmp_path, *options))
        return started[-1]

    yield start
    for one in started:
        with suppress(ProcessLookupError):
            one.process.kill()
        one.process.wait()
        one.out.close()
