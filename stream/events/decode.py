"""Is this record an event? Bytes of one Kafka record in, an `Event` or a `Rejection` out; nothing is raised.

The fast way is one typed decode. Only where that fails is the value decoded again, untyped, to find which field is wrong.
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from stream.events.faults import fault, unreadable
from stream.events.reasons import Reason
from stream.events.schema import (
    APP_ID,
    DEFAULT_DIMENSIONS,
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
from stream.retention.days import QUARTER_MS, Zone
from stream.retention.money import MINOR_DIGITS, minor_units

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


class _App:
    """What is known of one app while decoding: its zone and the keyed hash of its users."""

    def __init__(self, app: str, zone: Zone, secret: bytes) -> None:
        self.slot, self.slots = zone.slot, zone.slots
        self._key = hashlib.blake2b(
            app.encode(), key=hashlib.sha256(secret).digest(), digest_size=32
        ).digest()
        self.users: dict[str, bytes] = {}

    def user(self, user_id: str) -> bytes:
        """The 16-byte keyed hash that stands for a user id everywhere behind the decoder."""
        known = self.users.get(user_id)
        if known is None:
            if len(self.users) >= _CACHED_USERS_MAX:
                self.users.clear()
            known = hashlib.blake2b(user_id.encode(), key=self._key, digest_size=USER_BYTES).digest()
            self.users[user_id] = known
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
        return self.reader(topic)(value, record_ts_ms)

    def reader(self, topic: str) -> Callable[[bytes | None, int], Decoded]:
        """decode() for the records of one topic: what does not differ between them is looked up once."""
        make: Callable[[Any, int], Decoded] = self._to_erase if topic == "erasures" else self._maker(topic)
        typed = (self._erasure if topic == "erasures" else self._decoders[topic]).decode

        def read(value: bytes | None, record_ts_ms: int) -> Decoded:
            if value is None or len(value) > VALUE_BYTES_MAX:
                return _without(value)
            try:
                if not value.isascii():
                    value.decode()
                said = typed(value)
            except msgspec.ValidationError as error:
                return _explain(value, error)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                return Rejection(Reason.NOT_JSON, unreadable(error))
            return make(said, record_ts_ms)

        return read

    def _maker(self, topic: str) -> Callable[[Any, int], Decoded]:
        """From the typed message of a topic to its event. One function without a call inside: nearly every event passes here."""
        kind, astuple = TOPICS[topic], msgspec.structs.astuple
        earliest_ms = max(self._earliest_ms, _YEAR_1_MS)
        known, known_dims, dims_at = self._known, self._dims, 4 + len(_OWN[kind])
        finish = _FINISH.get(kind)

        def make(said: Struct, record_ts_ms: int) -> Decoded:
            fields: tuple[Any, ...] = astuple(said)
            event_id, app_id, user_id, timestamp = fields[:4]
            app = known.get(app_id) or self._app(app_id)
            if isinstance(app, Rejection):
                return app
            ts_ms = timestamp if timestamp.__class__ is int else _epoch_ms(timestamp)
            if not earliest_ms <= ts_ms <= _YEAR_9999_MS or ts_ms > record_ts_ms + FUTURE_MS:
                wrong = self._wrong_time(ts_ms, record_ts_ms)
                if wrong is not None:
                    return wrong
            came_ms = record_ts_ms if 0 <= record_ts_ms < ts_ms else None
            if kind == "identity":
                return _identity(app, app_id, user_id, fields[4], ts_ms, came_ms)
            spoken = fields[dims_at:]
            dims = known_dims.get(spoken)
            if dims is None:
                dims = self._remember(spoken)
            user = app.users.get(user_id) or app.user(user_id)
            slot = app.slots.get(ts_ms // QUARTER_MS) or app.slot(ts_ms)
            event = Event(kind, app_id, user, event_id, ts_ms, slot, dims)
            if came_ms is not None:
                event.came_ms = came_ms
            return event if finish is None else finish(event, *fields[4:dims_at])

        return make

    def _wrong_time(self, ts_ms: int, record_ts_ms: int) -> Rejection | None:
        if not _YEAR_1_MS <= ts_ms <= _YEAR_9999_MS:
            return Rejection(Reason.BAD_TIMESTAMP, "timestamp is outside the years 1 to 9999", "timestamp")
        if ts_ms < self._earliest_ms:
            hint = ": these look like seconds, and milliseconds are meant" if _is_seconds(ts_ms) else ""
            return Rejection(Reason.TOO_OLD, f"timestamp is before RETENTION_EARLIEST{hint}", "timestamp")
        if record_ts_ms >= 0 and ts_ms > record_ts_ms + FUTURE_MS:
            return Rejection(Reason.FUTURE, "timestamp is more than 24 h after the record's", "timestamp")
        return None

    def _to_erase(self, said: _Erasure, record_ts_ms: int) -> Erasure | Rejection:
        app = self._known.get(said.app_id) or self._app(said.app_id)
        if isinstance(app, Rejection):
            return app
        if not _YEAR_1_MS <= said.erased_until <= _YEAR_9999_MS:
            return Rejection(
                Reason.BAD_TIMESTAMP, "erased_until is outside the years 1 to 9999", "erased_until"
            )
        is_late = not 0 <= record_ts_ms <= said.erased_until
        return Erasure(said.app_id, tuple(map(bytes.fromhex, said.users)), said.erased_until, is_late)

    def _app(self, app_id: str) -> _App | Rejection:
        if not APP_ID.fullmatch(app_id):
            detail = "app_id: lower-case letters, digits, _ and -, at most 64"
            return Rejection(Reason.BAD_FIELD, detail, "app_id")
        if self._allowed is not None and app_id not in self._allowed:
            return Rejection(Reason.UNKNOWN_APP, "RETENTION_APPS does not name this app_id", "app_id")
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


def _is_seconds(ts_ms: int) -> bool:
    """Whether a number is a time of the years 2001 to 2100 if it is in seconds; in milliseconds it is one of early 1970."""
    return 1_000_000_000 <= ts_ms < 4_133_980_800


def _identity(
    app: _App, app_id: str, user_id: str, alias: str, ts_ms: int, came_ms: int | None
) -> Identity | Rejection:
    for name, said in (("user_id", user_id), ("alias", alias)):
        if said.strip().lower() in PLACEHOLDERS:
            return Rejection(Reason.BAD_FIELD, f"{name} {said!r} stands for nobody", name)
    return Identity(app_id, app.user(user_id), app.user(alias), ts_ms, came_ms=came_ms)


def _with_money(
    event: Event, amount: Raw, currency: str, product_id: str | None, refund_of: str | None
) -> Event | Rejection:
    text = bytes(amount).decode().strip()
    if text == "null":
        return Rejection(Reason.MISSING_FIELD, "amount is null", "amount")
    if text[0] == '"':
        text = text[1:-1]
    try:
        event.amount_minor = minor_units(text, currency)
    except ValueError as error:
        return Rejection(Reason.BAD_FIELD, str(error), "amount" if currency in MINOR_DIGITS else "currency")
    event.currency, event.product_id, event.refund_of = currency, product_id or "", refund_of or ""
    return event


def _with_answer(event: Event, survey: str, score: int) -> Event | Rejection:
    low, high = SCORES[survey]
    if not low <= score <= high:
        return Rejection(Reason.BAD_FIELD, f"score of {survey} is outside {low}..{high}", "score")
    event.survey, event.score = survey, score
    return event


# What is left to do for events that say more than when somebody was there.
_FINISH: dict[str, Callable[..., Event | Rejection]] = {"purchase": _with_money, "feedback": _with_answer}


def _epoch_ms(moment: datetime) -> int:
    since = moment - _EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def _without(value: bytes | None) -> Rejection:
    if value is None:
        return Rejection(Reason.NOT_JSON, "no value")
    return Rejection(Reason.TOO_LARGE, "over 64 KiB")


def _explain(value: bytes, error: msgspec.ValidationError) -> Rejection:
    """What is wrong where a typed decode failed."""
    try:
        _SYNTAX.decode(value)  # A typed decode stops at the first wrong field, before it has seen the rest.
    except (msgspec.DecodeError, RecursionError) as broken:
        return Rejection(Reason.NOT_JSON, unreadable(broken))
    return fault(str(error))
