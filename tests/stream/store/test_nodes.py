"""Does every call reach the server that has the shard, also while slots move and servers come and go?"""

import os
import re
import signal
from collections.abc import Callable

import pytest

from stream.store.keys import app_prefix, shard_of
from stream.store.protocol import IdentityMismatch, Position, Progress, StoreRefused, StoreUnavailable
from stream.store.redis import RedisStore
from tests.cluster import Node, RedisCluster, SecureCluster
from tests.servers import HOST, Valkey
from tests.stream.store.test_store import APP, HERE, apply, count, stored, user, write
from tests.waiting import wait_until

SHARDS = 16


async def test_the_shards_stand_on_all_masters(masters: RedisCluster) -> None:
    store = RedisStore.connect(masters.url, SHARDS)
    await apply(store, *(write(n, None, b"r", ["s"], {"f": 1}) for n in range(200)))
    assert await count(store, "s") == 200
    assert all(node.ask("DBSIZE") != ":0\r\n" for node in masters.masters)
    assert {shard: masters.master_of(shard) for shard in range(SHARDS)}.keys() == set(range(SHARDS))
    await store.aclose()


async def test_one_server_that_is_named_is_enough_and_dead_ones_do_no_harm(
    masters: RedisCluster, valkey: Valkey
) -> None:
    valkey.kill()
    url = f"redis+cluster://{HOST}:{valkey.port},{HOST}:{masters.masters[1].port}"
    store = RedisStore.connect(url, SHARDS)
    await store.open({"layout": "x"})
    await store.aclose()


async def test_a_url_of_the_other_kind_is_refused_and_says_what_to_write(
    masters: RedisCluster, valkey: Valkey
) -> None:
    for url, right in (
        (masters.masters[0].url, r"redis\+cluster://"),
        (f"redis+cluster://{HOST}:{valkey.port}", "redis://"),
    ):
        store = RedisStore.connect(url, SHARDS)
        with pytest.raises(IdentityMismatch, match=right):
            await store.open({})
        await store.aclose()


async def test_a_cluster_that_lets_nobody_in_is_no_cluster_that_is_away(
    secure_masters: SecureCluster, valkey: Valkey
) -> None:
    valkey.kill()
    right, trust = secure_masters.url_of("worker"), secure_masters.trust
    for url, files, said in (
        (right.replace("password-of-worker", "wrong"), trust, "Redis refuses: invalid username-password"),
        (right, {"ssl_ca_certs": str(secure_masters.certificates.stranger)}, "not trusted"),
        (right + f",{HOST}:{valkey.port}", {}, "not trusted"),  # that one of them is away does not matter
    ):
        store = RedisStore.connect(url, SHARDS, **files)
        with pytest.raises(StoreRefused, match=f"lets us in .*{said}"):
            await store.zones()
        await store.aclose()


async def test_the_servers_that_a_cluster_names_must_be_vouched_for_by_that_name(
    secure_masters: SecureCluster,
) -> None:
    for node in secure_masters.masters:
        node.told("CONFIG", "SET", "cluster-announce-hostname", "localhost")
        node.told("CONFIG", "SET", "cluster-preferred-endpoint-type", "hostname")
    store = RedisStore.connect(secure_masters.url_of("worker"), SHARDS, **secure_masters.trust)
    try:
        await wait_until(lambda: all(names(node) == {"localhost"} for node in secure_masters.masters))
        with pytest.raises(StoreRefused, match="not valid for 'localhost'"):
            await store.zones()
    finally:
        for node in secure_masters.masters:
            node.told("CONFIG", "SET", "cluster-preferred-endpoint-type", "ip")
            node.told("CONFIG", "SET", "cluster-announce-hostname", "")
        await store.aclose()


def names(node: Node) -> set[str]:
    return set(re.findall(r"\$\d+\r\n([\w.?]+)\r\n:\d+\r\n\$40", node.ask("CLUSTER", "SLOTS")))


