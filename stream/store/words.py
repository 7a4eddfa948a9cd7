"""How are small things written in few bytes? Numbers, event ids, dimension names and values; the alphabet of the record codec.

The tables may only grow at their ends: their places are in stored data.
"""

import re
from functools import lru_cache
from itertools import product
from string import ascii_uppercase

Dims = tuple[tuple[str, str], ...]

# Names that have a bit of their own; bit 7 says that other names follow.
_NAMES = ("platform", "country", "source", "campaign", "app_version", "variant")
_NAME_BITS = {name: bit for bit, name in enumerate(_NAMES)}
_OTHER_NAMES = 0x80

# Values that take one byte, from 0x81 on.
_VALUES = (
    *("ios", "android", "web", "windows", "macos", "linux", "ipados", "tvos", "huawei", "amazon"),
    *(
        "organic",
        "paid",
        "referral",
        "direct",
        "email",
        "push",
        "social",
        "search",
        "affiliate",
        "influencer",
    ),
    *(
        "facebook",
        "instagram",
        "google",
        "google_ads",
        "apple_search_ads",
        "tiktok",
        "meta",
        "x",
        "twitter",
        "snapchat",
    ),
    *(
        "youtube",
        "unity",
        "applovin",
        "ironsource",
        "reddit",
        "linkedin",
        "bing",
        "mintegral",
        "vungle",
        "adcolony",
    ),
    *(
        "A",
        "B",
        "C",
        "D",
        "a",
        "b",
        "c",
        "d",
        "control",
        "treatment",
        "test",
        "on",
        "off",
        "true",
        "false",
        "variant",
    ),
)
# Two capital letters, as of a country, take two bytes, the first of them from here on: before it is room for 124 usual values.
_LETTERS = 0xFD
_PAIRS = tuple("".join(pair) for pair in product(ascii_uppercase, repeat=2))
_VALUE_CODES = {pair: bytes((_LETTERS + (at >> 8), at & 0xFF)) for at, pair in enumerate(_PAIRS)} | {
    value: bytes((0x81 + at,)) for at, value in enumerate(_VALUES)
}
_SAME, _LONG_VALUE = 0x00, 0x80
# What the bytes of an id begin with; a UUID has 16 bytes more, the first part of one has four.
UUID_ID, HEX_ID, _LONG_ID = 0xFD, 0xFE, 0xFF

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{8}", re.ASCII)


def write_varint(number: int) -> bytes:
    """A number >= 0, seven bits a byte, the lowest first."""
    if number < 0x80:
        return bytes((number,))
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def write_signed(number: int) -> bytes:
    """Any number, zigzag: small ones of both signs are short."""
    return write_varint(number << 1 if number >= 0 else (-number << 1) - 1)


def read_signed(data: bytes, at: int) -> tuple[int, int]:
    """Any number and where it ends."""
    coded, at = read_varint(data, at)
    return (coded >> 1 if not coded & 1 else -(coded + 1 >> 1)), at


def write_id(event_id: str) -> bytes:
    """An event id: a UUID in 17 bytes, the first part of one in 5, another with its length."""
    if len(event_id) == 36 and _UUID.fullmatch(event_id):
        return bytes((UUID_ID,)) + bytes.fromhex(event_id.replace("-", ""))
    if len(event_id) == 8 and _HEX.fullmatch(event_id):
        return bytes((HEX_ID,)) + bytes.fromhex(event_id)
    text = event_id.encode()
    if len(text) < UUID_ID:
        return bytes((len(text),)) + text
    return bytes((_LONG_ID,)) + len(text).to_bytes(2, "little") + text


def read_uuid(data: bytes, at: int) -> str:
    """A UUID of 16 bytes."""
    text = data[at : at + 16].hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def read_hex(data: bytes, at: int) -> str:
    """The first part of a UUID, of four bytes."""
    return data[at : at + 4].hex()


def read_id(data: bytes, at: int) -> tuple[str, int]:
    """An event id and where it ends."""
    tag = data[at]
    at += 1
    if tag == UUID_ID:
        return read_uuid(data, at), at + 16
    if tag == HEX_ID:
        return read_hex(data, at), at + 4
    if tag == _LONG_ID:
        tag = int.from_bytes(data[at : at + 2], "little")
        at += 2
    return data[at : at + tag].decode(), at + tag


@lru_cache(maxsize=16_384)
def write_dims(dims: Dims, same_as: Dims = ()) -> bytes:
    """Dimensions sorted by name; a value that is also in `same_as` takes one byte. Users share them, so they are remembered."""
    same = dict(same_as)
    mask = 0
    usual: dict[int, bytes] = {}
    others: list[bytes] = []
    for name, value in dims:
        code = bytes((_SAME,)) if same.get(name) == value else _write_value(value)
        bit = _NAME_BITS.get(name)
        if bit is None:
            others += _write_value(name), code
        else:
            mask |= 1 << bit
            usual[bit] = code
    if others:
        others.insert(0, write_varint(len(others) // 2))
        mask |= _OTHER_NAMES
    return b"".join((bytes((mask,)), *(usual[bit] for bit in sorted(usual)), *others))


def read_dims(data: bytes, at: int, same: dict[str, str] | None = None) -> tuple[Dims, int]:
    """Dimensions sorted by name, and where they end."""
    mask = data[at]
    at += 1
    found: list[tuple[str, str]] = []
    for bit, name in enumerate(_NAMES):
        if mask & 1 << bit:
            value, at = _read_value(data, at, name, same)
            found.append((name, value))
    if mask & _OTHER_NAMES:
        count, at = read_varint(data, at)
        for _ in range(count):
            name, at = _read_value(data, at, "", None)
            value, at = _read_value(data, at, name, same)
            found.append((name, value))
    found.sort()
    return tuple(found), at


def _write_value(value: str) -> bytes:
    code = _VALUE_CODES.get(value)
    if code is not None:
        return code
    text = value.encode()
    if 0 < len(text) < _LONG_VALUE:
        return bytes((len(text),)) + text
    return bytes((_LONG_VALUE,)) + len(text).to_bytes(2, "little") + text


def _read_value(data: bytes, at: int, name: str, same: dict[str, str] | None) -> tuple[str, int]:
    tag = data[at]
    at += 1
    if tag == _SAME and same is not None:
        return same[name], at
    if tag >= _LETTERS:
        return _PAIRS[(tag - _LETTERS) << 8 | data[at]], at + 1
    if tag > _LONG_VALUE:
        return _VALUES[tag - _LONG_VALUE - 1], at
    if tag == _LONG_VALUE:
        tag = int.from_bytes(data[at : at + 2], "little")
        at += 2
    return data[at : at + tag].decode(), at + tag
