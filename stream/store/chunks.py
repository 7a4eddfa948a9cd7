"""How does a set of user indexes become a bitmap? Bits in the order of SETBIT: the highest bit of a byte first."""

from collections.abc import Mapping, Sequence
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
    data = np.zeros(len(stored) * CHUNK_BYTES, dtype=np.uint8)
    for chunk, value in enumerate(stored):
        if not value:
            continue
        at = chunk * CHUNK_BYTES
        if len(value) == CHUNK_BYTES:
            data[at : at + CHUNK_BYTES] = np.frombuffer(value, dtype=np.uint8)
        else:
            members = np.frombuffer(value, dtype="<u2").astype(np.int64)
            np.bitwise_or.at(data, at + (members >> 3), (0x80 >> (members & 7)).astype(np.uint8))
    return data.view(np.uint64)


def members_of(bitmap: Bitmap) -> npt.NDArray[np.int64]:
    """The indexes in a bitmap, in order."""
    return np.flatnonzero(np.unpackbits(bitmap.view(np.uint8))).astype(np.int64)


def first_places(chunks: Sequence[int]) -> list[int]:
    """Where the users of each shard begin in a bitmap of all shards, from their chunks."""
    return list(accumulate((number * CHUNK_USERS for number in chunks[:-1]), initial=0))


def join_ledgers(shards: Sequence[tuple[int, Mapping[int, int]]]) -> Ledger:
    """One ledger of those of the shards: (first place of the shard, index -> number)."""
    return Ledger(
        np.array([base + index for base, entries in shards for index in entries], dtype=np.int64),
        np.array([number for _, entries in shards for number in entries.values()], dtype=np.int64),
    )
