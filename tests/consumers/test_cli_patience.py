"""A server that says nothing is given up soon, one that has a hard question to answer is not."""

import socket
import threading
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from consumers.cli import patience
from tests.consumers.cli import Command, command
from tests.consumers.test_cli_report import Api
from tests.servers import HOST


@pytest.fixture
def retention(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return command(monkeypatch, capsys)


def test_what_listens_and_stays_silent_is_given_up_soon(
    retention: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "SILENCE_SECONDS_MAX", 0.2)
    with socket.create_server((HOST, 0)) as silent:
        said = retention("report", "--url", f"http://{HOST}:{silent.getsockname()[1]}")
    assert "(nothing came within 0.2 s); start" in said.err


def test_a_hard_question_may_take_longer_where_a_probe_is_answered(
    retention: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    probed = threading.Event()

    class Slow(Api):
        refuse = ""
        found: dict[str, Any] = {}

        def do_GET(self) -> None:
            if self.path == "/healthz":
                probed.set()
            else:
                probed.wait(10)
            super().do_GET()

    monkeypatch.setattr(patience, "SILENCE_SECONDS_MAX", 1.0)
    with ThreadingHTTPServer((HOST, 0), Slow) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        said = retention("report", "--url", f"http://{HOST}:{server.server_port}")
        server.shutdown()
        thread.join()
    assert (said.code, said.err, probed.is_set()) == (0, "", True)
