"""How do actives look in a terminal? A row a period: who was there, as a bar of new, returning and resurrected users."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from consumers.cli.views.parts import (
    BAR_WIDTH_MAX,
    BAR_WIDTH_MIN,
    BLUE,
    GREEN,
    OPEN,
    ORANGE,
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

_NUMBERS_WIDTH = 66
# Name of the column -> member of the answer, in the order in which narrow terminals lose them from the end.
_COUNTS = {
    "new": "new",
    "back": "resurrected",
    "gone": "dormant",
    "installs": "installs",
    "WAU": "wau",
    "MAU": "mau",
}
LIVES = {
    "returning": Part(0, SOLID, BLUE),
    "new": Part(0, "▓", GREEN),
    "resurrected": Part(0, "░", ORANGE),
}


def rendered(answer: Answer, asked: Asked, width: int, *, shades: bool = True) -> RenderableType:
    """The periods, oldest first."""
    rows = answer["rows"]
    if not rows:
        return Text("no periods in this range")
    room = max(BAR_WIDTH_MIN, min(BAR_WIDTH_MAX, width - _NUMBERS_WIDTH))
    top = max(row["active"] for row in rows)
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column(asked.get("period") or "day", no_wrap=True)
    table.add_column("active", justify="right", no_wrap=True)
    table.add_column("", width=room, no_wrap=True)
    counts = list(_COUNTS) if width >= _NUMBERS_WIDTH + BAR_WIDTH_MIN else list(_COUNTS)[:2]
    for name in [*counts, "churn", "sticky"]:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        parts = [part._replace(value=row[name]) for name, part in LIVES.items()]
        mark = " " if row["complete"] else OPEN
        table.add_row(
            row["date"],
            number(row["active"]) + mark,
            bar(parts, top, room, shades=shades),
            *(number(row[_COUNTS[name]]) for name in counts),
            percent(row["churn"], ""),
            percent(row["stickiness"], ""),
        )
    return Group(
        Text(f"{asked['app']}: active users by {asked.get('period') or 'day'}", style="bold"),
        table,
        legend(
            LIVES, f"{OPEN} still open; back: resurrected, gone: dormant; churn, DAU/MAU in %", shades=shades
        ),
    )


def lines(answer: Answer, asked: Asked) -> list[Line]:
    """A line a period."""
    return [{"app": asked["app"], **row} for row in answer["rows"]]


def short_lines(answer: Answer, asked: Asked) -> list[Line]:
    """The columns of the Markdown table."""
    return [{name: value for name, value in row.items() if name != "complete"} for row in answer["rows"]]
