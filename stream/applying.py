"""How do the events of one batch get into the store, whoever else writes there? Read, plan, apply, and again where records moved."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from stream.cache import RecordCache
from stream.events.schema import Event
from stream.pipeline import fields_needed, plan
from stream.retention.days import Zone
from stream.retention.records import Incomplete
from stream.store.keys import shard_of
from stream.store.protocol import Store, UserWrite

# Events by user.
Group = dict[bytes, list[Event]]

# Limits of one call into the store, so that it stays under 5 ms there.
CALL_USERS_MAX = 500
CALL_OPERATIONS_MAX = 2_000
READ_USERS_MAX = 2_000
# So many calls are on their way while the next ones are planned.
_CALLS_IN_FLIGHT_MAX = 2

Insist = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


class Applying:
    """The apply of one batch of one app; counts events of users that changed nothing, and conflicts."""

    def __init__(self, store: Store, cache: RecordCache, insist: Insist, app: str, zone: Zone) -> None:
        self._store = store
        self._cache = cache
        self._insist = insist
        self._app = app
        self._zone = zone
        self.repeated = 0
        self.conflicts = 0

    async def run(self, group: Group) -> None:
        """Make the events of all these users count."""
        shards: dict[int, list[bytes]] = defaultdict(list)
        for user in group:
            shards[shard_of(user, self._store.shards)].append(user)
        for shard, users in shards.items():
            stored = await self._read(shard, users)
            while stored:
                stored = await self._round(shard, group, stored)
                self.conflicts += len(stored)

    async def _read(self, shard: int, users: Sequence[bytes]) -> dict[bytes, bytes | None]:
        """The records of users: from the cache, which may be behind, else from the store."""
        stored: dict[bytes, bytes | None] = {user: self._cache.get(user) for user in users}
        unknown = [user for user, record in stored.items() if record is None]
        for at in range(0, len(unknown), READ_USERS_MAX):
            some = unknown[at : at + READ_USERS_MAX]
            records = await self._insist(lambda some=some: self._store.read(self._app, shard, some))  # type: ignore[misc]
            stored.update(zip(some, records, strict=True))
        return stored

    async def _round(self, shard: int, group: Group, stored: dict[bytes, bytes | None]) -> dict[bytes, bytes | None]:
        """Plan and apply once; the users that somebody else wrote in between, with their records as they are now."""
        moved: dict[bytes, bytes | None] = {}
        calls: set[asyncio.Task[None]] = set()
        try:
            writes: list[UserWrite] = []
            operations = 0
            for user, record in stored.items():
                write = await self._plan(user, record, group[user])
                if write is None:
                    self.repeated += len(group[user])
                    continue
                writes.append(write)
                operations += 1 + len(write.delta.joins) + len(write.delta.leaves) + len(write.parts)
                if len(writes) >= CALL_USERS_MAX or operations >= CALL_OPERATIONS_MAX:
                    calls = await self._send(calls, shard, writes, moved)
                    writes, operations = [], 0
            if writes:
                calls = await self._send(calls, shard, writes, moved)
            await asyncio.gather(*calls)
        finally:
            for call in calls:
                call.cancel()
        return moved

    async def _plan(self, user: bytes, record: bytes | None, events: list[Event]) -> UserWrite | None:
        fields = fields_needed(record, events)
        if not fields:
            return plan(user, record, events, self._zone)
        parts = await self._insist(lambda: self._store.read_parts(self._app, user, fields))
        try:
            return plan(user, record, events, self._zone, parts)
        except Incomplete:
            parts = await self._insist(lambda: self._store.read_parts(self._app, user, None))
            return plan(user, record, events, self._zone, parts, whole=True)

    async def _send(
        self, calls: set[asyncio.Task[None]], shard: int, writes: list[UserWrite], moved: dict[bytes, bytes | None]
    ) -> set[asyncio.Task[None]]:
        """Start one apply call, once fewer than the allowed ones are on their way; the calls that are."""
        while len(calls) >= _CALLS_IN_FLIGHT_MAX:
            done, calls = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            for call in done:
                call.result()
        calls.add(asyncio.ensure_future(self._apply(shard, writes, moved)))
        return calls

    async def _apply(self, shard: int, writes: list[UserWrite], moved: dict[bytes, bytes | None]) -> None:
        conflicts = await self._insist(lambda: self._store.apply(self._app, shard, writes))
        for place, write in enumerate(writes):
            if place not in conflicts:
                self._cache.put(write.user, write.record)
                continue
            current = conflicts[place]
            moved[write.user] = current
            if current is None:
                self._cache.drop(write.user)
            else:
                self._cache.put(write.user, current)
