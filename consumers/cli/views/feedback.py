"""How does feedback look in a terminal? NPS and CSAT of the range, then a row a day or cohort."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from consumers.cli.views.parts import (
    BAR_WIDTH_MAX,
    BAR_WIDTH_MIN,
    GREEN,
    GREY,
    NONE,
    OPEN,
    RED,
    SOLID,
    Answer,
    Asked,
    Line,
    Part,
    bar,
    legend,
    number,
    percent,
)

_NUMBERS_WIDTH = 44
GROUPS = {
    "detractors": Part(0, "░", RED),
    "passives": Part(0, "▒", GREY),
    "promoters": Part(0, SOLID, GREEN),
}


def rendered(answer: Answer, asked: Asked, width: int, *, shades: bool = True) -> RenderableType:
    """The scores of the range, and those of each row in which somebody answered."""
    title = Text(f"{asked['app']}: what users say", style="bold")
    if not sum(answer["answers"].values()) and not any(
        sum(row["answers"].values()) for row in answer["rows"]
    ):
        return Group(title, Text("nobody has answered in this range", style="yellow"))
    room = max(BAR_WIDTH_MIN, min(BAR_WIDTH_MAX, width - _NUMBERS_WIDTH))
    by = "cohort" if asked.get("by") == "cohort" else "date"
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column(by, no_wrap=True)
    table.add_column("NPS", justify="right", no_wrap=True)
    table.add_column("", width=room, no_wrap=True)
    for name in ("answers", "CSAT %", "answers"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in answer["rows"]:
        if sum(row["answers"].values()):
            table.add_row(*_row(row[by], row, room, shades))
    table.add_section()
    table.add_row(*_row(Text("all", style="bold"), answer, room, shades))
    without = f"{'cohorts' if by == 'cohort' else 'days'} without answers are left out"
    return Group(title, table, legend(GROUPS, without, shades=shades))


def _row(first: str | Text, row: dict[str, Any], width: int, shades: bool) -> list[str | Text]:
    given = row["answers"]["nps"]
    parts = [part._replace(value=row[name]) for name, part in GROUPS.items()]
    nps = NONE if row["nps"] is None else f"{round(row['nps']):+}".replace("+0", "0")
    return [
        first,
        nps + (" " if row.get("complete", True) else OPEN),
        bar(parts, given, width, shades=shades),
        number(given),
        percent(row["csat"], ""),
        number(row["answers"]["csat"]),
    ]


def lines(answer: Answer, asked: Asked) -> list[Line]:
    """A line a row, with the numbers of answers."""
    found = []
    for row in answer["rows"]:
        rest = {name: value for name, value in row.items() if name != "answers"}
        counts = {f"{kind}_answers": given for kind, given in row["answers"].items()}
        found.append({"app": asked["app"], **rest, **counts})
    return found


def short_lines(answer: Answer, asked: Asked) -> list[Line]:
    """The columns of the Markdown table: the range first, then the rows with answers."""
    by = "cohort" if asked.get("by") == "cohort" else "date"
    return [
        {
            by: row.get(by, "**all**"),
            "NPS": NONE if row["nps"] is None else f"{row['nps']:.1f}",
            "answers to NPS": row["answers"]["nps"],
            "CSAT": percent(row["csat"]),
            "answers to CSAT": row["answers"]["csat"],
        }
        for row in [*answer["rows"], answer]
        if row is answer or sum(row["answers"].values())
    ]
