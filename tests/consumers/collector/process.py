"""How is a collector started, told to stop and killed in tests? As a process of its own."""

import asyncio
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from consumers.local.servers import HOST, free_port
from consumers.local.supervisor import tied
from consumers.settings import Settings, environment

PROGRAM = (
    "from consumers.collector import run_collector; from consumers.settings import load;"
    " raise SystemExit(run_collector(load()))"
)


class Collector:
    """One collector on one port; `start` again after it has ended."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        chosen = {"collector_port": free_port(), "data_dir": directory / "none"} | settings
        self.settings = Settings(**chosen)
        self.url = f"http://{HOST}:{self.settings.collector_port}"
        self.log = directory / f"collector-{self.settings.collector_port}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        given = {name: value for name, value in environment(self.settings).items() if value}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                tied([sys.executable, "-c", PROGRAM]),
                env={"PATH": "/usr/bin:/bin"} | given,
                stdout=log,
                stderr=log,
            )

    def end(self) -> None:
        """SIGTERM, and nothing more."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    async def code(self) -> int:
        """The exit code, once it has ended."""
        assert self.process is not None
        return await asyncio.to_thread(self.process.wait, 15)

    def kill(self) -> None:
        """SIGKILL; harmless when it does not run."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def get(self, path: str) -> tuple[int, str]:
        """Status and text; OSError while nobody listens."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())["detail"]

    async def ready(self) -> bool:
        return (await asyncio.to_thread(self.get, "/readyz"))[0] == 200
