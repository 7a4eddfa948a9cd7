"""Every view but the triangle: in a terminal, as CSV and as Markdown, of answers as the API really gives them."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from rich.console import Console

from consumers.cli.views import VIEWS
from consumers.cli.views.parts import Part, bar, p_value
from tests.stream.report.counted import (
    answer_to,
    ask_active,
    ask_compare,
    ask_crr,
    ask_feedback,
    ask_revenue,
    counted,
    install,
    purchase,
    session,
)

RANGE: dict[str, str] = {"from_": "2026-11-20", "to": "2026-11-23", "now": "2026-11-23T10:00:00Z"}
ASKED: dict[str, dict[str, str]] = {
    "active": {},
    "crr": {"population": "customers"},
    "revenue": {},
    "compare": {"a": "old", "b": "new", "day": "1"},
    "feedback": {"by": "cohort"},
}
ASK = {"crr": ask_crr, "revenue": ask_revenue, "compare": ask_compare, "feedback": ask_feedback}


async def answer_of(view: str, **more: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What the API answers to a small history, and what was asked."""
    people = [(f"{variant} {i}", variant) for variant, size in (("old", 9), ("new", 12)) for i in range(size)]
    store = await counted(
        *(install(user, "2026-11-20", variant=variant) for user, variant in people),
        *(session(user, "2026-11-21") for user, _ in people[5:]),
        *(purchase(user, day) for user, _ in people[:3] for day in ("2026-11-18", "2026-11-21")),
        *(answer_to("nps", user, "2026-11-21", score) for (user, _), score in zip(people, (10, 9, 7, 3), strict=False)),
        answer_to("csat", "old 1", "2026-11-22", 4),
    )  # fmt: skip
    query = {"app": "shop"} | ASKED[view] | more
    asked = RANGE | {name: value for name, value in query.items() if name != "app"}
    if view == "active":
        return {"rows": await ask_active(store, **asked), "known": True}, query
    return await ASK[view](store, **asked) | {"known": True}, query


def shown(
    view: str, answer: dict[str, Any], asked: dict[str, str], width: int = 100, *, shades: bool = False
) -> str:
    console = Console(width=width, file=io.StringIO(), highlight=False)
    console.print(VIEWS[view].rendered(answer, asked, width, shades=shades))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("view", list(ASKED))
@pytest.mark.parametrize("width", [60, 80, 100, 200])
async def test_no_line_is_wider_than_the_terminal(view: str, width: int) -> None:
    answer, asked = await answer_of(view)
    lines = shown(view, answer, asked, width).splitlines()
    assert lines[0].startswith("shop: ")
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines), "nothing is cut off"


@pytest.mark.parametrize("view", list(ASKED))
async def test_csv_has_all_numbers_and_markdown_is_a_table(view: str) -> None:
    answer, asked = await answer_of(view)
    lines = list(csv.DictReader(io.StringIO(VIEWS[view].as_csv(answer, asked))))
    assert {line["app"] for line in lines} == {"shop"}
    assert "known" not in lines[0], "it is no number, and told beside the table"
    table = VIEWS[view].as_markdown(answer, asked).splitlines()
    assert len({line.count("|") for line in table}) == 1
    assert set(table[1]) == set("|-:")


async def test_active_users_are_a_bar_of_who_they_are() -> None:
    text = shown("active", *await answer_of("active"))
    rows = {line.split()[0]: line for line in text.splitlines() if line.startswith("2026")}
    assert rows["2026-11-20"].split()[1] == "21"
    assert set(rows["2026-11-20"].split()[2]) == {"▓", "░"}, "three bought before"
    assert rows["2026-11-23"].split()[1] == "0~"
    assert set(shown("active", *await answer_of("active"), shades=True)) & set("▓░") == set()


async def test_the_retention_rate_says_what_it_is_made_of() -> None:
    answer, asked = await answer_of("crr", to="2026-11-22")
    text = shown("crr", answer, asked)
    assert "customer retention rate of customers, 2026-11-20 to 2026-11-22" in text
    assert "CRR 100.0 %" in text
    assert "bought 2026-11-17 to 2026-11-19" in text
    assert "the range still runs" in shown("crr", *await answer_of("crr"))
    assert "nobody was there before" in shown("crr", answer | {"crr": None}, asked)


