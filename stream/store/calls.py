"""How is one call made to Redis, and which failures pass by themselves? Scripts by digest; outages as StoreUnavailable."""

import errno
import hashlib
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from importlib import resources
from typing import Any

import redis.asyncio as aioredis
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,
    InvalidResponse,
    MovedError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TimeoutError,
    TryAgainError,
)

from stream.store.protocol import StoreRefused, StoreUnavailable

# One call to one server, and whoever brings it to the right one.
Call = Callable[["aioredis.Redis"], Any]
Ask = Callable[[Call], Awaitable[Any]]

_OUTAGES = (
    *(ConnectionError, TimeoutError, OSError),
    *(BusyLoadingError, ReadOnlyError, OutOfMemoryError),
    *(ClusterDownError, TryAgainError),  # a cluster that fails over, and slots that are being moved
)
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
    "cluster is down",
)
# What a script was not allowed to do comes as a plain ResponseError too; the last is how Redis 7.0 says it.
_NO_RIGHT = ("NOPERM", "ACL failure in script", "The user executing the script can't")
_NO_DATABASE = "DB index is out of range"
# What the client says of a connection that it did not get, and of an answer that did not come.
_CONNECTING = re.compile(r"Error (?:(-?\d+) )?connecting to (\S+)\. (.*?)\.?", re.DOTALL)
_NO_ANSWER = re.compile(r"^Timeout (?:reading from|connecting to) ")


class Moved(StoreUnavailable):
    """The keys stand on another server of the cluster now; nothing was done."""


class Script:
    """A Lua file, called by its digest; sent again to a server that does not know it.

    One that only reads is called as such, which a user without the right to write may do.
    """

    def __init__(self, name: str, *, reads_only: bool = False) -> None:
        self._reads_only = reads_only
        files = resources.files(__package__)
        self._text = files.joinpath("lineage.lua").read_bytes() + files.joinpath(f"{name}.lua").read_bytes()
        self._digest = hashlib.sha1(self._text, usedforsecurity=False).hexdigest()  # as EVALSHA wants it

    async def __call__(self, ask: Ask, keys: Sequence[str], *args: Any) -> Any:
        """The answer of the script, by way of `ask`."""

        async def run(client: "aioredis.Redis") -> Any:
            try:
                return await self._called(client, keys, args)
            except NoScriptError:
                await client.script_load(self._text)
                return await self._called(client, keys, args)

        return await ask(run)

    def _called(self, client: "aioredis.Redis", keys: Sequence[str], args: Sequence[Any]) -> Any:
        call = client.evalsha_ro if self._reads_only else client.evalsha
        return call(self._digest, len(keys), *keys, *args)


async def answered(answer: Awaitable[Any] | Any) -> Any:
    """redis-py types its commands as maybe not awaitable; with the asyncio client they always are."""
    try:
        return await answer
    except (AuthenticationError, NoPermissionError) as error:
        raise StoreRefused(f"Redis refuses: {error}") from error
    except _OUTAGES as error:
        if (distrust := _distrust(error)) is not None:
            raise StoreRefused(f"Redis shows a certificate that is not trusted ({distrust})") from error
        raise StoreUnavailable(_words(error)) from error
    except InvalidResponse as error:
        raise StoreUnavailable("what answers there does not speak the protocol of Redis") from error
    except NoScriptError as error:
        raise StoreUnavailable("the server forgot a script right after it was given to it") from error
    except MovedError as error:
        raise Moved(f"slot {error.slot_id} has moved to {error.host}:{error.port}") from error
    except AskError as error:
        raise StoreUnavailable(f"slot {error.slot_id} is just being moved to another server") from error
    except RedisError as error:
        if any(word in str(error) for word in _PASSING):
            raise StoreUnavailable(str(error)) from error
        if any(word in str(error) for word in _NO_RIGHT):
            raise StoreRefused(f"Redis refuses: {error}") from error
        if _NO_DATABASE in str(error):
            raise StoreRefused(f"Redis has no database of that number ({error})") from error
        raise


def _words(error: BaseException) -> str:
    """What an outage is, and where: the client's own words for people who do not know its code."""
    text = str(error)
    found = _CONNECTING.fullmatch(text)
    if found is None:
        return _NO_ANSWER.sub("nothing came in time from ", text) or type(error).__name__
    code, where, why = found.groups()
    if int(code or 0) == errno.ECONNREFUSED or f"[Errno {errno.ECONNREFUSED}]" in why:
        return f"nothing listens at {where}"
    if int(code or 0) in (socket.EAI_NONAME, socket.EAI_AGAIN):
        return f"there is no host {where.rpartition(':')[0]}"
    return f"no connection to {where}: {why}"


def _distrust(error: BaseException | None) -> str | None:
    """Why a certificate is not trusted, where that is what an error comes from."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return None
