"""How does a comparison look in a terminal? Each variant with its rate and interval, then what the difference says."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from consumers.cli.views.parts import (
    BAR_WIDTH_MAX,
    BLUE,
    NONE,
    Answer,
    Asked,
    Line,
    number,
    p_value,
    percent,
    points,
)

_DAY = "7"
_SURE_BELOW = 0.05
_NUMBERS_WIDTH, _LINE_WIDTH_MIN = 44, 12


def rendered(answer: Answer, asked: Asked, width: int, *, shades: bool = True) -> RenderableType:
    """The variants, their differences, and the warning where there is one."""
    day, dimension = asked.get("day") or _DAY, asked.get("dimension") or "variant"
    what = (asked.get("return") or "session").replace("_", " ")
    parts: list[RenderableType] = [
        Text(f"{asked['app']}: {what} on day {day} by {dimension}", style="bold"),
        _variants(_sides(answer, asked), dimension, width),
        Text(""),
        *(_verdict(pair) for pair in _pairs(answer, asked)),
    ]
    if answer["warning"]:
        parts.append(Text(f"warning: {answer['warning']['detail']}", style="yellow"))
    return Group(*parts)


def _sides(answer: Answer, asked: Asked) -> list[dict[str, Any]]:
    if "variants" in answer:
        return list(answer["variants"])
    return [{"variant": asked[side], **answer[side]} for side in ("a", "b")]


def _pairs(answer: Answer, asked: Asked) -> list[dict[str, Any]]:
    if "pairs" in answer:
        return list(answer["pairs"])
    names = ("difference", "low", "high", "z", "p")
    return [{"a": asked["a"], "b": asked["b"], **{name: answer[name] for name in names}}]


def _variants(sides: list[dict[str, Any]], dimension: str, width: int) -> Table:
    """A row a variant; the intervals are drawn on one scale, where there is room for it."""
    name_width = max(len(dimension), width // 4)
    longest = max(len(dimension), *(len(side["variant"]) for side in sides))
    room = min(BAR_WIDTH_MAX, width - _NUMBERS_WIDTH - min(longest, name_width))
    low = min((side["low"] for side in sides if side["size"]), default=0)
    high = max((side["high"] for side in sides if side["size"]), default=1)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(dimension, overflow="fold", max_width=name_width)
    for name in ("users", "back", "rate", "95 %"):
        table.add_column(name, justify="right", no_wrap=True)
    if room >= _LINE_WIDTH_MIN:
        table.add_column(f"{low * 100:.0f} to {high * 100:.0f} %", width=room, no_wrap=True)
    for side in sides:
        cells: list[str | Text] = [side["variant"], number(side["size"]), number(side["users"])]
        cells += [percent(side["rate"]), _limits(side)]
        table.add_row(*cells, *([_interval(side, low, high, room)] if room >= _LINE_WIDTH_MIN else []))
    return table


def _limits(side: dict[str, Any]) -> str:
    return NONE if not side["size"] else f"{percent(side['low'], '')} to {percent(side['high'], '')}"


def _interval(side: dict[str, Any], low: float, high: float, width: int) -> Text:
    """The interval as a line with the rate as a point on it."""
    if side["rate"] is None:
        return Text("")
    scale = (width - 1) / ((high - low) or 1)
    first, point, last = (round((side[name] - low) * scale) for name in ("low", "rate", "high"))
    line = ["━" if first <= at <= last else " " for at in range(width)]
    line[point] = "●"
    return Text("".join(line), style=BLUE)


def _verdict(pair: dict[str, Any]) -> Text:
    text = Text(f"{pair['b']} - {pair['a']}: ")
    if pair["difference"] is None:
        return text.append("nobody to compare yet", "yellow")
    text.append(f"{points(pair['difference'] * 100)} points", "bold")
    text.append(f" ({points(pair['low'] * 100)} to {points(pair['high'] * 100)})", "dim")
    corrected = ", corrected for the number of pairs" if "p_raw" in pair else ""
    text.append(
        f", p {'' if pair['p'] is not None and pair['p'] < 0.001 else '= '}{p_value(pair['p'])}{corrected}: "
    )
    if pair["p"] is None or pair["p"] >= _SURE_BELOW:
        return text.append("may well be chance", "yellow")
    return text.append("hardly chance", "green")


def lines(answer: Answer, asked: Asked) -> list[Line]:
    """A line a pair, with both sides."""
    sides = {side["variant"]: side for side in _sides(answer, asked)}
    return [
        {
            "app": asked["app"],
            "a": pair["a"],
            "b": pair["b"],
            **{
                f"{side}_{name}": sides[pair[side]][name]
                for side in "ab"
                for name in ("size", "users", "rate", "low", "high")
            },
            **{name: value for name, value in pair.items() if name not in ("a", "b")},
        }
        for pair in _pairs(answer, asked)
    ]


def short_lines(answer: Answer, asked: Asked) -> list[Line]:
    """The columns of the Markdown table: a row a variant, the differences to the first beside it."""
    pairs = {(pair["a"], pair["b"]): pair for pair in _pairs(answer, asked)}
    sides = _sides(answer, asked)
    found = []
    for side in sides:
        pair = pairs.get((sides[0]["variant"], side["variant"]), {})
        rates = {name: percent(side[name]) for name in ("rate", "low", "high")}
        against = {"difference": percent(pair.get("difference")), "p": p_value(pair.get("p"))}
        found.append(
            {"variant": side["variant"], "users": side["size"], "back": side["users"], **rates, **against}
        )
    return found
