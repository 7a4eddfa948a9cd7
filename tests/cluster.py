"""Which Redis Cluster do tests run against? Three masters and a replica of each, all of them on this machine.

make_cluster     `make_cluster()` starts one of Valkeys, empty; `make_cluster(replicas=False)` without replicas; and
                 `make_cluster(SecureCluster)` of Debian's Redis, with TLS between them too, and the users of docs/redis-users.acl
masters          three Valkeys, empty, for tests that let them live
secure_masters   the same three of a SecureCluster
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from consumers.local.servers import HOST, Missing, free_port
from stream.store.keys import shard_prefix
from tests.redis_server import SecureRedis
from tests.secure import Certificates
from tests.servers import POLL_SECONDS, START_SECONDS_MAX, Valkey, missing
from tests.stream.store.acl import replica_line

MASTERS = 3
SLOTS = 16_384
START_TRIES = 3
_Cluster = TypeVar("_Cluster", bound="RedisCluster")
# A replica that has lost its master for long may still take over: what it lacks then is what these tests are about.
# A replica counts as one when it has heard of its master, which of an empty one Redis 7.0 hears only such a ping.
_OPTIONS = (
    "--cluster-enabled",
    "yes",
    "--cluster-replica-validity-factor",
    "0",
    "--repl-diskless-sync-delay",
    "0",
    "--repl-ping-replica-period",
    "1",
)


class Node(Valkey):
    """One server of a cluster."""

    bus: int

    def told(self, *words: str) -> str:
        """The answer to a command that must not fail, without its frame."""
        said = self.ask(*words)
        assert not said.startswith("-"), f"{' '.join(words)}: {said}"
        return said.removeprefix("+").partition("\r\n")[2 if said.startswith("$") else 0].strip()

    @property
    def node_id(self) -> str:
        return self.told("CLUSTER", "MYID")

    @property
    def is_master(self) -> bool:
        return "role:master" in self.told("INFO", "replication")


class PlainNode(Node):
    """A Valkey."""

    def __init__(self, directory: Path, node_timeout_ms: int) -> None:
        self.bus = free_port()
        super().__init__(directory, *_options(directory, self.bus, node_timeout_ms))


class SecureNode(SecureRedis, Node):
    """A Redis behind closed doors; the others of its cluster get in by TLS, and follow it as the user of docs/security.md."""

    _FOLLOWER = ("replica", "password-of-replica")

    def __init__(self, directory: Path, node_timeout_ms: int, certificates: Certificates) -> None:
        self.bus = free_port()
        user, password = self._FOLLOWER
        options = (*_options(directory, self.bus, node_timeout_ms), "--tls-cluster", "yes")
        options += ("--tls-replication", "yes", "--masteruser", user, "--masterauth", password)
        super().__init__(directory, certificates, *options, more_users=[replica_line(password)])


def _options(directory: Path, bus: int, node_timeout_ms: int) -> tuple[str, ...]:
    files = ("--dir", str(directory), "--cluster-config-file", "nodes.conf", "--cluster-port", str(bus))
    return (*_OPTIONS, *files, "--cluster-node-timeout", str(node_timeout_ms))


class RedisCluster:
    """The servers; `url` is for our store. `masters[n]` has the n-th third of the slots and `replicas[n]` its copy."""

    def __init__(
        self, directory: Path, *, replicas: bool = True, new_node: Callable[[Path, int], Node] = PlainNode
    ) -> None:
        self.masters: list[Node] = []
        self.replicas: list[Node] = []
        for number in range(MASTERS * (2 if replicas else 1)):
            place = directory / f"node-{number}"
            place.mkdir(parents=True)
            (self.masters if number < MASTERS else self.replicas).append(
                new_node(
                    place, 1_000 if replicas else 30_000
                )  # whom nobody replaces need not be given up soon
            )

    @property
    def nodes(self) -> list[Node]:
        return [*self.masters, *self.replicas]

    @property
    def url(self) -> str:
        return "redis+cluster://" + self._hosts()

    def _hosts(self) -> str:
        return ",".join(f"{HOST}:{node.port}" for node in self.masters)

    def start(self) -> None:
        """Starts all of it; returns when every server knows every other and all slots are served."""
        for node in self.nodes:
            node.start()
        first, size = self.masters[0], -(-SLOTS // MASTERS)
        for number, node in enumerate(self.masters):
            node.told(
                "CLUSTER", "ADDSLOTSRANGE", str(number * size), str(min(SLOTS, (number + 1) * size) - 1)
            )
            node.told("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for node in self.nodes[1:]:
            node.told("CLUSTER", "MEET", HOST, str(first.port), str(first.bus))
        self._wait(lambda: all(self._knows_all(node) for node in self.nodes))
        for master, replica in zip(self.masters, self.replicas, strict=False):
            replica.told("CLUSTER", "REPLICATE", master.node_id)
        self._wait(lambda: all("cluster_state:ok" in node.told("CLUSTER", "INFO") for node in self.nodes))
        self._wait(lambda: all(self.is_linked(node) for node in self.replicas))
        # Its link to the master is not enough: the others must have heard of the replica too.
        self._wait(
            lambda: all(node.ask("CLUSTER", "SLOTS").count("$40") == len(self.nodes) for node in self.nodes)
        )

    def _knows_all(self, node: Node) -> bool:
        lines = node.told("CLUSTER", "NODES").splitlines()
        return sum(" connected" in line and "handshake" not in line for line in lines) == len(self.nodes)

    def is_linked(self, replica: Node) -> bool:
        """Whether a replica follows its master just now."""
        return "master_link_status:up" in replica.told("INFO", "replication")

    def master_of(self, shard: int) -> int:
        """The number of the master that has a shard at the beginning."""
        slot = int(self.masters[0].told("CLUSTER", "KEYSLOT", shard_prefix(shard)).removeprefix(":"))
        return slot * MASTERS // SLOTS

    def leave_behind(self, number: int) -> None:
        """A replica hears no more of its master; what it has, it keeps."""
        replica = self.replicas[number]
        replica.told("CONFIG", "SET", "masteruser", "nobody")
        replica.told("CONFIG", "SET", "masterauth", "wrong")
        replica.told("CLIENT", "KILL", "TYPE", "master")
        self._wait(lambda: not self.is_linked(replica))

    def fail_over(self, number: int) -> None:
        """Kills a master (SIGKILL) and returns when its replica has taken over."""
        self.masters[number].kill()
        self._wait(lambda: self.replicas[number].is_master)

    def kill(self) -> None:
        """All of it."""
        for node in self.nodes:
            node.kill()

    def _wait(self, condition: Callable[[], bool]) -> None:
        give_up = time.monotonic() + START_SECONDS_MAX
        while not condition():
            assert time.monotonic() < give_up, "\n".join(node.tail() for node in self.nodes)
            time.sleep(POLL_SECONDS)

    def flush(self) -> None:
        """Nothing is in it any more."""
        for node in self.masters:
            node.told("FLUSHALL", "SYNC")


class SecureCluster(RedisCluster):
    """The same behind closed doors: `url_of` a user, with `trust` as more options of the store."""

    def __init__(self, directory: Path, *, replicas: bool = True) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.certificates = Certificates(directory)
        self.trust = {"ssl_ca_certs": str(self.certificates.ca)}
        super().__init__(
            directory, replicas=replicas, new_node=lambda *how: SecureNode(*how, self.certificates)
        )

    def url_of(self, user: str) -> str:
        """Where and as whom."""
        first = self.masters[0]
        assert isinstance(first, SecureNode)
        return f"rediss+cluster://{first.login(user)}@{self._hosts()}"


def _start(make: Callable[[Path], _Cluster], directory: Path) -> _Cluster:
    """Twelve ports at a time: now and then somebody takes one before its server does, and then others are chosen."""
    for attempt in range(START_TRIES):
        try:
            cluster = make(directory / str(attempt))
        except Missing as error:
            missing(str(error))
        try:
            cluster.start()
            return cluster
        except BaseException as error:
            cluster.kill()
            if not isinstance(error, AssertionError) or attempt == START_TRIES - 1:
                raise
    raise AssertionError("the last try returns or raises")


@pytest.fixture
def make_cluster(tmp_path: Path) -> Iterator[Callable[..., RedisCluster]]:
    """Starts an empty cluster, with replicas unless it shall have none; it is gone behind the test."""
    started: list[RedisCluster] = []

    def make(
        kind: type[RedisCluster] | type[SecureCluster] = RedisCluster, *, replicas: bool = True
    ) -> RedisCluster:
        new = partial(kind, replicas=replicas)
        started.append(_start(new, tmp_path / f"cluster-{len(started)}"))
        return started[-1]

    yield make
    for cluster in started:
        cluster.kill()


@pytest.fixture(scope="session")
def _masters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    cluster = _start(partial(RedisCluster, replicas=False), tmp_path_factory.mktemp("masters"))
    yield cluster
    cluster.kill()


@pytest.fixture(scope="session")
def _secure_masters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureCluster]:
    cluster = _start(partial(SecureCluster, replicas=False), tmp_path_factory.mktemp("secure-masters"))
    yield cluster
    cluster.kill()


@pytest.fixture
def masters(_masters: RedisCluster) -> RedisCluster:
    """Three masters without replicas, empty, for tests that let them live."""
    _masters.flush()
    return _masters


@pytest.fixture
def secure_masters(_secure_masters: SecureCluster) -> SecureCluster:
    """Three masters behind closed doors, empty, for tests that let them live."""
    _secure_masters.flush()
    return _secure_masters
