"""The exported numbers are those of the HTTP interface at the same instant, for each app in its own zone."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from consumers.metrics import numbers as m
from stream.store.redis import RedisStore
from tests.consumers.exporter.filled import ZONES, Asked, asked, both, fill, numbers, values
from tests.servers import Valkey

DAYS = (1, 3, 7, 14, 30)
YESTERDAY = {"shop": "2026-11-22", "game": "2026-11-23"}


async def triangle(api: Asked, app: str, **given: str) -> Any:
    return await api.get("retention", app=app, from_="2026-09-01", to=YESTERDAY[app], periods="30", **given)


async def test_the_triangle_is_that_of_the_interface(store: RedisStore) -> None:
    shown = await numbers(store)
    async with asked(store) as api:
        for app in ZONES:
            rows = [row for row in (await triangle(api, app))["rows"] if row["size"]]
            assert values(shown, m.COHORT_USERS, app=app) == {(row["cohort"],): row["size"] for row in rows}
            assert values(shown, m.COHORT_RETAINED, app=app) == {
                (row["cohort"], f"{cell['n']:02d}"): cell["users"]
                for row in rows
                for cell in row["cells"]
                if cell["complete"] and cell["n"] in DAYS
            }
            assert len(rows) >= 20


async def test_a_settled_cell_is_that_of_the_newest_cohort_for_which_day_n_is_over(store: RedisStore) -> None:
    shown = await numbers(store)
    async with asked(store) as api:
        for app in ZONES:
            rows = (await triangle(api, app))["rows"]
            for n in DAYS:
                newest = [row for row in rows if len(row["cells"]) > n and row["cells"][n]["complete"]][-1]
                found = {(): newest["size"]} if newest["size"] else {}
                assert values(shown, m.SETTLED_COHORT, app=app, day=f"{n:02d}") == found
                found = {(): newest["cells"][n]["users"]} if newest["size"] else {}
                assert values(shown, m.SETTLED_RETAINED, app=app, day=f"{n:02d}") == found
    assert len(shown.of(m.SETTLED_COHORT)) >= 6


async def test_the_curve_is_the_average_of_the_interface(store: RedisStore) -> None:
    shown = await numbers(store)
    async with asked(store) as api:
        for app in ZONES:
            average = (await triangle(api, app))["average"]
            for metric, name in ((m.AVERAGE, "rate"), (m.AVERAGE_LOWER, "low"), (m.AVERAGE_UPPER, "high")):
                found = {(f"{cell['n']:02d}",): cell[name] for cell in average}
                assert values(shown, metric, app=app) == found
            assert len(average) == 31


async def test_segments_and_variants_are_those_of_the_interface(store: RedisStore) -> None:
    shown = await numbers(store)
    async with asked(store) as api:
        rows = (await triangle(api, "shop", breakdown="platform"))["rows"]
        seventh = {
            row["segment"]: row["cells"][7]["users"]
            for row in rows
            if row["cohort"] == "2026-11-15" and row["size"]
        }
        assert values(shown, m.SEGMENT_SETTLED_RETAINED, app="shop", day="07", dimension="platform") == {
            (segment,): users for segment, users in seventh.items()
        }
        given = {"from_": "2026-09-24", "to": YESTERDAY["shop"], "variants": "a,b,c", "day": "7"}
        answer = await api.get("compare", app="shop", **given)
        found = {(one["variant"],): (one["size"], one["users"]) for one in answer["variants"]}
        sizes = values(shown, m.COMPARE_USERS, app="shop", day="07", dimension="variant")
        users = values(shown, m.COMPARE_RETAINED, app="shop", day="07", dimension="variant")
        assert {value: (size, users[value]) for value, size in sizes.items()} == found


async def test_actives_lifecycle_loyalty_and_feedback_are_those_of_the_interface(store: RedisStore) -> None:
    shown = await numbers(store)
    async with asked(store) as api:
        for app, day in YESTERDAY.items():
            [row] = (await api.get("active", app=app, from_=day, to=day))["rows"]
            told = [
                *(m.DAILY_ACTIVE, m.WEEKLY_ACTIVE, m.MONTHLY_ACTIVE, m.STICKINESS, m.NEW, m.RETURNING),
                *(m.RESURRECTED, m.CHURNED, m.INSTALLS, m.REINSTALLS),
            ]
            names = [
                "dau",
                "wau",
                "mau",
                "stickiness",
                "new",
                "returning",
                "resurrected",
                "dormant",
                "installs",
            ]
            assert [values(shown, metric, app=app)[()] for metric in told] == [
                row[name] for name in (*names, "reinstalls")
            ]
            for population in ("users", "customers"):
                answer = await api.get("crr", app=app, population=population)
                assert values(shown, m.CRR, app=app) | {(population,): answer["crr"] / 100} == values(
                    shown, m.CRR, app=app
                )
            days = {"shop": "2026-10-24", "game": "2026-10-25"}
            answer = await api.get("feedback", app=app, from_=days[app], to=day)
            assert values(shown, m.NPS, app=app) == {(): answer["nps"]}
            assert values(shown, m.FEEDBACK_ANSWERS, app=app) == {
                ("nps",): answer["answers"]["nps"],
                ("csat",): 0,
            }
            assert values(shown, m.CSAT, app=app) == {}, "nobody has answered: no share, not 0"


async def test_money_is_that_of_the_interface_in_minor_units(store: RedisStore) -> None:
    shown = await numbers(store)
    async with asked(store) as api:
        for app, day in YESTERDAY.items():
            today = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
            total = (await api.get("revenue", app=app, from_=today, to=today))["total"]
            assert values(shown, m.REVENUE, app=app) == minor(total["revenue"])
            assert values(shown, m.PAYERS, app=app) == {(): total["buyers"]}
            assert values(shown, m.PURCHASES, app=app) == {(): total["purchases"]}
            total = (await api.get("revenue", app=app, from_=day, to=day))["total"]
            assert values(shown, m.ARPU, app=app) == minor(total["arpu"])
            assert values(shown, m.ARPPU, app=app) == minor(total["arppu"])
            first = (date.fromisoformat(day) - timedelta(days=59)).isoformat()
            answer = await api.get("revenue", app=app, from_=first, to=day)
            assert values(shown, m.REPEAT_PURCHASE, app=app) == {(): answer["total"]["repeat_rate"]}
            for n in DAYS:
                cell, label = answer["average"][n], f"{n:02d}"
                assert values(shown, m.LTV, app=app, day=label) == minor(cell["ltv"])
                assert values(shown, m.CONVERSION, app=app, day=label) == {(): cell["conversion"]}


def minor(amounts: dict[str, str]) -> dict[tuple[str, ...], float]:
    """Of currencies that have two digits."""
    return {(currency,): float(Decimal(amount) * 100) for currency, amount in amounts.items()}


async def test_two_workers_on_the_same_partitions_double_nothing(
    store: RedisStore, empty: RedisStore, valkey: Valkey
) -> None:
    await fill(empty, valkey.url, *both(), workers=2)
    assert await numbers(empty) == await numbers(store)
