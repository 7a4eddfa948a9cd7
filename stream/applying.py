"""How do the events of one batch get into the store, whoever else writes there?

Read, plan, apply; what somebody else wrote in between is planned again, until no user is left.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from stream.cache import RecordCache
from stream.events.schema import Erasure, Event, Identity
from stream.known import Known
from stream.persons import Claim, Persons
from stream.pipeline import fields_needed, plan, plan_stored, revise
from stream.retention.records import Incomplete
from stream.retention.scope import Scope
from stream.shortcuts import Plan, plan_known
from stream.store.keys import shard_of
from stream.store.protocol import Store, UserWrite
from stream.store.stored import is_single

# Events by user.
Group = dict[bytes, list[Event]]

# Limits of one call into the store, so that it stays under 5 ms there.
CALL_USERS_MAX = 250
CALL_OPERATIONS_MAX = 2_000
READ_USERS_MAX = 2_000
# So many calls are on their way while the next ones are planned.
_CALLS_IN_FLIGHT_MAX = 4

Insist = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


class Applying:
    """The apply of one batch of one app; counts events of users that changed nothing, and conflicts.

    first_open   the first local date that is not over: what changes before it is a revision
    """

    def __init__(
        self, store: Store, cache: RecordCache, insist: Insist, app: str, scope: Scope, first_open: int
    ) -> None:
        self._store = store
        self._cache = cache
        self._insist = insist
        self._app = app
        self._scope = scope
        self.first_open = first_open
        self._persons = Persons(store, insist, app, scope, first_open)
        self._joined: dict[bytes, list[Event]] = {}
        self.repeated = 0
        self.conflicts = 0
        # Ids of which some events are erased, and until when.
        self.erased: dict[bytes, int] = {}

    async def join(self, identities: Sequence[Identity]) -> None:
        """Make identity events count."""
        await self._settled(
            self._persons.join(identities), (one for said in identities for one in (said.user, said.alias))
        )

    async def erase(self, erasures: Sequence[Erasure], claim: Claim) -> None:
        """Make erasures count; `claim` as in Persons.erase."""
        await self._settled(
            self._persons.erase(erasures, claim), (one for said in erasures for one in said.users)
        )

    async def _settled(self, settling: Awaitable[None], users: Iterable[bytes]) -> None:
        await settling
        for user in users:
            self._cache.put(user, None)
        self._note(self._persons)

    def _note(self, persons: Persons) -> None:
        self.repeated += persons.repeated
        self.conflicts += persons.conflicts
        self.erased |= persons.erased
        persons.repeated = persons.conflicts = 0

    async def run(self, group: Group) -> None:
        """Make the events of all these users count."""
        await self._run(group)
        while self._joined:
            joined, self._joined = self._joined, {}
            singles = await self._persons.count(joined)
            self._note(self._persons)
            await self._run({user: joined[user] for user in singles})

    async def _run(self, group: Group) -> None:
        shards: dict[int, list[bytes]] = defaultdict(list)
        for user in group:
            shards[shard_of(user, self._store.shards)].append(user)
        for shard, users in shards.items():
            calls = _Calls(self, shard)
            try:
                await self._first_round(calls, group, users)
                while moved := await calls.moved():
                    self.conflicts += len(moved)
                    for user, record in moved.items():
                        await self._plan_read(calls, user, record, group[user], again=True)
            finally:
                calls.cancel()

    async def _first_round(self, calls: "_Calls", group: Group, users: Sequence[bytes]) -> None:
        """Users that are remembered first, the others with their records from the store."""
        unknown: list[bytes] = []
        for user in users:
            known, events = self._cache.get(user), group[user]
            if known is None:
                unknown.append(user)
            elif (planned := plan_known(user, known, events, self._scope)) is None:
                await self._plan_in_full(calls, user, known.record, events)
            elif calls.add(planned, events):
                await calls.send()
        for at in range(0, len(unknown), READ_USERS_MAX):
            some = unknown[at : at + READ_USERS_MAX]
            records = await self._insist(lambda some=some: self._store.read(self._app, calls.shard, some))  # type: ignore[misc]
            for user, record in zip(some, records, strict=True):
                # Another slice may have planned for the user since.
                known = self._cache.get(user)
                await self._plan_read(calls, user, record if known is None else known.record, group[user])

    async def _plan_read(
        self, calls: "_Calls", user: bytes, record: bytes | None, events: list[Event], *, again: bool = False
    ) -> None:
        """Plan for a user with the record that was read: the short way where there is one."""
        planned = plan_stored(user, record, events, self._scope)
        if planned is None:
            await self._plan_in_full(calls, user, record, events, again=again)
        elif calls.add(planned, events, again=again):
            await calls.send()

    async def _plan_in_full(
        self, calls: "_Calls", user: bytes, record: bytes | None, events: list[Event], *, again: bool = False
    ) -> None:
        planned = await self._plan(user, record, events)
        if planned is not None and calls.add(planned, events, again=again):
            await calls.send()

    async def _plan(self, user: bytes, record: bytes | None, events: list[Event]) -> Plan | None:
        """The plan for a user; None where the id is joined with others, whose turn comes later."""
        if record is not None and not is_single(record):
            self._joined[user] = events
            return None
        planned = await self._plan_single(user, record, events)
        self.erased |= dict(planned.erased)
        return planned

    async def _plan_single(self, user: bytes, record: bytes | None, events: list[Event]) -> Plan:
        fields = fields_needed(record, events)
        if not fields:
            return plan(user, record, events, self._scope)
        parts = await self._insist(lambda: self._store.read_parts(self._app, user, fields))
        try:
            return plan(user, record, events, self._scope, parts)
        except Incomplete:
            parts = await self._insist(lambda: self._store.read_parts(self._app, user, None))
            return plan(user, record, events, self._scope, parts, whole=True)

    def remember(self, user: bytes, known: Known | None) -> None:
        """What will be known of a user once its write is applied. Another slice that comes before builds on it, else every user of
        both would be planned twice. Should the write never come to be, the compare of the next one finds it out.
        """
        self._cache.put(user, known)

    async def apply(self, shard: int, writes: Sequence[UserWrite], moved: dict[bytes, bytes | None]) -> None:
        """One apply call; users that somebody else wrote in between go to `moved`."""
        conflicts = await self._insist(lambda: self._store.apply(self._app, shard, writes))
        for place, record in conflicts.items():
            moved[writes[place].user] = record
            self._cache.put(writes[place].user, None)


class _Calls:
    """Apply calls of one shard: filled to their limits, a few on their way while more is planned."""

    def __init__(self, applying: Applying, shard: int) -> None:
        self.shard = shard
        self._applying = applying
        self._writes: list[UserWrite] = []
        self._operations = 0
        self._under_way: set[asyncio.Task[None]] = set()
        self._moved: dict[bytes, bytes | None] = {}

    def add(self, planned: Plan, events: Sequence[Event], *, again: bool = False) -> bool:
        """Take a plan along with the next call; whether that call is full now and is to be sent.

        Events that change nothing are counted as repeated, but not `again`.
        """
        write = planned.write
        if write is None:
            self._applying.repeated += 0 if again else len(events)
            return False
        revise(write, events, self._applying.first_open)
        self._applying.remember(write.user, planned.known)
        self._writes.append(write)
        self._operations += 1 + len(write.delta.joins) + len(write.delta.leaves) + len(write.parts)
        return len(self._writes) >= CALL_USERS_MAX or self._operations >= CALL_OPERATIONS_MAX

    async def moved(self) -> dict[bytes, bytes | None]:
        """Send what is left and wait for all; the users that somebody else wrote in between, with their records as they are now."""
        if self._writes:
            await self.send()
        await asyncio.gather(*self._under_way)
        self._under_way.clear()
        moved, self._moved = self._moved, {}
        return moved

    def cancel(self) -> None:
        """Wait for nothing more."""
        for call in self._under_way:
            call.cancel()

    async def send(self) -> None:
        """Send what was added, once there are not too many calls on their way."""
        writes, self._writes, self._operations = self._writes, [], 0
        while len(self._under_way) >= _CALLS_IN_FLIGHT_MAX:
            done, self._under_way = await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            for call in done:
                call.result()
        self._under_way.add(asyncio.ensure_future(self._applying.apply(self.shard, writes, self._moved)))
