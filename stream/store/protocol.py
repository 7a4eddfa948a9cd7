"""What must a store do? The protocol of the Redis store and of the in-memory one, and the values that pass through it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from stream.retention.found import Delta
from stream.retention.names import Sum

Bitmap = npt.NDArray[np.uint64]
Partition = tuple[str, int]
# One kept event stored apart: its field, its bytes as planned against (None: absent), its new bytes.
Part = tuple[bytes, bytes | None, bytes]

LAYOUT = "5"
DOCUMENT_BYTES_MAX = 1 << 20
# Counts that are no function of records; they move with the positions.
TOTALS = ("applied", "dead_letters", "erased", "offset_holes")


class Position(NamedTuple):
    """How far a topic-partition of one log is counted: the next offset to read."""

    next: int
    log_id: str


class UserWrite(Struct):
    """The new record of one user, and what it changes; applied only if the stored record is still `expected`.

    clears   kept events that were stored apart go first
    revised  the sums whose cells were complete already, and so are noted in the outbox; `reason` says why they change
    """

    user: bytes
    expected: bytes | None
    record: bytes
    delta: Delta
    parts: list[Part] = []
    clears: bool = False
    revised: Sequence[Sum] = ()
    reason: str = ""


class Progress(NamedTuple):
    """The move of a position, and the totals that move with it; `expected` None where nothing is stored yet."""

    partition: Partition
    expected: Position | None
    position: Position
    totals: Mapping[str, int]


class Ledger(NamedTuple):
    """A number for each of some users: their places in the bitmaps, in no order, and the numbers."""

    users: npt.NDArray[np.int64]
    amounts: npt.NDArray[np.int64]


class View(NamedTuple):
    """Counters, bitmaps and ledgers of one state. All bitmaps have one length: every shard, chunk after chunk."""

    counters: dict[str, dict[str, int]]
    sets: dict[str, Bitmap]
    ledgers: dict[str, Ledger]
    version: int


class Memory(NamedTuple):
    """The bytes that the server uses for everything it holds, and how many it may use; 0 is no limit."""

    used_bytes: int
    max_bytes: int


class Revision(NamedTuple):
    """How a complete cell of the plain triangle changed since it was last told; `reasons` in order."""

    number: int
    counter: str
    field: str
    old: int
    new: int
    reasons: tuple[str, ...]


class StoredUser(Struct):
    """One user as the audit reads it."""

    shard: int
    index: int
    record: bytes
    parts: dict[bytes, bytes]


class StoreUnavailable(Exception):
    """The store cannot take or give anything just now; the same call may be made again."""


class StoreRefused(StoreUnavailable):
    """The store is there and does not let us: another password, another certificate or more rights mend that."""


class StorePaused(StoreUnavailable):
    """An audit holds the lease; applies wait until it ends."""


class IdentityMismatch(Exception):
    """The stored data was counted under other settings; the message names them and the way to rebuild."""


class Store(Protocol):
    """Records, bitmaps, counters and positions of all apps."""

    shards: int

    async def open(self, identity: Mapping[str, str]) -> None:
        """Claim the data for this identity, or raise IdentityMismatch."""

    async def claim_zone(self, app: str, zone: str) -> None:
        """Claim an app for a zone, or raise IdentityMismatch."""

    async def zones(self) -> dict[str, str]:
        """The apps of the data and their zones."""

    async def read(self, app: str, shard: int, users: Sequence[bytes]) -> list[bytes | None]:
        """The records of some users of one shard."""

    async def read_parts(self, app: str, user: bytes, fields: Sequence[bytes] | None) -> dict[bytes, bytes]:
        """Kept events stored apart: those of `fields`, or all."""

    async def apply(self, app: str, shard: int, writes: Sequence[UserWrite]) -> dict[int, bytes | None]:
        """Write each user whose record is as expected; of the others, by place in `writes`, the record as it is."""

    async def advance(self, shard: int, progress: Progress) -> Position | None:
        """Move a position if it is as expected; otherwise change nothing. The position as it is now.

        None, and nothing moved, where the store has fallen back behind what this client has seen.
        """

    async def shard_positions(self) -> list[dict[Partition, Position]]:
        """The positions, shard by shard."""

    async def positions(self) -> dict[Partition, Position]:
        """The positions that hold in every shard (the smallest)."""

    async def totals(self) -> dict[str, int]:
        """Counts that are no function of records: TOTALS."""

    async def memory(self) -> Memory:
        """What the server's memory is like."""

    async def view(
        self,
        app: str,
        *,
        counters: Sequence[str] = (),
        sets: Sequence[str] = (),
        ledgers: Sequence[str] = (),
    ) -> View:
        """Some counters, sets and ledgers of an app in one state; what is missing is empty."""

    async def take_revisions(self, app: str) -> list[Revision]:
        """What changed since the revisions were last taken and let go; the same ones again until they are let go."""

    async def let_go_revisions(self, app: str, count: int) -> None:
        """What was taken is told, so many revisions of it."""

    async def documents(self, app: str, names: Sequence[str]) -> list[bytes]:
        """Small documents of an app by name; what is missing is empty."""

    async def replace_document(self, app: str, name: str, expected: bytes, document: bytes) -> bool:
        """Replace a document if it is as expected; False, and nothing changed, if not. Empty is none, on both sides.

        Raises ValueError for more than DOCUMENT_BYTES_MAX.
        """

    async def lead(self, role: str, seconds: float) -> bool:
        """Whether this store's owner is the one that plays a role for so long."""

    async def pause(self, seconds: float, *, again: bool = False) -> bool:
        """Take or renew the lease by which applies wait; False when somebody else holds it.

        again   it is held already: False also where it has ended meanwhile, so that applies may have gone on
        """

    async def resume(self) -> None:
        """Give the lease back."""

    def stored_users(self, app: str, among: Bitmap | None = None) -> AsyncIterator[StoredUser]:
        """Every user of an app; with one shard those of a set, and who came after it was read."""

    async def stored_counters(self, app: str) -> dict[int, dict[str, dict[str, int]]]:
        """Every counter of an app, by shard."""

    async def stored_sets(self, app: str) -> dict[int, dict[str, Bitmap]]:
        """Every set of an app, by shard."""

    async def stored_ledgers(self, app: str) -> dict[int, dict[str, dict[int, int]]]:
        """Every ledger of an app, by shard: index -> number."""

    async def aclose(self) -> None:
        """Close connections."""


def check_document(document: bytes) -> None:
    """A document is read and written as a whole, so that it must stay small."""
    if len(document) > DOCUMENT_BYTES_MAX:
        raise ValueError(
            f"a document of {len(document):,} bytes; at most {DOCUMENT_BYTES_MAX:,} are possible"
        )


def smallest(shards: Sequence[Mapping[Partition, Position]]) -> dict[Partition, Position]:
    """The positions that hold in every shard. A partition that a shard does not know, or knows of another log, has none."""
    first = shards[0]
    found: dict[Partition, Position] = {}
    for partition, position in first.items():
        others = [shard.get(partition) for shard in shards]
        if all(other is not None and other.log_id == position.log_id for other in others):
            found[partition] = Position(min(other.next for other in others if other), position.log_id)
    return found
