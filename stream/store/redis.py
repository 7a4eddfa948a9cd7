"""How does the store work on Redis or Valkey? Few, large, atomic calls; everything that is decided is decided elsewhere."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from stream.store.calls import Script, answered
from stream.store.chunks import bitmap_of_chunks, chunks_of
from stream.store.keys import INDEX_BYTES, app_prefix, shard_of, shard_prefix
from stream.store.lineage import BACK, Lineage
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
    UserWrite,
    View,
    check_document,
    smallest,
)
from stream.store.reading import PlainReader, Reader
from stream.store.remembering import RememberingReader
from stream.store.revisions import cells_of, revisions_of
from stream.store.tracking import OPTIONS as TRACKED
from stream.store.views import Names, entries, join, numbers, pairs

_LISTPACK_VALUE_BYTES = 64
_SCAN_COUNT = 1000
_VIEW_TRIES = 5
_VIEW_LEASE_SECONDS = 10.0
_PAUSED = b"paused"


class RedisStore:
    """The store on one Redis or Valkey server (7.2 or later)."""

    def __init__(
        self, client: "aioredis.Redis", shards: int = 1, reader: RememberingReader | None = None
    ) -> None:
        self.shards = shards
        self._client = client
        self._reader: Reader = reader or PlainReader(client)
        self._apply, self._read, self._advance = Script("apply"), Script("read"), Script("advance")
        self._revisions = Script("revisions")
        self._document = Script("document")
        self._inline_bytes_max = _LISTPACK_VALUE_BYTES
        self._lease = secrets.token_hex(8)
        self._lineage = [Lineage() for _ in range(shards)]

    @classmethod
    def connect(
        cls,
        url: str,
        shards: int = 1,
        *,
        timeout_seconds: float = 30.0,
        remembers_bytes_max: int = 0,
        **options: Any,
    ) -> "RedisStore":
        """A store at a URL. redis-py's own retries are off: it would send a write again that was already done.

        Args:
            remembers_bytes_max: how much of what was read for views is kept for the next ones; 0 for who asks once.
        """
        retry = Retry(NoBackoff(), 0)
        options = {
            "socket_timeout": timeout_seconds,
            "socket_connect_timeout": 5.0,
            "retry": retry,
            **options,
        }
        client = aioredis.Redis.from_url(url, decode_responses=False, **options)
        if not remembers_bytes_max:
            return cls(client, shards)
        tracked = aioredis.Redis.from_url(url, decode_responses=False, **options | TRACKED)
        return cls(client, shards, RememberingReader(tracked, PlainReader(client), remembers_bytes_max))

    async def open(self, identity: Mapping[str, str]) -> None:
        """Claim the data for this identity; also refuses a server that would throw keys away."""
        memory = await answered(self._client.info("memory"))
        policy = memory.get("maxmemory_policy", "noeviction")
        if memory.get("maxmemory") and policy != "noeviction":
            raise IdentityMismatch(f"Redis may evict keys (maxmemory-policy {policy}): set it to noeviction")
        for name, value in identity.items():
            await self._claim(name, value)
        await self._learn_limits()

    async def _learn_limits(self) -> None:
        """Records up to the server's listpack limit stand in their bucket; a longer one would convert all of it for good."""
        try:
            limit = await answered(self._client.config_get("hash-max-listpack-value"))
        except (RedisError, StoreRefused):
            return  # No right to CONFIG: the default limit is safe everywhere.
        self._inline_bytes_max = int(limit.get("hash-max-listpack-value", _LISTPACK_VALUE_BYTES))

    async def claim_zone(self, app: str, zone: str) -> None:
        """Claim an app for a zone."""
        await self._claim(f"zone:{app}", zone)

    async def _claim(self, name: str, value: str) -> None:
        for shard in range(self.shards):
            key = shard_prefix(shard) + "identity"
            await answered(self._client.hsetnx(key, name, value))
            stored = (await answered(self._client.hget(key, name)) or b"").decode()
            if stored != value:
                raise IdentityMismatch(
                    f"the data in Redis was counted with {name}={stored}, this process has {value}. "
                    f"Set it back, or rebuild: an empty Redis and a replay of the topics from the beginning"
                )

    async def zones(self) -> dict[str, str]:
        """The apps of the data and their zones."""
        identity = await answered(self._client.hgetall(shard_prefix(0) + "identity"))
        return {
            name[5:].decode(): zone.decode()
            for name, zone in sorted(identity.items())
            if name.startswith(b"zone:")
        }

    async def read(self, app: str, shard: int, users: Sequence[bytes]) -> list[bytes | None]:
        """The records of some users of one shard, in one round trip."""
        keys = (app_prefix(shard, app), shard_prefix(shard) + "lineage")
        answer: list[Any] = await self._read(self._client, keys, b"".join(users), self._lineage[shard].seen)
        self._lineage[shard].note(answer.pop())
        return answer

    async def read_parts(self, app: str, user: bytes, fields: Sequence[bytes] | None) -> dict[bytes, bytes]:
        """Kept events stored apart: those of `fields`, or all."""
        key = app_prefix(shard_of(user, self.shards), app).encode() + b"k:" + user
        if fields is None:
            return dict(await answered(self._client.hgetall(key)))
        values = await answered(self._client.hmget(key, fields)) if fields else []
        return {name: value for name, value in zip(fields, values, strict=True) if value is not None}

    async def apply(self, app: str, shard: int, writes: Sequence[UserWrite]) -> dict[int, bytes | None]:
        """One call of apply.lua; StorePaused while an audit holds the lease."""
        packed, lineage = pack_writes(writes, self._inline_bytes_max), self._lineage[shard]
        keys = (app_prefix(shard, app), shard_prefix(shard) + "lease", shard_prefix(shard) + "lineage")
        answer = await self._apply(self._client, keys, packed, lineage.seen, lineage.who())
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
            self._client,
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
        found = []
        for shard in range(self.shards):
            stored = await answered(self._client.hgetall(shard_prefix(shard) + "positions"))
            found.append({partition_of(name): position_of(text) for name, text in stored.items()})
        return found

    async def positions(self) -> dict[Partition, Position]:
        """The positions that hold in every shard."""
        return smallest(await self.shard_positions())

    async def totals(self) -> dict[str, int]:
        """They move with the position of shard 0 and stand there."""
        stored = await answered(self._client.hgetall(shard_prefix(0) + "totals"))
        return {name.decode(): int(value) for name, value in sorted(stored.items())}

    async def memory(self) -> Memory:
        """What the server says of its memory."""
        said = await answered(self._client.info("memory"))
        return Memory(int(said["used_memory"]), int(said.get("maxmemory", 0)))

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
            parts = [await self._reader.part(shard, app, names) for shard in range(self.shards)]
            if self.shards == 1:
                return join(names, parts)
            if [part.version for part in parts] == await self._versions(app):
                return await asyncio.to_thread(join, names, parts)
        if not await self.pause(_VIEW_LEASE_SECONDS):
            raise StorePaused("the numbers move too fast for one state, and an audit holds the lease")
        try:
            parts = [await self._reader.part(shard, app, names) for shard in range(self.shards)]
        finally:
            await self.resume()
        return await asyncio.to_thread(join, names, parts)

    async def _versions(self, app: str) -> list[int]:
        prefixes = [app_prefix(shard, app) for shard in range(self.shards)]
        return [int(await answered(self._client.hget(prefix + "n", "version")) or 0) for prefix in prefixes]

    async def take_revisions(self, app: str) -> list[Revision]:
        """One call a shard for the changes, and one for the cells as they stand."""
        prefixes = [app_prefix(shard, app) for shard in range(self.shards)]
        changes = [pairs((await self._revisions(self._client, (prefix,)))[0]) for prefix in prefixes]
        if not any(changes):
            return []
        cells = cells_of(changes)
        given = [(await self._revisions(self._client, (prefix,), *cells))[1] for prefix in prefixes]
        told = int(await answered(self._client.hget(prefixes[0] + "n", "revisions")) or 0)
        return revisions_of(told + 1, cells, changes, given)

    async def let_go_revisions(self, app: str, count: int) -> None:
        """The numbers go on behind those that were told."""
        for shard in reversed(range(self.shards)):
            prefix = app_prefix(shard, app)
            async with self._client.pipeline(transaction=True) as call:
                call.delete(prefix + "t")
                if shard == 0:
                    call.hincrby(prefix + "n", "revisions", count)
                await answered(call.execute())

    async def documents(self, app: str, names: Sequence[str]) -> list[bytes]:
        """One call; all of them stand in the first shard."""
        prefix = app_prefix(0, app)
        keys = [f"{prefix}d:{name}" for name in names]
        return [value or b"" for value in (await answered(self._client.mget(keys)) if keys else [])]

    async def replace_document(self, app: str, name: str, expected: bytes, document: bytes) -> bool:
        """One call of document.lua."""
        check_document(document)
        key = f"{app_prefix(0, app)}d:{name}"
        return bool(await self._document(self._client, (key,), expected, document))

    async def lead(self, role: str, seconds: float) -> bool:
        """A lease of its own for each role; it ends by itself."""
        return await self._leased(f"{shard_prefix(0)}lead:{role}", seconds)

    async def pause(self, seconds: float) -> bool:
        """Take or renew the lease on every shard; it ends by itself."""
        for shard in range(self.shards):
            if not await self._leased(shard_prefix(shard) + "lease", seconds):
                return False
        return True

    async def _leased(self, key: str, seconds: float) -> bool:
        ends = int(seconds * 1000)
        if not await answered(self._client.set(key, self._lease, nx=True, px=ends)):
            if await answered(self._client.get(key)) != self._lease.encode():
                return False
            await answered(self._client.set(key, self._lease, px=ends))
        return True

    async def resume(self) -> None:
        """Give the lease back, where it is still this store's."""
        for shard in range(self.shards):
            key = shard_prefix(shard) + "lease"
            if await answered(self._client.get(key)) == self._lease.encode():
                await answered(self._client.delete(key))

    async def stored_users(self, app: str) -> AsyncIterator[StoredUser]:
        """Every user of an app, many buckets in one round trip."""
        for shard in range(self.shards):
            prefix = app_prefix(shard, app).encode()
            buckets = [key async for key in self._keys(prefix + b"b:")]
            for at in range(0, len(buckets), _SCAN_COUNT):
                for user in await self._users(shard, prefix, buckets[at : at + _SCAN_COUNT]):
                    yield user

    async def _users(self, shard: int, prefix: bytes, buckets: Sequence[bytes]) -> list[StoredUser]:
        async with self._client.pipeline(transaction=False) as call:
            for bucket in buckets:
                call.hgetall(bucket)
            answers = await answered(call.execute())
        stored = {
            bucket[len(prefix) + 2 :] + field: value
            for bucket, fields in zip(buckets, answers, strict=True)
            for field, value in fields.items()
        }
        long = [user for user, value in stored.items() if not value]
        async with self._client.pipeline(transaction=False) as call:
            for user in long:
                call.get(prefix + b"r:" + user)
                call.hgetall(prefix + b"k:" + user)
            answers = await answered(call.execute())
        parts = dict(zip(long, answers[1::2], strict=True))
        stored.update(zip(long, answers[::2], strict=True))
        return [
            StoredUser(
                shard, int.from_bytes(value[:INDEX_BYTES], "little"), value[INDEX_BYTES:], parts.get(user, {})
            )
            for user, value in stored.items()
        ]

    async def stored_counters(self, app: str) -> dict[int, dict[str, dict[str, int]]]:
        """Every counter of an app, by shard."""
        found: dict[int, dict[str, dict[str, int]]] = {}
        for shard in range(self.shards):
            prefix = app_prefix(shard, app).encode() + b"c:"
            keys = [key async for key in self._keys(prefix)]
            found[shard] = {
                key[len(prefix) :].decode(): numbers(await answered(self._client.hgetall(key)))
                for key in keys
            }
        return found

    async def stored_sets(self, app: str) -> dict[int, dict[str, Bitmap]]:
        """Every set of an app, by shard, each as long as the shard has chunks."""
        found: dict[int, dict[str, Bitmap]] = {}
        for shard in range(self.shards):
            prefix = app_prefix(shard, app).encode()
            chunks = chunks_of(int(await answered(self._client.hget(prefix + b"n", "users")) or 0))
            stored: dict[str, list[bytes | None]] = {}
            async for key in self._keys(prefix + b"s:"):
                name, _, chunk = key[len(prefix) + 2 :].decode().rpartition(":")
                stored.setdefault(name, [None] * chunks)[int(chunk)] = await answered(self._client.get(key))
            found[shard] = {name: bitmap_of_chunks(values) for name, values in stored.items()}
        return found

    async def stored_ledgers(self, app: str) -> dict[int, dict[str, dict[int, int]]]:
        """Every ledger of an app, by shard."""
        found: dict[int, dict[str, dict[int, int]]] = {}
        for shard in range(self.shards):
            prefix = app_prefix(shard, app).encode() + b"l:"
            keys = [key async for key in self._keys(prefix)]
            found[shard] = {
                key[len(prefix) :].decode(): entries(await answered(self._client.hgetall(key)))
                for key in keys
            }
        return found

    async def _keys(self, prefix: bytes) -> AsyncIterator[bytes]:
        pattern = (
            b"".join(b"\\" + bytes((byte,)) if byte in b"*?[]\\" else bytes((byte,)) for byte in prefix)
            + b"*"
        )
        seen: set[bytes] = set()
        async for key in self._client.scan_iter(match=pattern, count=_SCAN_COUNT):
            if key not in seen:  # SCAN may name a key twice.
                seen.add(key)
                yield key

    async def aclose(self) -> None:
        """Close connections."""
        await self._reader.aclose()
        await self._client.aclose()
