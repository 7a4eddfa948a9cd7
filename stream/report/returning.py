"""How many returning users have there been so far today, by age? What the churn watch samples every minute.

A returning user is active today and was first seen before. Age is counted in days since first seen. Who is how old changes little
during a day, so those sets are read once an hour, and each minute only those of today.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stream.churn.live import AGES
from stream.report.conditions import mask
from stream.report.parameters import Where
from stream.report.past import Wanted, view_at
from stream.report.sets import (
    Bitmap,
    active_on,
    any_of,
    cohort_names,
    cohort_of,
    count,
    fit,
    return_names,
)
from stream.store.protocol import Store

_KEPT_MINUTES = 60


class Ages(NamedTuple):
    """Who was first seen in the days of each age group but the last, read for one day at one minute."""

    day: int
    minute: int
    groups: list[Bitmap]


class Returning:
    """Counts one app's returning users; holds the age groups of the day in between."""

    def __init__(self, store: Store, app: str) -> None:
        self._store, self._app = store, app
        self._ages: Ages | None = None

    async def so_far(
        self, day: int, minute: int, populations: Mapping[str, Where]
    ) -> dict[str, Sequence[int]]:
        """Of each population its returning users of `day` by age group. Raises StoreUnavailable.

        Args:
            minute: of the day, by which the age groups are known to be fresh.
            populations: name -> the condition by which users are in it, empty for everybody.
        """
        names = [*return_names("any", day), *cohort_names("first_seen", day)]
        wanted = Wanted.of([one for where in populations.values() for one in where], (), day)
        view, past = await view_at(self._store, self._app, wanted, sets=names)
        take = view.sets.__getitem__
        back = active_on(take, "any", day) & ~cohort_of(take, "first_seen", day)
        ages = await self._fresh(day, minute, back.size)
        masks = {
            name: await mask(self._store, self._app, where, view, past) for name, where in populations.items()
        }
        return await asyncio.to_thread(_counts, back, ages.groups, masks)

    async def _fresh(self, day: int, minute: int, words: int) -> Ages:
        ages = self._ages
        # Users stand shard by shard, so that a shard that grows moves those behind it.
        grown = ages is not None and bool(ages.groups) and ages.groups[0].size != words
        if ages is None or ages.day != day or minute >= ages.minute + _KEPT_MINUTES or grown:
            ages = self._ages = Ages(
                day, minute, [await self._first_seen(day, *group) for group in AGES[:-1]]
            )
        return ages

    async def _first_seen(self, day: int, youngest: int, oldest: int | None) -> Bitmap:
        days = range(day - (oldest or youngest), day - youngest + 1)
        names = [name for one in days for name in cohort_names("first_seen", one)]
        view = await self._store.view(self._app, sets=names)
        return any_of([cohort_of(view.sets.__getitem__, "first_seen", one) for one in days])


def _counts(
    back: Bitmap, groups: Sequence[Bitmap], masks: Mapping[str, Bitmap | None]
) -> dict[str, Sequence[int]]:
    young = [back & fit(group, back.size) for group in groups]
    old = back & ~any_of(young)
    return {
        name: [count(users if only is None else users & fit(only, back.size)) for users in [*young, old]]
        for name, only in masks.items()
    }
