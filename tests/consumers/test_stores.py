"""Getting in at Redis over TLS as a user of the ACL, and what commands and roles say when it does not let them in."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.consumers.cli import Command, command
from tests.redis_server import PASSWORDS, SecureRedis
from tests.servers import HOST, Broker, Valkey

# asyncio of Python 3.11 leaves the socket of a failed handshake to the collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
PASSWORD = "a-password-of-nobody"
WRONG = ("password", "user", "CA", "no CA", "name", "scheme", "certificate")


@pytest.fixture
def retention(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return command(monkeypatch, capsys)


def secured(server: SecureRedis, user: str, **more: str) -> dict[str, str]:
    """Variables with which a user gets in."""
    return {
        "REDIS_URL": f"rediss://{user}@{HOST}:{server.port}/0",
        "REDIS_PASSWORD": PASSWORDS[user],
        "REDIS_SSL_CAFILE": str(server.certificates.ca),
        "USER_ID_SECRET": "0123456789abcdef",
    } | more


def refused(server: SecureRedis, wrong: str, user: str) -> tuple[dict[str, str], str]:
    """The variables where one thing is wrong, and what must then be said."""
    if wrong == "certificate":
        server.ask("CONFIG", "SET", "tls-auth-clients", "yes")
    there = f"{HOST}:{server.port}"
    settings, says = {
        "password": ({"REDIS_PASSWORD": PASSWORD}, "Redis refuses: invalid username-password pair"),
        "user": (
            {"REDIS_URL": f"rediss://nobody@{there}/0"},
            "Redis refuses: invalid username-password pair",
        ),
        "CA": (
            {"REDIS_SSL_CAFILE": str(server.certificates.stranger)},
            "Redis shows a certificate that is not trusted (self-signed certificate in certificate chain)",
        ),
        "no CA": ({"REDIS_SSL_CAFILE": ""}, "Redis shows a certificate that is not trusted"),
        "name": ({"REDIS_URL": f"rediss://{user}@localhost:{server.port}/0"}, "not valid for 'localhost'"),
        "scheme": (
            {"REDIS_URL": f"redis://{user}@{there}/0", "REDIS_SSL_CAFILE": ""},
            f"Redis at {there} speaks TLS: RETENTION_REDIS_URL must begin with rediss://",
        ),
        "certificate": ({}, f"Redis at {there} wants a client certificate that it trusts"),
    }[wrong]
    return {name: text for name, text in secured(server, user, **settings).items() if text}, says


def test_a_user_with_a_password_is_let_in_over_tls(retention: Command, secure_redis: SecureRedis) -> None:
    ran = retention("doctor", **secured(secure_redis, "reader"))
    assert f"{HOST}:{secure_redis.port} answers: Redis 7.0" in ran.out
    assert [line for line in ran.out.splitlines() if line.startswith("wrong")] == [
        line for line in ran.out.splitlines() if "RETENTION_KAFKA" in line
    ], "it asks for Kafka and finds nothing else"


def test_who_shows_a_certificate_is_let_in_where_that_is_asked_for(
    retention: Command, secure_redis: SecureRedis
) -> None:
    secure_redis.ask("CONFIG", "SET", "tls-auth-clients", "yes")
    pem = str(secure_redis.certificates.client_pem())
    shown = secured(secure_redis, "reader", REDIS_SSL_CERTFILE=pem, REDIS_SSL_KEYFILE=pem)
    assert f"{HOST}:{secure_redis.port} answers" in retention("doctor", **shown).out


@pytest.mark.parametrize("wrong", WRONG)
def test_a_closed_door_is_one_line_of_a_doctor_and_of_a_command(
    retention: Command, secure_redis: SecureRedis, wrong: str
) -> None:
    settings, says = refused(secure_redis, wrong, "admin")
    ran = retention("doctor", **settings)
    told = [line for line in ran.out.splitlines() if says in line]
    assert (ran.code, len(told)) == (1, 1)
    assert told[0].split()[:2] == ["wrong", "redis"]
    ran = retention("audit", **settings)
    assert ran.code == 1
    assert says in ran.err
    assert "RETENTION_REDIS_URL" in ran.err
    assert [line for line in ran.err.splitlines() if line.startswith("error:")] == ran.err.splitlines()
    assert PASSWORD not in ran.err + ran.out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("role", "wrong"),
    [("worker", "password"), ("api", "scheme"), ("exporter", "name"), ("watch", "certificate")],
)
def test_a_role_that_is_not_let_in_ends_with_one_line_and_exit_code_1(
    broker: Broker, secure_redis: SecureRedis, tmp_path: Path, role: str, wrong: str
) -> None:
    user = "worker" if role in ("worker", "watch") else "reader"
    settings, says = refused(secure_redis, wrong, user)
    ports = dict.fromkeys(("WORKER_PORT", "HTTP_PORT", "EXPORTER_PORT", "WATCH_PORT"), "0")
    given = settings | ports | {"KAFKA": broker.bootstrap, "DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "consumers.cli", role],
        env={"PATH": os.environ["PATH"]} | {f"RETENTION_{name}": text for name, text in given.items()},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if says in line]
    assert len(lines) == 1
    assert PASSWORD not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["audit", "doctor"])
@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("redis://127.0.0.1:1/0", "nothing listens at 127.0.0.1:1"),
        ("redis+cluster://127.0.0.1:1", "nothing listens at 127.0.0.1:1"),
        ("redis://no.such.host.invalid:6379/0", "there is no host no.such.host.invalid"),
        ("redis://{valkey}/99", "Redis has no database of that number"),
        ("redis://{web}/0", "what answers there does not speak the protocol of Redis"),
        ("redis://127.0.0.1:1/0?speed=high", "cannot be used: there is no option speed"),
        ("redis+cluster://127.0.0.1:1?speed=high", "cannot be used: there is no option speed"),
        ("redis://127.0.0.1:1?db=x", "cannot be used: Invalid value for 'db' in connection URL"),
        (
            "rediss://127.0.0.1:1?ssl_cert_reqs=x",
            "cannot be used: Invalid SSL Certificate Requirements Flag: x",
        ),
    ],
)
def test_a_server_that_cannot_be_used_is_said_in_words_that_name_the_setting(
    retention: Command, valkey: Valkey, web: str, command: str, url: str, line: str
) -> None:
    url = url.format(valkey=f"{HOST}:{valkey.port}", web=web)
    said = retention(command, REDIS_URL=url, KAFKA="127.0.0.1:2", USER_ID_SECRET="0123456789abcdef")
    assert said.code == 1
    (told,) = [one for one in (said.out + said.err).splitlines() if line in one]
    assert "RETENTION_REDIS_URL" in told
    assert "Error" not in told


class Web(BaseHTTPRequestHandler):
    """Speaks HTTP and says nothing of it."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nowhere."""


@pytest.fixture
def web() -> Iterator[str]:
    """Where something listens that speaks HTTP."""
    with HTTPServer((HOST, 0), Web) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"{HOST}:{server.server_port}"
        server.shutdown()
        thread.join()
