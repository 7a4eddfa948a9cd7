"""What can reach the topics? Hypothesis strategies for histories of a few users around the days on which calendars are hard.

A `Story` is a zone, a window of days and raw records. The pools are small on purpose: ids, times and values collide, so
repeats, two contents under one id and ties in time are common instead of rare.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from tests.oracle import day_start_ms
from tests.oracle_events import KINDS

APP = "game"
DAYS = 6
HOUR_MS = 3_600_000
USERS = ("anna", "Bo", "юрий", "d" * 256)
# zone, a date on which it is hard
PLACES = (
    ("UTC", date(2024, 2, 29)),
    ("UTC", date(2024, 12, 31)),
    ("UTC", date(2023, 2, 28)),
    ("Asia/Kolkata", date(2024, 1, 1)),
    ("America/New_York", date(2024, 3, 10)),
    ("America/New_York", date(2024, 11, 3)),
    ("Australia/Lord_Howe", date(2024, 4, 7)),
    ("Australia/Lord_Howe", date(2024, 10, 6)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("Africa/Cairo", date(2024, 4, 26)),
    ("America/St_Johns", date(2010, 11, 7)),
)
# '"' sorts above "!": canonical JSON ranks "US!" below "US", plain text the other way round.
LABELS = ("US", "US!", "DE", "other", "Ünïcode", "a,b:c%")

# Two UUIDs of version 7 of one millisecond: their first 32 bits are the same, and only the rest tells which is first.
_UUID = "01890a5d-ac96-774b-bcce-b302099a805{}"
EVENT_IDS = ("1", "2", "10", "é", _UUID.format(1), _UUID.format(2))


@dataclass(frozen=True)
class Record:
    """One raw Kafka record, before anything looked at it."""

    topic: str
    value: bytes | None
    timestamp: int
    key: bytes | None = None


@dataclass(frozen=True)
class Story:
    """Raw records of one app, the zone it lives in and the window of days they fall into."""

    zone: str
    first: date
    records: tuple[Record, ...]

    def days(self) -> list[date]:
        return [self.first + timedelta(days=i) for i in range(DAYS)]


def moments(zone: str, first: date) -> st.SearchStrategy[int]:
    """Epoch milliseconds: edges of local days, 23:59:59, the hours of a change of the clock, and anything between."""
    days = st.integers(0, DAYS - 1).map(lambda i: day_start_ms(zone, first + timedelta(days=i)))
    steps = st.sampled_from(
        [0, -1, -1000, 1, HOUR_MS, 3 * HOUR_MS // 2, 3 * HOUR_MS, 12 * HOUR_MS, 23 * HOUR_MS]
    )
    return st.builds(lambda start, step: start + step, days, steps | st.integers(0, 24 * HOUR_MS))


def spellings(ts_ms: int) -> st.SearchStrategy[int | str]:
    """The same moment as an integer and as RFC 3339 in several offsets."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ts_ms)

    def text(minutes: int) -> str:
        return moment.astimezone(timezone(timedelta(minutes=minutes))).isoformat(timespec="milliseconds")

    return st.just(ts_ms) | st.sampled_from([-570, 0, 330, 840]).map(text)


@st.composite
def records(draw: st.DrawFn, zone: str, first: date, users: tuple[str, ...] = USERS) -> Record:
    """One good record."""
    topic = draw(st.sampled_from(["installs", "sessions", "sessions", "sessions", "purchases"]))
    fields: dict[str, Any] = {
        "event_id": draw(st.sampled_from(EVENT_IDS)),
        "app_id": APP,
        "user_id": draw(st.sampled_from(users)),
        "timestamp": draw(moments(zone, first).flatmap(spellings)),
    }
    for name in ("country", "platform"):
        value = draw(st.none() | st.sampled_from(LABELS))
        if value is not None:
            fields[name] = value
    if topic == "sessions" and draw(st.booleans()):
        fields["duration_seconds"] = draw(st.sampled_from([0, 1.5, 10**9]))
    if topic == "purchases":
        fields |= draw(money())
    if draw(st.booleans()):
        fields |= {"unknown": {"deep": [1, None]}, "another": "x"}
    names = draw(st.permutations(list(fields))) if draw(st.booleans()) else list(fields)
    value = json.dumps({name: fields[name] for name in names}, ensure_ascii=draw(st.booleans())).encode()
    key = draw(st.sampled_from([None, b"wrong", fields["user_id"].encode()]))
    return Record(topic, value, day_start_ms(zone, first + timedelta(days=DAYS)), key)


