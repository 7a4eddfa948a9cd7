"""Which real servers do tests run against, and how are they started, killed and started again?

    valkey         a Valkey of this test's own, empty, nothing kept on disk
    make_valkey    more of them, or one whose data outlives a restart
    broker         a Tansu broker of this test's own, its log in memory
    make_broker    more of them
    kafka          one real Apache Kafka (KRaft) for the whole run; a test uses its own `kafka.prefix()` for topics and group

A server that the machine lacks skips the test with the reason; in CI, and where somebody asked for that test by name (`make crash`,
`make soak`, `make e2e`), it fails it. Every server dies with the run, however it ends.
"""

import asyncio
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar
from uuid import uuid4

import pytest

from consumers.local.servers import (
    HOST,
    Missing,
    broker_binary,
    broker_command,
    free_port,
    new_log_id,
    store_binary,
    store_command,
)
from consumers.local.supervisor import tied
from tests.secure import Certificates, kafka_listener, scram_users

ROOT = Path(__file__).parents[1]
START_SECONDS_MAX = 60.0
POLL_SECONDS = 0.01


def missing(reason: str) -> NoReturn:
    """Ends the test: a machine of ours without a server skips, CI without it fails, and so does TEST_SERVERS=all."""
    if os.environ.get("CI", "").lower() in ("1", "true") or os.environ.get("TEST_SERVERS") == "all":
        pytest.fail(f"this run must have every server: {reason}", pytrace=False)
    pytest.skip(reason)


class Server(ABC):
    """A server process on a fixed port that can be stopped, killed and started again."""

    def __init__(self, name: str, command: Callable[[], list[str]], port: int, log: Path) -> None:
        self.name, self.port, self.log = name, port, log
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process; an error when it does not run."""
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    def start(self) -> None:
        """Starts it and returns when it answers."""
        self._launch()
        self._await_answer()

    async def start_beside(self) -> None:
        """As start, while other tasks go on. The process is made in this thread: it would end with a thread of a pool."""
        self._launch()
        await asyncio.to_thread(self._await_answer)

    def _launch(self) -> None:
        assert self._process is None, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                tied(self._command()), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _await_answer(self) -> None:
        assert self._process is not None
        give_up = time.monotonic() + START_SECONDS_MAX
        while not self._answers():
            ended = self._process.poll()
            if ended is not None or time.monotonic() > give_up:
                self.kill()
                raise AssertionError(f"{self.name} did not start (exit {ended}):\n{self.tail()}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Asks it to end and waits; harmless when it does not run."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._forget()

    def kill(self) -> None:
        """SIGKILL; harmless when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._forget()

    def pause(self) -> None:
        """It takes connections and answers nothing any more, until `resume`."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on where it was."""
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Stops it and starts it on the same port."""
        self.stop()
        self.start()

    def tail(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-2000:]

    def _forget(self) -> None:
        assert self._process is not None
        self._process.wait()
        self._process = None

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it can be used by now."""

    def _asked(self, request: bytes, size: int) -> bytes:
        try:
            with self._connected() as connection:
                connection.sendall(request)
                return connection.recv(size)
        except OSError:
            return b""

    def _connected(self) -> socket.socket:
        return socket.create_connection((HOST, self.port), 1)


class Valkey(Server):
    """A Valkey. `url` is for our store, `ask` for one command without a client library."""

    name = "Valkey"

    def __init__(self, directory: Path, *options: str, keep: bool = False) -> None:
        binary, port = self._binary(), free_port()
        command = [
            *store_command(binary, port, directory if keep else None, *options),
            *self._options(directory, port),
        ]
        super().__init__(self.name, lambda: command, port, directory / f"{self.name.lower()}-{port}.log")
        self.url = f"redis://{HOST}:{port}/0"

    def _binary(self) -> Path:
        return store_binary()

    def _options(self, directory: Path, port: int) -> Sequence[str]:
        return ()

    def ask(self, *words: str) -> str:
        """The first 64 KiB of the raw answer to one command."""
        return self._asked(as_command(*words), 65536).decode()

    def _answers(self) -> bool:
        return self.ask("PING") == "+PONG\r\n"


def as_command(*words: str) -> bytes:
    """A command as Redis wants it."""
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(p), p) for p in parts)


_Store = TypeVar("_Store", bound=Valkey)


class KafkaLike(Server):
    """A server that speaks Kafka's protocol. `bootstrap` is host:port."""

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"

    def prefix(self) -> str:
        """A topic prefix, also good as the name of a group, that no other test has."""
        return f"t{uuid4().hex[:10]}."

    def _answers(self) -> bool:
        # Metadata v1 of all topics: it is ready when its answer names at least one broker.
        request = struct.pack(">hhih4si", 3, 1, 1, 4, b"test", -1)
        answer = self._asked(struct.pack(">i", len(request)) + request, 12)
        return len(answer) == 12 and struct.unpack(">i", answer[8:])[0] > 0


