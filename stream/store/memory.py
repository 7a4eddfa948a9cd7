"""How does the store behave, in the plainest way? Everything in dictionaries; tests hold it and the Redis store to one suite."""

import copy
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from msgspec import Struct, field

from stream.store.chunks import bitmap_of, chunks_of, first_places, join_ledgers, ledger_of
from stream.store.keys import shard_of
from stream.store.lineage import History, Lineage
from stream.store.protocol import (
    Bitmap,
    IdentityMismatch,
    Memory,
    Partition,
    Position,
    Progress,
    Revision,
    StoredUser,
    StorePaused,
    UserWrite,
    View,
    check_document,
    smallest,
)
from stream.store.revisions import cell_of, cells_of, revisions_of

_K = TypeVar("_K", str, int)


class _Users(Struct):
    """One app in one shard."""

    records: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    parts: dict[bytes, dict[bytes, bytes]] = field(default_factory=dict)
    sets: dict[str, set[int]] = field(default_factory=dict)
    counters: dict[str, dict[str, int]] = field(default_factory=dict)
    ledgers: dict[str, dict[int, int]] = field(default_factory=dict)
    outbox: dict[str, int] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    given: int = 0
    version: int = 0
    told: int = 0


class _Data:
    """What a server would hold."""

    def __init__(self, shards: int) -> None:
        self.identity: dict[str, str] = {}
        self.apps: list[dict[str, _Users]] = [{} for _ in range(shards)]
        self.positions: list[dict[Partition, Position]] = [{} for _ in range(shards)]
        self.totals: dict[str, int] = {}
        self.paused = False
        self.history = [History() for _ in range(shards)]


