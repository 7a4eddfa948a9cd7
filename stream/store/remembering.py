"""How is a part of a view read when most of it was read before? Only what has changed since, and still all of one state.

Days that are over hardly ever change, and they are most of an answer. What has changed is read in one transaction; by then the
server has said what else has fallen (tracking.py). Nothing: then all of it is as it was in the moment of the transaction.
Something: then that is read as well, together with what was read just now, until nothing falls in between.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import redis.asyncio as aioredis

from stream.store.calls import answered
from stream.store.chunks import chunks_of
from stream.store.keys import app_prefix
from stream.store.nodes import client_options
from stream.store.reading import PlainReader, Reader, counter_key, ledger_key, set_keys
from stream.store.tracking import OPTIONS as TRACKED
from stream.store.tracking import Command, TrackedConnection, TrackingRefused
from stream.store.view_cache import CounterEntry, Entry, LedgerEntry, SetEntry, ViewCache
from stream.store.views import Names, Part

_TRIES = 6
# A server that has refused to track keys is asked again no sooner: rights are given, and servers replaced, while we run.
REFUSED_SECONDS = 60.0
# Less is decoded at once, without a thread.
_INLINE_KEYS = 64

log = logging.getLogger(__name__)


class Remembers(NamedTuple):
    """How much is remembered between two questions, and a clock of monotonic seconds."""

    bytes_max: int
    clock: Callable[[], float]


class _Wanted(NamedTuple):
    """The entries of a question, in the order of the names."""

    counters: list[Entry]
    sets: list[Entry]
    ledgers: list[Entry]

    def entries(self) -> list[Entry]:
        return [*self.counters, *self.sets, *self.ledgers]


class RememberingReader:
    """Reads on a tracked connection and remembers; like the plain reader where the server does not track.

    Args:
        tracked: a client with the OPTIONS of tracking.py.
        plain: reads where the server does not track, and where the numbers move too fast.
        remembers: how much is remembered, and the clock by which a refusal is met again.
    """

    def __init__(self, tracked: "aioredis.Redis", plain: PlainReader, remembers: Remembers) -> None:
        self.cache = ViewCache(remembers.bytes_max)
        self._clock = remembers.clock
        self._plain: Reader = plain
        self._tracked = TrackedConnection(tracked, self.cache.fall)
        self._turn = asyncio.Lock()
        self._chunks: dict[str, int] = {}
        self._refused_at: float | None = None

    async def part(self, shard: int, app: str, names: Names) -> Part:
        """What one shard holds of them, all in one state."""
        if self._may_ask():
            async with self._turn:
                # Whoever was before us may have been refused just now.
                found = await self._asked(app_prefix(shard, app), names) if self._may_ask() else None
            if found is not None:
                return found
        return await self._plain.part(shard, app, names)

    def _may_ask(self) -> bool:
        return self._refused_at is None or self._clock() - self._refused_at >= REFUSED_SECONDS

    async def _asked(self, prefix: str, names: Names) -> Part | None:
        """None where the server tracks no keys, and where the numbers move too fast."""
        try:
            found = await self._part(prefix, names)
        except TrackingRefused as error:
            if self._refused_at is None:
                log.warning(
                    "the server tracks no keys for us, so that every answer reads all it needs: %s", error
                )
            self._refused_at = self._clock()
            return None
        if self._refused_at is not None:
            log.info("the server tracks keys for us again")
            self._refused_at = None
        return found

    async def _part(self, prefix: str, names: Names) -> Part | None:
        """None where something fell between any two transactions."""
        read: dict[Entry, set[int]] = {}
        try:
            for _ in range(_TRIES):
                chunks = self._chunks.get(prefix, 0)
                wanted = self._wanted(prefix, names, chunks)
                for entry in wanted.entries():
                    if entry.fallen:
                        read.setdefault(entry, set()).update(entry.fallen)
                users, version = await self._read(prefix, read)
                # Of a store that was emptied the bitmaps stay as long as they were. An app that nobody is in is not remembered:
                # any name may be asked for.
                if users:
                    self._chunks[prefix] = max(chunks, chunks_of(users))
                if chunks_of(users) <= chunks and not any(entry.fallen for entry in wanted.entries()):
                    counters, sets, ledgers = ([entry.value for entry in some] for some in wanted)
                    return Part(counters, sets, ledgers, chunks, version)
            return None
        finally:
            self.cache.trim()

    def _wanted(self, prefix: str, names: Names, chunks: int) -> _Wanted:
        def one(make: type[Entry], key: str) -> Entry:
            return self.cache.entry(key, make, lambda place: [] if place else [key])

        def chunked(name: str) -> Entry:
            return self.cache.entry(
                f"{prefix}s:{name}", SetEntry, lambda place: set_keys(prefix, name, chunks, place)
            )

        return _Wanted(
            [one(CounterEntry, counter_key(prefix, name)) for name in names.counters],
            [chunked(name) for name in names.sets],
            [one(LedgerEntry, ledger_key(prefix, name)) for name in names.ledgers],
        )

    async def _read(self, prefix: str, read: dict[Entry, set[int]]) -> tuple[int, int]:
        """Reads some keys of some entries anew; how many users and which version there are in that moment."""
        places = {entry: sorted(some) for entry, some in read.items()}
        bits = [
            (entry, place) for entry, some in places.items() if isinstance(entry, SetEntry) for place in some
        ]
        hashes = [entry for entry in places if not isinstance(entry, SetEntry)]
        commands: list[Command] = [("HMGET", prefix + "n", "users", "version")]
        commands += [("HGETALL", entry.keys[0]) for entry in hashes]
        if bits:
            commands.append(("MGET", *(entry.keys[place] for entry, place in bits)))
        numbers, *answers = await answered(self._tracked.ask(commands))
        stored: dict[Entry, dict[int, Any]] = {entry: {} for entry in places}
        for entry, answer in zip(hashes, answers, strict=False):
            stored[entry][0] = answer
        for (entry, place), value in zip(bits, answers[-1] if bits else (), strict=True):
            stored[entry][place] = value
        decode = partial(_decoded, stored)
        few = sum(map(len, places.values())) <= _INLINE_KEYS
        for entry, value in zip(places, decode() if few else await asyncio.to_thread(decode), strict=True):
            self.cache.put(entry, value, places[entry])
        users, version = (int(number or 0) for number in numbers)
        return users, version

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._tracked.aclose()


def _decoded(stored: dict[Entry, dict[int, Any]]) -> Sequence[Any]:
    return [entry.decoded(values) for entry, values in stored.items()]


def remembering(
    url: str, plain: PlainReader, remembers: Remembers, *, timeout_seconds: float, **options: Any
) -> RememberingReader:
    """A remembering reader of the one server at a URL."""
    given = client_options(timeout_seconds, **options) | TRACKED
    return RememberingReader(aioredis.Redis.from_url(url, **given), plain, remembers)
