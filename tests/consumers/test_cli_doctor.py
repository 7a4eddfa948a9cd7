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


def test_keys_that_can_be_guessed_are_a_warning_that_does_not_print_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = command(monkeypatch, capsys)
    keys = {"ADMIN_KEY": "abc", "METRICS_KEY": "m" * 16, "WRITE_KEYS": f"shop=xyz,game={'g' * 16}"}
    ran = run("doctor", **keys)
    warnings = [line for line in ran.out.splitlines() if line.startswith("warning")]
    assert [line.split(maxsplit=2)[2] for line in warnings] == [
        "RETENTION_WRITE_KEYS has a key of shop with less than 16 characters: it can be guessed "
        "→ set a longer one in RETENTION_WRITE_KEYS: openssl rand -hex 16",
        "RETENTION_ADMIN_KEY has less than 16 characters: it can be guessed "
        "→ set a longer one in RETENTION_ADMIN_KEY: openssl rand -hex 16",
    ]
    assert "abc" not in ran.out
    assert "xyz" not in ran.out
    assert "16 characters" not in run("doctor", ADMIN_KEY="a" * 16).out


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
