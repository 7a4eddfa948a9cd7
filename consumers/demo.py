"""What does believable traffic look like, and which retention does it have?

A seeded generator: the same scenario gives the same bytes on every machine. Everything about one cohort (the users who install
on one date) at one age (days since) is drawn from a generator of its own, seeded with both, so a scenario can be continued
tomorrow without changing what it said today. The clock is an argument. While it runs it keeps the answer: who came back.

Shape: fewer installs on weekdays, more on weekends; Zipf-like activity between users; a chance to come back that falls with age
as a power law; hours of the day; a share of purchases; variant B keeps users a little better than A. A scenario may ask for
feedback, and for users with a second id, which an identity event joins to the first: neither changes the answer.
"""

import bisect
import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from stream.retention.days import Zone, iso, zone

WEEKDAY = (0.92, 0.90, 0.92, 0.96, 1.08, 1.18, 1.12)  # Monday to Sunday
BACK_NEXT_DAY, BACK_DECAY = 0.40, 0.65  # chance of day n: 0.40 * n ** -0.65 for the average user
SESSIONS_PER_DAY = 1.6
PURCHASES_PER_SESSION = 0.036  # gives about 3 % of all events
AGE_MAX = 400
VISITORS = 20  # so many users before a moment, and after it, take turns in coming once more

PLATFORMS = (("ios", 0.45), ("android", 0.45), ("web", 0.10))
COUNTRIES = (
    ("VN", 0.30),
    ("US", 0.22),
    ("IN", 0.14),
    ("BR", 0.10),
    ("DE", 0.08),
    ("JP", 0.06),
    ("FR", 0.05),
    ("GB", 0.05),
)
SOURCES = (("organic", 0.50), ("search_ads", 0.25), ("social", 0.17), ("referral", 0.08))
VARIANTS = (("A", 0.5), ("B", 0.5))
LIFT = {"B": 1.12, "referral": 1.15, "social": 0.88}
CURRENCY = {
    "VN": ("VND", ("23000", "49000", "119000")),
    "DE": ("EUR", ("0.99", "4.99", "9.99")),
    "FR": ("EUR", ("0.99", "4.99", "9.99")),
}
DOLLARS = ("USD", ("0.99", "4.99", "9.99", "19.99"))
# Scores as they are given, one after the other: 6 of 12 promote, 2 of 12 do not; 7 of 10 are content.
NPS = (10, 9, 8, 10, 3, 9, 7, 10, 8, 9, 6, 8)
CSAT = (5, 4, 5, 3, 4, 2, 5, 4, 3, 5)
PRODUCTS = ("starter_pack", "gems_100", "gems_500", "season_pass")

GARBAGE = (
    b"not json at all",
    b'{"event_id":"g1","app_id":"%b"}',
    b'{"event_id":"g2","app_id":"%b","user_id":"g","timestamp":"yesterday"}',
    b'{"event_id":"g3","app_id":"NOT AN APP","user_id":"g","timestamp":1700000000000}',
    b'{"event_id":"","app_id":"%b","user_id":"g","timestamp":1700000000000}',
    b"",
)

_INSTALL, _SESSION, _PURCHASE, _FEEDBACK, _IDENTITY = range(5)
_SECOND = b"-web"  # ends the second id of a user
_TOPIC = ("installs", "sessions", "purchases", "feedback", "identities")


class Record(NamedTuple):
    """One Kafka record to write: topic without prefix, key, value, and the event's own time."""

    topic: str
    key: bytes
    value: bytes
    ts_ms: int


@dataclass(frozen=True)
class Scenario:
    """What to simulate: `days` cohorts from `first_day` on, about `users_per_day` installs each."""

    first_day: int
    days: int
    users_per_day: float
    seed: int = 1
    app: str = "demo"
    timezone: str = "UTC"
    garbage: float = 0.0  # share of records that nobody can count
    repeats: float = 0.0  # share of records that are sent twice
    feedback: float = 0.0  # share of sessions after which the user answers a survey
    second_ids: float = 0.0  # share of users who also come under a second id


