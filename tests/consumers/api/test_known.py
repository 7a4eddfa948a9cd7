"""Is there such an app? Every answer about one says whether anything was counted of it: a mistyped app has nothing but zeros."""

from __future__ import annotations

from typing import Any

import pytest

from stream.store.memory import MemoryStore
from stream.store.protocol import View
from tests.consumers.api.test_api import RECORDS, Place
from tests.stream.report.counted import counted

# A question of every path that is about an app.
OF_APPS = (
    "retention?app=shop",
    "active?app=shop",
    "crr?app=shop",
    "revenue?app=shop",
    "compare?app=shop&dimension=country&a=VN&b=US",
    "compare?app=shop&dimension=country&variants=VN,US",
    "feedback?app=shop",
    "values?app=shop&dimension=country",
)


@pytest.mark.parametrize("path", OF_APPS)
async def test_every_answer_about_an_app_says_whether_anything_was_counted_of_it(path: str) -> None:
    """So that a mistyped app is noticed, and a dashboard may be there before the first event."""
    place = Place(await counted(*RECORDS))
    async with place.client:
        assert (await place.get(f"/api/v1/{path}"))["known"] is True
        assert (await place.get(f"/api/v1/{path.replace('shop', 'shpo')}"))["known"] is False


async def test_an_app_that_is_configured_is_known_with_its_first_event() -> None:
    place = Place(MemoryStore(), apps="shop")
    async with place.client:
        assert (await place.get("/api/v1/active?app=shop"))["known"] is False


class Begun(MemoryStore):
    """A store that gets its first event while it is asked."""

    async def view(self, *asked: Any, **names: Any) -> View:
        if not await self.zones():
            await counted(*RECORDS, store=self)
        return await super().view(*asked, **names)


async def test_no_app_with_numbers_is_said_to_be_unknown() -> None:
    place = Place(Begun())
    async with place.client:
        answer = await place.get("/api/v1/crr?app=shop&from=2026-11-20&to=2026-11-20")
        assert (answer["ce"], answer["known"]) == (2, True)
