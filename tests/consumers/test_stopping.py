"""Does every role end when it is told to, soon and with 0, whatever it is doing just then?"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.local.servers import HOST, free_port
from tests.servers import Broker, Valkey
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

ROLES = {
    "worker": "WORKER_PORT",
    "api": "HTTP_PORT",
    "collector": "COLLECTOR_PORT",
    "exporter": "EXPORTER_PORT",
    "watch": "WATCH_PORT",
}
STOP_SECONDS_MAX = 12.0


class Running:
    """A role as a process; `lines` are the objects of its log."""

    def __init__(self, role: str, log: Path, kafka: str, redis_url: str) -> None:
        self.port, self._log = free_port(), log
        env = {name: value for name, value in os.environ.items() if not name.startswith("RETENTION_")}
        env |= {
            "RETENTION_KAFKA": kafka,
            "RETENTION_REDIS_URL": redis_url,
            "RETENTION_USER_ID_SECRET": "0123456789abcdef",
            "RETENTION_KAFKA_IDEMPOTENCE": "false",
            "RETENTION_LOG_FORMAT": "json",
            "RETENTION_DATA_DIR": "/nonexistent",
            f"RETENTION_{ROLES[role]}": str(self.port),
        }
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "consumers.cli", role],
                env=env,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    async def status(self, path: str) -> int:
        """What a probe answers."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}:{self.port}\r\nConnection: close\r\n\r\n".encode())
        line = await reader.readline()
        writer.close()
        return int(line.split()[1])

    async def ends(self) -> tuple[int, float]:
        """SIGTERM; the exit code, and after how many seconds."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        await wait_until(lambda: self.process.poll() is not None, 30, what="the role ends")
        return self.process.returncode, time.monotonic() - began

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]


@pytest.fixture
def started() -> Iterator[list[Running]]:
    found: list[Running] = []
    yield found
    for one in found:
        one.process.kill()
        one.process.wait()
        print(one._log.read_text()[-2000:])


async def ended(roles: dict[str, Running], path: str, codes: tuple[int, ...]) -> None:
    """Waits until a probe of each answers so, tells all of them to stop, and holds how they end."""

    async def answer(running: Running) -> bool:
        return await running.status(path) in codes

    for role, running in roles.items():
        await wait_until(lambda running=running: answer(running), 45, what=f"{role} answers {path}")
    for role, (code, seconds) in zip(
        roles, await asyncio.gather(*(one.ends() for one in roles.values())), strict=True
    ):
        assert (role, code) == (role, 0)
        assert seconds < STOP_SECONDS_MAX, role


async def test_every_role_that_works_ends_with_0(
    broker: Broker, valkey: Valkey, tmp_path: Path, started: list[Running]
) -> None:
    roles = {role: Running(role, tmp_path / role, broker.bootstrap, valkey.url) for role in ROLES}
    started += roles.values()
    await ended(roles, "/readyz", (200,))
    for role, running in roles.items():
        assert all({"event", "level", "logger", "timestamp"} <= line.keys() for line in running.lines), role
        bad = [line for line in running.lines if line["level"] in ("error", "critical")]
        # aiokafka forgets a connection that is just being made when its client is closed.
        assert not [line for line in bad if "Unclosed AIOKafkaConnection" not in str(line["event"])], role


async def test_every_role_that_waits_for_servers_ends_with_0(tmp_path: Path, started: list[Running]) -> None:
    nowhere = f"{HOST}:{free_port()}", f"redis://{HOST}:{free_port()}/0"
    roles = {role: Running(role, tmp_path / role, *nowhere) for role in ROLES}
    started += roles.values()
    await ended(roles, "/healthz", (200, 503))