class Broker(KafkaLike):
    """A Tansu broker. After a restart its log is empty; `log_id` is then another one unless it was given."""

    def __init__(self, directory: Path, log_id: str | None = None) -> None:
        binary, port = broker_binary(), free_port()
        self.log_id = log_id or new_log_id()

        def command() -> list[str]:
            self.log_id = log_id or new_log_id()
            return broker_command(binary, port, self.log_id)

        super().__init__("Tansu", command, port, directory / f"tansu-{port}.log")


class ApacheKafka(KafkaLike):
    """A single node of Apache Kafka. After `kill` and `start` it has the same port and the same log.

    `bootstrap` takes everybody; `secure` wants TLS and the user of tests/secure.py, known by SCRAM-SHA-512.
    """

    def __init__(self, directory: Path, libraries: Path) -> None:
        self._java = [str(shutil.which("java")), "-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-Xshare:auto"]
        self._java += ["-cp", f"{libraries}/*"]
        self._config = directory / "server.properties"
        super().__init__(
            "Apache Kafka",
            lambda: [*self._java, "kafka.Kafka", str(self._config)],
            free_port(),
            directory / "kafka.log",
        )
        self.certificates, secure_port = Certificates(directory), free_port()
        self.secure = f"{HOST}:{secure_port}"
        self._config.write_text(
            _kafka_config(self.port, free_port(), secure_port, directory / "log")
            + kafka_listener(self.certificates)
        )
        storage = [
            *self._java,
            "kafka.tools.StorageTool",
            "format",
            "-t",
            "dGVzdC1jbHVzdGVyLWlkMQ",
            "-c",
            str(self._config),
            *scram_users(),
        ]
        formatted = subprocess.run(storage, capture_output=True, text=True, timeout=60, check=False)
        assert formatted.returncode == 0, formatted.stdout + formatted.stderr


@contextmanager
def empty_stores(tmp_path: Path, name: str) -> Iterator[Callable[[Callable[[Path], _Store]], _Store]]:
    """Starts what is built for a directory of its own, sees that it is empty, and kills all of them at the end."""
    started: list[Valkey] = []

    def start(build: Callable[[Path], _Store]) -> _Store:
        directory = tmp_path / f"{name}-{len(started)}"
        directory.mkdir()
        try:
            server = build(directory)
        except Missing as error:
            missing(str(error))
        started.append(server)
        server.start()
        assert server.ask("DBSIZE") == ":0\r\n", "tests never touch a database that is not empty"
        return server

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def make_valkey(tmp_path: Path) -> Iterator[Callable[..., Valkey]]:
    """Starts an empty Valkey: `make_valkey("--maxmemory", "10mb", keep=True)`."""
    with empty_stores(tmp_path, "valkey") as start:
        yield lambda *options, keep=False: start(lambda directory: Valkey(directory, *options, keep=keep))


@pytest.fixture
def valkey(make_valkey: Callable[..., Valkey]) -> Valkey:
    """An empty Valkey for this test alone."""
    return make_valkey()


@pytest.fixture
def make_broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Starts an empty Tansu: `make_broker(log_id="one")`."""
    started: list[Broker] = []

    def make(log_id: str | None = None) -> Broker:
        try:
            server = Broker(tmp_path, log_id)
        except Missing as error:
            missing(str(error))
        started.append(server)
        server.start()
        return server

    yield make
    for server in started:
        server.kill()


@pytest.fixture
def broker(make_broker: Callable[..., Broker]) -> Broker:
    """An empty Tansu for this test alone."""
    return make_broker()


def kafka_libraries() -> Path:
    """Where Apache Kafka is on this machine; ends the test where it is not."""
    elsewhere = os.environ.get("RETENTION_KAFKA_LIBS")
    libraries = Path(elsewhere or ROOT / "build" / "kafka-libs")
    if not list(libraries.glob("kafka_2.13-*.jar")):
        missing(
            f"Apache Kafka is not in {libraries}, where RETENTION_KAFKA_LIBS says"
            if elsewhere
            else f"Apache Kafka is not in {libraries}: `make kafka` fetches it"
        )
    if shutil.which("java") is None:
        missing("Apache Kafka needs java 17 or newer in the path (apt-get install openjdk-17-jre-headless)")
    return libraries


@pytest.fixture(scope="session")
def _kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    libraries = kafka_libraries()
    server = ApacheKafka(tmp_path_factory.mktemp("kafka"), libraries)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def kafka(_kafka_server: ApacheKafka) -> ApacheKafka:
    """Apache Kafka, running; a test that stops it may leave it stopped."""
    if _kafka_server._process is None:
        _kafka_server.start()
    return _kafka_server


def _kafka_config(port: int, controller_port: int, secure_port: int, log: Path) -> str:
    return f"""
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{HOST}:{controller_port}
listeners=PLAINTEXT://{HOST}:{port},SECURE://{HOST}:{secure_port},CONTROLLER://{HOST}:{controller_port}
advertised.listeners=PLAINTEXT://{HOST}:{port},SECURE://{HOST}:{secure_port}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL
log.dirs={log}
auto.create.topics.enable=false
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
message.max.bytes=20971520
num.partitions=4
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=4194304
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
"""
