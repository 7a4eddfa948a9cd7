"""The API as a process, against a real Valkey and a real broker."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumers.identity import identity
from consumers.kafka import Kafka, producer
from consumers.local.servers import free_port
from consumers.settings import Settings, environment
from stream.events.schema import TOPICS
from stream.store.redis import RedisStore
from tests.servers import Broker, Valkey
from tests.waiting import wait_until

PROGRAM = "from consumers.api import run_api; from consumers.settings import load; raise SystemExit(run_api(load()))"


class Process:
    """An API that is started and stopped."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        settings = {
            "kafka": f"127.0.0.1:{free_port()}",
            "http_port": free_port(),
            "data_dir": directory,
        } | settings
        self.settings = Settings(**settings)
        self.url = f"http://127.0.0.1:{self.settings.http_port}"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> subprocess.Popen[str]:
        set_ones = {name: value for name, value in environment(self.settings).items() if value}
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={"PATH": "/usr/bin:/bin"} | set_ones,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self._process

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    async def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON; OSError while nobody listens."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    async def ready(self) -> bool:
        return (await self.get("/readyz"))[0] == 200


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        process.kill()


async def test_it_answers_without_kafka_and_ends_cleanly(
    tmp_path: Path, valkey: Valkey, processes: list[Process]
) -> None:
    api = Process(tmp_path, redis_url=valkey.url)
    processes.append(api)
    process = api.start()
    await wait_until(api.ready, 15)
    status, answer = await api.get("/api/v1/retention?app=demo&periods=1")
    assert (status, len(answer["rows"])) == (200, 30)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, f"The API answers at {api.url}\n", "")


async def test_it_waits_for_redis_and_says_so(
    tmp_path: Path, valkey: Valkey, processes: list[Process]
) -> None:
    valkey.stop()
    api = Process(tmp_path, redis_url=valkey.url)
    processes.append(api)
    api.start()

    async def healthy() -> bool:
        return (await api.get("/healthz"))[0] == 200

    await wait_until(healthy, 15)
    status, answer = await api.get("/readyz")
    assert (status, answer["detail"]) == (503, "waiting for Redis")
    assert (await api.get("/api/v1/active?app=demo"))[0] == 503
    valkey.start()
    await wait_until(api.ready, 10)


async def test_it_refuses_data_that_was_counted_under_other_settings(
    tmp_path: Path, valkey: Valkey, processes: list[Process]
) -> None:
    store = RedisStore.connect(valkey.url)
    await store.open(identity(Settings(user_id_secret="a-secret-of-the-workers")))
    await store.claim_zone("game", "Asia/Kolkata")
    await store.aclose()
    for other, says in (
        ({}, "Set RETENTION_TIMEZONE back to Asia/Kolkata"),
        ({"timezone": "Asia/Kolkata", "user_id_secret": "quite-another-secret"}, "secret="),
        ({"timezone": "Asia/Kolkata", "shards": 2}, "shards="),
    ):
        api = Process(tmp_path, redis_url=valkey.url, **other)
        processes.append(api)
        process = api.start()
        _, err = process.communicate(timeout=15)
        assert process.returncode == 1
        assert says in err
        assert len(err.splitlines()) == 1


async def test_a_port_that_is_taken_is_one_line(
    tmp_path: Path, valkey: Valkey, processes: list[Process]
) -> None:
    api = Process(tmp_path, redis_url=valkey.url, http_port=valkey.port)
    processes.append(api)
    process = api.start()
    _, err = process.communicate(timeout=15)
    assert process.returncode == 1
    assert err.startswith(f"cannot listen on 127.0.0.1:{valkey.port}")
    assert len(err.splitlines()) == 1


async def test_the_status_compares_the_ends_of_the_log_with_what_is_stored(
    tmp_path: Path, valkey: Valkey, broker: Broker, processes: list[Process]
) -> None:
    api = Process(
        tmp_path, redis_url=valkey.url, kafka=broker.bootstrap, kafka_idempotence=False, partitions=2
    )
    processes.append(api)
    api.start()
    await wait_until(api.ready, 15)
    async with Kafka(api.settings) as kafka:
        await kafka.ensure_topics()
    status, answer = await api.get("/api/v1/status")
    assert (status, answer["caught_up"], len(answer["partitions"])) == (200, True, 2 * len(TOPICS))
    sender = producer(api.settings)
    await sender.start()
    await sender.send_and_wait("sessions", b"{}", partition=1)
    await sender.stop()
    status, answer = await api.get("/api/v1/status")
    assert (status, answer["caught_up"], answer["lag"]) == (200, False, 1)


async def test_the_status_survives_a_broker_that_goes_and_comes_back(
    tmp_path: Path, valkey: Valkey, broker: Broker, processes: list[Process]
) -> None:
    api = Process(
        tmp_path, redis_url=valkey.url, kafka=broker.bootstrap, kafka_idempotence=False, partitions=2
    )
    processes.append(api)
    api.start()
    await wait_until(api.ready, 15)
    async with Kafka(api.settings) as kafka:
        await kafka.ensure_topics()
    assert (await api.get("/api/v1/status"))[0] == 200
    broker.kill()
    status, answer = await api.get("/api/v1/status")
    assert (status, "RETENTION_KAFKA" in answer["detail"]) == (503, True)
    broker.start()

    async def back() -> bool:
        return (await api.get("/api/v1/status"))[0] == 200

    await wait_until(back, 10)
