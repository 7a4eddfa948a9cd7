"""Which cohorts came back? The triangle of the last cohorts, its newest settled cells, its curve, and both by segment."""

from collections.abc import Iterable
from typing import Any

from consumers.exporter.asking import Asking
from consumers.exporter.snapshot import Draft
from consumers.metrics import numbers

CURVE_DAYS = 30

Row = dict[str, Any]


async def triangle(ask: Asking, draft: Draft) -> None:
    """Complete cells of the last cohorts that anybody is in, and the curve over all of them."""
    days = ask.settings.exporter_days
    answer = await ask.retention(
        **ask.dates(ask.settings.exporter_cohorts, 1), periods=str(max(CURVE_DAYS, *days))
    )
    for row in _peopled(answer["rows"]):
        draft.add(numbers.COHORT_USERS, row["size"], ask.app, row["cohort"])
        for n, cell in complete_cells(row).items():
            if n in days:
                draft.add(numbers.COHORT_RETAINED, cell["users"], ask.app, row["cohort"], day_text(n))
    for n in days:
        for row in settled(answer["rows"], n):
            draft.add(numbers.SETTLED_COHORT, row["size"], ask.app, day_text(n))
            draft.add(numbers.SETTLED_RETAINED, complete_cells(row)[n]["users"], ask.app, day_text(n))
    for cell in answer["average"]:
        if cell["n"] <= CURVE_DAYS:
            labels = ask.app, day_text(cell["n"])
            draft.add(numbers.AVERAGE, cell["rate"], *labels)
            draft.add(numbers.AVERAGE_LOWER, cell["low"], *labels)
            draft.add(numbers.AVERAGE_UPPER, cell["high"], *labels)


async def segments(ask: Asking, draft: Draft) -> None:
    """The newest settled cells by the values of each dimension that is exported."""
    days = ask.settings.exporter_days
    for dimension in sorted(ask.settings.exporter_dimensions):
        if not (await ask.values(dimension))[0]:
            continue
        limit = str(ask.settings.exporter_values)
        answer = await ask.retention(**_by(ask, dimension, days[-1] + 1), limit=limit)
        for n in days:
            for row in settled(answer["rows"], n):
                labels = ask.app, dimension, row["segment"], day_text(n)
                draft.add(numbers.SEGMENT_SETTLED_COHORT, row["size"], *labels)
                draft.add(numbers.SEGMENT_SETTLED_RETAINED, complete_cells(row)[n]["users"], *labels)


async def variants(ask: Asking, draft: Draft) -> None:
    """The variants of the experiment, over the same cohorts as the curve: what GET /api/v1/compare compares."""
    dimension = ask.settings.exporter_experiment
    values, more = await ask.values(dimension)
    draft.left_out["variants"] += more
    if not values:
        return
    answer = await ask.retention(*values, **_by(ask, dimension, ask.settings.exporter_cohorts))
    for cell in answer["average"]:
        if cell["n"] in ask.settings.exporter_days and cell["size"]:
            labels = ask.app, dimension, cell["segment"], day_text(cell["n"])
            draft.add(numbers.COMPARE_USERS, cell["size"], *labels)
            draft.add(numbers.COMPARE_RETAINED, cell["users"], *labels)


def _by(ask: Asking, dimension: str, cohorts: int) -> dict[str, str]:
    # Day 0 is given in any case, and no bracket of its own.
    days = ",".join(str(n) for n in ask.settings.exporter_days if n) or "1"
    return {**ask.dates(cohorts, 1), "breakdown": dimension, "brackets": days}


def day_text(n: int) -> str:
    """The label `day`, so that texts sort as numbers do."""
    return f"{n:02d}"


def settled(rows: Iterable[Row], n: int) -> list[Row]:
    """The newest row whose cell n is complete, in each segment where it has anybody."""
    complete = [row for row in rows if n in complete_cells(row)]
    newest = max((row["cohort"] for row in complete), default=None)
    return [row for row in _peopled(complete) if row["cohort"] == newest]


def _peopled(rows: Iterable[Row]) -> list[Row]:
    """Of a cohort of nobody there is nothing to tell: its rate is null."""
    return [row for row in rows if row["size_complete"] and row["size"]]


def complete_cells(row: Row) -> dict[int, Row]:
    """The cells of a row that are over, by their n."""
    return {cell["n"]: cell for cell in row["cells"] if cell["complete"]}
