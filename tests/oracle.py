"""What are the right answers, counted the slow and obvious way?

Every answer walks over all accepted events and all users; nothing is cached but the calendar. It knows the contract and the zone
database, none of the product's code, so that both can only agree by being right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from math import sqrt
from statistics import NormalDist
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from tests.oracle_events import Accepted, epoch_ms, judge

NOT_SET = "(not set)"
OTHER = "other"
DAY = timedelta(days=1)
Z_95 = NormalDist().inv_cdf(0.975)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def local_date(zone: str, ms: int) -> date:
    return (_EPOCH + timedelta(milliseconds=ms)).astimezone(ZoneInfo(zone)).date()


@cache
def day_start_ms(zone: str, day: date) -> int:
    """The first instant of a local date, found by walking minute by minute."""
    minute = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=16)
    while minute.astimezone(ZoneInfo(zone)).date() < day:
        minute += timedelta(minutes=1)
    return (minute - _EPOCH) // timedelta(milliseconds=1)


def wilson(users: int, size: int) -> tuple[float | None, float | None]:
    if size == 0:
        return None, None
    rate, square = users / size, Z_95 * Z_95
    middle = (rate + square / (2 * size)) / (1 + square / size)
    half = Z_95 * sqrt(rate * (1 - rate) / size + square / (4 * size * size)) / (1 + square / size)
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(eq=False)
class Person:
    """All that one user did, from the kept events."""

    dims: dict[str, str] = field(default_factory=dict)
    sessions: set[date] = field(default_factory=set)
    purchases: set[date] = field(default_factory=set)
    any: set[date] = field(default_factory=set)
    installs: list[date] = field(default_factory=list)

    def started(self, cohort: str, day: date) -> bool:
        match cohort:
            case "install":
                return bool(self.installs) and self.installs[0] == day
            case "first_seen":
                return bool(self.any) and min(self.any) == day
            case "session":
                return day in self.sessions
        raise ValueError(cohort)

    def returned(self, kind: str, first: date, last: date) -> bool:
        days = self.sessions if kind == "session" else self.any
        return any(first <= day <= last for day in days)


@dataclass
class Oracle:
    """Feed raw records with `add`, ask with the words of the HTTP interface."""

    zone: str = "UTC"
    earliest_ms: int = epoch_ms("2000-01-01T00:00:00Z")
    apps: frozenset[str] | None = None
    events: list[Accepted] = field(default_factory=list)
    refused: list[frozenset[str]] = field(default_factory=list)

    def add(self, topic: str, value: bytes | None, record_ts_ms: int) -> Accepted | frozenset[str]:
        verdict = judge(topic, value, record_ts_ms, earliest_ms=self.earliest_ms, apps=self.apps)
        if isinstance(verdict, Accepted):
            self.events.append(verdict)
        else:
            self.refused.append(verdict)
        self.__dict__.pop("people", None)
        return verdict

    @cached_property
    def people(self) -> dict[tuple[str, str], Person]:
        """(app, user) -> what this user did."""
        of_user: dict[tuple[str, str], list[Accepted]] = defaultdict(list)
        for event in _kept(self.events):
            of_user[event.app, event.user].append(event)
        return {key: self._person(events) for key, events in of_user.items()}

    def _person(self, events: list[Accepted]) -> Person:
        events = sorted(events, key=lambda event: (event.ts_ms, event.event_id.encode()))
        installs = [event for event in events if event.kind == "install"]
        person = Person(installs=[local_date(self.zone, event.ts_ms) for event in installs])
        # Time and id can be equal for two sessions, or for two events of different kinds: then the smaller value is said first.
        said = sorted(
            (event.ts_ms, event.event_id.encode(), name, value)
            for event in events
            for name, value in event.dims
        )
        for name, value in (
            *(installs[0].dims if installs else ()),
            *((name, value) for _, _, name, value in said),
        ):
            person.dims.setdefault(name, value)
        for event in events:
            if not event.is_refund:
                person.any.add(local_date(self.zone, event.ts_ms))
            if event.kind == "session":
                person.sessions.add(local_date(self.zone, event.ts_ms))
            if event.kind == "purchase" and not event.is_refund:
                person.purchases.add(local_date(self.zone, event.ts_ms))
        return person

    def _seen(self, app: str, last: date) -> list[Person]:
        """The users of an app as they stood at the end of a local date: later activity does not exist."""
        people = []
        for (its_app, _), person in self.people.items():
            if its_app == app:
                people.append(
                    Person(
                        dims=person.dims,
                        sessions={day for day in person.sessions if day <= last},
                        any={day for day in person.any if day <= last},
                        installs=[day for day in person.installs if day <= last],
                    )
                )
        return people

    def retention(self, *, now_ms: int, **query: str) -> dict[str, Any]:
        """The answer of GET /api/v1/retention. Cohorts by day; the query in its own words."""
        as_of_ms = epoch_ms(query["as_of"]) if "as_of" in query else now_ms
        today = local_date(self.zone, as_of_ms)
        people = self._seen(query["app"], today)
        for condition in query.get("where", "").split(",") if query.get("where") else []:
            name, value = (unquote(part) for part in condition.split(":"))
            people = [person for person in people if person.dims.get(name, NOT_SET) == value]
        first, last = date.fromisoformat(query["from"]), min(date.fromisoformat(query["to"]), today)
        cohorts = [first + timedelta(days=i) for i in range((last - first).days + 1)]
        words = {
            "cohort": query.get("cohort", "install"),
            "return": query.get("return", "session"),
            "criterion": query.get("criterion", "on"),
        }
        rows, average = [], []
        for segment, members in self._segments(people, cohorts, words["cohort"], query):
            mine = [
                self._row(day, segment, members, words, int(query["periods"]), as_of_ms) for day in cohorts
            ]
            rows += mine
            average += _average(mine, segment)
        answer = {"app": query["app"], "timezone": self.zone, "period": "day", "window": "calendar"}
        return answer | words | {"as_of_ms": as_of_ms, "rows": rows, "average": average}

    def _segments(
        self, people: list[Person], cohorts: list[date], cohort: str, query: dict[str, str]
    ) -> list[tuple[str | None, list[Person]]]:
        """(segment, its people), largest first; the rest as `other` at the end."""
        if "breakdown" not in query:
            return [(None, people)]
        name, limit = query["breakdown"], int(query.get("limit", "10"))
        sizes: dict[str, int] = defaultdict(int)
        for person in people:
            sizes[person.dims.get(name, NOT_SET)] += sum(person.started(cohort, day) for day in cohorts)
        ranked = sorted(
            (value for value in sizes if sizes[value] and value != OTHER), key=lambda v: (-sizes[v], v)
        )
        top = ranked[:limit]
        segments: list[tuple[str | None, list[Person]]] = [
            (value, [person for person in people if person.dims.get(name, NOT_SET) == value]) for value in top
        ]
        rest = [value for value in sizes if sizes[value] and value not in top]
        if rest:
            segments.append((OTHER, [person for person in people if person.dims.get(name, NOT_SET) in rest]))
        return segments

    def _row(
        self,
        day: date,
        segment: str | None,
        people: list[Person],
        words: dict[str, str],
        periods: int,
        as_of_ms: int,
    ) -> dict[str, Any]:
        members = [person for person in people if person.started(words["cohort"], day)]
        today = local_date(self.zone, as_of_ms)
        cells = []
        for n in range(periods + 1):
            if as_of_ms < day_start_ms(self.zone, day + n * DAY):
                break
            until = today if words["criterion"] == "on_or_after" else day + n * DAY
            back = [
                person
                for person in members
                if n == 0 or person.returned(words["return"], day + n * DAY, until)
            ]
            complete = as_of_ms >= day_start_ms(self.zone, day + (n + 1) * DAY)
            cells.append({"n": n} | _share(len(back), len(members)) | {"complete": complete})
        complete = as_of_ms >= day_start_ms(self.zone, day + DAY)
        row = {"cohort": day.isoformat(), "segment": segment, "size": len(members), "size_complete": complete}
        return row | {"cells": cells}

    def active(self, *, now_ms: int, **query: str) -> dict[str, Any]:
        """The answer of GET /api/v1/active."""
        today, period = local_date(self.zone, now_ms), query.get("period", "day")
        people = self._seen(query["app"], today)
        rows, start = [], _begin(period, date.fromisoformat(query["from"]))
        while start <= min(date.fromisoformat(query["to"]), today):
            rows.append(self._active_row(people, period, start, today, now_ms))
            start = _next(period, start)
        return {"rows": rows}

    def _active_row(
        self, people: list[Person], period: str, start: date, today: date, now_ms: int
    ) -> dict[str, Any]:
        last, before = _next(period, start) - DAY, _begin(period, start - DAY)
        shown = min(last, today)
        complete = now_ms >= day_start_ms(self.zone, last + DAY)
        now = [person for person in people if person.returned("any", start, last)]
        gone = [
            person for person in people if person.returned("any", before, start - DAY) and person not in now
        ]
        new = [person for person in now if min(person.any) >= start]
        returning = [person for person in now if person.returned("any", before, start - DAY)]
        dau, wau, mau = (
            sum(person.returned("any", shown - timedelta(days=days - 1), shown) for person in people)
            for days in (1, 7, 30)
        )
        return {
            "date": start.isoformat(),
            "active": len(now),
            "dau": dau,
            "wau": wau,
            "mau": mau,
            "stickiness": dau / mau if mau else None,
            "new": len(new),
            "returning": len(returning),
            "resurrected": len(now) - len(new) - len(returning),
            "dormant": len(gone) if complete else None,
            "installs": sum(start <= person.installs[0] <= last for person in people if person.installs),
            "reinstalls": sum(start <= day <= last for person in people for day in person.installs[1:]),
            "complete": complete,
        }


def _kept(events: Iterable[Accepted]) -> list[Accepted]:
    """Installs and purchases once per event id, the smaller content; every session."""
    kept: dict[tuple[str, ...], Accepted] = {}
    for event in events:
        key = (event.kind, event.app, event.user, event.event_id)
        if event.kind == "session":
            key += (str(event.ts_ms), event.canonical.decode())
        if key not in kept or (event.ts_ms, event.canonical) < (kept[key].ts_ms, kept[key].canonical):
            kept[key] = event
    return list(kept.values())


def _share(users: int, size: int) -> dict[str, Any]:
    low, high = wilson(users, size)
    return {"users": users, "rate": users / size if size else None, "low": low, "high": high}


def _average(rows: list[dict[str, Any]], segment: str | None) -> list[dict[str, Any]]:
    """Pooled over the complete cells of one segment."""
    users: dict[int, int] = defaultdict(int)
    sizes: dict[int, int] = defaultdict(int)
    for row in rows:
        for cell in row["cells"]:
            if cell["complete"]:
                users[cell["n"]] += cell["users"]
                sizes[cell["n"]] += row["size"]
    return [
        {"n": n, "size": sizes[n], "segment": segment} | _share(users[n], sizes[n]) for n in sorted(users)
    ]


def _begin(period: str, day: date) -> date:
    match period:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
    return day


def _next(period: str, start: date) -> date:
    match period:
        case "week":
            return start + timedelta(days=7)
        case "month":
            return (start + timedelta(days=31)).replace(day=1)
    return start + DAY
