"""GET /api/v1/revenue: the members of the contract in its order, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.consumers.api.test_api import Place
from tests.stream.report.counted import counted, install, purchase

ROW = (
    *("cohort", "size", "size_complete", "buyers", "purchases", "repeat_rate", "low", "high"),
    *("frequency", "days_between", "cells"),
)
CELL = (
    *("n", "active", "payers", "purchases", "revenue", "arpu", "arppu", "ltv"),
    *("conversion", "low", "high", "complete"),
)
TOTAL = (
    *("revenue", "active", "arpu", "arppu", "buyers", "purchases", "repeat_rate", "low", "high"),
    *("frequency", "days_between"),
)


async def asked(query: str, status: int = 200) -> Any:
    place = Place(await counted(install("anna", "2026-11-20", country="VN"), purchase("anna", "2026-11-20")))
    async with place.client:
        return await place.get(f"/api/v1/revenue?{query}", status)


async def test_the_members_of_the_contract_come_in_its_order() -> None:
    answer = await asked("app=shop&from=2026-11-20&to=2026-11-20&periods=0")
    said = [answer.pop(name) for name in list(answer)[:5]]
    assert said == ["shop", "UTC", "day", "install", "2026-11-23T10:00:00Z"]
    assert list(answer) == ["rows", "total", "average", "projection", "known"]
    (row,) = answer["rows"]
    assert (tuple(row), tuple(row["cells"][0]), tuple(answer["total"])) == (ROW, CELL, TOTAL)
    assert row["cells"][0]["revenue"] == answer["total"]["revenue"] == {"USD": "1.00"}
    assert answer["projection"] is None


async def test_a_question_without_dates_is_about_the_last_30_days() -> None:
    rows = (await asked("app=shop"))["rows"]
    assert [rows[0]["cohort"], rows[-1]["cohort"], len(rows)] == ["2026-10-25", "2026-11-23", 30]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "app is missing"),
        ("app=shop&period=hour", "choose one of day, week, month"),
        ("app=shop&cohort=purchase", "choose one of install, first_seen, first_purchase"),
        ("app=shop&where=contry:VN", "the dimensions are platform, country"),
        ("app=shop&breakdown=country", "there is no parameter 'breakdown'"),
        ("app=shop&from=2020-01-01&to=2022-01-01&periods=900", "more than 100,000 cells"),
    ],
)
async def test_a_question_that_cannot_be_answered_is_told_what_to_change(query: str, says: str) -> None:
    assert says in (await asked(query, 400))["detail"]