@st.composite
def money(draw: st.DrawFn) -> dict[str, Any]:
    """The fields of a purchase; one in four is a refund."""
    amount, currency = draw(
        st.sampled_from(
            [("9.99", "USD"), (9.99, "USD"), ("10", "USD"), ("0", "JPY"), (500, "JPY"), ("1.005", "KWD")]
        )
    )
    fields = {"amount": amount, "currency": currency}
    if draw(st.booleans()):
        fields["product_id"] = draw(st.sampled_from(["gem", "gems"]))
    if draw(st.integers(0, 3)) == 0:
        fields["refund_of"] = draw(st.sampled_from(["1", "2"]))
    return fields


GOOD: dict[str, Any] = {"event_id": "g", "app_id": APP, "user_id": "anna", "timestamp": 1_700_000_000_000}
PAID = GOOD | {"amount": "1.00", "currency": "USD"}


def _json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


def _without(fields: dict[str, Any], name: str) -> bytes:
    return _json({key: value for key, value in fields.items() if key != name})


# topic, value, reason: at least one of every reason, each broken in one way only.
GARBAGE: tuple[tuple[str, bytes | None, str], ...] = (
    ("installs", None, "not_json"),
    ("installs", b"", "not_json"),
    ("installs", b"{", "not_json"),
    ("installs", b"\xff\xfe", "not_json"),
    ("installs", b"\xef\xbb\xbf" + _json(GOOD), "not_json"),
    ("sessions", b"[1]", "not_json"),
    ("sessions", b"null", "not_json"),
    ("sessions", b"[" * 30_000, "not_json"),
    ("sessions", b'{"x":' * 5_000, "not_json"),
    ("sessions", _json(GOOD)[:-1] + b',"duration_seconds":NaN}', "not_json"),
    ("sessions", _json(GOOD) + b"x", "not_json"),
    ("sessions", _json(GOOD).replace(b"anna", b"\\ud800"), "not_json"),
    ("sessions", _json(GOOD).replace(b"anna", b"\xed\xa0\x80"), "not_json"),
    *(("installs", _without(GOOD, name), "missing_field") for name in GOOD),
    *(("purchases", _without(PAID, name), "missing_field") for name in ("amount", "currency")),
    *(("sessions", _json(GOOD | {"event_id": value}), "bad_field") for value in ("", "x" * 129, 7, True)),
    *(("sessions", _json(GOOD | {"user_id": value}), "bad_field") for value in ("", "x" * 257, 7, ["a"])),
    *(
        ("sessions", _json(GOOD | {"app_id": value}), "bad_field")
        for value in ("", "Game", "game\n", "x" * 65, 7)
    ),
    *(("installs", _json(GOOD | {"country": value}), "bad_field") for value in ("", "x" * 129, 7, {})),
    *(("sessions", _json(GOOD | {"duration_seconds": value}), "bad_field") for value in (-1, "1", True)),
    *(
        ("purchases", _json(PAID | {"amount": value}), "bad_field")
        for value in ("-1", "1.001", "x", "", True, [])
    ),
    *(("purchases", _json(PAID | {"amount": value}), "bad_field") for value in (10**10 + 1, "1e400", "NaN")),
    *(("purchases", _json(PAID | {"currency": value}), "bad_field") for value in ("usd", "ABC", "", 840)),
    *(
        ("purchases", _json(PAID | {"currency": "JPY", "amount": value}), "bad_field")
        for value in ("0.5", 1.5)
    ),
    *(("purchases", _json(PAID | {"refund_of": value}), "bad_field") for value in ("", 7, "x" * 129)),
    *(
        ("installs", _json(GOOD | {"timestamp": value}), "bad_timestamp")
        for value in (
            "2023-11-14",
            "2023-11-14T22:13:20",
            "2023-02-29T00:00:00Z",
            "yesterday",
            True,
            [],
            "",
            1.5,
        )
    ),
    *(("installs", _json(GOOD | {"timestamp": value}), "bad_timestamp") for value in (10**30, -(10**30))),
    ("sessions", _json(GOOD | {"timestamp": "9999-12-31T23:59:59Z"}), "future"),
    ("sessions", _json(GOOD | {"timestamp": "1999-12-31T23:59:59.999Z"}), "too_old"),
    ("sessions", _json(GOOD | {"timestamp": 0}), "too_old"),
    ("sessions", _json(GOOD | {"x": "y" * 65_536}), "too_large"),
    ("installs", b" " * 10_000_000, "too_large"),
)


