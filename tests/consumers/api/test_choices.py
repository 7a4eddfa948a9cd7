"""GET /api/v1/apps and /api/v1/values: what the page offers to choose from."""

from __future__ import annotations

from dataclasses import replace

from consumers.settings import Settings
from stream.retention.dimensions import GROUPS
from stream.store.memory import MemoryStore
from tests.consumers.api.test_api import RECORDS, Place
from tests.stream.report.counted import LATE_MS, counted, event


async def test_apps_come_with_their_zones_and_the_dimensions_there_are() -> None:
    place = Place(await counted(*RECORDS), dimensions="country,plan")
    async with place.client:
        assert await place.get("/api/v1/apps") == {
            "apps": [{"app": "shop", "timezone": "UTC"}],
            "dimensions": ["country", "plan", *GROUPS],
        }


async def test_apps_that_are_named_are_offered_before_their_first_event() -> None:
    place = Place(MemoryStore(), apps="game", timezones="game=Asia/Tokyo")
    async with place.client:
        answer = await place.get("/api/v1/apps")
        assert answer["apps"] == [{"app": "game", "timezone": "Asia/Tokyo"}]
        assert answer["dimensions"] == [*Settings().dimensions, *GROUPS]
        assert "RETENTION_APPS" in await place.refused("/api/v1/values?app=shop&dimension=country")


async def test_an_app_whose_name_was_mistyped_in_an_erasure_is_not_offered() -> None:
    mistyped = event("erasures", "anna", "2026-11-22T00:00:00Z", users=["00" * 16], erased_until=LATE_MS)
    place = Place(await counted(*RECORDS, replace(mistyped, value=mistyped.value.replace(b"shop", b"shpo"))))
    async with place.client:
        assert [one["app"] for one in (await place.get("/api/v1/apps"))["apps"]] == ["shop"]


async def test_values_of_a_dimension_are_what_where_takes() -> None:
    place = Place(await counted(*RECORDS))
    async with place.client:
        answer = await place.get("/api/v1/values?app=shop&dimension=country&limit=1")
        assert (answer["values"], answer["more"]) == ([{"value": "US", "users": 1}], 1)
        where = f"country:{answer['values'][0]['value']}"
        rows = (await place.get(f"/api/v1/retention?app=shop&from=2026-11-20&periods=0&where={where}"))[
            "rows"
        ]
        assert rows[0]["size"] == 1
        assert "the dimensions are platform" in await place.refused(
            "/api/v1/values?app=shop&dimension=contry"
        )
