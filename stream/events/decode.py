"""Is this record an event? Bytes of one Kafka record in, an `Event` or a `Rejection` out; nothing is raised.

The fast way is one typed decode. Only where that fails is the value decoded again, untyped, to find which field is wrong.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from stream.events.reasons import Reason
from stream.events.schema import (
    EVENT_TOPICS,
    FUTURE_MS,
    TOPICS,
    VALUE_BYTES_MAX,
    Dims,
    Erasure,
    Event,
    Identity,
    Rejection,
)
from stream.retention.days import Zone
from stream.retention.money import minor_units

DEFAULT_DIMENSIONS = ("platform", "country", "source", "campaign", "app_version", "variant")
APP_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
USER_BYTES = 16
# The lowest and the highest score of each survey.
SCORES = {"nps": (0, 10), "csat": (1, 5)}

_EventId = Annotated[str, Meta(min_length=1, max_length=128)]
_UserId = Annotated[str, Meta(min_length=1, max_length=256)]
_Label = Annotated[str, Meta(min_length=1, max_length=128)]
_Timestamp = Annotated[datetime, Meta(tz=True)] | int
_Seconds = Annotated[float, Meta(ge=0)]
_Name = Annotated[str, Meta(max_length=1024)]

_COMMON: list[tuple[Any, ...]] = [
    ("event_id", _EventId),
    ("app_id", str),
    ("user_id", _UserId),
    ("timestamp", _Timestamp),
]
_OWN: dict[str, list[tuple[Any, ...]]] = {
    "install": [],
    "session": [("duration_seconds", _Seconds | None, None)],
    "purchase": [
        ("amount", Raw),
        ("currency", str),
        ("product_id", _Name | None, None),
        ("refund_of", _EventId | None, None),
    ],
    "feedback": [("kind", Literal["nps", "csat"]), ("score", int)],
    "identity": [("alias", _UserId)],
}
# What SDKs send where they have no id; it would make one person of thousands.
PLACEHOLDERS = frozenset(
    ("null", "undefined", "none", "0", "anonymous", "guest", "unknown", "nan", "", "[object object]")
)


class _Erasure(Struct):
    """An erasure as it stands in its topic: ids as keyed hashes in hexadecimal digits."""

    app_id: str
    users: Annotated[list[Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]], Meta(min_length=1)]
    erased_until: int


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_1_MS = -62_135_596_800_000
_YEAR_9999_MS = 253_402_300_799_999
_CACHED_DIMS_MAX = 50_000
_CACHED_APPS_MAX = 10_000
_CACHED_USERS_MAX = 100_000
Decoded = Event | Identity | Erasure | Rejection
_SYNTAX = msgspec.json.Decoder(Raw)
_PATH = re.compile(r"`\$\.([a-z_]+)`|field `([A-Za-z_0-9]+)`")


class _App:
    """What is known of one app while decoding: its zone and the keyed hash of its users."""

    def __init__(self, app: str, zone: Zone, secret: bytes) -> None:
        self.slot = zone.slot
        self._key = hashlib.blake2b(
            app.encode(), key=hashlib.sha256(secret).digest(), digest_size=32
        ).digest()
        self._users: dict[str, bytes] = {}

    def user(self, user_id: str) -> bytes:
        """The 16-byte keyed hash that stands for a user id everywhere behind the decoder."""
        known = self._users.get(user_id)
        if known is None:
            if len(self._users) >= _CACHED_USERS_MAX:
                self._users.clear()
            known = hashlib.blake2b(user_id.encode(), key=self._key, digest_size=USER_BYTES).digest()
            self._users[user_id] = known
        return known


class Decoder:
    """Decodes the records of all input topics.

    zones(app)   the zone of an app
    secret       keys the hash of user ids
    apps         the apps that are allowed, None for all
    dimensions   names of the dimensions that are kept
    earliest_ms  events before it are `too_old`
    """

    def __init__(
        self,
        *,
        zones: Callable[[str], Zone],
        secret: bytes,
        apps: Iterable[str] | None = None,
        dimensions: tuple[str, ...] = DEFAULT_DIMENSIONS,
        earliest_ms: int,
    ) -> None:
        self._zones = zones
        self._secret = secret
        self._allowed = frozenset(apps) if apps else None
        self._earliest_ms = earliest_ms
        self._dimensions = tuple(sorted(dimensions))
        self._known: dict[str, _App] = {}
        self._dims: dict[tuple[str | None, ...], Dims] = {}
        spoken: list[tuple[Any, ...]] = [(name, _Label | None, None) for name in self._dimensions]
        self._decoders: dict[str, msgspec.json.Decoder[Struct]] = {}
        for topic in EVENT_TOPICS:
            kind = TOPICS[topic]
            needed: list[tuple[Any, ...]] = _COMMON + [field for field in _OWN[kind] if len(field) == 2]
            optional = [field for field in _OWN[kind] if len(field) == 3]
            said = spoken if kind != "identity" else []
            message = msgspec.defstruct(kind.title(), [*needed, *optional, *said], gc=False)
            self._decoders[topic] = msgspec.json.Decoder(message)
        self._own = {topic: len(_OWN[TOPICS[topic]]) for topic in EVENT_TOPICS}
        self._erasure = msgspec.json.Decoder(_Erasure)

    def kind(self, topic: str) -> str:
        """The kind of event that a topic carries."""
        return TOPICS[topic]

    def user(self, app_id: str, user_id: str) -> bytes:
        """The keyed hash of a user id. ValueError for an app that is none or not allowed."""
        app = self._known.get(app_id) or self._app(app_id)
        if isinstance(app, Rejection):
            raise ValueError(app.detail)
        return app.user(user_id)

    def decode(self, topic: str, value: bytes | None, record_ts_ms: int) -> Decoded:
        """The event of a record of `topic` (without prefix), or why there is none.

        record_ts_ms is the Kafka record's own timestamp (-1: unknown): "future" is judged by it, so that a replay decides alike.
        """
        if value is None or len(value) > VALUE_BYTES_MAX:
            return Rejection(
                Reason.TOO_LARGE if value else Reason.NOT_JSON, "no value" if value is None else "over 64 KiB"
            )
        kind = TOPICS[topic]
        try:
            if not value.isascii():
                value.decode()
            if kind == "erasure":
                return self._to_erase(self._erasure.decode(value))
            fields = msgspec.structs.astuple(self._decoders[topic].decode(value))
        except msgspec.ValidationError as error:
            return _explain(value, error)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Rejection(Reason.NOT_JSON, str(error)[:200])
        return self._event(kind, self._own[topic], fields, record_ts_ms)

    def _event(self, kind: str, own: int, fields: tuple[Any, ...], record_ts_ms: int) -> Decoded:
        event_id, app_id, user_id, timestamp = fields[:4]
        app = self._known.get(app_id) or self._app(app_id)
        if isinstance(app, Rejection):
            return app
        if timestamp.__class__ is int:
            ts_ms = timestamp
            if not _YEAR_1_MS <= ts_ms <= _YEAR_9999_MS:
                return Rejection(Reason.BAD_TIMESTAMP, "timestamp is outside the years 1 to 9999")
        else:
            since = timestamp - _EPOCH
            ts_ms = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
        if ts_ms < self._earliest_ms:
            return Rejection(Reason.TOO_OLD, "timestamp is before RETENTION_EARLIEST")
        if record_ts_ms >= 0 and ts_ms > record_ts_ms + FUTURE_MS:
            return Rejection(Reason.FUTURE, "timestamp is more than 24 h after the record's")
        if kind == "identity":
            return _identity(app, app_id, user_id, fields[4], ts_ms)
        spoken = fields[4 + own :]
        dims = self._dims.get(spoken)
        if dims is None:
            dims = self._remember(spoken)
        event = Event(kind, app_id, app.user(user_id), event_id, ts_ms, app.slot(ts_ms), dims)
        if kind == "purchase":
            return _with_money(event, *fields[4 : 4 + own])
        return _with_answer(event, *fields[4 : 4 + own]) if kind == "feedback" else event

    def _to_erase(self, said: _Erasure) -> Erasure | Rejection:
        app = self._known.get(said.app_id) or self._app(said.app_id)
        if isinstance(app, Rejection):
            return app
        if not _YEAR_1_MS <= said.erased_until <= _YEAR_9999_MS:
            return Rejection(Reason.BAD_TIMESTAMP, "erased_until is outside the years 1 to 9999")
        return Erasure(said.app_id, tuple(map(bytes.fromhex, said.users)), said.erased_until)

    def _app(self, app_id: str) -> _App | Rejection:
        if not APP_ID.fullmatch(app_id):
            return Rejection(Reason.BAD_FIELD, "app_id: lower-case letters, digits, _ and -, at most 64")
        if self._allowed is not None and app_id not in self._allowed:
            return Rejection(Reason.UNKNOWN_APP, "RETENTION_APPS does not name this app")
        if len(self._known) >= _CACHED_APPS_MAX:
            self._known.clear()
        app = self._known[app_id] = _App(app_id, self._zones(app_id), self._secret)
        return app

    def _remember(self, spoken: tuple[str | None, ...]) -> Dims:
        if len(self._dims) >= _CACHED_DIMS_MAX:
            self._dims.clear()
        dims = tuple(
            (name, value) for name, value in zip(self._dimensions, spoken, strict=True) if value is not None
        )
        self._dims[spoken] = dims
        return dims


def _identity(app: _App, app_id: str, user_id: str, alias: str, ts_ms: int) -> Identity | Rejection:
    for name, said in (("user_id", user_id), ("alias", alias)):
        if said.strip().lower() in PLACEHOLDERS:
            return Rejection(Reason.BAD_FIELD, f"{name} {said!r} stands for nobody")
    return Identity(app_id, app.user(user_id), app.user(alias), ts_ms)


def _with_money(
    event: Event, amount: Raw, currency: str, product_id: str | None, refund_of: str | None
) -> Event | Rejection:
    text = bytes(amount).decode().strip()
    if text == "null":
        return Rejection(Reason.MISSING_FIELD, "amount is null")
    if text[0] == '"':
        text = text[1:-1]
    try:
        event.amount_minor = minor_units(text, currency)
    except ValueError as error:
        return Rejection(Reason.BAD_FIELD, str(error))
    event.currency, event.product_id, event.refund_of = currency, product_id or "", refund_of or ""
    return event


def _with_answer(event: Event, survey: str, score: int) -> Event | Rejection:
    low, high = SCORES[survey]
    if not low <= score <= high:
        return Rejection(Reason.BAD_FIELD, f"score of {survey} is outside {low}..{high}")
    event.survey, event.score = survey, score
    return event


def _explain(value: bytes, error: msgspec.ValidationError) -> Rejection:
    """Which reason a failed typed decode has: its message names the field, and what was found there."""
    try:
        _SYNTAX.decode(value)  # A typed decode stops at the first wrong field, before it has seen the rest.
    except (msgspec.DecodeError, RecursionError) as broken:
        return Rejection(Reason.NOT_JSON, str(broken)[:200])
    text = str(error)
    path = _PATH.search(text)
    field = (path[1] or path[2]) if path else None
    if field is None:
        return Rejection(Reason.NOT_JSON, text)
    if "missing required field" in text or "got `null`" in text:
        return Rejection(Reason.MISSING_FIELD, text)
    return Rejection(Reason.BAD_TIMESTAMP if field == "timestamp" else Reason.BAD_FIELD, text)
