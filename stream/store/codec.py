"""How is a record written in bytes? Short for the user that nearly everybody is, general for the rest.

    byte 0   flags
    INSTALL  the only install: time (6 bytes, the highest bit says that the id is a UUID), event id, dimensions
    SAID     what sessions said, where one event said all of it: time since the install (its lowest bit says that the order is the
             first part of a UUID), event order, dimensions (none if SAME)
    EXTRA    length, MessagePack: whatever does not fit above (purchases, re-installs, a summary; room for more at its end)
    rest     session slots: the first, counted from the day of the install, then the gaps, one byte each

Nothing here is longer for a user whose ids are UUIDs and whose dimensions have usual values. Kept events that are stored apart
are written one by one (see kept.py).
"""

from itertools import accumulate, pairwise
from operator import sub
from typing import TypeVar

import msgspec
from msgspec import Struct

from stream.retention.days import DAY_MS, SLOTS_PER_DAY, Zone
from stream.retention.kept import INSTALL, Kept
from stream.retention.records import Record
from stream.retention.said import Said
from stream.retention.stretches import Stretches, stretches_of
from stream.retention.summary import FirstInstall, Latest, Summary, summarise
from stream.store.kept import KeptRow, kept_of, row_of
from stream.store.stretches import pack_amounts, pack_counts, unpack_amounts, unpack_counts
from stream.store.words import (
    HEX_ID,
    UUID_ID,
    Dims,
    read_dims,
    read_hex,
    read_id,
    read_signed,
    read_uuid,
    read_varint,
    write_dims,
    write_id,
    write_signed,
    write_varint,
)

_INSTALL, _SAID, _EXTRA, _APART, _SAME = 1, 2, 4, 8, 16
# The time of an install is written from the first instant of year 1, so that it is never negative.
_TIME_ZERO_MS = 62_135_596_800_000
_TIME_BYTES = 6
_TIME_IS_OF_UUID = 1 << 8 * _TIME_BYTES - 1
_TIME_END_MS = _TIME_IS_OF_UUID - _TIME_ZERO_MS
# What sessions said, and their slots, are counted from the install, or where there is none from here.
_NO_INSTALL_MS = 946_684_800_000  # 2000-01-01
_EPOCH_DAY = 719_163
_LONG_GAP_BYTES = 4
_K = TypeVar("_K", int, str, bytes)
_V = TypeVar("_V")
NOTHING = b"\0"  # a record of nothing, to which sessions can be added

# What sessions said at once: time, event order, dimensions.
Spoken = tuple[int, str, Dims]


class _Extra(Struct, array_like=True):
    kept: list[KeptRow] = []
    said: dict[str, Said] = {}
    installs: dict[int, int] = {}
    purchases: dict[int, bytes] = {}  # stretches
    first_install: tuple[int, str, Dims] | None = None
    kept_said: dict[str, Said] = {}
    money: dict[int, bytes] = {}
    answers: list[tuple[int, str, int, int]] = []  # slot, survey, score, how many
    latest: dict[str, dict[int, Latest]] = {}
    erased_until: int | None = None
    links: dict[bytes, int] = {}
    lengths: tuple[int, int] = (0, 0)  # slots in purchases and money


_encode_extra = msgspec.msgpack.Encoder().encode
_decode_extra = msgspec.msgpack.Decoder(_Extra).decode
_NO_EXTRA = msgspec.structs.astuple(_Extra())


def encode(record: Record) -> bytes:
    """The bytes of a record; of one kept apart, those without its kept events."""
    flags, parts = 0, [b""]
    install = _plain_install(record)
    if install is not None:
        flags |= _INSTALL
        parts += _moment(install.ts_ms, install.event_id), write_dims(install.dims)
    said = _one_moment(record.said)
    if said is not None:
        flags |= _SAID
        same, spoken = _write_said(said, install.ts_ms if install else None, install.dims if install else ())
        flags |= same
        parts.append(spoken)
    if record.apart:
        flags |= _APART
    extra = _extra(record, has_install=install is not None, has_said=said is not None)
    if extra is not None:
        flags |= _EXTRA
        packed = _pack_extra(extra)
        parts += write_varint(len(packed)), packed
    parts[0] = bytes((flags,))
    parts.append(_write_slots(record.sessions, install.ts_ms if install else _NO_INSTALL_MS))
    return b"".join(parts)


def _extra(record: Record, *, has_install: bool, has_said: bool) -> _Extra | None:
    """What the short forms of an install and of what sessions said do not hold; None where nothing is left."""
    says = {} if has_said else record.said
    rest = len(record.kept) > has_install
    if not (says or rest or record.apart or record.links) and record.erased_until is None:
        return None
    extra = _Extra(said=_sorted(says), erased_until=record.erased_until, links=_sorted(record.links))
    if record.apart:
        _put_summary(record.summary, extra)
    elif rest:
        some = [(key, kept) for key, kept in record.kept.items() if not has_install or key[0] != INSTALL]
        extra.kept = [row_of(key, kept) for key, kept in sorted(some)]
    return extra


