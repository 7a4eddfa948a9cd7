"""`retention report` at an API with read keys: which key it shows, to whom, and what it says at a closed door."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from consumers.setting_sources import UP_FILE
from tests.consumers.api.served import served
from tests.consumers.cli import Command, command
from tests.stream.report.counted import install

SHOP, GAME = "key-of-shop", "key-of-game"
ASK = ("report", "active", "--app", "shop", "--from", "2026-11-20", "--to", "2026-11-20", "--json")


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    with served([install("anna", "2026-11-20")], read_keys=f"game={GAME},shop={SHOP}") as url:
        yield url


@pytest.fixture
def retention(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return command(monkeypatch, capsys)


def test_the_key_of_the_terminal_is_shown(retention: Command, api: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{SHOP}\n")
    for settings in ({"API_KEY": SHOP}, {"API_KEY_FILE": file}):
        ran = retention(*ASK, "--url", api, **settings)
        assert (ran.code, ran.err) == (0, "")
        assert '"active": 1' in ran.out


def test_where_the_settings_of_the_api_are_its_key_of_the_app_is_found(retention: Command, api: str) -> None:
    assert retention(*ASK, "--url", api, READ_KEYS=f"game={GAME},shop={SHOP}").code == 0


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "show a read key"),
        ({"API_KEY": "another"}, "not a read key"),
        ({"API_KEY": GAME}, "no read key of app 'shop'"),
    ],
)
def test_a_closed_door_is_one_line_that_names_the_setting(
    retention: Command, api: str, settings: dict[str, str], says: str
) -> None:
    ran = retention(*ASK, "--url", api, **settings)
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err
    assert "RETENTION_API_KEY" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert GAME not in ran.err


def test_the_key_does_not_follow_a_redirect_to_somebody_else(retention: Command) -> None:
    seen: list[str | None] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response(302 if len(seen) == 1 else 200)
            if len(seen) == 1:
                self.send_header("Location", f"http://127.0.0.1:{server.server_port}/another")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    retention("report", "active", "--url", f"http://127.0.0.1:{server.server_port}", API_KEY=SHOP)
    server.shutdown()
    server.server_close()
    thread.join()
    assert seen == [f"Bearer {SHOP}", None]


def test_where_a_running_up_listens_is_told_beside_the_settings(retention: Command, tmp_path: Path) -> None:
    assert "note:" not in retention("config", DATA_DIR=tmp_path).err
    where = {"http": "http://127.0.0.1:9000", "collector": "http://127.0.0.1:9001", "kafka": "127.0.0.1:9"}
    (tmp_path / UP_FILE).write_text(json.dumps(where))
    said = retention("config", DATA_DIR=tmp_path)
    assert "http at http://127.0.0.1:9000, collector at http://127.0.0.1:9001;" in said.err
    assert "RETENTION_KAFKA=127.0.0.1:9\n" in said.out


def test_what_is_set_otherwise_than_a_running_up_counts_is_named_and_the_rest_is_shown(
    retention: Command, tmp_path: Path
) -> None:
    (tmp_path / UP_FILE).write_text(json.dumps({"kafka": "127.0.0.1:9", "apps": "shop,demo"}))
    said = retention("config", DATA_DIR=tmp_path, APPS="shpo")
    assert "RETENTION_APPS=shpo\n" in said.out
    line = f"RETENTION_APPS=shpo: the `retention up` that runs in {tmp_path} was started with RETENTION_APPS=demo,shop"
    assert f"warning: {line}" in said.err
    said = retention("topics", DATA_DIR=tmp_path, APPS="shpo")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(f"error: {line}")


def test_doors_that_stand_open_are_named_without_their_keys(retention: Command) -> None:
    sound = "0123456789abcdef"
    said = retention("config", READ_KEYS=f"shop={sound},game=hunter2", ADMIN_KEY="hunter2", METRICS_KEY=sound)
    lines = said.err.splitlines()
    assert said.code == 0
    assert [line.split()[1] for line in lines] == ["RETENTION_READ_KEYS", "RETENTION_ADMIN_KEY"]
    assert "a key of game with less than 16" in lines[0]
    assert "hunter2" not in said.out + said.err
    assert "may read every number" in retention("config", HTTP_HOST="0.0.0.0").err
    assert retention("config", HTTP_HOST="0.0.0.0", READ_KEYS=f"*={sound}").err == ""
