"""How do the servers of a store stand? What each says of itself, for the doctor; nothing is written."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from redis.exceptions import RedisError

from stream.store.calls import answered
from stream.store.keys import shard_prefix
from stream.store.nodes import Nodes
from stream.store.protocol import LAYOUT, StoreRefused

_SETTINGS = ("appendonly", "appendfsync", "save", "hash-max-listpack-entries", "hash-max-listpack-value")


class ServerState(NamedTuple):
    """One server. `settings` and `now_ms` are None where we have no right to ask.

    policy        what it does when memory is full
    problem       the last write of its file that failed; empty where none did
    replicas      that follow it just now
    """

    name: str
    version: str
    used_bytes: int
    max_bytes: int
    policy: str
    settings: Mapping[str, str] | None
    problem: str
    replicas: int
    now_ms: int | None


async def states(nodes: Nodes) -> list[ServerState]:
    """Every server that holds shards. Raises StoreUnavailable, IdentityMismatch."""
    return [await _state(name, client) for name, client in (await nodes.every()).items()]


async def _state(name: str, client: Any) -> ServerState:
    info = await answered(client.info())
    now_ms = None
    with suppress(RedisError, StoreRefused):
        seconds, microseconds = await answered(client.time())
        now_ms = int(seconds) * 1000 + int(microseconds) // 1000
    try:
        settings: dict[str, str] | None = await answered(client.config_get(*_SETTINGS))
    except (RedisError, StoreRefused):
        settings = None
    failed = [
        what
        for what, field in (
            ("the last snapshot", "rdb_last_bgsave_status"),
            ("the last write of the AOF", "aof_last_write_status"),
        )
        if info.get(field, "ok") != "ok"
    ]
    valkey = info.get("valkey_version")
    return ServerState(
        name,
        f"Valkey {valkey}" if valkey else f"Redis {info.get('redis_version', '?')}",
        int(info.get("used_memory", 0)),
        int(info.get("maxmemory", 0)),
        str(info.get("maxmemory_policy", "noeviction")),
        settings,
        " and ".join(failed),
        int(info.get("connected_slaves", 0)),
        now_ms,
    )


async def stored_identity(nodes: Nodes, shards: int) -> list[dict[str, str]]:
    """What the data of each shard was counted under, be it in the keys of an older layout; nothing is claimed."""
    return [await _identity(nodes, shard) for shard in range(shards)]


async def _identity(nodes: Nodes, shard: int) -> dict[str, str]:
    for layout in range(int(LAYOUT), 0, -1):
        key = shard_prefix(shard, str(layout)) + "identity"
        stored = await nodes.ask(shard, lambda redis, key=key: redis.hgetall(key))  # type: ignore[misc]
        if stored:
            return {name.decode(): value.decode() for name, value in stored.items()}
    return {}
