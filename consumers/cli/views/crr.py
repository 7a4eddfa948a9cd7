"""How does loyalty look in a terminal? CRR and churn of one range, and who they are made of."""

from datetime import date, timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from consumers.cli.views.parts import BAR_WIDTH_MAX, BLUE, RED, SOLID, Answer, Asked, Line, Part, bar, number

STAYED, LEFT = Part(0, SOLID, BLUE), Part(0, "░", RED)


def rendered(answer: Answer, asked: Asked, width: int, *, shades: bool = True) -> RenderableType:
    """The rate as a bar, then the sum it comes from."""
    first, last = (date.fromisoformat(answer[name]) for name in ("from", "to"))
    before = first - (last - first) - timedelta(days=1)
    who = asked.get("population") or "users"
    did = "bought" if who == "customers" else "active"
    stayed = answer["ce"] - answer["cn"]
    parts = [STAYED._replace(value=stayed), LEFT._replace(value=answer["cs"] - stayed)]
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", style="bold", no_wrap=True)
    table.add_column(style="dim")
    table.add_row("at the start (CS)", number(answer["cs"]), f"{did} {before} to {first - timedelta(days=1)}")
    table.add_row("  of these stayed", number(stayed), f"{did} {first} to {last}")
    table.add_row(
        "gained (CN)", number(answer["cn"]), f"{answer['new']:,} new, {answer['resurrected']:,} came back"
    )
    table.add_row("at the end (CE)", number(answer["ce"]), f"{did} {first} to {last}")
    return Group(
        Text(f"{asked['app']}: customer retention rate of {who}, {first} to {last}", style="bold"),
        _rate(answer),
        bar(parts, answer["cs"], min(BAR_WIDTH_MAX + 20, width), shades=shades),
        table,
    )


def _rate(answer: Answer) -> Text:
    if answer["crr"] is None:
        why = "nobody was there before" if answer["complete"] else "the range still runs"
        return Text(f"no rate: {why}", style="yellow")
    text = Text("CRR ").append(f"{answer['crr']:.1f} %", "bold green")
    text.append(f" ({answer['low']:.1f} to {answer['high']:.1f})", "dim")
    return text.append("   churn ").append(f"{answer['churn']:.1f} %", "bold red")


def lines(answer: Answer, asked: Asked) -> list[Line]:
    """One line."""
    numbers = {name: value for name, value in answer.items() if name != "known"}
    return [{"app": asked["app"], "population": asked.get("population") or "users", **numbers}]
