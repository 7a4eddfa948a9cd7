"""How do several ids come to stand as one person, wherever each of them is stored? Read all that belongs together, work out how it
should stand, write what differs.

A person stands under its smallest id; the others are pointers that keep their own records. Ids may live on different shards, so
the steps are ordered: first what only remembers (pointers), then what stops counting, then what counts from now on. Every step
leaves each id's record in some place, and whoever comes by again finishes the work: what is written depends only on what is found.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from stream.events.schema import Erasure, Event, Identity
from stream.pipeline import ERASURE, MERGE, plan_person, revise
from stream.retention.complete import complete_cells
from stream.retention.facts import facts
from stream.retention.found import Facts
from stream.retention.people import erased, is_anybody, joined, people, united
from stream.retention.records import Record
from stream.retention.scope import Scope
from stream.shortcuts import Plan
from stream.store.codec import is_apart
from stream.store.keys import shard_of
from stream.store.protocol import Store, UserWrite
from stream.store.stored import Stored, decode_stored, encode_person, encode_pointer, is_single, target_of

CALL_WRITES_MAX = 100
READ_USERS_MAX = 2_000
# So many identity events or erasures are worked out at once.
SETTLED_AT_ONCE = 250

Insist = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
Claim = Callable[[], Awaitable[None]]
Events = Mapping[bytes, Sequence[Event]]
_NOTHING = Facts(set(), {}, {})


class Persons:
    """The persons of one app; `erased` says of which ids events were ignored, and until when, `repeated` how many changed nothing.

    first_open   cells of days before it are complete, and their changes revisions
    """

    def __init__(self, store: Store, insist: Insist, app: str, scope: Scope, first_open: int = 0) -> None:
        self._store = store
        self._insist = insist
        self._app = app
        self._scope = scope
        self._first_open = first_open
        self.erased: dict[bytes, int] = {}
        self.repeated = 0
        self.conflicts = 0

    async def join(self, identities: Sequence[Identity]) -> None:
        """Make these identity events count."""
        for at in range(0, len(identities), SETTLED_AT_ONCE):
            some = identities[at : at + SETTLED_AT_ONCE]
            await self.settle({one for said in some for one in (said.user, said.alias)}, identities=some)

    async def erase(self, erasures: Sequence[Erasure], claim: Claim) -> None:
        """Make these erasures count.

        `claim` is called where somebody is to be erased of whom something was counted: no app is known by erasures alone.
        """
        for at in range(0, len(erasures), SETTLED_AT_ONCE):
            some = erasures[at : at + SETTLED_AT_ONCE]
            await self.settle({one for said in some for one in said.users}, erasures=some, claim=claim)

    async def person_of(self, user: bytes) -> dict[bytes, Record]:
        """All ids of the person that an id belongs to, with what each of them did, as the store has it."""
        found, _ = await self._closure({user})
        own = self._own(found)
        return {one: own[one] for ids in people(own) if user in ids for one in ids}

    async def settle(
        self,
        ids: set[bytes],
        identities: Sequence[Identity] = (),
        erasures: Sequence[Erasure] = (),
        claim: Claim | None = None,
    ) -> None:
        """Write everything that is linked to these ids as it should stand."""
        while True:
            found, stored = await self._closure(ids)
            # Here, since what is written below is written only where all stands as it was just read.
            if claim and any(is_anybody(one) for its in found.values() for one in its.members.values()):
                await claim()
            own = self._own(found, erasures)
            self._link(own, identities)
            writes = self._writes(found, stored, own)
            news = (
                [one for one in identities if not one.is_history],
                [one for one in erasures if not one.is_history],
            )
            if any(news):
                for write in (write for stage in writes for write in stage):
                    write.revised = complete_cells(write.delta.sums, self._first_open)
                    write.reason = ERASURE if erasures else MERGE
            if await self._written(writes):
                return
            self.conflicts += 1

    async def count(self, events: Events) -> list[bytes]:
        """Make events of ids that are not single records count. Ids that turn out to be single by now are given back."""
        pending, singles = dict(events), list[bytes]()
        tried: set[bytes] = set()  # whose events were planned before somebody else wrote
        while pending:
            roots, stored = await self._roots(pending)
            by_root: dict[bytes, dict[bytes, Sequence[Event]]] = defaultdict(dict)
            for user, root in roots.items():
                by_root[root][user] = pending[user]
            plans: list[Plan] = []
            for root, some in by_root.items():
                if is_single(stored[root]) and some.keys() == {root}:
                    singles.append(root)
                    del pending[root]
                    continue
                planned = (
                    None if is_single(stored[root]) else plan_person(root, stored[root], some, self._scope)
                )
                if planned is None:
                    await self.settle({root, *some})
                    continue
                self.erased |= dict(planned.erased)
                if planned.write is not None:
                    revise(planned.write, [event for its in some.values() for event in its], self._first_open)
                plans.append(planned)
                if planned.write is None:
                    pending = {user: its for user, its in pending.items() if user not in some}
                    self.repeated += sum(len(its) for user, its in some.items() if user not in tried)
            left = await self._apply([one.write for one in plans if one.write is not None])
            done = {one.write.user for one in plans if one.write is not None} - left
            pending = {user: its for user, its in pending.items() if roots[user] not in done}
            tried |= {user for user in pending if roots[user] in left}
            self.conflicts += len(left)
        return singles

    async def _roots(self, users: Iterable[bytes]) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
        """Under which id the person of each user stands, and what is stored under all ids on the way."""
        roots = {user: user for user in users}
        stored: dict[bytes, bytes] = {}
        while wanted := sorted({root for root in roots.values() if root not in stored}):
            stored |= {user: data or b"\0" for user, data in (await self._read(wanted)).items()}
            for user, root in roots.items():
                while (target := target_of(stored.get(root, b"\0"))) is not None:
                    root = target
                roots[user] = root
        return roots, stored

    async def _closure(self, ids: set[bytes]) -> tuple[dict[bytes, Stored], dict[bytes, bytes | None]]:
        """Everything that is linked to some ids, however far."""
        found: dict[bytes, Stored] = {}
        stored: dict[bytes, bytes | None] = {}
        wanted = set(ids)
        while wanted:
            for user, data in (await self._read(sorted(wanted))).items():
                stored[user] = data
                found[user] = await self._decoded(user, data)
            wanted = {other for one in found.values() for other in _neighbours(one)} - stored.keys()
        return found, stored

    async def _decoded(self, user: bytes, data: bytes | None) -> Stored:
        if data is None:
            return Stored({user: Record()})
        parts = None
        if is_single(data) and is_apart(data):
            parts = await self._insist(partial(self._store.read_parts, self._app, user, None))
        return decode_stored(user, data, self._scope.zone, parts)

    async def _read(self, users: Sequence[bytes]) -> dict[bytes, bytes | None]:
        found: dict[bytes, bytes | None] = {}
        for shard, some in self._by_shard(users, lambda user: user).items():
            for at in range(0, len(some), READ_USERS_MAX):
                few = some[at : at + READ_USERS_MAX]
                records = await self._insist(partial(self._store.read, self._app, shard, few))
                found |= dict(zip(few, records, strict=True))
        return found

    def _own(self, found: Mapping[bytes, Stored], erasures: Sequence[Erasure] = ()) -> dict[bytes, Record]:
        """The record of each id: what all copies of it know that these erasures leave."""
        zone, own = self._scope.zone, dict[bytes, Record]()
        for one in found.values():
            for user, record in one.members.items():
                for said in (said for said in erasures if user in said.users):
                    record = erased(record, said.erased_until, zone, late=said.is_late)
                own[user] = united(own[user], record, zone) if user in own else record
        return own

    def _link(self, own: dict[bytes, Record], identities: Sequence[Identity]) -> None:
        for said in identities:
            ends = {said.user: own[said.user], said.alias: own[said.alias]}
            untils = {user: one.erased_until for user, one in ends.items() if one.erased_until is not None}
            if late := {user: until for user, until in untils.items() if said.done_ms <= until}:
                self.erased |= late
            elif said.user != said.alias:
                for user, other in ((said.user, said.alias), (said.alias, said.user)):
                    links = own[user].links
                    own[user] = _with_links(
                        own[user], links | {other: max(said.done_ms, links.get(other, said.done_ms))}
                    )

    def _writes(
        self, found: Mapping[bytes, Stored], stored: Mapping[bytes, bytes | None], own: Mapping[bytes, Record]
    ) -> list[list[UserWrite]]:
        """What differs, in the order in which it is to be written."""
        stages: list[list[UserWrite]] = [[], [], []]
        for ids in people(own):
            root, members = ids[0], {one: own[one] for one in ids}
            for user in ids:
                counts = user == root
                if stored[user] is None and members == {user: Record()}:
                    continue
                data = encode_person(members) if counts else encode_pointer(root, own[user])
                if data == stored[user]:
                    continue
                counted = found[user].counts and stored[user] is not None
                was = facts(joined(found[user].members), self._scope) if counted else _NOTHING
                now = facts(joined(members), self._scope) if counts else _NOTHING
                expected = stored[user]
                clears = expected is not None and is_single(expected) and is_apart(expected)
                turn = 2 if counts else int(counted)
                stages[turn].append(UserWrite(user, expected, data, now.minus(was), clears=clears))
        return stages

    async def _written(self, stages: Sequence[Sequence[UserWrite]]) -> bool:
        """Write; False when somebody else wrote in between."""
        if self._store.shards == 1:
            return not await self._apply([write for stage in stages for write in stage])
        for stage in stages:
            if await self._apply(stage):
                return False
        return True

    async def _apply(self, writes: Sequence[UserWrite]) -> set[bytes]:
        """Write; the ids that somebody else wrote in between."""
        left: set[bytes] = set()
        for shard, some in self._by_shard(writes, lambda write: write.user).items():
            for at in range(0, len(some), CALL_WRITES_MAX):
                few = some[at : at + CALL_WRITES_MAX]
                conflicts = await self._insist(partial(self._store.apply, self._app, shard, few))
                left |= {few[place].user for place in conflicts}
        return left

    def _by_shard(self, some: Iterable[Any], user_of: Callable[[Any], bytes]) -> dict[int, list[Any]]:
        shards: dict[int, list[Any]] = defaultdict(list)
        for one in some:
            shards[shard_of(user_of(one), self._store.shards)].append(one)
        return shards


def _neighbours(stored: Stored) -> Iterable[bytes]:
    if stored.target is not None:
        yield stored.target
    for user, record in stored.members.items():
        yield user
        yield from record.links


def _with_links(record: Record, links: dict[bytes, int]) -> Record:
    return Record(
        record.sessions,
        record.said,
        record.kept,
        record.summary,
        erased_until=record.erased_until,
        links=links,
    )