class MemoryStore:
    """A store for tests and for trying things out; gone with the process."""

    def __init__(self, shards: int = 1) -> None:
        self.shards = shards
        self._data = _Data(shards)
        self._lineage = [Lineage() for _ in range(shards)]

    def client(self) -> "MemoryStore":
        """Another client of the same data, as another process would be."""
        other = copy.copy(self)
        other._lineage = [Lineage() for _ in range(self.shards)]
        return other

    def snapshot(self) -> dict[str, Any]:
        """Everything, as it is now."""
        return copy.deepcopy(self._data.__dict__)

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go back to a snapshot, as a server does that lost what came after it."""
        self._data.__dict__.update(copy.deepcopy(snapshot))

    def restore_shards(self, snapshot: dict[str, Any], shards: Iterable[int]) -> None:
        """Only some shards go back, as those of one master of a cluster do; the totals stand in shard 0."""
        old = copy.deepcopy(snapshot)
        for shard in shards:
            for name in ("apps", "positions", "history"):
                getattr(self._data, name)[shard] = old[name][shard]
            if shard == 0:
                self._data.totals = old["totals"]

    async def open(self, identity: Mapping[str, str]) -> None:
        """Claim the data for this identity."""
        for name, value in identity.items():
            self._claim(name, value)

    async def claim_zone(self, app: str, zone: str) -> None:
        """Claim an app for a zone."""
        self._claim(f"zone:{app}", zone)

    def _claim(self, name: str, value: str) -> None:
        stored = self._data.identity.setdefault(name, value)
        if stored != value:
            raise IdentityMismatch(f"the data was counted with {name}={stored}, this process has {value}")

    async def zones(self) -> dict[str, str]:
        """The apps of the data and their zones."""
        return {
            name[5:]: zone for name, zone in sorted(self._data.identity.items()) if name.startswith("zone:")
        }

    def _app(self, shard: int, app: str) -> _Users:
        return self._data.apps[shard].setdefault(app, _Users())

    async def read(self, app: str, shard: int, users: Sequence[bytes]) -> list[bytes | None]:
        """The records of some users of one shard."""
        self._mark(shard)
        records = self._app(shard, app).records
        return [records[user][1] if user in records else None for user in users]

    async def read_parts(self, app: str, user: bytes, fields: Sequence[bytes] | None) -> dict[bytes, bytes]:
        """Kept events stored apart: those of `fields`, or all."""
        parts = self._app(shard_of(user, self.shards), app).parts.get(user, {})
        return {name: value for name, value in parts.items() if fields is None or name in fields}

    async def apply(self, app: str, shard: int, writes: Sequence[UserWrite]) -> dict[int, bytes | None]:
        """Write each user whose record is as expected; of the others the record as it is."""
        if self._data.paused:
            raise StorePaused("an audit holds the lease")
        users = self._app(shard, app)
        conflicts: dict[int, bytes | None] = {}
        for place, write in enumerate(writes):
            index, record = users.records.get(write.user, (None, None))
            if not self._same(users, write, record):
                conflicts[place] = record
                continue
            if index is None:
                index, users.given = users.given, users.given + 1
            users.records[write.user] = index, write.record
            if write.clears:
                users.parts.pop(write.user, None)
            users.parts.setdefault(write.user, {}).update({name: new for name, _, new in write.parts})
            for name in write.delta.joins:
                users.sets.setdefault(name, set()).add(index)
            for name in write.delta.leaves:
                users.sets.get(name, set()).discard(index)
            for (counter, counted), amount in write.delta.sums.items():
                _add(users.counters.setdefault(counter, {}), counted, amount)
            for name, amount in write.delta.ledgers.items():
                _add(users.ledgers.setdefault(name, {}), index, amount)
            for counter, counted in write.revised:
                waiting = f"{write.reason}|{counter}|{counted}"
                by = write.delta.sums[counter, counted]
                users.outbox[waiting] = users.outbox.get(waiting, 0) + by
        users.version += len(conflicts) < len(writes)
        self._mark(shard, new=len(conflicts) < len(writes))
        return conflicts

    def _mark(self, shard: int, *, new: bool = False) -> None:
        mine = self._lineage[shard]
        mine.note(self._data.history[shard].mark(mine.seen, mine.who() if new else b""))

    @staticmethod
    def _same(users: _Users, write: UserWrite, record: bytes | None) -> bool:
        parts = users.parts.get(write.user, {})
        return record == write.expected and all(parts.get(name) == old for name, old, _ in write.parts)

    async def advance(self, shard: int, progress: Progress) -> Position | None:
        """Move a position if it is as expected."""
        if self._data.paused:
            raise StorePaused("an audit holds the lease")
        self._mark(shard)
        if self._lineage[shard].is_broken:
            return None
        positions = self._data.positions[shard]
        if positions.get(progress.partition) == progress.expected:
            positions[progress.partition] = progress.position
            for name, amount in progress.totals.items():
                self._data.totals[name] = self._data.totals.get(name, 0) + amount
        return positions.get(progress.partition)

    async def shard_positions(self) -> list[dict[Partition, Position]]:
        """The positions, shard by shard."""
        return [dict(positions) for positions in self._data.positions]

    async def positions(self) -> dict[Partition, Position]:
        """The positions that hold in every shard."""
        return smallest(self._data.positions)

    async def totals(self) -> dict[str, int]:
        """Counts that are no function of records."""
        return dict(self._data.totals)

    async def memory(self) -> Memory:
        """The records alone; there is no limit."""
        users = [one for apps in self._data.apps for one in apps.values()]
        used = sum(len(record) for one in users for _, record in one.records.values())
        return Memory(used, 0)

    async def view(
        self,
        app: str,
        *,
        counters: Sequence[str] = (),
        sets: Sequence[str] = (),
        ledgers: Sequence[str] = (),
    ) -> View:
        """Some counters, sets and ledgers of an app."""
        shards = [self._app(shard, app) for shard in range(self.shards)]
        numbers: dict[str, dict[str, int]] = {name: {} for name in counters}
        for users in shards:
            for name in counters:
                for counted, number in users.counters.get(name, {}).items():
                    numbers[name][counted] = numbers[name].get(counted, 0) + number
        bitmaps = {name: np.concatenate([_bitmap(users, name) for users in shards]) for name in sets}
        bases = first_places([chunks_of(users.given) for users in shards])
        entries = {
            name: join_ledgers(
                [
                    (base, ledger_of(users.ledgers.get(name, {})))
                    for base, users in zip(bases, shards, strict=True)
                ]
            )
            for name in ledgers
        }
        return View(numbers, bitmaps, entries, sum(users.version for users in shards))

    async def take_revisions(self, app: str) -> list[Revision]:
        """What waits is taken, unless something was taken before."""
        shards = [self._app(shard, app) for shard in range(self.shards)]
        for users in shards:
            if not users.taken:
                users.taken, users.outbox = users.outbox, {}
        changes = [users.taken for users in shards]
        cells = cells_of(changes)
        numbers = [[_told(users, cell) for cell in cells] for users in shards]
        return revisions_of(shards[0].told + 1, cells, changes, numbers)

    async def let_go_revisions(self, app: str, count: int) -> None:
        """What was taken is told."""
        for shard in range(self.shards):
            self._app(shard, app).taken = {}
        self._app(0, app).told += count

    async def documents(self, app: str, names: Sequence[str]) -> list[bytes]:
        """Small documents of an app."""
        documents = self._app(0, app).documents
        return [documents.get(name, b"") for name in names]

    async def replace_document(self, app: str, name: str, expected: bytes, document: bytes) -> bool:
        """Replace a document if it is as expected."""
        check_document(document)
        documents = self._app(0, app).documents
        if documents.get(name, b"") != expected:
            return False
        documents[name] = document
        return True

    async def lead(self, role: str, seconds: float) -> bool:
        """Nobody else is there."""
        return True

    async def pause(self, seconds: float, *, again: bool = False) -> bool:
        """Make applies wait."""
        if again and not self._data.paused:
            return False
        self._data.paused = True
        return True

    async def resume(self) -> None:
        """Let applies go on."""
        self._data.paused = False

    async def stored_users(self, app: str, among: Bitmap | None = None) -> AsyncIterator[StoredUser]:
        """Every user of an app, or those of a set."""
        flags = None if among is None else np.unpackbits(among.view(np.uint8))
        for shard in range(self.shards):
            users = self._app(shard, app)
            for user, (index, record) in list(users.records.items()):
                if flags is not None and index < flags.size and not flags[index]:
                    continue
                yield StoredUser(shard, index, record, users.parts.get(user, {}))

    async def stored_counters(self, app: str) -> dict[int, dict[str, dict[str, int]]]:
        """Every counter of an app, by shard."""
        return {
            shard: {n: dict(c) for n, c in self._app(shard, app).counters.items() if c}
            for shard in range(self.shards)
        }

    async def stored_sets(self, app: str) -> dict[int, dict[str, Bitmap]]:
        """Every set of an app, by shard."""
        shards = {shard: self._app(shard, app) for shard in range(self.shards)}
        return {
            shard: {name: _bitmap(users, name) for name in users.sets if users.sets[name]}
            for shard, users in shards.items()
        }

    async def stored_ledgers(self, app: str) -> dict[int, dict[str, dict[int, int]]]:
        """Every ledger of an app, by shard."""
        return {
            shard: {n: dict(entries) for n, entries in self._app(shard, app).ledgers.items() if entries}
            for shard in range(self.shards)
        }

    async def aclose(self) -> None:
        """Nothing to close."""


def _told(users: _Users, cell: str) -> int:
    """The number of a cell without what waits in the outbox."""
    counter, _, counted = cell.rpartition("|")
    waiting = sum(by for name, by in users.outbox.items() if cell_of(name)[1] == cell)
    return users.counters.get(counter, {}).get(counted, 0) - waiting


def _add(numbers: dict[_K, int], key: _K, amount: int) -> None:
    numbers[key] = numbers.get(key, 0) + amount
    if not numbers[key]:
        del numbers[key]


def _bitmap(users: _Users, name: str) -> Bitmap:
    members = np.fromiter(users.sets.get(name, ()), dtype=np.int64)
    return bitmap_of(members, chunks_of(users.given))
