"""What can reach the topics? Hypothesis strategies for histories of a few users around the days on which calendars are hard.

A `Story` is a zone, a window of days and raw records. The pools are small on purpose: ids, times and values collide, so
repeats, two contents under one id and ties in time are common instead of rare.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from tests.garbage import APP, GARBAGE, GOOD, PAID, USUAL
from tests.oracle_calendar import HOUR_MS, day_start_ms
from tests.oracle_people import Erasure

__all__ = ["APP", "GARBAGE", "GOOD", "HOUR_MS", "PAID", "Record", "Story", "crowds", "moments", "stories"]

DAYS = 6
USERS = ("anna", "Bo", "юрий", "d" * 256)
# Other ids of theirs. Somebody may be called `guest`, but nobody is joined with one.
ALIASES = ("anna@phone", "ANNA", "guest")
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
    """Raw records of one app, the zone it lives in and the window of days they fall into; and who is erased."""

    zone: str
    first: date
    records: tuple[Record, ...]
    erasures: tuple[Erasure, ...] = ()

    def days(self) -> list[date]:
        return [self.first + timedelta(days=i) for i in range(DAYS)]


def moments(zone: str, first: date) -> st.SearchStrategy[int]:
    """Epoch milliseconds: edges of local days, 23:59:59, the hours of a change of the clock, and anything between."""
    days = st.integers(0, DAYS - 1).map(lambda i: day_start_ms(zone, first + timedelta(days=i)))
    steps = st.sampled_from(
        [0, -1, -1000, 1, HOUR_MS // 2, HOUR_MS, 3 * HOUR_MS // 2, 3 * HOUR_MS, 12 * HOUR_MS, 23 * HOUR_MS]
    )
    return st.builds(lambda start, step: start + step, days, steps | st.integers(0, 24 * HOUR_MS))


def spellings(ts_ms: int) -> st.SearchStrategy[int | str]:
    """The same moment as an integer and as RFC 3339 in several offsets."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ts_ms)

    def text(minutes: int) -> str:
        return moment.astimezone(timezone(timedelta(minutes=minutes))).isoformat(timespec="milliseconds")

    return st.just(ts_ms) | st.sampled_from([-570, 0, 330, 840]).map(text)


@st.composite
def records(draw: st.DrawFn, zone: str, first: date, topics: tuple[str, ...] = USUAL) -> Record:
    """One good record; an identity event may still name a placeholder."""
    topic = draw(st.sampled_from([*topics, "sessions", "sessions"]))
    users = (*USERS, *ALIASES) if "identities" in topics else USERS
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
    if topic == "feedback":
        fields |= draw(answers())
    if topic == "identities":
        fields["alias"] = draw(st.sampled_from(users))
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


def answers() -> st.SearchStrategy[dict[str, Any]]:
    """The fields of a feedback: scores on both sides of every border."""
    of_kind = {"nps": [0, 6, 7, 8, 9, 10], "csat": [1, 3, 4, 5]}
    return st.sampled_from([{"kind": kind, "score": score} for kind in of_kind for score in of_kind[kind]])


def erasures(zone: str, first: date) -> st.SearchStrategy[Erasure]:
    """One user or two are erased at some moment of the story: the end of an hour, since sessions are known by their hour."""
    users = st.frozensets(st.sampled_from([*USERS, *ALIASES]), min_size=1, max_size=2)
    ends = st.builds(
        lambda day, hour: day_start_ms(zone, first + timedelta(days=day)) + hour * HOUR_MS - 1,
        st.integers(0, DAYS - 1),
        st.integers(1, 23),
    )
    return st.builds(Erasure, st.just(APP), users, ends)


@st.composite
def stories(
    draw: st.DrawFn,
    *,
    size_min: int = 1,
    size_max: int = 25,
    garbage: bool = True,
    topics: tuple[str, ...] = USUAL,
    erased: bool = False,
) -> Story:
    """A history: good records, exact repeats, and garbage between them; with `erased` some users are erased.

    Hypothesis likes short lists: who needs full cells asks for a `size_min`.
    """
    zone, hard = draw(st.sampled_from(PLACES))
    first = hard - timedelta(days=draw(st.integers(0, DAYS - 1)))
    told = draw(st.lists(records(zone, first, topics), min_size=size_min, max_size=size_max))
    told += draw(st.lists(st.sampled_from(told), max_size=5))
    if garbage:
        small = [one for one in GARBAGE[:-2] if one[0] in topics]
        bad = draw(st.lists(st.sampled_from(small), max_size=3))
        told += [Record(topic, value, told[0].timestamp) for topic, value, _ in bad]
    gone = draw(st.lists(erasures(zone, first), max_size=2)) if erased else []
    return Story(zone, first, tuple(draw(st.permutations(told))), tuple(gone))


@st.composite
def crowds(draw: st.DrawFn, *, users_max: int = 40) -> Story:
    """Many users in few cohorts and segments, who come back and buy: for shares that differ and rankings that are tight."""
    zone, hard = draw(st.sampled_from(PLACES))
    first = hard - timedelta(days=draw(st.integers(0, DAYS - 1)))
    told: list[Record] = []
    for number in range(draw(st.integers(users_max // 4, users_max))):
        start = draw(st.integers(0, 2))
        what = [("installs", start)]
        what += [("sessions", day) for day in range(start, DAYS) if draw(st.booleans())]
        what += [("purchases", day) for day in range(start, DAYS) if draw(st.integers(0, 3)) == 0]
        country = draw(st.sampled_from(LABELS[:3]))
        for at, (topic, day) in enumerate(what):
            fields: dict[str, Any] = {
                "event_id": str(at),
                "app_id": APP,
                "user_id": f"user {number}",
                "timestamp": day_start_ms(zone, first + timedelta(days=day)) + at * HOUR_MS // 2,
                "country": country,
            }
            fields |= draw(money()) if topic == "purchases" else {}
            told.append(
                Record(topic, json.dumps(fields).encode(), day_start_ms(zone, first + timedelta(days=DAYS)))
            )
    return Story(zone, first, tuple(draw(st.permutations(told))))
