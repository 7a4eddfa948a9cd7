"""How is one call made to Redis, and which failures pass by themselves? Scripts by digest; outages as StoreUnavailable."""

from collections.abc import Awaitable, Sequence
from importlib import resources
from typing import Any

import redis.asyncio as aioredis
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TimeoutError,
)

from stream.store.protocol import StoreUnavailable

_OUTAGES = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, OutOfMemoryError, OSError)
# Errors that come as a plain ResponseError, bare or wrapped by the script that met them, and that pass by themselves.
_PASSING = (
    "OOM ",
    "MISCONF",
    "LOADING",
    "READONLY",
    "NOREPLICAS",
    "MASTERDOWN",
    "BUSY ",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "UNBLOCKED",
)


class Script:
    """A Lua file, called by its digest; sent again after a server has forgotten it."""

    def __init__(self, name: str) -> None:
        files = resources.files(__package__)
        self._text = files.joinpath("lineage.lua").read_bytes() + files.joinpath(f"{name}.lua").read_bytes()
        self._digest = ""

    async def __call__(self, client: "aioredis.Redis", keys: Sequence[str], *args: Any) -> Any:
        try:
            if self._digest:
                return await answered(client.evalsha(self._digest, len(keys), *keys, *args))
        except NoScriptError:
            pass
        self._digest = await answered(client.script_load(self._text))
        try:
            return await answered(client.evalsha(self._digest, len(keys), *keys, *args))
        except NoScriptError as error:
            raise StoreUnavailable("the server forgot a script right after it was given to it") from error


async def answered(answer: Awaitable[Any] | Any) -> Any:
    """redis-py types its commands as maybe not awaitable; with the asyncio client they always are."""
    try:
        return await answer
    except _OUTAGES as error:
        raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
    except NoScriptError:
        raise
    except RedisError as error:
        if any(word in str(error) for word in _PASSING):
            raise StoreUnavailable(str(error)) from error
        raise
