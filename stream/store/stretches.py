"""How is a stretch of a long summary written in bytes? Which of its slots, one byte each, and what stands in them."""

import msgspec

from stream.retention.stretches import STRETCH_SLOTS

_pack = msgspec.msgpack.Encoder().encode
_Counts = tuple[bytes, list[int]]
_unpack_counts = msgspec.msgpack.Decoder(_Counts).decode
_unpack_amounts = msgspec.msgpack.Decoder(dict[str, _Counts]).decode


def pack_counts(number: int, counts: dict[int, int]) -> bytes:
    """Numbers by slot of the stretch with this number."""
    return _pack(_columns(number, counts))


def unpack_counts(number: int, packed: bytes) -> dict[int, int]:
    return _by_slot(number, _unpack_counts(packed))


def pack_amounts(number: int, money: dict[int, dict[str, int]]) -> bytes:
    """Minor units by slot and currency; currency by currency, since nearly everybody pays in one."""
    by_currency: dict[str, dict[int, int]] = {}
    for slot, amounts in money.items():
        for currency, amount_minor in amounts.items():
            by_currency.setdefault(currency, {})[slot] = amount_minor
    return _pack({currency: _columns(number, by_currency[currency]) for currency in sorted(by_currency)})


def unpack_amounts(number: int, packed: bytes) -> dict[int, dict[str, int]]:
    money: dict[int, dict[str, int]] = {}
    for currency, columns in _unpack_amounts(packed).items():
        for slot, amount_minor in _by_slot(number, columns).items():
            money.setdefault(slot, {})[currency] = amount_minor
    return money


def _columns(number: int, by_slot: dict[int, int]) -> _Counts:
    start, slots = number * STRETCH_SLOTS, sorted(by_slot)
    return bytes([slot - start for slot in slots]), [by_slot[slot] for slot in slots]


def _by_slot(number: int, columns: _Counts) -> dict[int, int]:
    start = number * STRETCH_SLOTS
    return {start + place: value for place, value in zip(*columns, strict=True)}
