"""How does a triangle look in a terminal, and as CSV or Markdown? Renders the answer of /api/v1/retention.

A cell that is still open is marked (`~`), one that cannot be known yet is blank; colours follow the rate, or the money per user.
Where the terminal is narrow, columns are left out: the first ones stay, the later ones get sparser, so that the table never breaks.
"""

from decimal import Decimal
from typing import Any, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from consumers.cli.views.parts import OPEN, SIZE_WIDTH, Answer, Asked, Line, csv_text, heat, sized, width_of

_DATE_WIDTH, _SPARE_WIDTH, _CELL_WIDTH, _MONEY_WIDTH = 10, 3, 6, 9
_PREFERRED = (0, 1, 3, 7, 14, 30, 2, 5, 10, 21, 60, 90, 4, 6, 28, 45, 120, 180, 365)
_LETTERS = {"hour": "H", "day": "D", "week": "W", "month": "M"}

Cell = dict[str, Any]
Cells = dict[str, Cell]


class Measure(NamedTuple):
    """What the cells of one table show: the rate, or the money of one currency."""

    currency: str | None = None
    top: float = 1.0  # the largest value of all cells after the first
    shades: bool = True
    width: int = _CELL_WIDTH  # with the blank before the widest of them

    def value(self, cell: Cell, size: int) -> float | None:
        """What the shade follows."""
        if not self.currency:
            return None if cell["rate"] is None else float(cell["rate"])
        return float(self.amount(cell)) / size if size else None

    def amount(self, cell: Cell) -> Decimal:
        """The money of a cell."""
        return Decimal(cell["revenue"].get(self.currency, "0"))

    def text(self, cell: Cell) -> str:
        """The cell without its mark."""
        if self.currency:
            return short(self.amount(cell))
        return "-" if cell["rate"] is None else _percent(cell["rate"])


