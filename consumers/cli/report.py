"""What do the numbers say? Every view of them in the terminal, asked of the HTTP API."""

import io
import json
import re
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from consumers.cli import report_options as options
from consumers.cli.asking import asked_of, conditions
from consumers.cli.console import counted, err, out, printable
from consumers.cli.nobody import nothing_counted, since_active, since_somebody, why_nobody
from consumers.cli.views import VIEWS, View
from consumers.cli.views.parts import Asked
from consumers.settings import load
from stream.retention.days import iso, zone

SVG_WIDTH = 100
RETENTION, ACTIVE = "retention", "active"
# By period: the largest n of a triangle, and how many days before the last cohort its first one is, so that n shows.
# The live page begins there too (consumers/api/page/questions.js): one question has one answer.
REACH = {"hour": (24, 1), "day": (30, 35), "week": (8, 83), "month": (6, 364)}


def report(
    view: options.ViewName = RETENTION,
    app: options.App = "demo",
    from_: options.From = None,
    to: options.To = None,
    period: options.Period = None,
    week_start: options.WeekStart = None,
    periods: options.Periods = None,
    cohort: options.Cohort = None,
    return_: options.Return = None,
    criterion: options.Criterion = None,
    brackets: options.Brackets = None,
    window: options.Window = None,
    preset: options.Preset = None,
    where: options.Where = None,
    breakdown: options.Breakdown = None,
    limit: options.Limit = None,
    as_of: options.AsOf = None,
    population: options.Population = None,
    dimension: options.Dimension = None,
    a: options.A = None,
    b: options.B = None,
    variants: options.Variants = None,
    day: options.Day = None,
    ratio: options.Ratio = None,
    by: options.By = None,
    as_csv: options.AsCsv = False,
    as_json: options.AsJson = False,
    as_markdown: options.AsMarkdown = False,
    svg: options.Svg = None,
    url: options.Url = None,
) -> None:
    """Show the numbers. Without a view the retention triangle: cohorts down, days since across, the darker the more came back.

    Open cells are marked ~, cells that have not begun are blank. Narrow terminals get fewer columns.

    Examples:

        retention report --app game --from 2026-11-01 --to 2026-11-14
        retention report --where platform:ios --where country:VN --criterion on_or_after
        retention report --breakdown variant --markdown
        retention report active --period week
        retention report crr --from 2026-11-01 --to 2026-11-14 --population customers
        retention report revenue --cohort first_purchase
        retention report compare --a A --b B --day 7
        retention report feedback --by cohort
    """
    asked = {
        "app": app, "from": from_, "to": to, "period": period, "week_start": week_start, "periods": periods, "cohort": cohort,
        "return": return_, "criterion": criterion, "brackets": brackets, "window": window, "preset": preset,
        "where": conditions(where or []), "breakdown": breakdown, "limit": limit, "as_of": as_of, "population": population,
        "dimension": dimension, "a": a, "b": b, "variants": variants, "day": day, "ratio": ratio, "by": by,
    }  # fmt: skip
    if as_csv + as_json + as_markdown > 1:
        raise typer.BadParameter("choose one of --csv, --json, --markdown")
    if view not in VIEWS:
        raise typer.BadParameter(f"{view!r} is unknown; choose one of {', '.join(VIEWS)}", param_hint="VIEW")
    form = "json" if as_json else "csv" if as_csv else "markdown" if as_markdown else "terminal"
    if view == RETENTION:
        _triangle(asked, form, svg, url)
    elif view == ACTIVE:
        _active(asked, form, svg, url)
    else:
        _told(VIEWS[view], asked_of(url, f"/api/v1/{view}", asked), asked, form, svg, url)


