"""Which value did a user's dimension have at as_of? The sets know the values of now; what was said later is taken back.

Few users say something late, so there is a set for each day on which somebody did. A user whose dimension changed after
as_of has the value from before the first of these changes, or none.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import NamedTuple

import numpy as np

from stream.report.parameters import QueryError, Where
from stream.report.sets import NOT_SET, Bitmap, fit
from stream.retention.days import iso
from stream.retention.names import late_counter, late_name, value_name, values_counter, was_counter, was_name
from stream.store.protocol import Store, View

VALUES_AT_ONCE = 256
CHANGES_MAX = 10_000  # days, added up over dimensions

Counters = Mapping[str, Mapping[str, int]]
Value = tuple[str, Bitmap]


class Wanted(NamedTuple):
    """What an answer looks at of dimensions: some values, all values of some dimensions, as they stood on a day.

    today   the last day that exists
    """

    values: Where
    spread: Sequence[str]
    today: int

    @classmethod
    def of(cls, values: Sequence[tuple[str, str]], spread: Iterable[str], today: int) -> "Wanted":
        """Whoever asks for `(not set)` looks at all values of the dimension."""
        unset = [name for name, value in values if value == NOT_SET]
        some = tuple(one for one in values if one[1] != NOT_SET)
        return cls(some, list(dict.fromkeys([*unset, *spread])), today)

    @property
    def names(self) -> list[str]:
        """The dimensions."""
        return list(dict.fromkeys([*(name for name, _ in self.values), *self.spread]))

    @property
    def counters(self) -> list[str]:
        """The counters that say which sets there are."""
        return [*map(late_counter, self.names), *map(values_counter, self.spread)]


class Past:
    """What was said after the last day of an answer.

    days      on which somebody's value changed, oldest first, by dimension
    was       the values that ended on them, where all values are looked at
    changed   whose dimension changed on some of the days
    first     by day whose dimension changed on it for the first time, where a value may have ended
    """

    def __init__(self, wanted: Wanted, counters: Counters) -> None:
        last = iso(wanted.today)
        self._days: dict[str, list[int]] = {}
        for name in wanted.names:
            after = [day for day, users in counters[late_counter(name)].items() if day > last and users > 0]
            if after:
                self._days[name] = [date.fromisoformat(day).toordinal() for day in sorted(after)]
        self._was: dict[str, dict[str, list[int]]] = {}
        for name, day, counter in self._ends(wanted):
            for value in counters.get(counter, ()):
                self._was.setdefault(name, {}).setdefault(value, []).append(day)
        self.counters = [counter for _, _, counter in self._ends(wanted)]
        self._spread = frozenset(wanted.spread)
        self._changed: dict[str, Bitmap] = {}
        self._first: dict[tuple[str, int], Bitmap] = {}

    def _ends(self, wanted: Wanted) -> list[tuple[str, int, str]]:
        """Dimensions all of whose values are looked at, days, and the counters that know which values ended on them."""
        return [
            (name, day, was_counter(name, day)) for name in wanted.spread for day in self._days.get(name, ())
        ]

    def has_sets_of(self, other: "Past") -> bool:
        """Whether another one knows of the same sets."""
        return (self._days, self._was) == (other._days, other._was)

    def sets(self) -> list[str]:
        """The sets of all changes."""
        return [late_name(name, day) for name, days in self._days.items() for day in days]

    def values(self, name: str) -> list[str]:
        """The values that somebody had until one of the days."""
        return list(self._was.get(name, ()))

    def days_of(self, name: str, value: str) -> list[int]:
        """The days on which somebody's value may have ended."""
        return self._was.get(name, {}).get(value, []) if name in self._spread else self._days.get(name, [])

    def is_of(self, name: str) -> bool:
        """Whether anything was said after the last day."""
        return name in self._days

    def learn(self, sets: Mapping[str, Bitmap]) -> None:
        """Who changed when, from the sets."""
        for name, days in self._days.items():
            changed = np.zeros_like(sets[late_name(name, days[0])])
            ends = {day for some in self._was.get(name, {}).values() for day in some}
            for day in days:
                users = sets[late_name(name, day)]
                if day in ends or name not in self._spread:
                    self._first[name, day] = users & ~changed
                changed |= users
            self._changed[name] = changed

    def kept(self, name: str, users: Bitmap) -> Bitmap:
        """Those whose value of now was theirs on the last day."""
        return users & ~fit(self._changed[name], users.size)

    def back(self, name: str, day: int, users: Bitmap) -> Bitmap:
        """Of those whose value ended on a day, the ones who had it on the last day."""
        return users & fit(self._first[name, day], users.size)


async def view_at(
    store: Store,
    app: str,
    wanted: Wanted,
    *,
    counters: Sequence[str] = (),
    sets: Sequence[str] = (),
    ledgers: Sequence[str] = (),
) -> tuple[View, Past]:
    """What an answer needs in one state, with the sets of the values that it looks at, as far as they are read at once.

    Raises QueryError where too much was said after the last day.
    """
    known: dict[str, Mapping[str, int]] = {name: {} for name in wanted.counters}
    if wanted.spread:
        known |= (await store.view(app, counters=wanted.counters)).counters
    while True:
        past = Past(wanted, known)
        if len(past.sets()) > CHANGES_MAX:
            raise QueryError(
                f"dimensions have changed on more than {CHANGES_MAX:,} days after as_of; ask with a later as_of or fewer dimensions"
            )
        if past.counters:
            known |= (await store.view(app, counters=past.counters)).counters
            past = Past(wanted, known)
        needed = [*counters, *wanted.counters, *past.counters]
        names = dict.fromkeys([*sets, *_value_sets(wanted, known, past), *past.sets()])
        view = await store.view(app, counters=needed, sets=list(names), ledgers=ledgers)
        known = dict(view.counters)
        now = Past(wanted, known)
        if now.has_sets_of(past):
            if now.sets():
                await asyncio.to_thread(now.learn, view.sets)
            return view, now


def _value_sets(wanted: Wanted, counters: Counters, past: Past) -> list[str]:
    values = list(wanted.values)
    spread = ((name, value) for name in wanted.spread for value in all_values(name, counters, past))
    values += islice(spread, VALUES_AT_ONCE)
    names = [value_name(*one) for one in values]
    was = (was_name(name, value, day) for name, value in values for day in past.days_of(name, value))
    # Of values that are asked for by name all; who looks at all values reads the rest of them in slices.
    return names + (list(islice(was, VALUES_AT_ONCE)) if wanted.spread else list(was))


def all_values(name: str, counters: Counters, past: Past) -> list[str]:
    """The values that somebody has now, or had on the last day."""
    return sorted({*counters[values_counter(name)], *past.values(name)})


async def values_at(
    store: Store, app: str, name: str, found: Sequence[Value], view: View, past: Past
) -> list[Value]:
    """Values of a dimension with the users who have them now, as they stood on the last day."""
    if not past.is_of(name):
        return list(found)
    users = {value: past.kept(name, now) for value, now in found}
    ended = [(value, day) for value in users for day in past.days_of(name, value)]
    for at in range(0, len(ended), VALUES_AT_ONCE):
        some = {(value, day): was_name(name, value, day) for value, day in ended[at : at + VALUES_AT_ONCE]}
        sets = view.sets
        if not all(was in sets for was in some.values()):
            sets = (await store.view(app, sets=list(some.values()))).sets
        for (value, day), was in some.items():
            users[value] = users[value] | fit(past.back(name, day, sets[was]), users[value].size)
    return list(users.items())
