"""Which server holds a shard? One server holds all of them; of a Redis Cluster each master some.

A shard is one hash tag and so one slot: every call of ours goes to one server, as it does without a cluster. Hence plain clients,
one a master, and the map of slots from `CLUSTER SLOTS`, drawn again after every failure. redis-py's own cluster client has a second
kind of pipeline and closes connections under calls that are on their way; here nothing differs but the address.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import RedisError, ResponseError

from stream.store.address import DEFAULT_PORT, Address, cluster_url, is_cluster
from stream.store.calls import Call, Moved, answered
from stream.store.keys import shard_prefix
from stream.store.no_answer import explain
from stream.store.protocol import IdentityMismatch, StoreRefused, StoreUnavailable

_CONNECT_SECONDS = 5.0
# A server that does not tell its map within so long is passed over.
_MAP_SECONDS = 2.0
_GONE_MAX = 8


class Nodes(Protocol):
    """The servers under a store."""

    async def ask(self, shard: int, call: Call) -> Any:
        """The answer of a call to the server of a shard. Raises StoreUnavailable."""

    async def every(self) -> "dict[str, aioredis.Redis]":
        """The clients of all servers that hold shards, by address. Raises StoreUnavailable, IdentityMismatch."""

    async def client(self, shard: int) -> "aioredis.Redis":
        """The server of a shard, as it is now."""

    async def aclose(self) -> None:
        """Close connections."""


def nodes(url: str, shards: int, *, timeout_seconds: float, **options: Any) -> Nodes:
    """The servers of a URL. StoreRefused where it asks for something that the client cannot do.

    `redis+cluster://user:password@host:port,host:port` (or `rediss+cluster`) names some servers of a cluster.
    """
    given = client_options(timeout_seconds, **options)
    if not is_cluster(url):
        return OneServer(_checked(url, given), url)
    seeds, url_of = cluster_url(url)
    _checked(url_of(seeds[0]), given)

    def connect(address: Address, **other: Any) -> "aioredis.Redis":
        return aioredis.Redis.from_url(url_of(address), **given | other)

    return Cluster(seeds, connect, shards, urlsplit(url).scheme)


def _checked(url: str, given: dict[str, Any]) -> "aioredis.Redis":
    """A client that can make connections. It would look at what the URL asks for with the first one only."""
    try:
        client = aioredis.Redis.from_url(url, **given)
        pool: Any = client.connection_pool
        pool.make_connection()
    except TypeError as error:
        option = re.search(r"keyword argument '(\w+)'", str(error))
        what = f"there is no option {option[1]}" if option else str(error)
        raise StoreRefused(f"RETENTION_REDIS_URL cannot be used: {what}") from error
    except (ValueError, RedisError) as error:
        raise StoreRefused(f"RETENTION_REDIS_URL cannot be used: {error}") from error
    return client


def client_options(timeout_seconds: float, **options: Any) -> dict[str, Any]:
    """The keywords of every client.

    redis-py's own retries are off: it would send a write again that was already done. It does not tell the server its name either:
    Redis before 7.2 knows no CLIENT SETINFO, and no user needs a right to it.
    """
    return {
        "decode_responses": False,
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": _CONNECT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        "driver_info": None,
        **options,
    }


class OneServer:
    """All shards on one server."""

    def __init__(self, client: "aioredis.Redis", url: str = "") -> None:
        self._client = client
        parts = urlsplit(url)
        self._name = parts.netloc.rpartition("@")[2] or "the server"
        self._scheme, self._address = parts.scheme, Address(parts.hostname or "", parts.port or DEFAULT_PORT)
        self._has_answered = False

    async def ask(self, shard: int, call: Call) -> Any:
        """Straight to the server. Raises IdentityMismatch where it has never answered, and would if the URL had another scheme."""
        try:
            answer = await answered(call(self._client))
        except StoreUnavailable as error:
            if not self._has_answered:
                await explain(self._scheme, self._address, error)
            raise
        self._has_answered = True
        return answer

    async def every(self) -> "dict[str, aioredis.Redis]":
        """The one. A part of a cluster refuses what the other parts hold, so it is refused as a whole."""
        if (await self.ask(0, lambda redis: redis.info("cluster"))).get("cluster_enabled"):
            raise IdentityMismatch(
                "this Redis is part of a cluster: RETENTION_REDIS_URL must begin with redis+cluster:// (or rediss+cluster://)"
            )
        return {self._name: self._client}

    async def client(self, shard: int) -> "aioredis.Redis":
        """The one."""
        return self._client

    async def aclose(self) -> None:
        """Close its connections."""
        await self._client.aclose()


class Cluster:
    """The masters of a Redis Cluster.

    connect   makes a client for an address; keywords go to it and win
    scheme    that of the URL
    """

    def __init__(
        self,
        seeds: Sequence[Address],
        connect: Callable[..., "aioredis.Redis"],
        shards: int,
        scheme: str = "redis+cluster",
    ) -> None:
        self._connect, self._scheme = connect, scheme
        self._slots = [key_slot(shard_prefix(shard).encode()) for shard in range(shards)]
        self._seeds = list(seeds)
        self._servers: list[Address] = []  # masters and replicas of the last map
        self._told_by: Address | None = None
        self._masters: list[Address] = []  # all of them, also those that hold no shard
        self._owners: list[Address] = []  # by shard
        self._clients: dict[Address, aioredis.Redis] = {}
        self._gone: list[aioredis.Redis] = []  # of servers that are masters no more
        self._is_stale = True
        self._drawing = asyncio.Lock()

    async def ask(self, shard: int, call: Call) -> Any:
        """To the master of the shard; after any failure the map is drawn again before the next call."""
        for is_last in (False, True):
            client = await self.client(shard)
            try:
                return await answered(call(client))
            except Moved:
                self._is_stale = True  # Nothing was done yet, so it may be said again, to the right one.
                if is_last:
                    raise
            except StoreUnavailable:
                self._is_stale = True
                raise
        raise AssertionError("the second try answers or raises")

    async def every(self) -> "dict[str, aioredis.Redis]":
        """The masters."""
        await self._draw()
        return {str(address): self._client(address) for address in self._masters}

    async def client(self, shard: int) -> "aioredis.Redis":
        """The master of a shard as the map has it."""
        await self._draw()
        return self._client(self._owners[shard])

    async def aclose(self) -> None:
        """Close all connections."""
        for client in [*self._clients.values(), *self._gone]:
            await client.aclose()
        self._clients.clear()
        self._gone.clear()
        self._is_stale = True

    def _client(self, address: Address) -> "aioredis.Redis":
        if address not in self._clients:
            self._clients[address] = self._connect(address)
        return self._clients[address]

    async def _draw(self) -> None:
        """Know who holds what."""
        async with self._drawing:
            if not self._is_stale:
                return
            problem, refusal, is_in = "", "", False
            away: StoreUnavailable | None = None
            for address in self._candidates():
                try:
                    ranges = await self._told(address)
                except StoreRefused as error:
                    refusal = str(error)
                    continue
                except StoreUnavailable as error:
                    problem, away = str(error), error
                    continue
                is_in = True
                owners = [owner for slot in self._slots if (owner := _owner(slot, ranges)) is not None]
                if len(owners) < len(self._slots):
                    problem = f"as {address} says, some slots have no server"
                    continue
                self._told_by = address
                await self._take(ranges, owners)
                return
        if refusal and not is_in:
            raise StoreRefused(f"no server of the cluster lets us in ({refusal})")
        raise StoreUnavailable(f"no server of the cluster says who holds what ({problem})") from away

    def _candidates(self) -> list[Address]:
        """Whom to ask for the map. Whoever told it last comes last: it may be cut off from the others and not know."""
        everybody = dict.fromkeys([*self._servers, *self._seeds])
        return sorted(everybody, key=lambda one: one == self._told_by)

    async def _take(self, ranges: "list[_Range]", owners: list[Address]) -> None:
        self._owners = owners
        self._masters = sorted({one.servers[0] for one in ranges})
        self._servers = list(dict.fromkeys(server for one in ranges for server in one.servers))
        self._is_stale = False
        self._gone += [self._clients.pop(address) for address in set(self._clients) - set(self._masters)]
        # Calls to the latest of them may still be on their way; they end with an answer or an error of their own.
        while len(self._gone) > _GONE_MAX:
            await self._gone.pop(0).aclose()

    async def _told(self, address: Address) -> "list[_Range]":
        client = self._connect(address, socket_timeout=_MAP_SECONDS, socket_connect_timeout=_MAP_SECONDS)
        try:
            told = await answered(client.execute_command("CLUSTER", "SLOTS"))  # type: ignore[no-untyped-call]
        except StoreUnavailable as error:
            if self._told_by is None:
                await explain(self._scheme, address, error)
            raise
        except ResponseError as error:
            if "cluster support disabled" in str(error):
                raise IdentityMismatch(
                    f"Redis at {address} is no cluster: RETENTION_REDIS_URL must begin with redis:// (or rediss://)"
                ) from None
            raise
        finally:
            await client.aclose()
        return [
            _Range(int(first), int(last), [_address(server, address) for server in servers])
            for first, last, *servers in told
        ]


class _Range(NamedTuple):
    """Slots from first to last; their master, then its replicas."""

    first: int
    last: int
    servers: list[Address]


def _owner(slot: int, ranges: Sequence[_Range]) -> Address | None:
    return next((one.servers[0] for one in ranges if one.first <= slot <= one.last), None)


def _address(server: Sequence[Any], asked: Address) -> Address:
    """A server that does not know its own name is the one that was asked."""
    host = server[0].decode() if isinstance(server[0], bytes) else server[0]
    return Address(host if host and host != "?" else asked.host, int(server[1]))
