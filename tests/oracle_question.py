"""What is asked, and of whom? The words of a question, and the users as they stood when it is asked about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from urllib.parse import unquote

from tests.oracle_calendar import (
    Key,
    Slot,
    after,
    begin,
    day_start_ms,
    hours_of_day,
    key_of,
    key_start_ms,
    local_date,
    moment_ms,
    periods_between,
    slot_of,
    slot_start_ms,
)
from tests.oracle_people import NOT_SET, Person

OTHER = "other"
DAYS_DEFAULT = 30
LIMIT_DEFAULT = 10
WINDOW_MS = {"day": 24 * 3_600_000, "week": 168 * 3_600_000}
RECURRING = ("session", "purchase")


@dataclass(frozen=True)
class Question:
    """A question in the words of the interface, asked at a moment about an app in a zone."""

    zone: str
    now_ms: int
    words: Mapping[str, str]

    def word(self, name: str, default: str) -> str:
        return self.words.get(name, default)

    @cached_property
    def as_of_ms(self) -> int:
        return moment_ms(self.zone, self.words["as_of"]) if "as_of" in self.words else self.now_ms

    @cached_property
    def today(self) -> date:
        return local_date(self.zone, self.as_of_ms)

    @property
    def period(self) -> str:
        return self.word("period", "day")

    @property
    def week_start(self) -> str:
        return self.word("week_start", "monday")

    @property
    def elapsed(self) -> bool:
        return self.word("window", "calendar") == "elapsed"

    @cached_property
    def range(self) -> tuple[date, date]:
        """The first and the last local date that are asked for, before they widen to whole periods."""
        last = date.fromisoformat(self.words["to"]) if "to" in self.words else self.today
        if "from" in self.words:
            first = date.fromisoformat(self.words["from"])
            return first, last if "to" in self.words else max(first, last)
        return last - timedelta(days=DAYS_DEFAULT - 1), last

    @cached_property
    def widened(self) -> tuple[date, date]:
        """The first and the last local date of the whole periods that are asked for."""
        if self.period == "hour":
            return self.range
        first, last = (begin(self.period, day, self.week_start) for day in self.range)
        return first, after(self.period, last) - timedelta(days=1)

    @cached_property
    def keys(self) -> list[Key]:
        """The periods that are asked for and have begun, oldest first."""
        first, last = self.widened
        days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
        if self.period == "hour":
            hours = {hour for day in days for hour in hours_of_day(self.zone, day)}
            return sorted(hour for hour in hours if hour <= self.as_of_ms)
        return [day for day in days if begin(self.period, day, self.week_start) == day and day <= self.today]

    def key(self, slot: Slot) -> Key:
        """The period that a slot lies in."""
        return key_of(self.zone, self.period, slot, self.week_start)

    def nth(self, start: Slot, slot: Slot) -> int:
        """How many periods after the start something was; negative before it."""
        if self.elapsed:
            gone_ms = slot_start_ms(self.zone, slot) - slot_start_ms(self.zone, start)
            return gone_ms // WINDOW_MS[self.period]
        return periods_between(self.zone, self.period, start, slot, self.week_start)

    def span_ms(self, key: Key, first: int, last: int) -> tuple[int, int]:
        """From when to when a cell of a cohort reaches over, by the calendar alone: periods first to last, both in it."""
        if self.elapsed:
            length_ms = WINDOW_MS[self.period]
            start_ms, end_ms = (key_start_ms(self.zone, self.period, key, n) for n in (0, 1))
            return start_ms + first * length_ms, end_ms + (last + 1) * length_ms
        return (
            key_start_ms(self.zone, self.period, key, first),
            key_start_ms(self.zone, self.period, key, last + 1),
        )

    def is_over(self, key: Key) -> bool:
        return self.as_of_ms >= key_start_ms(self.zone, self.period, key, 1)

    def is_past(self, day: date) -> bool:
        """Whether a local date is over."""
        return self.as_of_ms >= day_start_ms(self.zone, day + timedelta(days=1))

    def exists(self, slot: Slot) -> bool:
        """Later activity does not exist: by the hour where hours are counted, else by the date."""
        if self.elapsed or self.period == "hour":
            return slot <= slot_of(self.zone, self.as_of_ms)
        return slot[0] <= self.today

    def asked_about(self, people: Iterable[Person]) -> list[Person]:
        """The users for whom every condition holds, as they stood at as_of."""
        conditions = [
            [unquote(part) for part in condition.split(":")]
            for condition in filter(None, self.word("where", "").split(","))
        ]
        return [
            person
            for person in (one.as_of(self.exists) for one in people)
            if all(person.dims.get(name, NOT_SET) == value for name, value in conditions)
        ]

    def start(self, person: Person, key: Key) -> Slot | None:
        """The slot in which a user starts in the cohort of a period, None who is not in it."""
        cohort = self.word("cohort", "install")
        if cohort in RECURRING:
            return min((slot for slot in person.slots(cohort) if self.key(slot) == key), default=None)
        match cohort:
            case "install":
                start = person.first_install
            case "first_seen":
                start = min(person.slots("any"), default=None)
            case "first_purchase":
                start = min(person.slots("purchase"), default=None)
            case _:
                raise ValueError(cohort)
        return start if start is not None and self.key(start) == key else None

    def segments(
        self, people: list[Person], size_of: Callable[[Person], int]
    ) -> list[tuple[str | None, list[Person]]]:
        """(segment, its people), largest first; the rest as `other` at the end. `size_of`: in how many rows one stands."""
        if "breakdown" not in self.words:
            return [(None, people)]
        name, limit = self.words["breakdown"], int(self.word("limit", str(LIMIT_DEFAULT)))
        sizes: dict[str, int] = defaultdict(int)
        for person in people:
            sizes[person.dims.get(name, NOT_SET)] += size_of(person)
        shown = [value for value in sizes if sizes[value]]
        ranked = sorted(
            (value for value in shown if value != OTHER), key=lambda value: (-sizes[value], value)
        )
        groups = [(value, {value}) for value in ranked[:limit]]
        rest = set(shown) - set(ranked[:limit])
        groups += [(OTHER, rest)] if rest else []
        return [
            (label, [person for person in people if person.dims.get(name, NOT_SET) in values])
            for label, values in groups
        ]
