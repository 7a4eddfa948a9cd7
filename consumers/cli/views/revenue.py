"""How does money look in a terminal? What was sold, then the lifetime value of each cohort, and how many of it have bought."""

from decimal import Decimal
from typing import Any, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from consumers.cli.console import counted
from consumers.cli.views.parts import (
    NONE,
    OPEN,
    SIZE_WIDTH,
    Answer,
    Asked,
    Line,
    cell_text,
    heat,
    markdown,
    percent,
    sized,
    width_of,
)
from consumers.cli.views.triangle import columns_that_fit, short

_DATE_WIDTH, _SPARE_WIDTH, _CELL_WIDTH = 10, 3, 8
_LETTERS = {"day": "D", "week": "W", "month": "M"}


def rendered(answer: Answer, asked: Asked, width: int, *, shades: bool = True) -> RenderableType:
    """The sum of the range; for each currency a triangle of LTV, and one of conversion."""
    columns = _columns_of(answer, width)
    title = Text(f"{asked['app']}: revenue, {_period(asked)} cohorts by {_cohort(asked)}", style="bold")
    parts: list[RenderableType] = [title, _total(answer["total"])]
    for currency in currencies(answer):
        parts += [Text(""), Text(f"LTV in {currency}: revenue so far per user of the cohort", style="dim")]
        parts.append(
            _triangle(answer, asked, columns, shades, lambda cell, c=currency: _amount(cell["ltv"], c))
        )
        parts += [_projected(one) for one in answer.get("projection") or [] if one["currency"] == currency]
    parts += [Text(""), Text("conversion: share of the cohort that has bought, in %", style="dim")]
    parts.append(_triangle(answer, asked, columns, shades, _conversion))
    return Group(*parts, Text(f"{OPEN} still open, blank not begun", style="dim"))


def currencies(answer: Answer) -> list[str]:
    """The currencies in which somebody paid."""
    found = {*answer["total"]["revenue"]}
    found |= {name for row in answer["rows"] for cell in row["cells"] for name in cell["ltv"]}
    return sorted(found)


class _Columns(NamedTuple):
    """The columns of all tables of a view, and how many characters they take: the tables stand under each other."""

    shown: list[int]
    size_width: int
    cell_width: int


def _columns_of(answer: Answer, width: int) -> _Columns:
    rows = _peopled(answer)
    cells = [cell for row in rows for cell in row["cells"]]
    found = [_amount(cell["ltv"], currency) for currency in currencies(answer) for cell in cells]
    size_width = width_of(map(sized, rows), SIZE_WIDTH)
    cell_width = width_of((text + OPEN for _, text in found), _CELL_WIDTH)
    ns = sorted({cell["n"] for cell in cells})
    fixed = _DATE_WIDTH + size_width + _SPARE_WIDTH
    return _Columns(columns_that_fit(ns, width, fixed, cell_width), size_width, cell_width)


def _peopled(answer: Answer) -> list[dict[str, Any]]:
    return [row for row in answer["rows"] if row["size"]]


def _total(total: dict[str, Any]) -> Text:
    # The tables below follow the cohorts of these days to this day; this line does not.
    text = Text("paid in these days, by users of any cohort: ")
    for currency, amount in sorted(total["revenue"].items()):
        text.append(f"{Decimal(amount):,} {currency}", "bold green").append("   ")
    text.append(f"{counted(total['buyers'], 'buyers')}, {counted(total['purchases'], 'purchases')}, ")
    return text.append(f"{percent(total['repeat_rate'])} bought on two days or more")


def _projected(one: dict[str, Any]) -> Text:
    points = "   ".join(
        f"n={point['n']}: {point['ltv']} ({point['low']} to {point['high']})" for point in one["points"]
    )
    return Text(f"projected LTV   {points}", style="dim")


def _amount(money: dict[str, str], currency: str) -> tuple[float, str]:
    amount = Decimal(money.get(currency, "0"))
    return float(amount), short(amount)


def _conversion(cell: dict[str, Any]) -> tuple[float, str] | None:
    return None if cell["conversion"] is None else (cell["conversion"], percent(cell["conversion"], ""))


def _triangle(answer: Answer, asked: Asked, columns: _Columns, shades: bool, value: Any) -> Table:
    table = Table(box=None, padding=(0, 0), collapse_padding=True, header_style="dim")
    table.add_column("cohort", min_width=_DATE_WIDTH)
    table.add_column("users", justify="right", min_width=columns.size_width)
    letter, width = _LETTERS[_period(asked)], columns.cell_width
    for n in columns.shown:
        table.add_column(f"{letter}{n} ", justify="right", min_width=width, no_wrap=True)
    rows = _peopled(answer)
    top = max((found[0] for row in rows for cell in row["cells"] if (found := value(cell))), default=0) or 1
    for row in rows:
        cells = {cell["n"]: cell for cell in row["cells"]}
        shown = (_cell(cells.get(n), value, top, width, shades) for n in columns.shown)
        table.add_row(row["cohort"], sized(row), *shown)
    return table


def _cell(cell: dict[str, Any] | None, value: Any, top: float, width: int, shades: bool) -> Text:
    found = None if cell is None else value(cell)
    if cell is None or found is None:
        return Text("" if cell is None else f"{NONE} ", style="dim")
    share, text = found[0] / top, found[1] + (" " if cell["complete"] else OPEN)
    return Text(text.rjust(width), style=heat(share) if shades else "bold" if share > 0.6 else "")


def _period(asked: Asked) -> str:
    return asked.get("period") or "day"


def _cohort(asked: Asked) -> str:
    return (asked.get("cohort") or "install").replace("_", " ")


def lines(answer: Answer, asked: Asked) -> list[Line]:
    """A line a cell and currency; a cell without money has one line too."""
    found = []
    for row in answer["rows"]:
        of = {"app": asked["app"], **{name: row[name] for name in ("cohort", "size", "repeat_rate")}}
        for cell in row["cells"]:
            counts = {
                name: cell[name] for name in ("n", "active", "payers", "purchases", "conversion", "complete")
            }
            names: list[str | None] = [*sorted({*cell["revenue"], *cell["ltv"]})] or [None]
            for currency in names:
                money = {name: cell[name].get(currency) for name in ("revenue", "arpu", "arppu", "ltv")}
                found.append({**of, **counts, "currency": currency, **money})
    return found


def as_markdown(answer: Answer, asked: Asked) -> str:
    """A table of LTV for each currency; without any money one of conversion."""
    ns = sorted({cell["n"] for row in answer["rows"] for cell in row["cells"]})
    letter = _LETTERS[_period(asked)]
    tables = []
    found: list[str | None] = [*currencies(answer)]
    for currency in found or [None]:
        rows = []
        for row in answer["rows"]:
            cells = {cell["n"]: cell for cell in row["cells"]}
            line: Line = {
                f"LTV in {currency}" if currency else "conversion": row["cohort"],
                "users": row["size"],
            }
            rows.append(line | {f"{letter}{n}": _plain(cells.get(n), currency) for n in ns})
        tables.append(markdown(rows))
    return "\n".join(tables)


def _plain(cell: dict[str, Any] | None, currency: str | None) -> str:
    if cell is None:
        return ""
    text = percent(cell["conversion"]) if currency is None else cell_text(cell["ltv"].get(currency, "0"))
    return text + ("" if cell["complete"] else OPEN)
