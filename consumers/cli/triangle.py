"""How does a triangle look in a terminal, and as CSV or Markdown? Renders the answer of /api/v1/retention.

A cell that is still open is marked (`~`), one that cannot be known yet is blank; colours follow the rate. Where the terminal is
narrow, columns are left out: the first ones stay, the later ones get sparser, so that the table never breaks.
"""

import csv
import io
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

OPEN = "~"
_FIXED_WIDTH = 20  # cohort and size
_CELL_WIDTH = 6
_PREFERRED = (0, 1, 3, 7, 14, 30, 2, 5, 10, 21, 60, 90, 4, 6, 28, 45, 120, 180, 365)
_PALE, _DEEP = (232, 243, 252), (8, 81, 156)  # the scale of the heat, as red, green, blue
_WHITE_FROM = (
    0.78  # where on that scale white text is read better than black, also in the nearest of 256 colours
)

Answer = dict[str, Any]
Cells = dict[int, dict[str, Any]]


def columns_that_fit(ns: list[int], width: int) -> list[int]:
    """The periods that get a column in a terminal of so many characters: all, or the most telling ones."""
    room = max(1, (width - _FIXED_WIDTH) // _CELL_WIDTH)
    if len(ns) <= room:
        return ns
    order = [n for n in _PREFERRED if n in ns] + [n for n in ns if n not in _PREFERRED]
    return sorted(order[:room])


def rendered(answer: Answer, width: int, *, shades: bool = True) -> RenderableType:
    """One table a segment, each with its average; without `shades`, for terminals of few colours, the rate is bold or dim."""
    segments = list(dict.fromkeys(row["segment"] for row in answer["rows"]))
    if not segments:
        return Text("no cohorts in this range")
    ns = sorted({cell["n"] for row in answer["rows"] for cell in row["cells"]})
    shown = columns_that_fit(ns, width)
    top = (
        max((cell["rate"] or 0 for row in answer["rows"] for cell in row["cells"] if cell["n"]), default=0)
        or 1
    )
    tables: list[RenderableType] = []
    for segment in segments:
        tables += [
            Text(_title(answer, segment), style="bold"),
            _table(answer, segment, shown, top if shades else None),
            Text(""),
        ]
    hidden = f"; {len(ns) - len(shown)} columns left out for width" if len(shown) < len(ns) else ""
    return Group(*tables[:-1], Text(f"{OPEN} still open, blank not begun{hidden}", style="dim"))


def _title(answer: Answer, segment: str | None) -> str:
    who = answer["app"] if segment is None else f"{answer['app']}, {segment}"
    criterion = answer["criterion"].replace("_", " ")
    return f"{who}: {answer['cohort']} cohorts, {answer['return']} {criterion} day n ({answer['timezone']})"


def _table(answer: Answer, segment: str | None, shown: list[int], top: float | None) -> Table:
    table = Table(box=None, padding=(0, 0), collapse_padding=True, header_style="dim")
    table.add_column("cohort", min_width=10)
    table.add_column("users", justify="right", min_width=7)
    for n in shown:
        table.add_column(f"D{n} ", justify="right", min_width=_CELL_WIDTH, no_wrap=True)
    for row in answer["rows"]:
        if row["segment"] == segment:
            cells: Cells = {cell["n"]: cell for cell in row["cells"]}
            size = f"{row['size']:,}" + (" " if row["size_complete"] else OPEN)
            table.add_row(row["cohort"], size, *(_cell(cells.get(n), top) for n in shown))
    average: Cells = {cell["n"]: cell for cell in answer["average"] if cell["segment"] == segment}
    if average:
        table.add_section()
        table.add_row(Text("average", style="bold"), "", *(_cell(average.get(n), top) for n in shown))
    return table


def _cell(cell: dict[str, Any] | None, top: float | None) -> Text:
    if cell is None:
        return Text("")
    if cell["rate"] is None:
        return Text("- ", style="dim")
    complete = cell.get("complete", True)
    text = _percent(cell["rate"]) + (" " if complete else OPEN)
    if not cell["n"]:
        return Text(text, style="dim")
    heat = _weight(cell["rate"]) if top is None else _heat(min(1.0, cell["rate"] / top))
    return Text(text.rjust(_CELL_WIDTH), style=heat + ("" if complete else " italic"))


def _percent(rate: float) -> str:
    return "100%" if rate == 1 else f"{rate * 100:.1f}"


def _heat(share: float) -> str:
    red, green, blue = (round(pale + (deep - pale) * share) for pale, deep in zip(_PALE, _DEEP, strict=True))
    return f"{'#ffffff' if share > _WHITE_FROM else '#000000'} on rgb({red},{green},{blue})"


def _weight(rate: float) -> str:
    return "bold" if rate >= 0.3 else "dim" if rate < 0.1 else "not bold"


def as_csv(answer: Answer) -> str:
    """One line a cell: cohort, segment, size, n, users, rate, low, high, complete."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["app", "cohort", "segment", "size", "n", "users", "rate", "low", "high", "complete"])
    for row in answer["rows"]:
        for cell in row["cells"]:
            numbers = [
                cell[name] if cell[name] is not None else "" for name in ("n", "users", "rate", "low", "high")
            ]
            segment = "" if row["segment"] is None else row["segment"]
            lines.writerow(
                [answer["app"], row["cohort"], segment, row["size"], *numbers, str(cell["complete"]).lower()]
            )
    return text.getvalue()


def as_markdown(answer: Answer) -> str:
    """A table of rates, open cells marked, average last."""
    ns = sorted({cell["n"] for row in answer["rows"] for cell in row["cells"]})
    split = any(row["segment"] is not None for row in answer["rows"])
    lines = ["| cohort |" + (" segment |" if split else "") + " users |" + "".join(f" D{n} |" for n in ns)]
    lines.append("|---|" + ("---|" if split else "") + "--:|" * (len(ns) + 1))
    for row in answer["rows"]:
        cells: Cells = {cell["n"]: cell for cell in row["cells"]}
        lines.append(_line(row["cohort"], row["segment"], split, row["size"], [cells.get(n) for n in ns]))
    for segment in dict.fromkeys(row["segment"] for row in answer["rows"]):
        average: Cells = {cell["n"]: cell for cell in answer["average"] if cell["segment"] == segment}
        lines.append(_line("**average**", segment, split, "", [average.get(n) for n in ns]))
    return "\n".join(lines) + "\n"


def _line(
    first: str, segment: str | None, split: bool, size: int | str, cells: list[dict[str, Any] | None]
) -> str:
    named = f" {(segment or '').replace('|', chr(92) + '|')} |" if split else ""
    shown = "".join(f" {_plain(cell)} |" for cell in cells)
    return f"| {first} |{named} {size} |{shown}"


def _plain(cell: dict[str, Any] | None) -> str:
    if cell is None or cell["rate"] is None:
        return "" if cell is None else "-"
    return f"{cell['rate'] * 100:.1f} %" + ("" if cell.get("complete", True) else OPEN)
