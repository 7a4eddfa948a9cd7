"""How is one kept event written in bytes? Within a record, where a user has few, or in a field of its own.

MessagePack (kind, event id, time, dims, amount, currency, product, refund of), ids and dimensions in the words of words.py, where
most take a third of their text. An answer has its score and its survey in the places of amount and currency.
"""

from functools import lru_cache

import msgspec

from stream.retention.days import Zone
from stream.retention.kept import FEEDBACK, INSTALL, PURCHASE, Kept, Key
from stream.store.words import Dims, read_dims, read_id, write_dims, write_id

KeptRow = tuple[int, bytes, int, bytes, int, str, str, bytes]

_KINDS = (INSTALL, PURCHASE, FEEDBACK)
_encode_row = msgspec.msgpack.Encoder().encode
_decode_row = msgspec.msgpack.Decoder(KeptRow).decode


def kept_field(key: Key) -> bytes:
    """The field under which one kept event is stored apart."""
    return bytes((_KINDS.index(key[0]),)) + write_id(key[1])


def encode_kept(key: Key, kept: Kept) -> bytes:
    """The bytes of one kept event."""
    return _encode_row(row_of(key, kept))


def decode_kept(data: bytes, zone: Zone) -> tuple[Key, Kept]:
    """One kept event with its key."""
    return kept_of(_decode_row(data), zone)


def row_of(key: Key, kept: Kept) -> KeptRow:
    """One kept event as it is written."""
    number, word = (kept.score, kept.survey) if key[0] == FEEDBACK else (kept.amount_minor, kept.currency)
    refund_of = _id_bytes(kept.refund_of) if kept.refund_of else b""
    return (
        _KINDS.index(key[0]),
        _id_bytes(key[1]),
        kept.ts_ms,
        write_dims(kept.dims),
        number,
        word,
        kept.product_id,
        refund_of,
    )


def kept_of(row: KeptRow, zone: Zone) -> tuple[Key, Kept]:
    """One kept event with its key, as it was written."""
    kind, event_id, ts_ms, dims, number, word, product_id, refund_of = row
    key, slot = (_KINDS[kind], _id(event_id)), zone.slot(ts_ms)
    if key[0] == FEEDBACK:
        return key, Kept(ts_ms, slot, _dims(dims), survey=word, score=number)
    return key, Kept(ts_ms, slot, _dims(dims), number, word, product_id, _id(refund_of) if refund_of else "")


# A record is written again with each of its user's events, and with it the ids of all that is kept in it.
_id_bytes = lru_cache(maxsize=32_768)(write_id)


def _id(data: bytes) -> str:
    return read_id(data, 0)[0]


@lru_cache(maxsize=16_384)
def _dims(data: bytes) -> Dims:
    """Users share them, so they are remembered."""
    return read_dims(data, 0)[0]
