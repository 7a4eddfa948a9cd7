"""Which records does a posted body hold? One event or an array of them in; for each a record for Kafka, or a `Rejection`, out.

A posted event is an event as docs/events.md has it, and says besides its `type`, and may say `sent_at`: the clock of the device at
the moment of sending. What is written to Kafka is the event without these two. Whether it is one is decided by the decoder of the
workers, from the very bytes that are written.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, Raw

from stream.events.decode import Decoder
from stream.events.faults import in_words, unreadable
from stream.events.reasons import Reason
from stream.events.schema import EVENT_TOPICS, TOPICS, Event, Identity, Rejection

SKEW_MS_MAX = 5 * 60_000  # a clock that is wrong by no more is left alone
_MINUTE_MS = 60_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOPIC_OF = {TOPICS[topic]: topic for topic in EVENT_TOPICS}
_TYPES = ", ".join(_TOPIC_OF)

_ARRAY = msgspec.json.Decoder(list[Raw])
_ANY = msgspec.json.Decoder(Raw)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_TEXT = msgspec.json.Decoder(str)
_MOMENT = msgspec.json.Decoder(Annotated[datetime, Meta(tz=True)] | int)
_ENCODER = msgspec.json.Encoder()
_SPACE = " \t\n\r"

Item = Raw | bytes  # the JSON text of one posted event


class NotJson(ValueError):
    """The body as a whole is not JSON; the text says where."""


class Posted(NamedTuple):
    """One record for Kafka: topic without prefix, key (the user id) and value."""

    topic: str
    key: bytes
    value: bytes


def items(body: bytes) -> Sequence[Item]:
    """The events of a body, not looked at yet: those of the array, or the one that it is. Raises NotJson.

    Half of a surrogate pair, which scripts leave where they cut a text, spoils one event and not those beside it.
    """
    is_array = body.lstrip()[:1] == b"["
    try:
        return _ARRAY.decode(body) if is_array else [_ANY.decode(body)]
    except (msgspec.DecodeError, RecursionError) as error:
        if not is_array:
            raise NotJson(unreadable(error)) from None
    return _each(body)


def _each(body: bytes) -> Sequence[Item]:
    """The items of an array that the strict parser refuses, found by one that is lenient inside of strings."""
    found: list[Item] = []
    text, scan = body.decode("utf-8", "surrogateescape"), json.JSONDecoder().raw_decode
    at = _after_space(text, _after_space(text, 0) + 1)
    try:
        while True:
            _, end = scan(text, at)
            found.append(text[at:end].encode("utf-8", "surrogateescape"))
            at = _after_space(text, end)
            if text[at : at + 1] != ",":
                break
            at = _after_space(text, at + 1)
    except (json.JSONDecodeError, RecursionError) as error:
        raise NotJson(unreadable(error)) from None
    if text[at : at + 1] != "]" or _after_space(text, at + 1) < len(text):
        raise NotJson(f"neither , nor ] after item {len(found)}, or more after the array")
    return found


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def item(topic: str, value: bytes, sent_at_ms: int | None = None) -> bytes | None:
    """The posted event that becomes this record; None where the value is no JSON object and cannot be posted with others."""
    rest = value.strip()
    if not (rest.startswith(b"{") and rest.endswith(b"}")):
        return None
    sent_at = b"" if sent_at_ms is None else b',"sent_at":%d' % sent_at_ms
    comma = b"" if rest[1:-1].strip() == b"" else b","
    return b'{"type":"%b"%b%b%b' % (TOPICS[topic].encode(), sent_at, comma, rest[1:])


class Unpacker:
    """Turns posted events into records. `decoder` decides what an event is."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def record(self, item: Item, *, app: str | None, received_ms: int) -> Posted | Rejection:
        """The record of one item.

        Args:
            item: its JSON text.
            app: the app of the key that was shown, None where none was asked for. An event need not name it, and may name no other.
            received_ms: when the request came, by our clock; `sent_at` is compared with it, and `future` judged by it.
        """
        try:
            fields = _OBJECT.decode(item)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Rejection(Reason.NOT_JSON, in_words(unreadable(error)))
        topic = _topic(fields.pop("type", None))
        if isinstance(topic, Rejection):
            return topic
        if app is not None and bytes(fields.get("app_id", b"null")) == b"null":
            fields["app_id"] = Raw(_ENCODER.encode(app))
        sent_at = fields.pop("sent_at", None)
        if sent_at is not None and (wrong := _correct(fields, sent_at, received_ms)):
            return wrong
        value = _ENCODER.encode(fields)
        event = self._decoder.decode(topic, value, received_ms)
        if not isinstance(event, Event | Identity):
            assert isinstance(event, Rejection)
            return event
        if app is not None and event.app != app:
            return Rejection(Reason.UNKNOWN_APP, f"app_id: the key that was shown is one of {app}", "app_id")
        return Posted(topic, _TEXT.decode(fields["user_id"]).encode(), value)


def _topic(kind: Raw | None) -> str | Rejection:
    if kind is None or bytes(kind) == b"null":
        return Rejection(Reason.MISSING_FIELD, f"type is missing: one of {_TYPES}", "type")
    try:
        return _TOPIC_OF[_TEXT.decode(kind)]
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError):
        return Rejection(Reason.BAD_FIELD, f"type is none of {_TYPES}", "type")


def _correct(fields: dict[str, Raw], sent_at: Raw, received_ms: int) -> Rejection | None:
    """Moves `timestamp` by the whole minutes by which the device's clock is wrong, if that is more than SKEW_MS_MAX."""
    if bytes(sent_at) == b"null":
        return None
    sent_ms = _moment_ms(sent_at)
    if sent_ms is None:
        return Rejection(
            Reason.BAD_TIMESTAMP,
            "sent_at is neither RFC 3339 with an offset nor epoch milliseconds",
            "sent_at",
        )
    skew_ms = received_ms - sent_ms
    said_ms = _moment_ms(fields["timestamp"]) if "timestamp" in fields else None
    if said_ms is not None and abs(skew_ms) > SKEW_MS_MAX:
        minutes = (skew_ms + _MINUTE_MS // 2) // _MINUTE_MS
        fields["timestamp"] = Raw(b"%d" % (said_ms + minutes * _MINUTE_MS))
    return None


def _moment_ms(raw: Raw) -> int | None:
    """The epoch milliseconds that a timestamp of an event says; None where it is none, which is for the decoder to explain."""
    try:
        moment = _MOMENT.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return moment if isinstance(moment, int) else (moment - _EPOCH) // timedelta(milliseconds=1)
