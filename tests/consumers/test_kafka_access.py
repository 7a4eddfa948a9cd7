"""Getting in at Apache Kafka over TLS as a SCRAM user, and what is said by whom when it does not let us in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from consumers.kafka import Kafka, Sender, stored_records
from consumers.kafka_access import KafkaRefused, KafkaUnavailable, ssl_context
from consumers.local.servers import free_port
from consumers.setting_sources import SettingsError
from consumers.settings import Settings, environment, load
from stream.events.schema import TOPICS
from tests.consumers.cli import Command, command
from tests.secure import PASSWORD, USER
from tests.servers import ApacheKafka, Valkey

# asyncio of Python 3.11 leaves the socket of a failed handshake to the collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
WRONG = "hunter2-hunter2"


def secured(server: ApacheKafka, **more: Any) -> Settings:
    """Settings that the listener SECURE lets in."""
    return Settings(
        **{
            "kafka": server.secure,
            "topic_prefix": server.prefix(),
            "kafka_security_protocol": "SASL_SSL",
            "kafka_username": USER,
            "kafka_password": PASSWORD,
            "kafka_ssl_cafile": str(server.certificates.ca),
            "user_id_secret": "0123456789abcdef",
            "worker_port": 0,
            "partitions": 1,
        }
        | more
    )


@pytest.fixture
def retention(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return command(monkeypatch, capsys)


async def test_a_user_with_a_password_is_let_in_over_tls(kafka: ApacheKafka) -> None:
    settings = secured(kafka)
    async with Kafka(settings) as one:
        await one.ensure_topics()
        assert await one.log_id()
        async with Sender(settings) as sender:
            await sender.put("sessions", b"k", b"v")
            await sender.flush()
        assert (await one.end_offsets(TOPICS))[("sessions", 0)] == 1
    assert [record.value async for record in stored_records(settings, "sessions")] == [b"v"]


def refused(kafka: ApacheKafka) -> dict[str, tuple[dict[str, str], str]]:
    """What may be wrong, and what must then be said."""
    return {
        "password": ({"kafka_password": WRONG}, f"refuses user '{USER}'"),
        "user": ({"kafka_username": "nobody"}, "refuses user 'nobody'"),
        "mechanism": ({"kafka_sasl_mechanism": "PLAIN"}, "UnsupportedSaslMechanism"),
        "CA": ({"kafka_ssl_cafile": str(kafka.certificates.stranger)}, "certificate that is not trusted"),
        "no CA": ({"kafka_ssl_cafile": ""}, "certificate that is not trusted"),
    }


@pytest.mark.parametrize("wrong", ["password", "user", "mechanism", "CA", "no CA"])
async def test_a_closed_door_is_one_line_with_its_reason_and_the_variable(
    kafka: ApacheKafka, wrong: str
) -> None:
    settings, says = refused(kafka)[wrong]
    with pytest.raises(KafkaRefused) as caught:
        await Kafka(secured(kafka, **settings)).start()
    line = str(caught.value)
    assert says in line
    assert "RETENTION_KAFKA_" in line
    assert "\n" not in line
    assert WRONG not in line


async def test_a_certificate_of_another_host_is_not_trusted(kafka: ApacheKafka) -> None:
    port = kafka.secure.rpartition(":")[2]
    with pytest.raises(KafkaRefused, match="not trusted"):
        await Kafka(secured(kafka, kafka=f"localhost:{port}")).start()


async def test_a_server_that_is_away_is_no_refusal(kafka: ApacheKafka) -> None:
    with pytest.raises(KafkaUnavailable) as caught:
        await Kafka(secured(kafka, kafka=f"127.0.0.1:{free_port()}")).start()
    assert not isinstance(caught.value, KafkaRefused)


@pytest.mark.parametrize("wrong", ["password", "CA"])
@pytest.mark.parametrize("asked", [("dead-letters",), ("import", "FILE")], ids=lambda asked: asked[0])
def test_a_command_that_is_not_let_in_is_one_line_and_exit_code_1(
    kafka: ApacheKafka, retention: Command, tmp_path: Path, wrong: str, asked: tuple[str, ...]
) -> None:
    settings, says = refused(kafka)[wrong]
    (tmp_path / "e.ndjson").write_text('{"type": "session"}\n')
    words = [str(tmp_path / "e.ndjson") if word == "FILE" else word for word in asked]
    given = environment(secured(kafka, **settings))
    ran = retention(*words, **{name.removeprefix("RETENTION_"): text for name, text in given.items() if text})
    assert ran.code == 1
    assert says in ran.err
    assert [line for line in ran.err.splitlines() if line.startswith("error:")] == ran.err.splitlines()[-1:]
    assert WRONG not in ran.err + ran.out


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["password", "CA"])
def test_a_worker_that_is_not_let_in_ends_with_one_line_and_exit_code_1(
    kafka: ApacheKafka, valkey: Valkey, wrong: str
) -> None:
    settings, says = refused(kafka)[wrong]
    given = environment(secured(kafka, redis_url=valkey.url, **settings))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "consumers.cli", "worker"],
        env={"PATH": os.environ["PATH"]} | {name: text for name, text in given.items() if text},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if " ERROR " in line]
    assert len(errors) == 1
    assert says in errors[0]
    assert WRONG not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_files_that_hold_something_else_are_named(kafka: ApacheKafka, tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("not a certificate")
    for name in ("kafka_ssl_cafile", "kafka_ssl_certfile"):
        with pytest.raises(SettingsError, match=f"RETENTION_{name.upper()}={tmp_path}/x.pem"):
            ssl_context(secured(kafka, **{name: str(tmp_path / "x.pem")}))


def said(**env: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load({f"RETENTION_{name}": text for name, text in env.items()}, use_up=False)
    return str(caught.value)


USER_ = {"KAFKA_USERNAME": "u", "KAFKA_PASSWORD": WRONG}


def test_no_password_is_sent_without_tls_unless_that_is_asked_for() -> None:
    line = said(KAFKA_SECURITY_PROTOCOL="SASL_PLAINTEXT", **USER_)
    assert "RETENTION_KAFKA_SASL_WITHOUT_TLS=true" in line
    env = {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_WITHOUT_TLS": "true"} | USER_
    assert load({f"RETENTION_{name}": text for name, text in env.items()}, use_up=False).kafka_username == "u"


def test_a_user_that_is_shown_to_nobody_is_noticed(retention: Command) -> None:
    ran = retention("config", **USER_)
    assert ran.code == 0
    assert "RETENTION_KAFKA_USERNAME is set, but" in ran.err
    assert "SASL_SSL" in ran.err
    assert WRONG not in ran.out + ran.err


def test_a_user_that_is_missing_is_said() -> None:
    lines = said(KAFKA_SECURITY_PROTOCOL="SASL_SSL").splitlines()
    assert ["is not set, and SASL_SSL needs it" in line for line in lines] == [True, True]


def test_a_ca_that_nobody_would_be_held_to_and_one_that_is_not_there_are_said(tmp_path: Path) -> None:
    assert "without TLS" in said(KAFKA_SSL_CAFILE="/dev/null")
    assert "rediss://" in said(REDIS_SSL_CAFILE="/dev/null", REDIS_URL="redis://h")
    assert "no such file" in said(KAFKA_SECURITY_PROTOCOL="SSL", KAFKA_SSL_CAFILE=f"{tmp_path}/no")


@pytest.mark.parametrize("scheme", ["redis", "rediss", "redis+cluster"])
@pytest.mark.parametrize("sign", ["/", "#", "?", "@/", "[", ":/"])
def test_a_redis_password_that_would_be_taken_for_a_path_is_refused_and_not_repeated(
    scheme: str, sign: str
) -> None:
    line = said(REDIS_URL=f"{scheme}://u:hunter{sign}hunter@h:6379/0")
    assert "percent-encode" in line
    assert "hunter" not in line


def test_a_redis_password_stands_in_one_place() -> None:
    line = said(REDIS_URL=f"redis://u:{WRONG}@h", REDIS_PASSWORD=WRONG)
    assert "keep one of them" in line
    assert WRONG not in line