async def test_a_comparison_ends_in_a_sentence() -> None:
    answer, asked = await answer_of("compare")
    assert "new - old: +55.6 points" in shown("compare", answer, asked)
    assert "hardly chance" in shown("compare", answer, asked)
    assert "may well be chance" in shown("compare", answer | {"p": 0.2}, asked)
    assert "nobody to compare yet" in shown("compare", *await answer_of("compare", b="nwe"))


async def test_variants_are_compared_pair_by_pair() -> None:
    store = await counted(*(install(f"{v}{i}", "2026-11-20", variant=v) for v in "ABC" for i in range(3)))
    answer, asked = (
        await ask_compare(store, variants="A,B,C", day="1", **RANGE),
        {"app": "shop", "variants": "A,B,C"},
    )
    text = shown("compare", answer, asked)
    assert text.count(" points ") == 3
    assert "corrected for the number of pairs" in text
    lines = list(csv.DictReader(io.StringIO(VIEWS["compare"].as_csv(answer, asked))))
    assert [(line["a"], line["b"]) for line in lines] == [("A", "B"), ("A", "C"), ("B", "C")]


async def test_a_warning_is_shown() -> None:
    answer, asked = await answer_of("compare")
    assert "warning: look out" in shown("compare", answer | {"warning": {"detail": "look out"}}, asked)


async def test_feedback_leaves_out_days_without_answers() -> None:
    answer, asked = await answer_of("feedback", by="day")
    text = shown("feedback", answer, asked)
    assert [line.split()[0] for line in text.splitlines() if line.startswith("2026")] == [
        "2026-11-21",
        "2026-11-22",
    ]
    assert "days without answers are left out" in text
    by_cohort = shown("feedback", *await answer_of("feedback"))
    assert "cohorts without answers are left out" in by_cohort
    assert "days without" not in by_cohort
    assert "nobody has answered" in shown("feedback", await ask_feedback(await counted(), **RANGE), asked)


async def test_one_buyer_and_one_purchase_are_said_in_the_singular() -> None:
    answer, asked = await answer_of("revenue")
    total = answer["total"] | {"buyers": 1, "purchases": 1}
    assert "1 buyer, 1 purchase, " in shown("revenue", answer | {"total": total}, asked)


async def test_the_sum_is_said_to_be_of_the_days_and_not_of_the_cohorts_below() -> None:
    answer, asked = await answer_of("revenue", from_="2026-11-20", to="2026-11-20")
    assert answer["total"]["buyers"] == 0
    text = shown("revenue", answer, asked)
    assert "paid in these days, by users of any cohort: 0 buyers, 0 purchases" in text


async def test_revenue_shows_what_was_sold_ltv_and_conversion() -> None:
    text = shown("revenue", *await answer_of("revenue"))
    assert "3.00 USD   3 buyers, 3 purchases" in text
    assert "LTV in USD" in text
    assert "conversion" in text


WIDE = {"USD": "12.8283", "VND": "1234567890123456", "JPY": "-999.1234"}


@pytest.mark.parametrize("width", [80, 100, 200])
async def test_columns_of_money_and_users_never_touch_however_wide_their_numbers(width: int) -> None:
    answer, asked = await answer_of("revenue")
    rows = [
        row
        | {"size": 12_345_678, "size_complete": False}
        | {"cells": [cell | {"ltv": WIDE, "complete": False} for cell in row["cells"]]}
        for row in answer["rows"]
    ]
    text = shown("revenue", answer | {"rows": rows}, asked, width)
    assert max(map(len, text.splitlines())) <= width
    for said in ("12.8283~", "1234567.9G~", "-999.1234~"):
        found = [line.split() for line in text.splitlines() if said in line]
        assert found, "each currency has a table"
        for row, words in zip(rows, found, strict=True):
            assert words == [row["cohort"], "12,345,678~", *[said] * (len(words) - 2)]
            assert len(words) > 2
    assert "…" not in text, "nothing is cut off"


def test_a_bar_has_its_whole_length_however_its_parts_are_rounded() -> None:
    parts = [Part(1, sign, "") for sign in "abc"]
    assert bar(parts, 3, 10, shades=False).plain == "aaabbbbccc"
    assert len(bar(parts, 6, 10, shades=False).plain) == 5
    assert bar([], 0, 10, shades=False).plain == ""


def test_p_values_are_written_as_in_papers() -> None:
    assert [p_value(p) for p in (None, 0.0004, 0.04, 1.0)] == ["-", "<0.001", "0.040", "1.000"]
