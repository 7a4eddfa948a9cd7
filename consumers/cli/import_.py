"""How do events get in from a file? Rows of NDJSON or CSV, through Kafka, acknowledged."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from consumers.cli.console import await_, check_writable, settings
from consumers.cli.import_job import Job
from stream.events.schema import APP_ID

MAP_HELP = "Event field = column of the file, comma-separated or repeated: user_id=userid,timestamp=eventDate,type=eventName."
TYPE_HELP = (
    "Value of the type column = install, session, purchase, feedback or identity; "
    "empty leaves such rows out: newPlayer=install,tick=."
)


def import_(
    file: Annotated[
        str, typer.Argument(help="NDJSON or CSV, plain or gzip; - is standard input.", metavar="FILE")
    ],
    app: Annotated[str | None, typer.Option(help="App of the rows that do not name one.")] = None,
    map_: Annotated[list[str] | None, typer.Option("--map", help=MAP_HELP, metavar="FIELD=COLUMN")] = None,
    map_type: Annotated[list[str] | None, typer.Option(help=TYPE_HELP, metavar="VALUE=TYPE")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Type of the rows that do not say one.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Field = value for rows without it.", metavar="FIELD=VALUE"),
    ] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="csv or ndjson; by default the name or the content says.")
    ] = None,
    delimiter: Annotated[str, typer.Option(help="Between the columns of a CSV; \\t is a tab.")] = ",",
    rejects: Annotated[
        Path | None, typer.Option(help="Gets every row that was not sent: line number, tab, reason.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Return only when the workers have counted everything.")
    ] = False,
    revisions: Annotated[
        bool,
        typer.Option(
            "--revisions/--no-revisions", help="Whether changes of complete cells go to topic revisions."
        ),
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row, send nothing.")] = False,
) -> None:
    """Import events from a file; returns once Kafka has acknowledged all of them.

    A row needs user_id, timestamp, a type (session, install, ...) and an app; other columns keep their names (platform,
    country, amount, ...). A date without time is its first instant in the app's zone, a time without offset is local there.
    A row without event_id gets a hash of the row and of how often that row came before: a second import, or a shuffled one,
    changes nothing.

    A row that cannot become an event is named with its line and is not sent; the others are, and the exit code is then 1.
    So it is with --wait where the workers could not count what was sent; the reasons are said.

    Rows of a pipe are sent as they come. Ctrl-C ends the import once Kafka has acknowledged what was read, and says how much.

    Examples:

        retention import events.ndjson.gz --wait
        retention import players.csv --app game \\
            --map user_id=userid,timestamp=eventDate,type=eventName --map-type newPlayer=install,gameStarted=session
        zcat purchases.csv.gz | retention import - --app shop --type purchase --set currency=USD
    """
    from consumers.importer import Columns
    from stream.events.schema import NO_REVISIONS

    constants = dict(_pairs(set_, "--set"))
    if app is not None:
        if not APP_ID.fullmatch(app):
            raise typer.BadParameter(f"{app!r} is no app id: use [a-z0-9][a-z0-9_-]*", param_hint="--app")
        constants["app_id"] = app
    if type_ is not None:
        constants["type"] = type_
    delimiter = _delimiter(format_, delimiter)
    check_writable(rejects, "--rejects")
    types = {value: kind or None for value, kind in _pairs(map_type, "--map-type")}
    _check_kinds(
        [*[("--type", type_)] * (type_ not in types), *(("--map-type", one) for one in types.values())]
    )
    columns = Columns(fields=dict(_pairs(map_, "--map")), types=types, constants=constants)
    found = settings(*([] if dry_run else ["kafka"]), *(["redis_url"] if wait else []))
    headers = () if revisions else (NO_REVISIONS,)
    job = Job(found, columns, file, format_, delimiter, rejects, dry_run, headers)
    raise typer.Exit(await_(job.run(wait)))


def _delimiter(format_: str | None, delimiter: str) -> str:
    """The sign between columns, both options checked."""
    if format_ not in (None, "csv", "ndjson"):
        raise typer.BadParameter(f"{format_!r} is neither csv nor ndjson", param_hint="--format")
    delimiter = "\t" if delimiter == "\\t" else delimiter
    if len(delimiter) != 1:
        raise typer.BadParameter(
            f"{delimiter!r} is not one character; \\t is a tab", param_hint="--delimiter"
        )
    return delimiter


def _check_kinds(given: Sequence[tuple[str, str | None]]) -> None:
    from consumers.importer import KINDS, TYPES

    for option, kind in given:
        if kind is not None and kind not in KINDS:
            raise typer.BadParameter(f"{kind!r} is none of {TYPES}", param_hint=option)


def _pairs(given: list[str] | None, option: str) -> list[tuple[str, str]]:
    pairs = []
    for text in (part for one in given or () for part in one.split(",")):
        left, equals, right = text.partition("=")
        if not equals or not left.strip():
            raise typer.BadParameter(f"{text!r} is not LEFT=RIGHT", param_hint=option)
        pairs.append((left.strip(), right.strip()))
    return pairs
