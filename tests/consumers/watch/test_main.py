"""The process: probes, metrics, one look, a clean stop."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.kafka import Kafka
from consumers.local.servers import HOST, free_port
from consumers.settings import load
from tests.servers import Broker, Valkey
from tests.waiting import wait_until_now

WATCH = [sys.executable, "-P", "-m", "consumers.cli", "watch"]


@pytest.fixture
def env(valkey: Valkey, broker: Broker, tmp_path: Path) -> dict[str, str]:
    ours = {name: text for name, text in os.environ.items() if not name.startswith("RETENTION_")}
    return ours | {
        "RETENTION_KAFKA": broker.bootstrap,
        "RETENTION_REDIS_URL": valkey.url,
        "RETENTION_DATA_DIR": str(tmp_path),
        "RETENTION_WATCH_PORT": str(free_port(0)),
        "RETENTION_WEBHOOK_URL": "http://127.0.0.1:9/secret-part",
    }


@pytest.fixture
def watch(env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(WATCH, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def page(env: dict[str, str], path: str) -> str:
    try:
        with urllib.request.urlopen(
            f"http://{HOST}:{env['RETENTION_WATCH_PORT']}{path}", timeout=5
        ) as answer:
            return answer.read().decode()
    except OSError as error:
        return str(error)


def once(env: dict[str, str]) -> tuple[int, str, str]:
    told = subprocess.run([*WATCH, "--once"], env=env, capture_output=True, text=True, timeout=20)
    return told.returncode, told.stdout, told.stderr


async def with_topics(env: dict[str, str]) -> None:
    async with Kafka(load(env)) as kafka:
        await kafka.ensure_topics()


def test_it_answers_probes_and_metrics_and_stops_when_told(
    watch: subprocess.Popen[str], env: dict[str, str]
) -> None:
    wait_until_now(lambda: "retention_watch_leads 1.0" in page(env, "/metrics"), 15)
    wait_until_now(lambda: "Error" not in page(env, "/readyz"), 5)
    assert "Error" not in page(env, "/healthz")
    assert 'retention_watch_webhook_total{outcome="told"} 0.0' in page(env, "/metrics")
    watch.send_signal(signal.SIGTERM)
    said, log = watch.communicate(timeout=10)
    assert watch.returncode == 0
    assert "secret-part" not in said + log


def test_once_says_what_is_open_and_ends(env: dict[str, str], valkey: Valkey) -> None:
    valkey.ask("HSET", "{s0}:rt5:identity", "zone:shop", "UTC")
    assert once(env)[:2] == (
        0,
        "shop: 0 open incidents; Kafka shows no topic installs, sessions, purchases, feedback, identities, "
        "erasures, so nobody knows what waits there\n",
    )
    asyncio.run(with_topics(env))
    assert once(env)[:2] == (0, "shop: 0 open incidents; learning the usual pace\n")
    assert valkey.ask("EXISTS", "{s0}:rt5:lead:watch") == ":0\r\n"
    valkey.ask("SET", "{s0}:rt5:lead:watch", "another")
    code, _, said = once(env)
    assert code == 1
    assert "another watch is at it" in said