def _pack_extra(extra: _Extra) -> bytes:
    """Without the fields at its end that hold nothing; of most buyers that are all but the first."""
    fields = list(msgspec.structs.astuple(extra))
    while fields and fields[-1] == _NO_EXTRA[len(fields) - 1]:
        fields.pop()
    return _encode_extra(fields)


def decode(data: bytes, zone: Zone) -> Record:
    """The record of some bytes; of one kept apart, without its kept events (`partial`)."""
    flags, at = data[0], 1
    record = Record()
    install_ms: int | None = None
    install_dims: Dims = ()
    if flags & _INSTALL:
        install_ms, event_id, at = _read_moment(data, at)
        install_dims, at = read_dims(data, at)
        record.kept[INSTALL, event_id] = Kept(install_ms, zone.slot(install_ms), install_dims)
    if flags & _SAID:
        (ts_ms, order, dims), at = _read_said(data, at, install_ms, install_dims)
        record.said = {name: (ts_ms, order, value) for name, value in dims}
    extra = _Extra()
    if flags & _EXTRA:
        size, at = read_varint(data, at)
        extra = _decode_extra(data[at : at + size])
        at += size
        record.said = record.said or extra.said
        record.kept |= dict(kept_of(row, zone) for row in extra.kept)
        record.erased_until, record.links = extra.erased_until, extra.links
    record.sessions = _read_slots(data, at, _NO_INSTALL_MS if install_ms is None else install_ms)
    if flags & _APART:
        record.apart = record.partial = True
        record.summary = _get_summary(extra, zone)
    else:
        record.summary = summarise(record.kept)
    return record


def may_begin_sessions(data: bytes) -> bool:
    """Whether with_sessions() may be asked: one install in the short form, nothing said by sessions, kept events inside."""
    return data[0] & (_INSTALL | _SAID | _APART) == _INSTALL


def encode_install(ts_ms: int, event_id: str, dims: Dims) -> bytes | None:
    """The bytes of a record that is one install; None where the short form cannot hold its time."""
    if ts_ms >= _TIME_END_MS:
        return None
    return bytes((_INSTALL,)) + _moment(ts_ms, event_id) + write_dims(dims)


def with_sessions(data: bytes, install_dims: Dims, said: Spoken | None, slots: list[int]) -> bytes:
    """The bytes of the same record with its first sessions, which said something once or nothing; see may_begin_sessions().

    The record must have neither sessions nor anything that sessions said.
    """
    install_ms: int | None = None
    at = 1
    if data[0] & _INSTALL:
        install_ms, _, at = _read_moment(data, 1)
        at += len(write_dims(install_dims))
    coded = _write_slots(slots, _NO_INSTALL_MS if install_ms is None else install_ms)
    if said is None:
        return data + coded
    same, spoken = _write_said(said, install_ms, install_dims)
    return bytes((data[0] | _SAID | same,)) + data[1:at] + spoken + data[at:] + coded


def sessions_of(data: bytes) -> tuple[bytes, Dims, Spoken | None, list[int]]:
    """What with_sessions() makes the same bytes of: the record without sessions, the dimensions of its install, what sessions said
    where one said it all, and their slots.
    """
    flags, at = data[0], 1
    install_ms: int | None = None
    install_dims: Dims = ()
    if flags & _INSTALL:
        install_ms, _, at = _read_moment(data, at)
        install_dims, at = read_dims(data, at)
    head = data[1:at]
    said: Spoken | None = None
    if flags & _SAID:
        said, at = _read_said(data, at, install_ms, install_dims)
    rest = at
    if flags & _EXTRA:
        size, at = read_varint(data, at)
        at += size
    slots = _read_slots(data, at, _NO_INSTALL_MS if install_ms is None else install_ms)
    return bytes((flags & ~(_SAID | _SAME),)) + head + data[rest:at], install_dims, said, slots


def append_slot(data: bytes, last: int, slot: int) -> bytes:
    """The bytes of the same record with one more session; `last` is the session that is the last one in `data`."""
    return data + _gap(slot - last)


def is_apart(data: bytes) -> bool:
    """Whether the kept events of these bytes are stored apart."""
    return bool(data[0] & _APART)


def _plain_install(record: Record) -> FirstInstall | None:
    """The install, where it is the only one and its time fits into the short form."""
    first = record.summary.first_install
    if first is None or record.apart or sum(record.summary.installs.values()) != 1:
        return None
    return first if first.ts_ms < _TIME_END_MS else None


def _one_moment(said: dict[str, Said]) -> Spoken | None:
    """What was said, where one event said it all."""
    if not said:
        return None
    ts_ms, order, _ = next(iter(said.values()))
    if any(one[0] != ts_ms or one[1] != order for one in said.values()):
        return None
    return ts_ms, order, tuple((name, said[name][2]) for name in sorted(said))


