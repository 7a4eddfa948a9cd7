"""How is a part of a view read, of one shard in one state? Everything anew, in one transaction."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import redis.asyncio as aioredis

from stream.store.calls import Script
from stream.store.chunks import bitmap_of_chunks, chunks_of, ledger_of
from stream.store.keys import app_prefix
from stream.store.nodes import Nodes
from stream.store.views import Names, Part, entries, numbers, pairs


class Reader(Protocol):
    """A way of reading parts of views."""

    async def part(self, shard: int, app: str, names: Names) -> Part:
        """What one shard holds of them, all in one state."""

    async def aclose(self) -> None:
        """Close connections."""


class PlainReader:
    """Asks the servers for everything every time."""

    def __init__(self, servers: Nodes) -> None:
        self._nodes, self._counters = servers, Script("counters", reads_only=True)

    async def part(self, shard: int, app: str, names: Names) -> Part:
        """One call where only counters are asked for, else one transaction."""
        prefix, at = app_prefix(shard, app), partial(self._nodes.ask, shard)
        if not names.sets and not names.ledgers:
            version, *answers = await self._counters(at, (prefix,), *names.counters)
            return Part([pairs(words) for words in answers], [], [], 0, int(version or 0))
        chunks = chunks_of(int(await at(lambda redis: redis.hget(prefix + "n", "users")) or 0))
        while True:
            (users, version), *answers = await at(partial(_look, prefix, names, chunks))
            if chunks_of(int(users or 0)) <= chunks:
                return await asyncio.to_thread(_part, names, answers, chunks, int(version or 0))
            chunks = chunks_of(int(users))

    async def aclose(self) -> None:
        """The servers are the store's."""


async def _look(prefix: str, names: Names, chunks: int, redis: "aioredis.Redis") -> list[Any]:
    async with redis.pipeline(transaction=True) as call:
        call.hmget(prefix + "n", ["users", "version"])
        for name in names.counters:
            call.hgetall(counter_key(prefix, name))
        for name in names.ledgers:
            call.hgetall(ledger_key(prefix, name))
        if chunks and names.sets:
            call.mget([key for name in names.sets for key in set_keys(prefix, name, chunks)])
        return list(await call.execute())


def _part(names: Names, answers: Sequence[Any], chunks: int, version: int) -> Part:
    at, stop = len(names.counters), len(names.counters) + len(names.ledgers)
    values: Sequence[bytes | None] = answers[stop] if chunks and names.sets else []
    sets = [
        bitmap_of_chunks(values[place * chunks : (place + 1) * chunks]) for place in range(len(names.sets))
    ]
    counters: list[Mapping[str, int]] = [numbers(stored) for stored in answers[:at]]
    return Part(counters, sets, [ledger_of(entries(stored)) for stored in answers[at:stop]], chunks, version)


def counter_key(prefix: str, name: str) -> str:
    return f"{prefix}c:{name}"


def ledger_key(prefix: str, name: str) -> str:
    return f"{prefix}l:{name}"


def set_keys(prefix: str, name: str, chunks: int, first: int = 0) -> list[str]:
    """The keys of the chunks of a set."""
    return [f"{prefix}s:{name}:{chunk}" for chunk in range(first, chunks)]
