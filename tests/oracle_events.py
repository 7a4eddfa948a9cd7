"""Which raw records count as events, and under which names may the others be refused?

Written from the contract alone and sharing no code with the product: plain `json`, plain dictionaries. A record may break
several rules at once and the contract does not rank them, so a refusal is the set of reasons that would all be true.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from tests.oracle_money import minor_units, plain_text

KINDS: Final = {
    "installs": "install",
    "sessions": "session",
    "purchases": "purchase",
    "feedback": "feedback",
    "identities": "identity",
}
# Fields that an event of a kind needs beyond the common ones.
NEEDED: Final = {
    "purchase": ("amount", "currency"),
    "feedback": ("kind", "score"),
    "identity": ("alias",),
}
DIMENSIONS: Final = ("platform", "country", "source", "campaign", "app_version", "variant")
VALUE_BYTES_MAX: Final = 64 * 1024
FUTURE_MS_MAX: Final = 24 * 3_600_000
SECONDS_MAX: Final = sys.float_info.max
TS_MS_MAX: Final = 253_402_300_799_999  # the end of year 9999
SCORES: Final = {"nps": range(11), "csat": range(1, 6)}
# What apps send for "I do not know who": joining over one of them would make everybody one user.
PLACEHOLDERS: Final = frozenset(
    ("", "null", "undefined", "none", "0", "anonymous", "guest", "unknown", "nan", "[object object]")
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_APP = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)


@dataclass(frozen=True)
class Accepted:
    """One event as the contract sees it.

    canonical   decides between two contents under one event id of one user
    minor       minor units of the currency; those of a refund are given back
    survey      what the feedback answers, nps or csat
    came_ms     when Kafka got it, -1 where it did not say
    """

    kind: str
    app: str
    user: str
    event_id: str
    ts_ms: int
    dims: tuple[tuple[str, str], ...]
    is_refund: bool
    canonical: bytes
    minor: int = 0
    currency: str = ""
    survey: str = ""
    score: int = 0
    alias: str | None = None
    came_ms: int = sys.maxsize


def epoch_ms(text: str) -> int:
    """Milliseconds of an RFC 3339 time, rounded down. Raises ValueError."""
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, zulu, sign, offset_hours, offset_minutes = found.groups()[6:]
    offset = timedelta(0)
    if not zulu:
        if int(offset_hours) > 23 or int(offset_minutes) > 59:
            raise ValueError(text)
        offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes)) * (1 if sign == "+" else -1)
    moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone(offset))
    return (moment - _EPOCH) // timedelta(milliseconds=1) + int(((fraction or "") + "000")[:3])


def judge(
    topic: str,
    value: bytes | None,
    record_ts_ms: int,
    *,
    earliest_ms: int,
    apps: Collection[str] | None = None,
) -> Accepted | frozenset[str]:
    """The event in a raw record, or every reason for which it may be refused."""
    if value is None:
        return frozenset({"not_json"})
    if len(value) > VALUE_BYTES_MAX:
        return frozenset({"too_large"})
    try:
        raw = json.loads(value.decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return frozenset({"not_json", "bad_field"})
    if not isinstance(raw, dict):
        return frozenset({"not_json", "bad_field"})
    kind = KINDS[topic]
    reasons = _field_reasons(kind, raw) | _time_reasons(raw, record_ts_ms, earliest_ms)
    if not _is_utf8(raw):
        reasons |= {"not_json", "bad_field"}
    if apps is not None and raw.get("app_id") not in apps:
        reasons.add("unknown_app")
    return frozenset(reasons) if reasons else replace(_accepted(kind, raw), came_ms=record_ts_ms)


def _is_utf8(raw: object) -> bool:
    """False where an escape stands for half a character, which no UTF-8 text can hold."""
    try:
        json.dumps(raw, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _field_reasons(kind: str, raw: dict[str, Any]) -> set[str]:
    reasons = set()
    for name in ("event_id", "app_id", "user_id", "timestamp", *NEEDED.get(kind, ())):
        if raw.get(name) is None:
            reasons |= {"missing_field", "bad_field"} if name in raw else {"missing_field"}
    checks = [("event_id", 128), ("user_id", 256)]
    if kind == "identity":
        checks.append(("alias", 256))
    else:
        checks += [(name, 128) for name in DIMENSIONS]
    if kind == "purchase":
        checks += [("refund_of", 128), ("product_id", 1024)]
    for name, length_max in checks:
        if raw.get(name) is not None and not _is_text(raw[name], length_max):
            reasons.add("bad_field")
    app = raw.get("app_id")
    if app is not None and not (isinstance(app, str) and _APP.fullmatch(app)):
        reasons.add("bad_field")
    own = {
        "session": _bad_session,
        "purchase": _bad_purchase,
        "feedback": _bad_feedback,
        "identity": _bad_ids,
    }
    if kind in own and own[kind](raw):
        reasons.add("bad_field")
    return reasons


def _bad_session(raw: dict[str, Any]) -> bool:
    duration = raw.get("duration_seconds")
    return duration is not None and not (_is_number(duration) and 0 <= duration <= SECONDS_MAX)


def _bad_purchase(raw: dict[str, Any]) -> bool:
    """An amount that is none. What is missing has its own reason."""
    has_money = raw.get("amount") is not None and raw.get("currency") is not None
    return has_money and minor_units(raw["amount"], raw["currency"]) is None


def _bad_feedback(raw: dict[str, Any]) -> bool:
    """A kind or a score that is none; a whole number is one that is written without a point."""
    kind, score = raw.get("kind"), raw.get("score")
    scores = SCORES.get(kind) if isinstance(kind, str) else None
    whole = isinstance(score, int) and not isinstance(score, bool)
    if (kind is not None and scores is None) or (score is not None and not whole):
        return True
    return scores is not None and score is not None and score not in scores


def _bad_ids(raw: dict[str, Any]) -> bool:
    names = (raw.get("user_id"), raw.get("alias"))
    return any(isinstance(name, str) and name.strip().lower() in PLACEHOLDERS for name in names)


def _is_text(value: object, length_max: int) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= length_max


def _is_number(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _time_reasons(raw: dict[str, Any], record_ts_ms: int, earliest_ms: int) -> set[str]:
    if raw.get("timestamp") is None:
        return set()
    ts_ms = _timestamp(raw["timestamp"])
    if ts_ms is None:
        return {"bad_timestamp"}
    # A record of unknown time (-1) has nothing to be later than.
    if 0 <= record_ts_ms < ts_ms - FUTURE_MS_MAX:
        return {"future"}
    return {"too_old"} if ts_ms < earliest_ms else set()


def _timestamp(value: object) -> int | None:
    if isinstance(value, str):
        try:
            return epoch_ms(value)
        except (ValueError, OverflowError):
            return None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= TS_MS_MAX:
        return value
    return None


def _accepted(kind: str, raw: dict[str, Any]) -> Accepted:
    ts_ms = _timestamp(raw["timestamp"])
    assert ts_ms is not None
    names = () if kind == "identity" else DIMENSIONS
    dims = {name: raw[name] for name in names if raw.get(name) is not None}
    # Two contents under one id have the user in common; the events of two ids of one person are compared without it.
    known = {name: raw[name] for name in ("event_id", "app_id")} | dims | {"timestamp": ts_ms}
    own: dict[str, Any] = {}
    if kind == "purchase":
        own = {"minor": minor_units(raw["amount"], raw["currency"]), "currency": raw["currency"]}
        known |= {"amount": plain_text(**own), "currency": raw["currency"]}
        known |= {name: raw[name] for name in ("product_id", "refund_of") if raw.get(name) is not None}
    if kind == "feedback":
        own = {"survey": raw["kind"], "score": raw["score"]}
        known |= {"kind": raw["kind"], "score": raw["score"]}
    if kind == "identity":
        own = {"alias": raw["alias"]}
        known |= own
    canonical = json.dumps(known, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    return Accepted(
        kind=kind,
        app=raw["app_id"],
        user=raw["user_id"],
        event_id=raw["event_id"],
        ts_ms=ts_ms,
        dims=tuple(sorted(dims.items())),
        is_refund=kind == "purchase" and raw.get("refund_of") is not None,
        canonical=canonical,
        **own,
    )