async def test_a_master_that_may_evict_keys_is_refused_by_name(masters: RedisCluster) -> None:
    node = masters.masters[2]
    node.told("CONFIG", "SET", "maxmemory", "100mb")
    node.told("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    store = RedisStore.connect(masters.url, SHARDS)
    try:
        with pytest.raises(IdentityMismatch, match=str(node.port)):
            await store.open({})
    finally:
        node.told("CONFIG", "SET", "maxmemory-policy", "noeviction")
        node.told("CONFIG", "SET", "maxmemory", "0")
        await store.aclose()


def move(cluster: RedisCluster, shard: int, target: Node, *, half: bool) -> None:
    """Moves the slot of a shard key by key, as resharding does; `half` leaves off in the middle."""
    source = cluster.masters[cluster.master_of(shard)]
    slot = source.told("CLUSTER", "KEYSLOT", app_prefix(shard, APP)).removeprefix(":")
    target.told("CLUSTER", "SETSLOT", slot, "IMPORTING", source.node_id)
    source.told("CLUSTER", "SETSLOT", slot, "MIGRATING", target.node_id)
    keys = source.ask("CLUSTER", "GETKEYSINSLOT", slot, "1000").split("\r\n")[2::2]
    for key in keys[: len(keys) // 2] if half else keys:
        source.told("MIGRATE", HOST, str(target.port), key, "0", "5000")
    if not half:
        for node in cluster.masters:
            node.told("CLUSTER", "SETSLOT", slot, "NODE", target.node_id)


async def test_while_a_slot_moves_nothing_is_written_and_afterwards_it_goes_on(
    make_cluster: Callable[..., RedisCluster],
) -> None:
    cluster = make_cluster(replicas=False)
    store = RedisStore.connect(cluster.url, SHARDS)
    shard = shard_of(user(1), SHARDS)
    target = cluster.masters[(cluster.master_of(shard) + 1) % 3]
    await apply(store, write(1, None, b"a", ["s"], {"f": 1}))
    move(cluster, shard, target, half=True)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await apply(store, write(1, b"a", b"b", ["t"], {"f": 1}))
        with pytest.raises(StoreUnavailable):
            await store.advance(shard, Progress(HERE, None, Position(9, "log"), {}))
        with pytest.raises(StoreUnavailable):
            await store.view(APP, sets=["s"])
    move(cluster, shard, target, half=False)
    assert await stored(store, 1) == b"a"
    assert (await count(store, "s"), await count(store, "t")) == (1, 0)
    assert await apply(store, write(1, b"a", b"b", ["t"], {"f": 1})) == {}
    assert (await store.view(APP, counters=["c"])).counters == {"c": {"f": 2}}
    await store.aclose()


async def test_a_replica_that_takes_over_is_found(make_cluster: Callable[..., RedisCluster]) -> None:
    cluster = make_cluster()
    store = RedisStore.connect(cluster.url, SHARDS, timeout_seconds=2)
    await apply(store, *(write(n, None, b"r", ["s"]) for n in range(100)))
    await wait_until(lambda: all("lag=0" in node.told("INFO", "replication") for node in cluster.masters))
    cluster.masters[0].kill()
    with pytest.raises(StoreUnavailable):
        await count(store, "s")

    async def answers() -> bool:
        try:
            return await count(store, "s") == 100
        except StoreUnavailable:
            return False

    await wait_until(answers, 10)
    assert await apply(store, *(write(n, b"r", b"q", ["t"]) for n in range(100))) == {}
    await store.aclose()


async def test_a_server_that_hangs_does_not_keep_the_map_from_being_drawn(masters: RedisCluster) -> None:
    hung, elsewhere = (
        masters.masters[0],
        next(n for n in range(100) if masters.master_of(shard_of(user(n), SHARDS)) != 0),
    )
    os.kill(hung.pid, signal.SIGSTOP)
    try:
        store = RedisStore.connect(masters.url, SHARDS, timeout_seconds=1)  # it is named first
        assert await stored(store, elsewhere) is None
        await store.aclose()
    finally:
        os.kill(hung.pid, signal.SIGCONT)