def _write_said(said: Spoken, install_ms: int | None, install_dims: Dims) -> tuple[int, bytes]:
    """The flag SAME or 0, and the bytes of what sessions said."""
    ts_ms, order, dims = said
    coded = write_id(order)
    is_hex = coded[0] == HEX_ID
    since = ts_ms - (_NO_INSTALL_MS if install_ms is None else install_ms)
    moment = write_signed(since << 1 | is_hex) + coded[is_hex:]
    if install_ms is not None and dims == install_dims:
        return _SAME, moment
    return 0, moment + write_dims(dims, install_dims)


def _read_said(data: bytes, at: int, install_ms: int | None, install_dims: Dims) -> tuple[Spoken, int]:
    since, at = read_signed(data, at)
    order, at = (read_hex(data, at), at + 4) if since & 1 else read_id(data, at)
    dims = install_dims
    if not data[0] & _SAME:
        dims, at = read_dims(data, at, None if install_ms is None else dict(install_dims))
    return ((_NO_INSTALL_MS if install_ms is None else install_ms) + (since >> 1), order, dims), at


def _moment(ts_ms: int, event_id: str) -> bytes:
    time, coded = ts_ms + _TIME_ZERO_MS, write_id(event_id)
    if coded[0] == UUID_ID:
        return (time | _TIME_IS_OF_UUID).to_bytes(_TIME_BYTES, "little") + coded[1:]
    return time.to_bytes(_TIME_BYTES, "little") + coded


def _read_moment(data: bytes, at: int) -> tuple[int, str, int]:
    time = int.from_bytes(data[at : at + _TIME_BYTES], "little")
    at += _TIME_BYTES
    if time & _TIME_IS_OF_UUID:
        return (time ^ _TIME_IS_OF_UUID) - _TIME_ZERO_MS, read_uuid(data, at), at + 16
    event_id, at = read_id(data, at)
    return time - _TIME_ZERO_MS, event_id, at


def _put_summary(summary: Summary, extra: _Extra) -> None:
    first = summary.first_install
    extra.installs = _sorted(summary.installs)
    extra.purchases = stretches_of(summary.purchases, pack_counts)
    extra.money = stretches_of(summary.money, pack_amounts)
    extra.lengths = len(summary.purchases), len(summary.money)
    extra.kept_said = _sorted(summary.said)
    extra.first_install = None if first is None else (first.ts_ms, first.event_id, first.dims)
    extra.answers = sorted(
        (slot, *answer, count) for slot, counts in summary.answers.items() for answer, count in counts.items()
    )
    extra.latest = _sorted({survey: _sorted(answers) for survey, answers in summary.latest.items()})


def _get_summary(extra: _Extra, zone: Zone) -> Summary:
    first = extra.first_install
    known = None if first is None else FirstInstall(first[0], first[1], zone.slot(first[0]), first[2])
    answers: dict[int, dict[tuple[str, int], int]] = {}
    for slot, survey, score, count in extra.answers:
        answers.setdefault(slot, {})[survey, score] = count
    purchases = Stretches(extra.purchases, extra.lengths[0], unpack_counts)
    money = Stretches(extra.money, extra.lengths[1], unpack_amounts)
    return Summary(extra.installs, purchases, known, extra.kept_said, money, answers, extra.latest)


def _sorted(found: dict[_K, _V]) -> dict[_K, _V]:
    """Equal records have equal bytes, so nothing may stand in the order in which it came."""
    return {key: found[key] for key in sorted(found)} if len(found) > 1 else found


def _first_slot(install_ms: int) -> int:
    """The slot that the first session is counted from: the day in UTC, so that no zone is needed."""
    return (_EPOCH_DAY + install_ms // DAY_MS) * SLOTS_PER_DAY


def _write_slots(slots: list[int], install_ms: int) -> bytes:
    """The first slot since the install's day, then one byte a gap; a longer gap is a zero byte and four bytes."""
    if not slots:
        return b""
    head = write_signed(slots[0] - _first_slot(install_ms))
    gaps = list(map(sub, slots[1:], slots))
    if not gaps or max(gaps) < 256:
        return head + bytes(gaps)
    return head + b"".join(_gap(after - before) for before, after in pairwise(slots))


def _gap(gap: int) -> bytes:
    return bytes((gap,)) if gap < 256 else b"\0" + gap.to_bytes(_LONG_GAP_BYTES, "little")


def _read_slots(data: bytes, at: int, install_ms: int) -> list[int]:
    if at == len(data):
        return []
    since, at = read_signed(data, at)
    first = _first_slot(install_ms) + since
    gaps = data[at:]
    long = gaps.find(0)
    if long < 0:
        return list(accumulate(gaps, initial=first))
    slots = [first]
    at = 0
    while long >= 0:
        end = long + 1 + _LONG_GAP_BYTES
        slots = slots[:-1] + list(accumulate(gaps[at:long], initial=slots[-1]))
        slots.append(slots[-1] + int.from_bytes(gaps[long + 1 : end], "little"))
        at, long = end, gaps.find(0, end)
    return slots[:-1] + list(accumulate(gaps[at:], initial=slots[-1]))
