"""How does the store work on Redis or Valkey? Few, large, atomic calls; everything that is decided is decided elsewhere."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import redis.asyncio as aioredis
from redis.exceptions import RedisError

from stream.store.address import is_cluster
from stream.store.calls import Ask, Script, answered
from stream.store.keys import app_prefix, shard_of, shard_prefix
from stream.store.lease import given_back, taken
from stream.store.lineage import BACK, Lineage
from stream.store.nodes import Nodes, nodes
from stream.store.packing import pack_writes, partition_of, partition_text, position_of, position_text
from stream.store.protocol import (
    Bitmap,
    IdentityMismatch,
    Memory,
    Partition,
    Position,
    Progress,
    Revision,
    StoredUser,
    StorePaused,
    StoreRefused,
    StoreUnavailable,
    UserWrite,
    View,
    check_document,
    smallest,
)
from stream.store.reading import PlainReader, Reader
from stream.store.remembering import Remembers, remembering
from stream.store.revisions import cells_of, revisions_of
from stream.store.servers import ServerState, states, stored_identity
from stream.store.views import Names, Part, join, pairs
from stream.store.whole import Whole

_LISTPACK_VALUE_BYTES = 64
_VIEW_TRIES = 5
_VIEW_LEASE_SECONDS = 10.0
_PAUSED = b"paused"
# So many shards are asked at a time; a pool has 100 connections.
_SHARDS_AT_ONCE = 32

_Answer = TypeVar("_Answer")


def _counted_otherwise(name: str, stored: str | None, ours: str | None) -> str:
    return (
        f"the data in Redis was counted with {name}={stored}, this process has {ours}. "
        "Set it back, or rebuild, where the topics still hold everything: an empty Redis and a replay from the beginning"
    )


class RedisStore:
    """The store on Redis (7.0 or later) or Valkey, one server or a cluster."""

    def __init__(self, servers: Nodes, shards: int = 1, reader: Reader | None = None) -> None:
        self.shards = shards
        self._nodes = servers
        self._reader = reader or PlainReader(servers)
        self._whole = Whole(servers, shards)
        self._apply, self._advance = Script("apply"), Script("advance")
        self._read = Script("read", reads_only=True)
        self._revisions = Script("revisions")
        self._document = Script("document")
        self._inline_bytes_max = _LISTPACK_VALUE_BYTES
        self._lease = secrets.token_hex(8).encode()
        self._viewing = asyncio.Lock()
        self._lineage = [Lineage() for _ in range(shards)]

    @classmethod
    def connect(
        cls,
        url: str,
        shards: int = 1,
        *,
        timeout_seconds: float = 30.0,
        remembers: Remembers | None = None,
        **options: Any,
    ) -> "RedisStore":
        """A store at a URL; `redis+cluster://host:port,host:port` is a cluster.

        Args:
            remembers: how much of what was read for views is kept for the next ones; None for who asks once. Of a cluster,
                where keys move between servers, nothing is kept.
        """
        servers = nodes(url, shards, timeout_seconds=timeout_seconds, **options)
        plain = PlainReader(servers)
        if remembers is None or is_cluster(url):
            return cls(servers, shards, plain)
        tracked = remembering(url, plain, remembers, timeout_seconds=timeout_seconds, **options)
        return cls(servers, shards, tracked)

    def _at(self, shard: int) -> Ask:
        return partial(self._nodes.ask, shard)

    async def _each(self, ask: Callable[[int], Awaitable[_Answer]]) -> list[_Answer]:
        """The answers of all shards, asked at the same time."""
        found: list[_Answer] = []
        for first in range(0, self.shards, _SHARDS_AT_ONCE):
            some = range(first, min(first + _SHARDS_AT_ONCE, self.shards))
            answers = await asyncio.gather(*map(ask, some), return_exceptions=True)
            # Only when all have ended: nothing goes on behind the back of the caller.
            for answer in answers:
                if isinstance(answer, BaseException):
                    raise answer
                found.append(answer)
        return found

    async def open(self, identity: Mapping[str, str]) -> None:
        """Claim the data for this identity; also refuses a server that would throw keys away."""
        for name, client in (await self._nodes.every()).items():
            memory = await answered(client.info("memory"))
            policy = memory.get("maxmemory_policy", "noeviction")
            if memory.get("maxmemory") and policy != "noeviction":
                raise IdentityMismatch(
                    f"Redis at {name} may evict keys (maxmemory-policy {policy}): set it to noeviction"
                )
        # The keys of another layout have other names, so that nothing else would tell of them.
        layout = (await stored_identity(self._nodes, 1))[0].get("layout")
        if layout not in (None, identity.get("layout")):
            raise IdentityMismatch(_counted_otherwise("layout", layout, identity.get("layout")))
        for name, value in identity.items():
            await self._claim(name, value)
        await self._learn_limits()

    async def _learn_limits(self) -> None:
        """Records up to the server's listpack limit stand in their bucket; a longer one would convert all of it for good."""
        limits = []
        for client in (await self._nodes.every()).values():
            try:
                limit = await answered(client.config_get("hash-max-listpack-value"))
            except (RedisError, StoreRefused):
                return  # No right to CONFIG: the default limit is safe everywhere.
            limits.append(int(limit.get("hash-max-listpack-value", _LISTPACK_VALUE_BYTES)))
        self._inline_bytes_max = min(limits, default=_LISTPACK_VALUE_BYTES)

    async def claim_zone(self, app: str, zone: str) -> None:
        """Claim an app for a zone."""
        await self._claim(f"zone:{app}", zone)

    async def _claim(self, name: str, value: str) -> None:
        await self._each(lambda shard: self._claim_shard(shard, name, value))

    async def _claim_shard(self, shard: int, name: str, value: str) -> None:
        at, key = self._at(shard), shard_prefix(shard) + "identity"
        found = await at(lambda redis: redis.hget(key, name))
        if found is None:
            try:
                await at(lambda redis: redis.hsetnx(key, name, value))
            except StoreRefused as error:  # A user who may only read finds it there once a worker has begun.
                raise StoreUnavailable(f"no worker has begun here yet, and we may not ({error})") from None
            found = await at(lambda redis: redis.hget(key, name))
        stored = (found or b"").decode()
        if stored != value:
            raise IdentityMismatch(_counted_otherwise(name, stored, value))

    async def zones(self) -> dict[str, str]:
        """The apps of the data and their zones."""
        identity = await self._at(0)(lambda redis: redis.hgetall(shard_prefix(0) + "identity"))
        return {
            name[5:].decode(): zone.decode()
            for name, zone in sorted(identity.items())
            if name.startswith(b"zone:")
        }

    async def read(self, app: str, shard: int, users: Sequence[bytes]) -> list[bytes | None]:
        """The records of some users of one shard, in one round trip."""
        keys = (app_prefix(shard, app), shard_prefix(shard) + "lineage")
        answer: list[Any] = await self._read(
            self._at(shard), keys, b"".join(users), self._lineage[shard].seen
        )
        self._lineage[shard].note(answer.pop())
        return answer

    async def read_parts(self, app: str, user: bytes, fields: Sequence[bytes] | None) -> dict[bytes, bytes]:
        """Kept events stored apart: those of `fields`, or all."""
        shard = shard_of(user, self.shards)
        at, key = self._at(shard), app_prefix(shard, app).encode() + b"k:" + user
        if fields is None:
            return dict(await at(lambda redis: redis.hgetall(key)))
        values = await at(lambda redis: redis.hmget(key, fields)) if fields else []
        return {name: value for name, value in zip(fields, values, strict=True) if value is not None}

    async def apply(self, app: str, shard: int, writes: Sequence[UserWrite]) -> dict[int, bytes | None]:
        """One call of apply.lua; StorePaused while an audit holds the lease."""
        packed, lineage = pack_writes(writes, self._inline_bytes_max), self._lineage[shard]
        keys = (app_prefix(shard, app), shard_prefix(shard) + "lease", shard_prefix(shard) + "lineage")
        answer = await self._apply(self._at(shard), keys, packed, lineage.seen, lineage.who())
        if answer == _PAUSED:
            raise StorePaused("an audit holds the lease")
        *conflicts, mark = answer
        lineage.note(mark)
        return dict(zip(conflicts[::2], conflicts[1::2], strict=True))

    async def advance(self, shard: int, progress: Progress) -> Position | None:
        """One call of advance.lua. None also where the store has fallen back behind what this client has seen."""
        if self._lineage[shard].is_broken:
            return None
        prefix = shard_prefix(shard)
        totals = [word for name, amount in progress.totals.items() if amount for word in (name, amount)]
        answer = await self._advance(
            self._at(shard),
            (prefix + "positions", prefix + "totals", prefix + "lease", prefix + "lineage"),
            partition_text(progress.partition),
            position_text(progress.expected),
            position_text(progress.position),
            self._lineage[shard].seen,
            *totals,
        )
        if answer == _PAUSED:
            raise StorePaused("an audit holds the lease")
        return position_of(answer) if answer and answer != BACK else None

    async def shard_positions(self) -> list[dict[Partition, Position]]:
        """The positions, shard by shard."""
        return await self._each(self._positions)

    async def _positions(self, shard: int) -> dict[Partition, Position]:
        stored = await self._at(shard)(lambda redis: redis.hgetall(shard_prefix(shard) + "positions"))
        return {partition_of(name): position_of(text) for name, text in stored.items()}

    async def positions(self) -> dict[Partition, Position]:
        """The positions that hold in every shard."""
        return smallest(await self.shard_positions())

    async def totals(self) -> dict[str, int]:
        """They move with the position of shard 0 and stand there."""
        stored = await self._at(0)(lambda redis: redis.hgetall(shard_prefix(0) + "totals"))
        return {name.decode(): int(value) for name, value in sorted(stored.items())}

    async def memory(self) -> Memory:
        """What the servers say of their memory; of a cluster the sum, where every master has a limit."""
        said = [await answered(client.info("memory")) for client in (await self._nodes.every()).values()]
        limits = [int(one.get("maxmemory", 0)) for one in said]
        return Memory(sum(int(one["used_memory"]) for one in said), sum(limits) if all(limits) else 0)

    async def servers(self) -> list[ServerState]:
        """What each server says of itself."""
        return await states(self._nodes)

    async def stored_identity(self) -> list[dict[str, str]]:
        """What the data of each shard was counted under; empty where nothing was. Claims nothing."""
        return await stored_identity(self._nodes, self.shards)

    async def view(
        self,
        app: str,
        *,
        counters: Sequence[str] = (),
        sets: Sequence[str] = (),
        ledgers: Sequence[str] = (),
    ) -> View:
        """One transaction a shard. With several shards the versions are read again, and the lease taken if they never rest."""
        names = Names(counters, sets, ledgers)
        for _ in range(_VIEW_TRIES):
            parts = await self._each(lambda shard: self._reader.part(shard, app, names))
            if self.shards == 1:
                return join(names, parts)
            if [part.version for part in parts] == await self._versions(app):
                return await asyncio.to_thread(join, names, parts)
        return await asyncio.to_thread(join, names, await self._leased_parts(app, names))

    async def _leased_parts(self, app: str, names: Names) -> list[Part]:
        """The parts of a view while applies wait. One view at a time: the lease is the store's, so one would end another's."""
        async with self._viewing:
            if not await self.pause(_VIEW_LEASE_SECONDS):
                raise StorePaused("the numbers move too fast for one state, and an audit holds the lease")
            try:
                parts = await self._each(lambda shard: self._reader.part(shard, app, names))
                versions = await self._versions(app)
            finally:
                await self.resume()
        if [part.version for part in parts] != versions:
            raise StorePaused("the lease ended before everything was read in one state")
        return parts

    async def _versions(self, app: str) -> list[int]:
        async def version(shard: int) -> int:
            key = app_prefix(shard, app) + "n"
            return int(await self._at(shard)(lambda redis: redis.hget(key, "version")) or 0)

        return await self._each(version)

    async def take_revisions(self, app: str) -> list[Revision]:
        """One call a shard for the changes, and one for the cells as they stand."""
        prefixes = [app_prefix(shard, app) for shard in range(self.shards)]
        changes = [
            pairs((await self._revisions(self._at(shard), (prefix,)))[0])
            for shard, prefix in enumerate(prefixes)
        ]
        if not any(changes):
            return []
        cells = cells_of(changes)
        given = [
            (await self._revisions(self._at(shard), (prefix,), *cells))[1]
            for shard, prefix in enumerate(prefixes)
        ]
        told = int(await self._at(0)(lambda redis: redis.hget(prefixes[0] + "n", "revisions")) or 0)
        return revisions_of(told + 1, cells, changes, given)

    async def let_go_revisions(self, app: str, count: int) -> None:
        """The numbers go on behind those that were told."""
        for shard in reversed(range(self.shards)):
            await self._at(shard)(partial(_let_go, app_prefix(shard, app), count if shard == 0 else 0))

    async def documents(self, app: str, names: Sequence[str]) -> list[bytes]:
        """One call; all of them stand in the first shard."""
        prefix = app_prefix(0, app)
        keys = [f"{prefix}d:{name}" for name in names]
        return [value or b"" for value in (await self._at(0)(lambda redis: redis.mget(keys)) if keys else [])]

    async def replace_document(self, app: str, name: str, expected: bytes, document: bytes) -> bool:
        """One call of document.lua."""
        check_document(document)
        key = f"{app_prefix(0, app)}d:{name}"
        return bool(await self._document(self._at(0), (key,), expected, document))

    async def lead(self, role: str, seconds: float) -> bool:
        """A lease of its own for each role; it ends by itself."""
        return await self._leased(0, f"lead:{role}", seconds)

    async def pause(self, seconds: float, *, again: bool = False) -> bool:
        """Take or renew the lease on every shard; it ends by itself. Where it cannot be had of all shards, none keeps it."""
        for shard in range(self.shards):
            if not await self._leased(shard, "lease", seconds, again=again):
                await self.resume()
                return False
        return True

    async def _leased(self, shard: int, name: str, seconds: float, *, again: bool = False) -> bool:
        key, ends = shard_prefix(shard) + name, int(seconds * 1000)
        return bool(await self._at(shard)(lambda redis: taken(redis, key, self._lease, ends, again=again)))

    async def resume(self) -> None:
        """Give the lease back, where it is still this store's."""
        await self._each(self._resume)

    async def _resume(self, shard: int) -> None:
        key = shard_prefix(shard) + "lease"
        await self._at(shard)(lambda redis: given_back(redis, key, self._lease))

    def stored_users(self, app: str, among: Bitmap | None = None) -> AsyncIterator[StoredUser]:
        """Every user of an app, or those of a set, many buckets in one round trip."""
        return self._whole.users(app, among)

    async def stored_counters(self, app: str) -> dict[int, dict[str, dict[str, int]]]:
        """Every counter of an app, by shard."""
        return await self._whole.counters(app)

    async def stored_sets(self, app: str) -> dict[int, dict[str, Bitmap]]:
        """Every set of an app, by shard, each as long as the shard has chunks."""
        return await self._whole.sets(app)

    async def stored_ledgers(self, app: str) -> dict[int, dict[str, dict[int, int]]]:
        """Every ledger of an app, by shard."""
        return await self._whole.ledgers(app)

    async def aclose(self) -> None:
        """Close connections."""
        await self._reader.aclose()
        await self._nodes.aclose()


async def _let_go(prefix: str, count: int, redis: "aioredis.Redis") -> None:
    async with redis.pipeline(transaction=True) as call:
        call.delete(prefix + "t")
        if count:
            call.hincrby(prefix + "n", "revisions", count)
        await call.execute()
