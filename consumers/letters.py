"""How does a dead letter say what it is? The record as it came, and behind its own headers ours, which a command reads again.

Our headers stand at the end, in a fixed order: what a producer gave its record may have any name, ours too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from stream.events.reasons import Reason
from stream.events.schema import TOPICS

if TYPE_CHECKING:
    from stream.engine import DeadLetter

CUT_BYTES = 64 * 1024

Headers = list[tuple[str, bytes]]

# Why it is here, which record it is, and the field at fault (empty where it is not one field).
_ABOUT = ("reason", "topic", "partition", "offset", "field")
# How large the parts were of what was too large; the digest is that of the value.
_CUT = ("key_size", "headers_size", "size", "sha256")
# Of a record that was sent back: where it stood when it first became a letter, `topic partition offset`.
REPLAY_OF = "replay-of"
_FIRST_BYTES_MAX = 300  # more than any topic and two numbers
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}|")


@dataclass(frozen=True, slots=True)
class Message:
    """What is written into the topic of dead letters."""

    key: bytes | None
    value: bytes
    headers: Headers

    @classmethod
    def of(cls, dead: DeadLetter) -> Self:
        """The record as it came, with headers that say why it is here and which record it is."""
        said = (dead.reason.value, dead.topic, str(dead.partition), str(dead.record.offset), dead.field)
        ours = [(name, text.encode()) for name, text in zip(_ABOUT, said, strict=True)]
        # aiokafka sends no message without key and value; a value that is not there and an empty one are both
        # `not_json`.
        return cls(dead.record.key, dead.record.value or b"", [*dead.record.headers, *ours])

    @property
    def is_large(self) -> bool:
        """Whether there is anything to cut off."""
        return max(len(self.value), len(self.key or b""), _size(self._own)) > CUT_BYTES

    @property
    def _own(self) -> Headers:
        return self.headers[: -len(_ABOUT)]

    def cut(self) -> Self:
        """What is sent when Kafka refuses the whole: the beginning of value and key, headers of the producer if they are small.

        All of it may be what is too large. The sizes, and the digest of the value, are those of the whole.
        """
        own, about = self._own, self.headers[-len(_ABOUT) :]
        sizes = (len(self.key or b""), _size(own), len(self.value))
        said = (*map(str, sizes), hashlib.sha256(self.value).hexdigest())
        ours = [*about, *((name, text.encode()) for name, text in zip(_CUT, said, strict=True))]
        key = None if self.key is None else self.key[:CUT_BYTES]
        kept = own if _size(own) <= CUT_BYTES else []
        return type(self)(key, self.value[:CUT_BYTES], [*kept, *ours])


class Letter(NamedTuple):
    """A dead letter as it is read: where the record came from, why it is here, and what it was.

    reason, topic  `?` where they are none of ours; the topic is without prefix
    field          at fault; empty where it is not one field, `?` where it can be none
    own_headers    what the producer of the record gave it, by whatever names
    size           of the whole value in bytes, also where only the first part was kept
    left_out       the parts that are not here whole: value, key, headers
    """

    reason: str
    field: str
    topic: str
    partition: int
    offset: int
    time_ms: int
    key: bytes | None
    value: bytes | None
    own_headers: Headers
    size: int
    left_out: tuple[str, ...]

    @classmethod
    def of(cls, record: Any, prefix: str) -> Self:
        """The letter that a record of the topic is. Whoever may write there may have written anything."""
        headers = [(str(name), bytes(value or b"")) for name, value in record.headers]
        own, said = _apart(headers)
        size, left_out = _left_out(record, own, said)
        field = said.get("field", "")
        return cls(
            reason=_one_of([reason.value for reason in Reason], said.get("reason", "")),
            field=field if _FIELD.fullmatch(field) else "?",
            topic=_one_of(TOPICS, said.get("topic", "").removeprefix(prefix)),
            partition=_number(said.get("partition", "")),
            offset=_number(said.get("offset", "")),
            time_ms=record.timestamp,
            key=record.key,
            value=record.value,
            own_headers=own,
            size=size,
            left_out=left_out,
        )

    @property
    def root(self) -> bytes | None:
        """What this letter and all that came of sending it back have in common; None where it does not say which record it was.

        A digest of the first origin and of the value: who writes a header of ours on something else hides nothing.
        """
        if not self._first:
            return None
        return hashlib.blake2b(self._first + b"\0" + (self.value or b""), digest_size=16).digest()

    @property
    def headers_back(self) -> Headers:
        """The headers with which the record is sent back: its own, and where it first stood."""
        own = [(name, data) for name, data in self.own_headers if name != REPLAY_OF]
        return [*own, (REPLAY_OF, self._first)] if self._first else own

    @property
    def _first(self) -> bytes:
        said = next((data for name, data in reversed(self.own_headers) if name == REPLAY_OF), b"")
        here = f"{self.topic} {self.partition} {self.offset}".encode() if self.offset >= 0 else b""
        return said[:_FIRST_BYTES_MAX] or here

    def asked_for(self, reasons: set[str], topics: set[str]) -> bool:
        """Whether it is one of these; no reasons are all of them, and so are no topics."""
        return (not reasons or self.reason in reasons) and (not topics or self.topic in topics)


def _apart(headers: Headers) -> tuple[Headers, dict[str, str]]:
    """The headers of the producer, and what ours say."""
    names = tuple(name for name, _ in headers)
    # The last two are of letters that do not know of fields, or of keys that were cut off.
    for ours in (_ABOUT + _CUT, _ABOUT, _CUT[2:] + _ABOUT[:4], _ABOUT[:4]):
        if names[-len(ours) :] == ours:
            at = len(names) - len(ours)
            return headers[:at], {name: value.decode("utf-8", "replace") for name, value in headers[at:]}
    return [], {name: value.decode("utf-8", "replace") for name, value in headers}


def _left_out(record: Any, own: Headers, said: dict[str, str]) -> tuple[int, tuple[str, ...]]:
    """How large the whole value was, and which parts are not here whole."""
    here = {"size": len(record.value or b""), "key_size": len(record.key or b""), "headers_size": _size(own)}
    if "sha256" not in said:
        return here["size"], ()
    whole = {name: max(_number(said.get(name, "")), size) for name, size in here.items()}
    parts = {"value": "size", "key": "key_size", "headers": "headers_size"}
    return whole["size"], tuple(part for part, name in parts.items() if whole[name] > here[name])


def _size(headers: Headers) -> int:
    return sum(len(name) + len(data or b"") for name, data in headers)


def _one_of(words: Iterable[str], text: str) -> str:
    return text if text in words else "?"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