def columns_that_fit(ns: list[int], width: int, fixed: int = 20, cell: int = _CELL_WIDTH) -> list[int]:
    """The periods that get a column in a terminal of so many characters: all, or the most telling ones."""
    room = max(1, (width - fixed) // cell)
    if len(ns) <= room:
        return ns
    order = [n for n in _PREFERRED if n in ns] + [n for n in ns if n not in _PREFERRED]
    return sorted(order[:room])


def rendered(answer: Answer, asked: Asked, width: int, *, shades: bool = True) -> RenderableType:
    """One table a segment (and currency), each with its average; without `shades`, for terminals of few colours, bold or dim."""
    segments = list(dict.fromkeys(row["segment"] for row in answer["rows"]))
    if not segments:
        return Text("no cohorts in this range")
    measures = [_measure(answer, currency, shades) for currency in _currencies(answer)]
    columns = _columns(answer)
    shown = _fitting(answer, columns, width, max(measure.width for measure in measures))
    tables: list[RenderableType] = []
    for segment in segments:
        for measure in measures:
            title = Text(_title(answer, segment, measure), style="bold")
            tables += [title, _table(answer, segment, shown, measure), Text("")]
    hidden = f"; {len(columns) - len(shown)} columns left out for width" if len(shown) < len(columns) else ""
    return Group(*tables[:-1], Text(f"{OPEN} still open, blank not begun{hidden}", style="dim"))


def short(amount: Decimal) -> str:
    """An amount in few characters: 12.34, 1,234, 56.8k, 1.2M."""
    for unit, sign in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if abs(amount) >= unit:
            return f"{amount / (1000 if sign == 'k' else unit):.1f}{sign}"
    return f"{amount:,}" if abs(amount) < 1000 else f"{amount:,.0f}"


def _key(cell: Cell) -> str:
    return str(cell.get("label") or cell["n"])


def _columns(answer: Answer) -> list[str]:
    """The columns of all rows, in their order: longer rows go on where shorter ones end."""
    return list(
        dict.fromkeys(
            _key(cell)
            for row in sorted(answer["rows"], key=lambda row: -len(row["cells"]))
            for cell in row["cells"]
        )
    )


def _fitting(answer: Answer, columns: list[str], width: int, cell: int) -> list[str]:
    dates = max([_DATE_WIDTH, *(len(row["cohort"]) for row in answer["rows"])])
    fixed = dates + _size_width(answer) + _SPARE_WIDTH
    if all(column.isdigit() for column in columns):
        return [str(n) for n in columns_that_fit([int(column) for column in columns], width, fixed, cell)]
    return columns[: max(1, (width - fixed) // cell)]


def _size_width(answer: Answer) -> int:
    return width_of(map(sized, answer["rows"]), SIZE_WIDTH)


def _currencies(answer: Answer) -> list[str | None]:
    """The currencies of an answer about revenue; else the one table of rates."""
    if answer["return"] != "revenue":
        return [None]
    found = {name for row in answer["rows"] for cell in row["cells"] for name in cell["revenue"]}
    return [*sorted(found)] or [None]


def _measure(answer: Answer, currency: str | None, shades: bool) -> Measure:
    measure = Measure(currency, shades=shades)
    first = 0 if currency else 1  # cell 0 of a rate is everybody
    values = [
        measure.value(cell, row["size"]) or 0
        for row in answer["rows"]
        for cell in row["cells"]
        if cell["n"] >= first
    ]
    cells = [cell for row in (*answer["rows"], {"cells": answer["average"]}) for cell in row["cells"]]
    width = width_of((measure.text(cell) + OPEN for cell in cells), _MONEY_WIDTH if currency else _CELL_WIDTH)
    return measure._replace(top=max(values, default=0) or 1, width=width)


def _title(answer: Answer, segment: str | None, measure: Measure) -> str:
    who = answer["app"] if segment is None else f"{answer['app']}, {segment}"
    what = f"{answer['return']} in {measure.currency}" if measure.currency else answer["return"]
    criterion = f"{answer['criterion'].replace('_', ' ')} {answer['period']} n"
    if answer["window"] == "elapsed":
        criterion += ", elapsed"
    return f"{who}: {answer['cohort'].replace('_', ' ')} cohorts, {what} {criterion} ({answer['timezone']})"


def _table(answer: Answer, segment: str | None, shown: list[str], measure: Measure) -> Table:
    table = Table(box=None, padding=(0, 0), collapse_padding=True, header_style="dim")
    table.add_column("cohort", min_width=_DATE_WIDTH)
    table.add_column("users", justify="right", min_width=_size_width(answer))
    letter = _LETTERS[answer["period"]]
    for column in shown:
        table.add_column(f"{letter}{column} ", justify="right", min_width=measure.width, no_wrap=True)
    for row in answer["rows"]:
        if row["segment"] == segment:
            cells: Cells = {_key(cell): cell for cell in row["cells"]}
            found = (_cell(cells.get(key), row["size"], measure) for key in shown)
            table.add_row(row["cohort"], sized(row), *found)
    average: Cells = {_key(cell): cell for cell in answer["average"] if cell["segment"] == segment}
    if average:
        table.add_section()
        last = [
            _cell(cell, cell["size"], measure) if (cell := average.get(key)) else Text("") for key in shown
        ]
        table.add_row(Text("all" if measure.currency else "average", style="bold"), "", *last)
    return table


def _cell(cell: Cell | None, size: int, measure: Measure) -> Text:
    if cell is None:
        return Text("")
    value = measure.value(cell, size)
    if value is None:
        return Text("- ", style="dim")
    complete = cell.get("complete", True)
    text = measure.text(cell) + (" " if complete else OPEN)
    if not cell["n"] and not measure.currency:
        return Text(text, style="dim")
    style = heat(value / measure.top) if measure.shades else _weight(value / measure.top)
    return Text(text.rjust(measure.width), style=style + ("" if complete else " italic"))


def _percent(rate: float) -> str:
    return "100%" if rate == 1 else f"{rate * 100:.1f}"


def _weight(share: float) -> str:
    return "bold" if share >= 0.6 else "dim" if share < 0.2 else "not bold"


def lines(answer: Answer) -> list[Line]:
    """A line a cell; with brackets its label, about revenue a line a currency."""
    found = []
    labelled = any("label" in cell for row in answer["rows"] for cell in row["cells"])
    for row in answer["rows"]:
        of = {"app": answer["app"], **{name: row[name] for name in ("cohort", "segment", "size")}}
        for cell in row["cells"]:
            line = of | {"n": cell["n"]} | ({"label": cell["label"]} if labelled else {})
            line |= {name: cell[name] for name in ("users", "rate", "low", "high", "complete")}
            if answer["return"] != "revenue":
                found.append(line)
                continue
            money = cell["revenue"] or {None: None}
            found += [line | {"currency": name, "revenue": amount} for name, amount in money.items()]
    return found


def as_csv(answer: Answer, asked: Asked) -> str:
    """The lines; the head also where there are none."""
    head = "app,cohort,segment,size,n,users,rate,low,high,complete\n"
    return csv_text(lines(answer)) or head


def as_markdown(answer: Answer, asked: Asked) -> str:
    """A table of rates (or money), open cells marked, average last; one for each currency."""
    return "\n".join(_markdown(answer, Measure(currency)) for currency in _currencies(answer))


def _markdown(answer: Answer, measure: Measure) -> str:
    keys = _columns(answer)
    split = any(row["segment"] is not None for row in answer["rows"])
    names = "".join(f" {_LETTERS[answer['period']]}{key} |" for key in keys)
    first = "cohort" if measure.currency is None else f"cohort ({measure.currency})"
    written = [f"| {first} |" + (" segment |" if split else "") + " users |" + names]
    written.append("|---|" + ("---|" if split else "") + "--:|" * (len(keys) + 1))
    for row in answer["rows"]:
        cells: Cells = {_key(cell): cell for cell in row["cells"]}
        shown = "".join(f" {_plain(cells.get(key), measure)} |" for key in keys)
        written.append(f"| {row['cohort']} |{_named(row['segment'], split)} {row['size']} |{shown}")
    for segment in dict.fromkeys(row["segment"] for row in answer["rows"]):
        average: Cells = {_key(cell): cell for cell in answer["average"] if cell["segment"] == segment}
        shown = "".join(f" {_plain(average.get(key), measure)} |" for key in keys)
        last = "all" if measure.currency else "average"
        written.append(f"| **{last}** |{_named(segment, split)}  |{shown}")
    return "\n".join(written) + "\n"


def _named(segment: str | None, split: bool) -> str:
    return f" {(segment or '').replace('|', chr(92) + '|')} |" if split else ""


def _plain(cell: Cell | None, measure: Measure) -> str:
    if cell is None or cell["rate"] is None:
        return "" if cell is None else "-"
    text = f"{measure.amount(cell):,}" if measure.currency else f"{cell['rate'] * 100:.1f} %"
    return text + ("" if cell.get("complete", True) else OPEN)
