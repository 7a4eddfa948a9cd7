"""What is the retention? The triangle in the terminal, asked of the HTTP API."""

import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import typer
from rich.console import Console

from consumers.cli import triangle
from consumers.cli.console import err, out
from consumers.settings import Settings, load, running

TIMEOUT_SECONDS = 60
# Parameters of the API that are options here, `_` for `-`.
OPTIONS = (
    *("app", "from", "to", "periods", "cohort", "return", "criterion"),
    *("where", "breakdown", "limit", "as_of"),
)
SVG_WIDTH = 100
COHORTS_BACK = 35


def report(
    app: Annotated[str, typer.Option(help="Which app.")] = "demo",
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", help="First cohort; default 35 days before the last, so that D30 shows.", metavar="DATE"
        ),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Last cohort; default today.", metavar="DATE")
    ] = None,
    periods: Annotated[int, typer.Option(help="Largest n.", min=0)] = 30,
    cohort: Annotated[str | None, typer.Option(help="install (default), first_seen or session.")] = None,
    return_: Annotated[str | None, typer.Option("--return", help="session (default) or any.")] = None,
    criterion: Annotated[str | None, typer.Option(help="on (default) or on_or_after.")] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help="Only users with this value; all must hold.", metavar="NAME:VALUE"),
    ] = None,
    breakdown: Annotated[
        str | None, typer.Option(help="One triangle for each value of this dimension.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="So many values of the breakdown; the rest is other.", min=1)
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="As it was known of at this time.", metavar="TIME")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="One line a cell.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The API's answer.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="A table for a README or an issue.")
    ] = False,
    svg: Annotated[
        Path | None, typer.Option(help="Write the picture of the table to a file as well.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="Base URL of the API; default the running `retention up`, else the settings."),
    ] = None,
) -> None:
    """Show the retention triangle: cohorts down, days since across, the darker the more came back.

    Open cells are marked ~, cells that have not begun are blank. Narrow terminals get fewer columns.

    Examples:

        retention report --app game --from 2026-11-01 --to 2026-11-14
        retention report --where platform:ios --where country:VN --criterion on_or_after
        retention report --breakdown variant --markdown
    """
    if as_csv + as_json + as_markdown > 1:
        raise typer.BadParameter("choose one of --csv, --json, --markdown")
    first = from_ or first_cohort(to or (as_of or "")[:10])
    asked = {
        "app": app, "from": first, "to": to, "periods": periods, "cohort": cohort, "return": return_, "criterion": criterion,
        "where": conditions(where or []), "breakdown": breakdown, "limit": limit, "as_of": as_of,
    }  # fmt: skip
    query = urlencode({name: value for name, value in asked.items() if value not in (None, "")})
    base = base_url(load()) if url is None else _checked(url)
    answer = fetched(f"{base}/api/v1/retention?{query}")
    if not any(row["size"] for row in answer["rows"]):
        err.print(f"no users of app {app} in these days" + (" with this --where" if where else ""))
    show(answer, as_json=as_json, as_csv=as_csv, as_markdown=as_markdown)
    if svg:
        draw(answer, svg)
        err.print(f"picture in {svg}", soft_wrap=True)


def show(answer: dict[str, Any], *, as_json: bool, as_csv: bool, as_markdown: bool) -> None:
    """Print an answer in the form that was asked for."""
    if as_json:
        print(json.dumps(answer, indent=1))
    elif as_csv:
        print(triangle.as_csv(answer), end="")
    elif as_markdown:
        print(triangle.as_markdown(answer), end="")
    else:
        shades = out.color_system in ("256", "truecolor")  # the nearest of 16 colours would be the wrong ones
        out.print(triangle.rendered(answer, out.width, shades=shades))


def first_cohort(last: str) -> str | None:
    """The default of --from: so long before the last cohort, else before today, that D30 can be seen."""
    try:
        day = date.fromisoformat(last) if last else datetime.now(UTC).date()
        return (day - timedelta(days=COHORTS_BACK)).isoformat()
    except (ValueError, OverflowError):
        return None  # the API says what is wrong with the date


def _checked(url: str) -> str:
    if not re.match(r"https?://[^/\s]+", url):
        raise typer.BadParameter(
            f"{url!r} is no URL: write it like http://127.0.0.1:8080", param_hint="--url"
        )
    return url.rstrip("/")


def draw(answer: dict[str, Any], file: Path) -> None:
    """The coloured table as an SVG picture."""
    nowhere = io.StringIO()
    canvas = Console(
        record=True,
        width=SVG_WIDTH,
        file=nowhere,
        color_system="truecolor",
        force_terminal=True,
        highlight=False,
    )
    canvas.print(triangle.rendered(answer, SVG_WIDTH))
    picture = canvas.export_svg(title=f"retention report --app {answer['app']}")
    # No web fonts: whoever opens the picture should ask nobody for anything.
    file.write_text(re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL))


def conditions(where: list[str]) -> str:
    """The `where` parameter: values percent-encoded inside, so that a comma or colon in one is part of it."""
    parts = []
    for one in where:
        name, colon, value = one.partition(":")
        if not colon or not name or not value:
            raise typer.BadParameter(f"{one!r} is not NAME:VALUE", param_hint="--where")
        parts.append(f"{name}:{quote(value, safe='')}")
    return ",".join(parts)


def base_url(settings: Settings) -> str:
    """Where the API is: the running `retention up` of the data directory, else RETENTION_HTTP_HOST and _PORT."""
    said = running(settings.data_dir).get("http")
    host = "127.0.0.1" if settings.http_host in ("0.0.0.0", "::") else settings.http_host  # noqa: S104 compared, not bound
    return (said or f"http://{host}:{settings.http_port}").rstrip("/")


def fetched(url: str) -> dict[str, Any]:
    """The JSON answer of a URL; ValueError with the API's own sentence when it refuses."""
    request = Request(url, headers={"Accept": "application/json"})  # noqa: S310 the scheme is ours or the user's own
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310
            return dict(json.load(response))
    except HTTPError as error:
        if error.code == HTTPStatus.BAD_REQUEST:
            raise _usage(_detail(error)) from None
        raise ValueError(_detail(error)) from None
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        base = url.split("/api/")[0]
        raise ValueError(
            f"no answer from {base} ({reason}); start `retention up` or `retention api`, or give --url"
        ) from None


def _usage(detail: str) -> typer.BadParameter:
    """What the API says of a parameter, said of the option that gave it."""
    named = re.match(rf"({'|'.join(OPTIONS)})(=|: )", detail)
    if named is None:
        return typer.BadParameter(detail)
    return typer.BadParameter(detail[named.end() :], param_hint=f"--{named[1].replace('_', '-')}")


def _detail(error: HTTPError) -> str:
    try:
        problem = json.loads(error.read())
        return str(problem.get("detail") or problem["title"])
    except (ValueError, KeyError, AttributeError):
        return f"the API answered {error.code} {error.reason}"
