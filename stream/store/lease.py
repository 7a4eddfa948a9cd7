"""How does a lease change hands on a server? It is a key with an end; only who holds it makes it longer or gives it back."""

from typing import TYPE_CHECKING

from redis.exceptions import WatchError

if TYPE_CHECKING:
    import redis.asyncio as aioredis


async def taken(redis: "aioredis.Redis", key: str, holder: bytes, milliseconds: int, *, again: bool) -> bool:
    """Whether the holder has the lease now, for so long. `again` only makes one longer that it still has."""
    if not again and await redis.set(key, holder, nx=True, px=milliseconds):
        return True
    return await _changed(redis, key, holder, milliseconds)


async def given_back(redis: "aioredis.Redis", key: str, holder: bytes) -> bool:
    """Whether the lease was still the holder's; it ends."""
    return await _changed(redis, key, holder, None)


async def _changed(redis: "aioredis.Redis", key: str, holder: bytes, milliseconds: int | None) -> bool:
    """Set or end a lease; nothing, and False, where the key is another's, or ends or changes hands before it is done."""
    async with redis.pipeline() as asked:
        await asked.watch(key)
        if await asked.get(key) != holder:
            return False
        asked.multi()  # type: ignore[no-untyped-call]  # the library has no type for it
        if milliseconds is None:
            asked.delete(key)
        else:
            asked.set(key, holder, px=milliseconds)
        try:
            await asked.execute()
        except WatchError:
            return False
        return True
