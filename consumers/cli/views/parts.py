"""What do all views draw with? Numbers as text, shades, bars, and rows as CSV and Markdown."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rich.text import Text

Answer = dict[str, Any]
Asked = Mapping[str, Any]
Line = dict[str, Any]

OPEN = "~"
SOLID = "█"
BLUE, GREEN, ORANGE = "rgb(66,146,198)", "rgb(65,171,93)", "rgb(241,163,64)"
RED, GREY = "rgb(222,102,84)", "rgb(150,150,150)"
NONE = "-"
BAR_WIDTH_MAX, BAR_WIDTH_MIN = 40, 10
SIZE_WIDTH = 7
_PALE, _DEEP = (232, 243, 252), (8, 81, 156)  # the scale of the heat, as red, green, blue
# Where on that scale white text is read better than black, also in the nearest of 256 colours.
_WHITE_FROM = 0.78


class Part(NamedTuple):
    """One part of a bar; its sign tells it from the others where there are too few colours."""

    value: float
    sign: str
    style: str


def heat(share: float) -> str:
    """The style of a cell: the darker the more of 0..1."""
    share = min(1.0, max(0.0, share))
    red, green, blue = (round(pale + (deep - pale) * share) for pale, deep in zip(_PALE, _DEEP, strict=True))
    return f"{'#ffffff' if share > _WHITE_FROM else '#000000'} on rgb({red},{green},{blue})"


def number(value: float | None) -> str:
    """1,234 or nothing."""
    return NONE if value is None else f"{value:,}"


def sized(row: Mapping[str, Any]) -> str:
    """The size of a cohort, marked while its period runs; a blank otherwise, so that sizes stand under each other."""
    return f"{row['size']:,}" + (" " if row.get("size_complete", True) else OPEN)


def percent(share: float | None, sign: str = " %") -> str:
    """A share of 0..1 in percent."""
    return NONE if share is None else f"{share * 100:.1f}{sign}"


def points(value: float | None) -> str:
    """A difference with its sign."""
    return NONE if value is None else f"{value:+.1f}"


def p_value(p: float | None) -> str:
    """A p value as papers write it."""
    return NONE if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def bar(parts: Sequence[Part], of: float, width: int, *, shades: bool) -> Text:
    """Parts side by side; `of` would fill the width. Ends are rounded where they lie, so that the whole has its length."""
    text, end, value = Text(no_wrap=True), 0, 0.0
    for part in parts:
        value += part.value
        upto = round(value / of * width) if of else 0
        text.append((SOLID if shades else part.sign) * (upto - end), part.style)
        end = upto
    return text


def legend(parts: Mapping[str, Part], more: str, *, shades: bool) -> Text:
    """What the parts of a bar mean, and whatever else there is to say."""
    text = Text()
    for name, part in parts.items():
        text.append(f"{(SOLID if shades else part.sign) * 2} ", part.style).append(f"{name}  ", "dim")
    return text.append(more, "dim")


def width_of(texts: Iterable[str], least: int) -> int:
    """The characters of a column in which none of the texts, set to the right, touches what is left of it."""
    return max(least, 1 + max(map(len, texts), default=0))


def csv_text(lines: Sequence[Line]) -> str:
    """One line a row; nothing is empty, yes and no are true and false. The names are those of the first row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if lines:
        writer.writerow(lines[0])
        writer.writerows([_plain(value) for value in line.values()] for line in lines)
    return text.getvalue()


def _plain(value: Any) -> Any:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else value


def markdown(lines: Sequence[Line]) -> str:
    """The rows as a table; everything but the first column to the right."""
    if not lines:
        return ""
    head = f"| {' | '.join(lines[0])} |\n|---|{'--:|' * (len(lines[0]) - 1)}\n"
    return head + "".join(f"| {' | '.join(map(cell_text, line.values()))} |\n" for line in lines)


def cell_text(value: Any) -> str:
    """A value in a table of text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.4g}"
    return NONE if value is None else str(value).replace("|", "\\|")
