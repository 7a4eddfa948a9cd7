"""Who is in which segment, and which segments are shown? `where` and `breakdown`, from the sets of values.

A dimension may have very many values, so their sets are read in slices after everything else of the answer:
who has no value is then known for every user that the answer counts.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from stream.report.past import VALUES_AT_ONCE, Past, Value, all_values, values_at
from stream.report.sets import NOT_SET, Bitmap, count, fit
from stream.retention.names import value_name
from stream.store.protocol import Store, View

OTHER = "other"


class Segment(NamedTuple):
    """One segment of an answer: its label and its users; None where the answer is not broken down."""

    label: str | None
    users: Bitmap | None


class Weights:
    """How often each user counts in a sum over cohorts: a number per user in bit planes (plane k: 2^k)."""

    def __init__(self) -> None:
        self._planes: list[Bitmap] = []

    def add(self, members: Bitmap) -> None:
        """Each of the members once more."""
        carry = members
        for k, plane in enumerate(self._planes):
            self._planes[k], carry = plane ^ carry, plane & carry
            if not carry.any():
                return
        self._planes.append(carry)

    def of(self, users: Bitmap) -> int:
        """The sum over some users."""
        return sum(count(plane & fit(users, plane.size)) << k for k, plane in enumerate(self._planes))

    @property
    def words(self) -> int:
        """The length of the bitmaps that were added."""
        return self._planes[0].size if self._planes else 0


class Ranking:
    """The largest values of a dimension; memory for no more than are shown."""

    def __init__(self, weights: Weights, limit: int) -> None:
        self._weights, self._limit = weights, limit
        self._top: list[tuple[int, str, Bitmap]] = []
        self._known = np.zeros(weights.words, np.uint64)
        self._rest = False

    def add(self, values: Iterable[Value]) -> None:
        """More values and their users."""
        for value, users in values:
            users = fit(users, self._weights.words)
            if value == NOT_SET:
                continue  # whoever says so literally is not set
            self._known |= users
            self._rank(value, users)

    def close(self) -> list[Segment]:
        """The segments of the answer: the largest, by size and then by value, and `other` with the rest."""
        self._rank(NOT_SET, ~self._known)
        segments = [Segment(value, users) for _, value, users in self._top]
        if self._rest:
            shown = np.zeros_like(self._known)
            for _, _, users in self._top:
                shown |= users
            segments.append(Segment(OTHER, ~shown))
        return segments

    def _rank(self, value: str, users: Bitmap) -> None:
        size = self._weights.of(users)
        if not size:
            return
        if value == OTHER:
            self._rest = True  # a real value of that name joins the rest
            return
        self._top.append((-size, value, users))
        self._top.sort(key=lambda one: one[:2])
        if len(self._top) > self._limit:
            self._top.pop()
            self._rest = True


async def values_of(
    store: Store, app: str, dimension: str, view: View, past: Past
) -> AsyncIterator[list[Value]]:
    """All values of a dimension with their users, in slices: those that the view holds, then the others."""
    names = {value: value_name(dimension, value) for value in all_values(dimension, view.counters, past)}
    read = [(value, view.sets[name]) for value, name in names.items() if name in view.sets]
    yield await values_at(store, app, dimension, read, view, past)
    others = iter([value for value, name in names.items() if name not in view.sets])
    while some := list(islice(others, VALUES_AT_ONCE)):
        later = await store.view(app, sets=[names[value] for value in some])
        read = [(value, later.sets[names[value]]) for value in some]
        yield await values_at(store, app, dimension, read, view, past)


async def chosen(
    store: Store, app: str, dimension: str, values: Sequence[str], view: View, past: Past
) -> list[Segment]:
    """Exactly these values, whether anybody has them or not; the view holds their sets."""
    words = max((users.size for users in view.sets.values()), default=0)
    return [
        Segment(value, await users_of(store, app, dimension, value, view, past, words)) for value in values
    ]


async def users_of(
    store: Store, app: str, dimension: str, value: str, view: View, past: Past, words: int
) -> Bitmap:
    """The users who have a value of a dimension, or none; the view holds the set of the value."""
    if value != NOT_SET:
        found = [(value, view.sets[value_name(dimension, value)])]
        return (await values_at(store, app, dimension, found, view, past))[0][1]
    known = np.zeros(words, np.uint64)
    async for values in values_of(store, app, dimension, view, past):
        await asyncio.to_thread(_unite, known, [users for one, users in values if one != NOT_SET])
    return ~known


def _unite(known: Bitmap, sets: Sequence[Bitmap]) -> None:
    for users in sets:
        known |= fit(users, known.size)
