"""Which Redis Cluster do tests run against? Three masters and a replica of each, all of them Valkeys of this machine.

make_cluster   `make_cluster()` starts one, empty; `make_cluster(replicas=False)` without replicas
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consumers.local.servers import HOST, Missing, free_port
from stream.store.keys import shard_prefix
from tests.servers import POLL_SECONDS, START_SECONDS_MAX, Valkey, missing

MASTERS = 3
SLOTS = 16_384
START_TRIES = 3
# A replica that has lost its master for long may still take over: what it lacks then is what these tests are about.
_OPTIONS = (
    "--cluster-enabled",
    "yes",
    "--cluster-replica-validity-factor",
    "0",
    "--repl-diskless-sync-delay",
    "0",
)


class Node(Valkey):
    """One server of a cluster."""

    def __init__(self, directory: Path, node_timeout_ms: int) -> None:
        bus = free_port()
        files = ("--dir", str(directory), "--cluster-config-file", "nodes.conf", "--cluster-port", str(bus))
        super().__init__(directory, *_OPTIONS, *files, "--cluster-node-timeout", str(node_timeout_ms))
        self.bus = bus

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


class RedisCluster:
    """The servers; `url` is for our store. `masters[n]` has the n-th third of the slots and `replicas[n]` its copy."""

    def __init__(self, directory: Path, *, replicas: bool = True) -> None:
        self.masters: list[Node] = []
        self.replicas: list[Node] = []
        for number in range(MASTERS * (2 if replicas else 1)):
            place = directory / f"node-{number}"
            place.mkdir(parents=True)
            (self.masters if number < MASTERS else self.replicas).append(
                Node(place, 1_000 if replicas else 30_000)  # whom nobody replaces need not be given up soon
            )

    @property
    def nodes(self) -> list[Node]:
        return [*self.masters, *self.replicas]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"{HOST}:{node.port}" for node in self.masters)

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


def _start(directory: Path, *, replicas: bool = True) -> RedisCluster:
    """Twelve ports at a time: now and then somebody takes one before its server does, and then others are chosen."""
    for attempt in range(START_TRIES):
        try:
            cluster = RedisCluster(directory / str(attempt), replicas=replicas)
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
    """Starts an empty cluster with replicas; it is gone behind the test."""
    started: list[RedisCluster] = []

    def make(*, replicas: bool = True) -> RedisCluster:
        started.append(_start(tmp_path / f"cluster-{len(started)}", replicas=replicas))
        return started[-1]

    yield make
    for cluster in started:
        cluster.kill()


@pytest.fixture(scope="session")
def _masters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    cluster = _start(tmp_path_factory.mktemp("masters"), replicas=False)
    yield cluster
    cluster.kill()


@pytest.fixture
def masters(_masters: RedisCluster) -> RedisCluster:
    """Three masters without replicas, empty, for tests that let them live."""
    _masters.flush()
    return _masters
