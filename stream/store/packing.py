"""In which words are writes and positions told to the server? The argument of apply.lua, and the text of a position."""

from collections.abc import Mapping, Sequence

import msgpack  # type: ignore[import-untyped]  # ships no types

from stream.store.keys import SPARSE_MEMBERS_MAX
from stream.store.protocol import Partition, Position, UserWrite

# The server's MessagePack knows raw strings only, none of the later binary types.
_pack = msgpack.Packer(use_bin_type=False, autoreset=True).pack


def pack_writes(writes: Sequence[UserWrite], inline_bytes_max: int) -> bytes:
    """The argument of apply.lua: names once, users by numbers."""
    sets: dict[str, int] = {}
    sums: dict[tuple[str, str], int] = {}
    ledgers: dict[str, int] = {}
    users = []
    for write in writes:
        delta = write.delta
        users.append(
            (
                write.user,
                write.expected if write.expected is not None else False,
                write.record,
                [sets.setdefault(name, len(sets)) for name in delta.joins],
                [sets.setdefault(name, len(sets)) for name in delta.leaves],
                [
                    word
                    for key, amount in delta.sums.items()
                    for word in (sums.setdefault(key, len(sums)), amount)
                ],
                [(name, old if old is not None else False, new) for name, old, new in write.parts]
                if write.parts
                else False,
                _words(delta.ledgers, ledgers) if delta.ledgers else False,
                write.clears,
                [
                    write.reason + "|",
                    *(word for key in write.revised for word in (sums[key], delta.sums[key])),
                ]
                if write.revised
                else False,
            )
        )
    packed: bytes = _pack(
        (inline_bytes_max, SPARSE_MEMBERS_MAX, list(sets), list(sums), list(ledgers), users)
    )
    return packed


def _words(entries: Mapping[str, int], names: dict[str, int]) -> list[int | str]:
    """Ledgers by number, and amounts as text: the server's numbers are exact up to 2^53 only."""
    return [
        word for name, amount in entries.items() for word in (names.setdefault(name, len(names)), str(amount))
    ]


def partition_text(partition: Partition) -> str:
    return f"{partition[0]}:{partition[1]}"


def partition_of(text: bytes) -> Partition:
    topic, _, number = text.decode().rpartition(":")
    return topic, int(number)


def position_text(position: Position | None) -> str:
    return "" if position is None else f"{position.next}@{position.log_id}"


def position_of(text: bytes) -> Position:
    number, _, log_id = text.decode().partition("@")
    return Position(int(number), log_id)