@dataclass
class Answer:
    """The known answer of what has been generated: users by cohort day, and by (cohort day, n) with a session on day n."""

    sizes: Counter[int] = field(default_factory=Counter)
    retained: Counter[tuple[int, int]] = field(default_factory=Counter)
    active: Counter[int] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)

    def rate(self, n: int, last_day: int) -> tuple[int, int]:
        """(users back on day n, users of the cohorts), pooled over cohorts whose day n is not after `last_day`."""
        days = [day for day in self.sizes if day + n <= last_day]
        return sum(self.retained[day, n] if n else self.sizes[day] for day in days), sum(
            self.sizes[day] for day in days
        )

    def as_json(self, scenario: Scenario, last_day: int) -> dict[str, Any]:
        """The exact triangle in the words of the HTTP API: cohort, size, cells of n and users; n counts sessions."""
        rows = [
            {
                "cohort": iso(day),
                "size": self.sizes[day],
                "cells": [
                    {"n": n, "users": self.retained[day, n] if n else self.sizes[day]}
                    for n in range(last_day - day + 1)
                ],
            }
            for day in sorted(self.sizes)
        ]
        dau = [{"date": iso(day), "dau": self.active[day]} for day in sorted(self.active)]
        return {
            "app": scenario.app, "timezone": scenario.timezone, "seed": scenario.seed, "records": dict(self.records),
            "rows": rows, "active": dau,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Cohort:
    """The users of one install date: a multiplier of their chance to come back, the text of their dimensions, who has two ids."""

    activity: np.ndarray
    looks: list[int]
    twofold: np.ndarray


class Traffic:
    """Generates the records of a scenario, in the order of event time, and keeps the answer."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.answer = Answer()
        self.zone: Zone = zone(scenario.timezone)
        self.cohorts: dict[int, _Cohort] = {}
        self.looks, self.weights, self._lifts = _looks()
        self.rest = [_rest(scenario.app, look) for look in self.looks]
        self._prices = [CURRENCY.get(look[1], DOLLARS) for look in self.looks]

    def records(self, until_ms: int, since_ms: int | None = None) -> Iterator[Record]:
        """All records with since_ms <= event time < until_ms, and what garbage and repeats the scenario asks for.

        The answer covers everything before until_ms, whatever since_ms is.
        """
        first, last = self.scenario.first_day, self.zone.day(until_ms - 1)
        dice = random.Random(self.scenario.seed)  # noqa: S311 simulation
        rough = self.scenario.garbage > 0 or self.scenario.repeats > 0
        for day in range(first, last + 1):
            rows = self._rows(day, until_ms)
            if since_ms is not None:
                rows = rows[bisect.bisect_left(rows, since_ms, key=lambda row: row[0]) :]
            records = self._encode(rows)
            yield from self._roughen(records, dice) if rough else records

    def _rows(self, day: int, until_ms: int) -> list[tuple[int, int, int, int, int, int]]:
        """(ts_ms, kind, cohort day, user number, age, number in the cell) of one local date, sorted."""
        parts = []
        first = max(self.scenario.first_day, day - AGE_MAX)
        for start in range(first, min(day, self.scenario.first_day + self.scenario.days - 1) + 1):
            ts, kind, user, number = self._cell(start, day - start, until_ms)
            if len(ts):
                parts.append(
                    np.stack((ts, kind, np.full_like(ts, start), user, np.full_like(ts, day - start), number))
                )
        if not parts:
            return []
        table = np.concatenate(parts, axis=1)
        order = np.lexsort((table[5], table[3], table[2], table[1], table[0]))
        return list(zip(*(column.tolist() for column in table[:, order]), strict=True))

    def _cell(
        self, start: int, age: int, until_ms: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The events of one cohort at one age; (times, kinds, users, numbers)."""
        cohort = self.cohorts.get(start)
        if cohort is None:
            cohort = self.cohorts[start] = self._cohort(start)
        dice = np.random.default_rng((self.scenario.seed, start, age))
        day, users = start + age, len(cohort.looks)
        chance = BACK_NEXT_DAY * max(age, 1) ** -BACK_DECAY * WEEKDAY[(day - 1) % 7]
        back = (
            np.flatnonzero(dice.random(users) < np.minimum(0.97, chance * cohort.activity))
            if age
            else np.arange(users)
        )
        often = np.minimum(1 + dice.poisson((SESSIONS_PER_DAY - 1) * cohort.activity[back]), 30)
        user = np.repeat(back, often)
        begin, end = self.zone.day_start_ms(day), self.zone.day_start_ms(day + 1)
        # Evenings are busy: the mean of two draws, one of them leaning late, is a hump around 15:00.
        when = begin + (
            (dice.random(len(user)) + dice.random(len(user)) ** 0.6) / 2 * (end - begin - 120_000)
        ).astype(np.int64)
        times, kinds, who = [when], [np.full(len(user), _SESSION)], [user]
        if not age:
            times, kinds, who = (
                [*times, self._first(when, user, users) - 1000],
                [*kinds, np.full(users, _INSTALL)],
                [*who, back],
            )
        buys = dice.random(len(user)) < PURCHASES_PER_SESSION
        times, kinds, who = (
            [*times, when[buys] + 45_000],
            [*kinds, np.full(buys.sum(), _PURCHASE)],
            [*who, user[buys]],
        )
        if self.scenario.feedback:
            answers = dice.random(len(user)) < self.scenario.feedback
            times, kinds, who = (
                [*times, when[answers] + 60_000],
                [*kinds, np.full(answers.sum(), _FEEDBACK)],
                [*who, user[answers]],
            )
        if self.scenario.second_ids and not age:
            twofold = np.flatnonzero(cohort.twofold)
            times, kinds, who = (
                [*times, self._first(when, user, users)[twofold] - 500],
                [*kinds, np.full(len(twofold), _IDENTITY)],
                [*who, twofold],
            )
        ts, kind, users_all = np.concatenate(times), np.concatenate(kinds), np.concatenate(who)
        number = np.arange(len(ts))
        seen = ts < until_ms
        self._count(start, age, kind[seen], users_all[seen])
        return np.maximum(ts, begin)[seen], kind[seen], users_all[seen], number[seen]

    @staticmethod
    def _first(when: np.ndarray, user: np.ndarray, users: int) -> np.ndarray:
        first = np.full(users, np.iinfo(np.int64).max)
        np.minimum.at(first, user, when)
        return first

    def _count(self, start: int, age: int, kind: np.ndarray, user: np.ndarray) -> None:
        active = len(np.unique(user[kind == _SESSION]))
        if age:
            self.answer.retained[start, age] = active
        else:
            self.answer.sizes[start] = int((kind == _INSTALL).sum())
        self.answer.active[start + age] += active

    def _cohort(self, day: int) -> _Cohort:
        dice = np.random.default_rng((self.scenario.seed, day))
        expected = self.scenario.users_per_day * WEEKDAY[(day - 1) % 7]
        users = int(expected + dice.random())  # rounds up as often as the fraction says
        looks = dice.choice(len(self.looks), users, p=self.weights)
        zipf = 1 / np.sqrt(dice.random(users) + 0.02)  # a few come every day, most hardly ever
        twofold = dice.random(users) < self.scenario.second_ids
        return _Cohort(zipf / 1.747 * self._lifts[looks], looks.tolist(), twofold)

    def _encode(self, rows: list[tuple[int, int, int, int, int, int]]) -> Iterator[Record]:
        seed, records = self.scenario.seed, self.answer.records
        for ts_ms, kind, start, user, age, number in rows:
            look = self.cohorts[start].looks[user]
            key = who = b"u%d-%d-%d" % (seed, start, user)
            if kind == _SESSION and number % 2 and self.cohorts[start].twofold[user]:
                who = key + _SECOND
            topic = _TOPIC[kind]
            records[topic] += 1
            value = b'{"event_id":"%b-%d-%d","user_id":"%b","timestamp":%d%b' % (
                key,
                age,
                number,
                who,
                ts_ms,
                self._more(kind, key, look, number),
            )
            yield Record(topic, who, value, ts_ms)

    def _more(self, kind: int, key: bytes, look: int, number: int) -> bytes:
        """The rest of an event after its time: what its kind has, and the dimensions."""
        if kind == _IDENTITY:
            return b',"alias":"%b","app_id":"%b"}' % (key + _SECOND, self.scenario.app.encode())
        if kind == _FEEDBACK:
            name, scores = ((b"nps", NPS), (b"csat", CSAT))[number % 2]
            return b',"kind":"%b","score":%d%b' % (name, scores[number // 2 % len(scores)], self.rest[look])
        return (self.money(look, number) if kind == _PURCHASE else b"") + self.rest[look]

    def money(self, look: int, number: int) -> bytes:
        """The fields of a purchase by a user who looks like that."""
        currency, prices = self._prices[look]
        price, product = prices[number % len(prices)], PRODUCTS[number % len(PRODUCTS)]
        return b',"amount":"%b","currency":"%b","product_id":"%b"' % (
            price.encode(),
            currency.encode(),
            product.encode(),
        )

    def _roughen(self, records: Iterator[Record], dice: random.Random) -> Iterator[Record]:
        app = self.scenario.app.encode()
        for record in records:
            yield record
            if dice.random() < self.scenario.repeats:
                self.answer.records["repeats"] += 1
                yield record
            if dice.random() < self.scenario.garbage:
                bad = dice.choice(GARBAGE)
                self.answer.records["garbage"] += 1
                yield Record(record.topic, record.key, bad % app if b"%b" in bad else bad, record.ts_ms)


class Visits:
    """Further sessions of users who come back on one date anyway, so that something happens at any hour of it.

    Who is seen more often, or earlier, on a date counts once on it: the known answer of the date stays what it is. The users are
    those whose own sessions are nearest, so that numbers within the date keep close to the scenario.
    """

    def __init__(self, records: Sequence[Record], day: int) -> None:
        """`records` are those of the date, in the order of time, without garbage.

        Users who install on the date are left out: they install first.
        """
        self._returning = [
            record for record in records if record.topic == "sessions" and _start(record.key) < day
        ]
        self._times = [record.ts_ms for record in self._returning]
        self._turn = 0

    def next(self, now_ms: int) -> Record | None:
        """One more session, at this moment; None where nobody comes back on the date."""
        at = bisect.bisect_left(self._times, now_ms)
        near = self._returning[max(0, at - VISITORS) : at + VISITORS]
        if not near:
            return None
        self._turn += 1
        topic, key, value, _ = near[self._turn % len(near)]
        event = json.loads(value)
        event |= {"event_id": f"visit-{now_ms}-{self._turn}", "timestamp": now_ms}
        return Record(topic, key, json.dumps(event, separators=(",", ":")).encode(), now_ms)


def _start(key: bytes) -> int:
    """The install date in the id of a user, as an ordinal."""
    return int(key.split(b"-")[1])


def day_of(now_ms: int, timezone: str) -> int:
    """The local date of a moment, as the ordinal that scenarios use."""
    return zone(timezone).day(now_ms)


def _looks() -> tuple[list[tuple[str, str, str, str]], np.ndarray, np.ndarray]:
    """Every combination of platform, country, source and variant, with its weight and its lift of retention."""
    combinations = list(itertools.product(PLATFORMS, COUNTRIES, SOURCES, VARIANTS))
    weights = np.array([np.prod([share for _, share in look]) for look in combinations])
    names = [tuple(name for name, _ in look) for look in combinations]
    lifts = np.array([np.prod([LIFT.get(name, 1.0) for name in look]) for look in names])
    return names, weights / weights.sum(), lifts  # type: ignore[return-value]


def _rest(app: str, look: tuple[str, str, str, str]) -> bytes:
    platform, country, source, variant = look
    return (
        f',"app_id":"{app}","platform":"{platform}","country":"{country}","source":"{source}","variant":"{variant}",'
        f'"app_version":"{"3.2.0" if platform == "web" else "3.1.4"}"}}'
    ).encode()