@st.composite
def stories(draw: st.DrawFn, *, size_max: int = 25, garbage: bool = True) -> Story:
    """A history: good records, exact repeats, and garbage between them."""
    zone, hard = draw(st.sampled_from(PLACES))
    first = hard - timedelta(days=draw(st.integers(0, DAYS - 1)))
    told = draw(st.lists(records(zone, first), min_size=1, max_size=size_max))
    told += draw(st.lists(st.sampled_from(told), max_size=5))
    if garbage:
        bad = draw(st.lists(st.sampled_from(GARBAGE[:-2]), max_size=3))
        told += [Record(topic, value, told[0].timestamp) for topic, value, _ in bad]
    return Story(zone, first, tuple(draw(st.permutations(told))))


@st.composite
def retention_queries(draw: st.DrawFn, story: Story) -> dict[str, str]:
    """A question to GET /api/v1/retention about the window of a story, in its own words."""
    first = story.first + timedelta(days=draw(st.integers(-1, 2)))
    query = {
        "app": APP,
        "from": first.isoformat(),
        "to": (first + timedelta(days=draw(st.integers(0, DAYS)))).isoformat(),
        "periods": str(draw(st.integers(0, DAYS))),
        "cohort": draw(st.sampled_from(["install", "first_seen", "session"])),
        "return": draw(st.sampled_from(["session", "any"])),
        "criterion": draw(st.sampled_from(["on", "on_or_after"])),
    }
    if draw(st.booleans()):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
            milliseconds=draw(moments(story.zone, story.first))
        )
        query["as_of"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if draw(st.integers(0, 2)) == 0:
        query["where"] = draw(wheres())
    if draw(st.integers(0, 2)) == 0:
        query |= {
            "breakdown": draw(st.sampled_from(["country", "platform"])),
            "limit": str(draw(st.integers(1, 5))),
        }
    return query


def wheres() -> st.SearchStrategy[str]:
    """One condition or two, values percent-encoded as the contract says."""
    quote: Callable[[str], str] = lambda value: "".join(f"%{ord(c):02X}" if c in ",:%" else c for c in value)  # noqa: E731
    values = st.sampled_from([*map(quote, LABELS), "(not set)", "XX"])
    conditions = st.builds("{}:{}".format, st.sampled_from(["country", "platform"]), values)
    return st.lists(conditions, min_size=1, max_size=2).map(",".join)


def active_queries(
    story: Story, periods_of: tuple[str, ...] = ("day", "week", "month")
) -> st.SearchStrategy[dict[str, str]]:
    """A question to GET /api/v1/active about the window of a story."""
    days = st.integers(-1, DAYS).map(lambda i: (story.first + timedelta(days=i)).isoformat())
    periods = st.sampled_from(periods_of)
    return st.builds(
        lambda first, last, period: {
            "app": APP,
            "from": min(first, last),
            "to": max(first, last),
            "period": period,
        },
        days,
        days,
        periods,
    )


assert {topic for topic, _, _ in GARBAGE} <= set(KINDS)
