"""Which options does `retention report` have? Each parameter of the API once, and what is said of it."""

from pathlib import Path
from typing import Annotated

import typer

from consumers.cli.views import VIEWS

_SHOWN = "; ".join(f"{name}: {view.shows}" for name, view in VIEWS.items())

ViewName = Annotated[
    str, typer.Argument(metavar="[VIEW]", help=f"What to show. {_SHOWN}.", show_default=False)
]
App = Annotated[str, typer.Option(help="Which app.")]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="DATE",
        help="First date; of retention by default early enough that D30 shows. Of it and active not before somebody was there.",
    ),
]
To = Annotated[
    str | None, typer.Option("--to", metavar="DATE", help="Last date; default today, of crr yesterday.")
]
Period = Annotated[str | None, typer.Option(help="day (default), week or month; of retention hour too.")]
WeekStart = Annotated[str | None, typer.Option(help="monday (default) or sunday.")]
Periods = Annotated[int | None, typer.Option(help="Largest n; of retention by default 30 days.", min=0)]
Cohort = Annotated[
    str | None, typer.Option(help="install (default), first_seen, first_purchase, session or purchase.")
]
Return = Annotated[str | None, typer.Option("--return", help="session (default), purchase, any or revenue.")]
Criterion = Annotated[str | None, typer.Option(help="on (default), on_or_after or up_to.")]
Brackets = Annotated[str | None, typer.Option(help="Several periods as one column: 1-3,4-7.")]
Window = Annotated[
    str | None, typer.Option(help="calendar (default), or elapsed: 24 hours from each user's start.")
]
Preset = Annotated[
    str | None, typer.Option(help="Count as another product does: amplitude, mixpanel, posthog, ...")
]
Where = Annotated[
    list[str] | None,
    typer.Option(help="Only users with this value; all must hold.", metavar="NAME:VALUE"),
]
Breakdown = Annotated[str | None, typer.Option(help="One triangle for each value of this dimension.")]
Limit = Annotated[int | None, typer.Option(help="So many values of the breakdown; the rest is other.", min=1)]
AsOf = Annotated[str | None, typer.Option(help="As it was known of at this time.", metavar="TIME")]
Population = Annotated[str | None, typer.Option(help="crr: users (default), or customers who bought.")]
Dimension = Annotated[str | None, typer.Option(help="compare: whose values; default variant.")]
A = Annotated[str | None, typer.Option("--a", help="compare: one value.", metavar="VALUE")]
B = Annotated[
    str | None, typer.Option("--b", help="compare: the other; the difference is b - a.", metavar="VALUE")
]
Variants = Annotated[
    str | None, typer.Option(help="compare: several values instead, each against each.", metavar="A,B,C")
]
Day = Annotated[int | None, typer.Option(help="compare: on which day they shall be back; default 7.", min=0)]
Ratio = Annotated[
    str | None, typer.Option(help="compare: how users are split, as in 50:50; default equally.")
]
By = Annotated[str | None, typer.Option(help="feedback: rows by day (default) or by cohort.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="One line a row or cell, full precision.")]
AsJson = Annotated[bool, typer.Option("--json", help="The API's answer.")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="A table for a README or an issue.")]
Svg = Annotated[Path | None, typer.Option(help="Write the picture of the table to a file as well.")]
Url = Annotated[
    str | None,
    typer.Option(help="Base URL of the API; default the running `retention up`, else the settings."),
]
