"""What does `retention doctor` print, and what is its exit code?"""

import json

import pytest

from tests.consumers.cli import command
from tests.servers import Broker, Valkey


def test_what_is_not_set_is_wrong_and_no_server_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = command(monkeypatch, capsys)("doctor", TIMEZONNE="UTC")
    assert ran.code == 1
    for name in ("RETENTION_KAFKA", "RETENTION_REDIS_URL", "RETENTION_USER_ID_SECRET", "RETENTION_TIMEZONNE"):
        assert name in ran.out
    assert "3 things wrong" in ran.out


def test_one_line_each_and_objects_for_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], broker: Broker, valkey: Valkey
) -> None:
    run = command(monkeypatch, capsys)
    where = {"KAFKA": broker.bootstrap, "REDIS_URL": valkey.url, "USER_ID_SECRET": "0123456789abcdef"}
    ran = run("doctor", **where)
    assert ran.code == 1  # no topics yet
    assert all(line.split()[0] in ("ok", "warning", "wrong") for line in ran.out.splitlines()[:-1])
    assert run("topics", **where).code == 0
    *lines, verdict = run("doctor", **where).out.splitlines()
    doubts = sum(line.startswith("warning") for line in lines)
    assert doubts > 1  # nobody works yet, for one
    assert verdict == f"nothing is wrong, {doubts} things to look at"
    ran = run("doctor", "--json", **where)
    said = json.loads(ran.out)
    assert (ran.code, said["healthy"]) == (0, True)
    assert {"check", "told", "seen", "do"} == said["findings"][0].keys()
    assert "0123456789abcdef" not in ran.out
