"""How do tests run Prometheus, Alertmanager and their checkers? As the real programs, from the machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from consumers.local.servers import HOST, free_port
from tests.servers import ROOT, Server, missing

GRAFANA = ROOT / "grafana"
RULES = sorted((GRAFANA / "prometheus" / "rules").glob("*.yml"))
ALERTMANAGER = GRAFANA / "alertmanager" / "alertmanager.yml"


def program(name: str) -> str:
    """Where the program is; skips, and fails in CI, when the machine lacks it."""
    found = shutil.which(name)
    if found is None:
        missing(f"{name} is not installed (apt-get install prometheus prometheus-alertmanager)")
    return found


def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """What the program says about that; the caller judges its code."""
    return subprocess.run(
        [program(name), *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


def ask(url: str, body: Any = None) -> Any:
    """The JSON answer to GET, or to POST when there is a body; urllib's HTTPError for a refusal."""
    request = urllib.request.Request(url, headers={"Content-Type": "application/json"})
    if body is not None:
        request.data = json.dumps(body).encode()
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text else None


class Alertmanager(Server):
    """An Alertmanager with our configuration, nothing kept."""

    def __init__(self, directory: Path) -> None:
        port = free_port()
        command = [
            program("prometheus-alertmanager"),
            f"--config.file={ALERTMANAGER}",
            f"--storage.path={directory / 'alertmanager'}",
            f"--web.listen-address={HOST}:{port}",
            "--cluster.listen-address=",
        ]
        super().__init__("Alertmanager", lambda: command, port, directory / "alertmanager.log")
        self.url = f"http://{HOST}:{port}"

    def _answers(self) -> bool:
        return b" 200 " in self._asked(b"GET /-/ready HTTP/1.0\r\n\r\n", 100)


class Prometheus(Server):
    """A Prometheus on a configuration file; `query` asks it."""

    def __init__(self, directory: Path, config: Path) -> None:
        port = free_port()
        command = [
            program("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={directory / 'prometheus'}",
            f"--web.listen-address={HOST}:{port}",
            "--storage.tsdb.retention.time=100y",
        ]
        super().__init__("Prometheus", lambda: command, port, directory / "prometheus.log")
        self.url = f"http://{HOST}:{port}"

    def query(self, expression: str, at_seconds: float | None = None) -> list[dict[str, Any]]:
        """The instant answer: samples with their labels. HTTPError when the expression is wrong."""
        about = {"query": expression} | ({} if at_seconds is None else {"time": str(at_seconds)})
        return ask(f"{self.url}/api/v1/query?{urllib.parse.urlencode(about)}")["data"]["result"]

    def _answers(self) -> bool:
        return b" 200 " in self._asked(b"GET /-/ready HTTP/1.0\r\n\r\n", 100)
