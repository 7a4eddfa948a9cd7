"""How does a set of user indexes become a bitmap? Bits in the order of SETBIT: the highest bit of a byte first."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from stream.store.keys import CHUNK_BYTES, CHUNK_USERS
from stream.store.protocol import Bitmap, Ledger


def chunks_of(users: int) -> int:
    """How many chunks hold so many users."""
    return -(-users // CHUNK_USERS)


def bitmap_of(members: npt.NDArray[np.int64], chunks: int) -> Bitmap:
    """The bitmap of some indexes."""
    data = np.zeros(chunks * CHUNK_BYTES, dtype=np.uint8)
    np.bitwise_or.at(data, members >> 3, (0x80 >> (members & 7)).astype(np.uint8))
    return data.view(np.uint64)


def bitmap_of_chunks(stored: Sequence[bytes | None]) -> Bitmap:
    """The bitmap of what is stored chunk by chunk: nothing, two bytes a member, or a whole bitmap."""
    return bitmap_with(nobody(0), len(stored), list(enumerate(stored)))


def bitmap_with(known: Bitmap, chunks: int, stored: Collection[tuple[int, bytes | None]]) -> Bitmap:
    """A copy of a bitmap in which some chunks are as they are stored, and there are perhaps more; nobody may write to it."""
    if not any(value for _, value in stored) and not known.any():
        return nobody(chunks)
    data = np.zeros(chunks * CHUNK_BYTES, dtype=np.uint8)
    data[: known.nbytes] = known.view(np.uint8)
    for chunk, value in stored:
        part = data[chunk * CHUNK_BYTES : (chunk + 1) * CHUNK_BYTES]
        if value is not None and len(value) == CHUNK_BYTES:
            part[:] = np.frombuffer(value, dtype=np.uint8)
            continue
        part[:] = 0
        members = np.frombuffer(value or b"", dtype="<u2").astype(np.int64)
        np.bitwise_or.at(part, members >> 3, (0x80 >> (members & 7)).astype(np.uint8))
    data.flags.writeable = False
    return data.view(np.uint64)


@lru_cache(maxsize=64)
def nobody(chunks: int) -> Bitmap:
    """The empty bitmap: one for all sets that have no members, as most exceptions of a day have none."""
    data = np.zeros(chunks * CHUNK_BYTES // 8, dtype=np.uint64)
    data.flags.writeable = False
    return data


def members_of(bitmap: Bitmap) -> npt.NDArray[np.int64]:
    """The indexes in a bitmap, in order."""
    return np.flatnonzero(np.unpackbits(bitmap.view(np.uint8)).view(np.bool_)).astype(np.int64)


def first_places(chunks: Sequence[int]) -> list[int]:
    """Where the users of each shard begin in a bitmap of all shards, from their chunks."""
    return list(accumulate((number * CHUNK_USERS for number in chunks[:-1]), initial=0))


def ledger_of(entries: Mapping[int, int]) -> Ledger:
    """The ledger of one shard, from index -> number."""
    size = len(entries)
    return Ledger(np.fromiter(entries.keys(), np.int64, size), np.fromiter(entries.values(), np.int64, size))


def join_ledgers(shards: Sequence[tuple[int, Ledger]]) -> Ledger:
    """One ledger of those of the shards: (first place of the shard, its ledger)."""
    if len(shards) == 1 and not shards[0][0]:
        return shards[0][1]
    return Ledger(
        np.concatenate([base + ledger.users for base, ledger in shards]),
        np.concatenate([ledger.amounts for _, ledger in shards]),
    )
