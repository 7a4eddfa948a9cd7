"""What stands under one id: a record, a person of several ids, or a pointer to the id under which the person stands?

    record   see codec.py
    person   byte 0x20, MessagePack {id: record}: all the ids of a person, under the smallest of them
    pointer  byte 0x40, 16 bytes of that id, and the record of this id as it was when it began to point there

A pointer keeps its record, so that the person can be put together again wherever a store has lost one half of it.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from stream.retention.days import Zone
from stream.retention.people import joined
from stream.retention.records import Record
from stream.retention.summary import summarise
from stream.store.codec import decode, encode
from stream.store.kept import decode_kept

_PERSON, _POINTER = 0x20, 0x40
_ID_BYTES = 16
_encode_members = msgspec.msgpack.Encoder().encode
_decode_members = msgspec.msgpack.Decoder(dict[bytes, bytes]).decode


class Stored(Struct):
    """What was found under an id: its records by id (of a pointer its own), and where it points."""

    members: dict[bytes, Record]
    target: bytes | None = None

    @property
    def counts(self) -> bool:
        """Whether its facts are counted here."""
        return self.target is None


def is_single(data: bytes) -> bool:
    """Whether these bytes are the record of an id that is a person by itself."""
    return data[0] < _PERSON


def encode_person(members: Mapping[bytes, Record]) -> bytes:
    """The bytes of a person, of one id or more."""
    if len(members) == 1:
        return encode(next(iter(members.values())))
    return bytes((_PERSON,)) + _encode_members({one: encode(members[one]) for one in sorted(members)})


def encode_pointer(target: bytes, record: Record) -> bytes:
    """The bytes of an id whose person stands under another."""
    return bytes((_POINTER,)) + target + encode(record)


def target_of(data: bytes) -> bytes | None:
    """Where a pointer points; None for anything else."""
    return data[1 : 1 + _ID_BYTES] if data[0] == _POINTER else None


def decode_stored(user: bytes, data: bytes, zone: Zone, parts: Mapping[bytes, bytes] | None = None) -> Stored:
    """What stands under an id, whole; `parts` are all of its kept events where they are stored apart."""
    if data[0] == _POINTER:
        return Stored({user: decode(data[1 + _ID_BYTES :], zone)}, target_of(data))
    if data[0] == _PERSON:
        return Stored({one: decode(record, zone) for one, record in _decode_members(data[1:]).items()})
    return Stored({user: _whole(decode(data, zone), parts or {}, zone)})


def decode_person(data: bytes, parts: Mapping[bytes, bytes], zone: Zone) -> Record | None:
    """The record that is counted under an id; None for a pointer."""
    stored = decode_stored(b"", data, zone, parts)
    return joined(stored.members) if stored.counts else None


def _whole(record: Record, parts: Mapping[bytes, bytes], zone: Zone) -> Record:
    if record.apart:
        record.kept = dict(decode_kept(data, zone) for data in parts.values())
        record.summary = summarise(record.kept)
        record.apart = record.partial = False
    return record
