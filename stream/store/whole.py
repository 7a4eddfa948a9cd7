"""How is everything of an app read back from Redis? Key by key, for the audit, which holds the applies meanwhile."""

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from stream.store.calls import Script, answered
from stream.store.chunks import bitmap_of_chunks, chunks_of
from stream.store.keys import INDEX_BYTES, app_prefix
from stream.store.nodes import Nodes
from stream.store.protocol import Bitmap, StoredUser
from stream.store.views import entries, numbers

if TYPE_CHECKING:
    import redis.asyncio as aioredis

_SCAN_COUNT = 1000
_USERS_AT_ONCE = 4_000  # some milliseconds of the server
_Fields = TypeVar("_Fields")


class Whole:
    """The users, counters, sets and ledgers of an app, shard by shard."""

    def __init__(self, nodes: Nodes, shards: int) -> None:
        self._nodes = nodes
        self._shards = range(shards)
        self._among = Script("among", reads_only=True)

    async def users(self, app: str, among: Bitmap | None = None) -> AsyncIterator[StoredUser]:
        """Every user, many buckets in one round trip; with one shard those of a set, and who came after it was read."""
        assert among is None or len(self._shards) == 1, "indexes are given shard by shard"
        for shard in self._shards:
            prefix = app_prefix(shard, app).encode()
            buckets = [key async for key in self._keys(shard, prefix + b"b:")]
            step = _SCAN_COUNT if among is None else _buckets_at_once(len(buckets), among)
            for at in range(0, len(buckets), step):
                some = buckets[at : at + step]
                stored = await (
                    self._all(shard, prefix, some)
                    if among is None
                    else self._those(shard, prefix, some, among)
                )
                for user in await self._users(shard, prefix, stored):
                    yield user

    async def _all(self, shard: int, prefix: bytes, buckets: Sequence[bytes]) -> dict[bytes, bytes]:
        answers = await self._nodes.ask(shard, partial(_read_hashes, buckets))
        return {
            bucket[len(prefix) + 2 :] + field: value
            for bucket, fields in zip(buckets, answers, strict=True)
            for field, value in fields.items()
        }

    async def _those(
        self, shard: int, prefix: bytes, buckets: Sequence[bytes], among: Bitmap
    ) -> dict[bytes, bytes]:
        names = [bucket[len(prefix) + 2 :] for bucket in buckets]
        found = await self._among(
            partial(self._nodes.ask, shard), (prefix.decode(),), among.tobytes(), *names
        )
        return dict(zip(found[::2], found[1::2], strict=True))

    async def _users(self, shard: int, prefix: bytes, stored: dict[bytes, bytes]) -> list[StoredUser]:
        long = [user for user, value in stored.items() if not value]
        answers = await self._nodes.ask(shard, partial(_read_long, prefix, long)) if long else []
        parts = dict(zip(long, answers[1::2], strict=True))
        stored.update(zip(long, answers[::2], strict=True))
        return [
            StoredUser(
                shard, int.from_bytes(value[:INDEX_BYTES], "little"), value[INDEX_BYTES:], parts.get(user, {})
            )
            for user, value in stored.items()
        ]

    async def counters(self, app: str) -> dict[int, dict[str, dict[str, int]]]:
        """Every counter."""
        return await self._hashes(app, b"c:", numbers)

    async def ledgers(self, app: str) -> dict[int, dict[str, dict[int, int]]]:
        """Every ledger: index -> number."""
        return await self._hashes(app, b"l:", entries)

    async def _hashes(
        self, app: str, kind: bytes, read: Callable[[Any], _Fields]
    ) -> dict[int, dict[str, _Fields]]:
        found: dict[int, dict[str, _Fields]] = {}
        for shard in self._shards:
            prefix = app_prefix(shard, app).encode() + kind
            keys = [key async for key in self._keys(shard, prefix)]
            values = [
                await self._nodes.ask(shard, lambda redis, key=key: redis.hgetall(key))  # type: ignore[misc]
                for key in keys
            ]
            found[shard] = {
                key[len(prefix) :].decode(): read(value) for key, value in zip(keys, values, strict=True)
            }
        return found

    async def sets(self, app: str) -> dict[int, dict[str, Bitmap]]:
        """Every set, each as long as the shard has chunks."""
        found: dict[int, dict[str, Bitmap]] = {}
        for shard in self._shards:
            prefix = app_prefix(shard, app).encode()
            given = await self._nodes.ask(
                shard,
                lambda redis, prefix=prefix: redis.hget(prefix + b"n", "users"),  # type: ignore[misc]
            )
            chunks = chunks_of(int(given or 0))
            stored: dict[str, list[bytes | None]] = {}
            async for key in self._keys(shard, prefix + b"s:"):
                name, _, chunk = key[len(prefix) + 2 :].decode().rpartition(":")
                value = await self._nodes.ask(shard, lambda redis, key=key: redis.get(key))  # type: ignore[misc]
                stored.setdefault(name, [None] * chunks)[int(chunk)] = value
            found[shard] = {name: bitmap_of_chunks(values) for name, values in stored.items()}
        return found

    async def _keys(self, shard: int, prefix: bytes) -> AsyncIterator[bytes]:
        """From one server from begin to end: another one's cursor means something else."""
        pattern = (
            b"".join(b"\\" + bytes((byte,)) if byte in b"*?[]\\" else bytes((byte,)) for byte in prefix)
            + b"*"
        )
        client = await self._nodes.client(shard)
        seen: set[bytes] = set()
        cursor = 0
        while True:
            cursor, keys = await answered(client.scan(cursor, match=pattern, count=_SCAN_COUNT))
            for key in keys:
                if key not in seen:  # SCAN may name a key twice.
                    seen.add(key)
                    yield key
            if not int(cursor):
                return


def _buckets_at_once(buckets: int, among: Bitmap) -> int:
    """As many as hold so few users that the server is not held up."""
    return max(1, min(_SCAN_COUNT, _USERS_AT_ONCE * buckets // max(1, among.size * 64)))


async def _read_hashes(keys: Sequence[bytes], redis: "aioredis.Redis") -> list[Any]:
    async with redis.pipeline(transaction=False) as call:
        for key in keys:
            call.hgetall(key)
        return list(await call.execute())


async def _read_long(prefix: bytes, users: Sequence[bytes], redis: "aioredis.Redis") -> list[Any]:
    """Record and kept events of users whose records stand in keys of their own."""
    async with redis.pipeline(transaction=False) as call:
        for user in users:
            call.get(prefix + b"r:" + user)
            call.hgetall(prefix + b"k:" + user)
        return list(await call.execute())
