"""Which views does `retention report` have? Each is one path of the API, and how its answer looks."""

from collections.abc import Callable
from typing import NamedTuple

from rich.console import RenderableType

from consumers.cli.views import active, compare, crr, feedback, revenue, triangle
from consumers.cli.views.parts import Answer, Asked, Line, csv_text, markdown

# The answer, what was asked, and the width of the terminal; `shades` says whether it has colours enough for a heat map.
Rendered = Callable[..., RenderableType]
Written = Callable[[Answer, Asked], str]
Lines = Callable[[Answer, Asked], list[Line]]


class View(NamedTuple):
    """One view: what it shows, and how in a terminal, as CSV and as Markdown."""

    shows: str
    rendered: Rendered
    as_csv: Written
    as_markdown: Written


def _view(shows: str, rendered: Rendered, lines: Lines, short_lines: Lines) -> View:
    """A view whose CSV and Markdown are rows of plain values."""
    return View(
        shows,
        rendered,
        lambda answer, asked: csv_text(lines(answer, asked)),
        lambda answer, asked: markdown(short_lines(answer, asked)),
    )


VIEWS: dict[str, View] = {
    "retention": View("who came back, by cohort", triangle.rendered, triangle.as_csv, triangle.as_markdown),
    "active": _view(
        "who was there: new, returning, back, gone", active.rendered, active.lines, active.short_lines
    ),
    "crr": _view("customer retention rate and churn of a range", crr.rendered, crr.lines, crr.lines),
    "revenue": View(
        "lifetime value and conversion",
        revenue.rendered,
        lambda answer, asked: csv_text(revenue.lines(answer, asked)),
        revenue.as_markdown,
    ),
    "compare": _view("whether variants differ", compare.rendered, compare.lines, compare.short_lines),
    "feedback": _view("NPS and CSAT", feedback.rendered, feedback.lines, feedback.short_lines),
}
