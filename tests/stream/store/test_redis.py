"""What holds for the Redis store alone: scripts that never write half, servers that refuse, memory that must not be evicted."""

from collections.abc import Sequence

import pytest
import redis.asyncio as aioredis
from redis.exceptions import ResponseError

from stream.retention.found import Delta
from stream.store.keys import CHUNK_BYTES, SPARSE_MEMBERS_MAX, app_prefix, shard_prefix
from stream.store.protocol import LAYOUT, IdentityMismatch, StoreUnavailable, UserWrite
from stream.store.redis import RedisStore
from tests.servers import Valkey
from tests.stream.store.test_store import APP, apply, stored, user, write


@pytest.mark.parametrize("broken", ["c:c", "s:s:0"])
async def test_a_key_of_a_wrong_type_ends_the_call_before_its_first_write(
    valkey: Valkey, broken: str
) -> None:
    store = RedisStore.connect(valkey.url)
    client = aioredis.Redis.from_url(valkey.url)
    await client.rpush(app_prefix(0, APP) + broken, "no")
    with pytest.raises(ResponseError):
        await apply(store, write(1, None, b"a", ["s"], {"f": 1}))
    assert await stored(store, 1) is None
    assert await client.hgetall(app_prefix(0, APP) + "n") == {}
    await store.aclose()
    await client.aclose()


async def test_a_server_without_memory_is_an_outage_and_nothing_is_half_written(valkey: Valkey) -> None:
    store = RedisStore.connect(valkey.url)
    await apply(store, write(1, None, b"a", ["s"], {"f": 1}))
    valkey.ask("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(StoreUnavailable):
        await apply(store, write(2, None, b"a", ["s"], {"f": 1}))
    valkey.ask("CONFIG", "SET", "maxmemory", "0")
    assert await stored(store, 2) is None
    assert (await store.view(APP, counters=["c"])).counters == {"c": {"f": 1}}
    await store.aclose()


async def test_scripts_are_sent_again_after_the_server_forgot_them(valkey: Valkey) -> None:
    store = RedisStore.connect(valkey.url)
    await apply(store, write(1, None, b"a", ["s"]))
    valkey.ask("SCRIPT", "FLUSH")
    assert await apply(store, write(1, b"a", b"b", [])) == {}
    await store.aclose()


async def test_a_server_that_may_evict_keys_is_refused(valkey: Valkey) -> None:
    valkey.ask("CONFIG", "SET", "maxmemory", "100mb")
    valkey.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    store = RedisStore.connect(valkey.url)
    with pytest.raises(IdentityMismatch, match="noeviction"):
        await store.open({})
    await store.aclose()


async def test_a_stopped_server_is_an_outage(valkey: Valkey) -> None:
    store = RedisStore.connect(valkey.url)
    valkey.kill()
    with pytest.raises(StoreUnavailable):
        await stored(store, 1)
    await store.aclose()


async def test_long_records_never_convert_their_bucket(valkey: Valkey) -> None:
    store = RedisStore.connect(valkey.url)
    await store.open({})
    client = aioredis.Redis.from_url(valkey.url)
    await apply(store, *(write(n, None, b"x" * 500, []) for n in range(20)))
    buckets = [key async for key in client.scan_iter(match="*:b:*")]
    assert {await client.object("ENCODING", key) for key in buckets} == {b"listpack"}
    await store.aclose()
    await client.aclose()


async def test_what_is_left_in_a_bitmap_is_a_list_again_at_half_of_what_a_list_holds(valkey: Valkey) -> None:
    store = RedisStore.connect(valkey.url)
    client = aioredis.Redis.from_url(valkey.url)
    key, limit = app_prefix(0, APP) + "s:s:0", SPARSE_MEMBERS_MAX

    async def change(joins: Sequence[int], leaves: Sequence[int]) -> int:
        """The length of what is stored then."""
        some = [UserWrite(user(n), b"a" if n in known else None, b"a", Delta(["s"], [], {})) for n in joins]
        known.update(joins)
        some += [UserWrite(user(n), b"a", b"a", Delta([], ["s"], {})) for n in leaves]
        assert await apply(store, *some) == {}
        return int(await client.strlen(key))

    known: set[int] = set()
    assert await change(range(limit), []) == 2 * limit
    assert await change([limit], []) == CHUNK_BYTES
    assert await change([], range(limit // 2)) == CHUNK_BYTES
    assert await change([], [limit]) == limit
    assert await change([limit], []) == limit + 2
    assert await change([], range(limit // 2, limit)) == 2
    assert await change([], [limit]) == 0
    assert not await client.exists(key)
    await store.aclose()
    await client.aclose()


async def test_a_set_of_many_that_everybody_leaves_takes_nothing(valkey: Valkey) -> None:
    store = RedisStore.connect(valkey.url)
    many = range(SPARSE_MEMBERS_MAX + 1)
    await apply(store, *(write(n, None, b"a", ["s"]) for n in many))
    await apply(store, *(UserWrite(user(n), b"a", b"b", Delta([], ["s"], {})) for n in many))
    assert valkey.ask("EXISTS", app_prefix(0, APP) + "s:s:0") == ":0\r\n"
    await store.aclose()


async def test_a_lease_ends_by_itself(valkey: Valkey) -> None:
    dead, store = RedisStore.connect(valkey.url), RedisStore.connect(valkey.url)
    assert await dead.pause(30)
    assert not await store.pause(30)
    assert 0 < int(valkey.ask("PTTL", shard_prefix(0) + "lease").strip()[1:]) <= 30_000
    valkey.ask("PEXPIRE", shard_prefix(0) + "lease", "0")
    assert await store.pause(30)
    await dead.aclose()
    await store.aclose()


async def test_numbers_of_an_older_layout_are_refused_though_their_keys_have_other_names(
    valkey: Valkey,
) -> None:
    older = str(int(LAYOUT) - 1)
    valkey.ask("HSET", shard_prefix(0, older) + "identity", "layout", older)
    store = RedisStore.connect(valkey.url)
    assert (await store.stored_identity())[0] == {"layout": older}
    with pytest.raises(IdentityMismatch, match=f"layout={older}, this process has {LAYOUT}.*replay"):
        await store.open({"layout": LAYOUT})
    assert valkey.ask("EXISTS", shard_prefix(0) + "identity") == ":0\r\n"
    valkey.ask("DEL", shard_prefix(0, older) + "identity")
    await store.open({"layout": LAYOUT})
    await store.aclose()