def _triangle(said: dict[str, Any], form: str, svg: Path | None, url: str | None) -> None:
    """The triangle; to people without the cohorts before the first user, where they did not ask for these."""
    asked = said | _reach(said)
    answer = asked_of(url, f"/api/v1/{RETENTION}", asked)
    is_known = answer["known"]
    to_fit = is_known and form == "terminal" and said["from"] is None
    if is_known and not any(row["size"] for row in answer["rows"]):
        err.print(
            escape(printable(why_nobody(answer, asked, url, is_from_said=said["from"] is not None))),
            soft_wrap=True,
        )
        if to_fit and not svg:
            return
    elif to_fit:
        answer, without = since_somebody(answer)
        if without:
            _left_out(without, answer["period"], "before the first user", asked["from"])
    _told(VIEWS[RETENTION], answer, asked, form, svg, url)


def _active(asked: dict[str, Any], form: str, svg: Path | None, url: str | None) -> None:
    """Actives; to people without the periods before somebody was there, where they did not ask for these."""
    answer = asked_of(url, f"/api/v1/{ACTIVE}", asked)
    if answer["known"] and form == "terminal" and asked["from"] is None and answer["rows"]:
        first, last = (answer["rows"][at]["date"] for at in (0, -1))
        found, without = since_active(answer)
        if not found["rows"]:
            nobody = f"nobody of app {asked['app']} was active from {first} to {last}"
            err.print(escape(printable(nobody)), soft_wrap=True)
            if not svg:
                return
        elif without:
            _left_out(without, asked["period"] or "day", "without anybody at the beginning", first)
            answer = found
    _told(VIEWS[ACTIVE], answer, asked, form, svg, url)


def _left_out(without: int, period: str, which: str, first: str) -> None:
    what = counted(without, f"{period}s")
    err.print(f"{what} {which} left out; --from {first} shows all", soft_wrap=True)


def _told(
    view: View, answer: dict[str, Any], asked: Asked, form: str, svg: Path | None, url: str | None
) -> None:
    """Print the answer; to people of an app that is not known only that."""
    if not answer["known"]:
        err.print(escape(printable(nothing_counted(asked["app"], url))), soft_wrap=True)
        if form == "terminal" and not svg:
            return
    show(view, answer, asked, form)
    if svg:
        draw(view, answer, asked, svg)
        err.print(f"picture in {svg}", soft_wrap=True)


def show(view: View, answer: dict[str, Any], asked: Asked, form: str) -> None:
    """Print an answer in the form that was asked for."""
    if form == "json":
        print(json.dumps(answer, indent=1))
    elif form == "csv":
        print(view.as_csv(answer, asked), end="")
    elif form == "markdown":
        print(view.as_markdown(printable(answer), printable(asked)), end="")
    else:
        shades = out.color_system in ("256", "truecolor")  # the nearest of 16 colours would be the wrong ones
        out.print(view.rendered(printable(answer), printable(asked), out.width, shades=shades))


def _reach(asked: Asked) -> dict[str, Any]:
    """The first cohort and the largest n of a triangle, where they were not said."""
    periods, back = REACH.get(asked["period"] or "day", REACH["day"])
    last = asked["to"] or (asked["as_of"] or "")[:10] or _today(asked["app"])
    first = asked["from"] or first_cohort(last, back)
    if asked["periods"] is not None or asked["brackets"]:
        return {"from": first}
    return {"from": first, "periods": periods}


def _today(app: str) -> str:
    return iso(zone(load().zone_name(app)).day(time.time_ns() // 1_000_000))


def first_cohort(last: str, days_back: int = REACH["day"][1]) -> str | None:
    """The default of --from: so long before the last cohort that the largest n can be seen."""
    try:
        return (date.fromisoformat(last) - timedelta(days=days_back)).isoformat()
    except (ValueError, OverflowError):
        return None  # the API says what is wrong with the date


def draw(view: View, answer: dict[str, Any], asked: Asked, file: Path) -> None:
    """The coloured table as an SVG picture."""
    canvas = Console(
        record=True, width=SVG_WIDTH, file=io.StringIO(), color_system="truecolor", force_terminal=True, highlight=False
    )  # fmt: skip
    canvas.print(view.rendered(printable(answer), printable(asked), SVG_WIDTH))
    picture = canvas.export_svg(title=f"retention report --app {asked['app']}")
    # No web fonts: whoever opens the picture should ask nobody for anything.
    file.write_text(re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL))
