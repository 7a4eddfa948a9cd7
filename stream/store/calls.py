"""How is one call made to Redis, and which failures pass by themselves? Scripts by digest; outages as StoreUnavailable."""

import ssl
from collections.abc import Awaitable, Sequence
from importlib import resources
from typing import Any

import redis.asyncio as aioredis
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TimeoutError,
)

from stream.store.protocol import StoreRefused, StoreUnavailable

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
# What a script was not allowed to do comes as a plain ResponseError too.
_NO_RIGHT = ("NOPERM", "ACL failure in script")


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
    except (AuthenticationError, NoPermissionError) as error:
        raise StoreRefused(f"Redis refuses: {error}") from error
    except _OUTAGES as error:
        if (distrust := _distrust(error)) is not None:
            raise StoreRefused(f"Redis shows a certificate that is not trusted ({distrust})") from error
        raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
    except NoScriptError:
        raise
    except RedisError as error:
        if any(word in str(error) for word in _PASSING):
            raise StoreUnavailable(str(error)) from error
        if any(word in str(error) for word in _NO_RIGHT):
            raise StoreRefused(f"Redis refuses: {error}") from error
        raise


def _distrust(error: BaseException | None) -> str | None:
    """Why a certificate is not trusted, where that is what an error comes from."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return None
