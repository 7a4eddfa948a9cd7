"""How do events get in from a file? Rows of NDJSON or CSV, through Kafka, acknowledged."""

import asyncio
import gzip
import io
import os
import sys
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from consumers.cli.console import await_, check_writable, counted, err, out, progress, settings
from consumers.cli.waiting import caught_up_with
from consumers.cli.zones import check_zones
from consumers.settings import Settings
from stream.events.schema import APP_ID

BAD_SHOWN_MAX = 10

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
    That zone is the one in which the workers count: beside `retention up` it is known, and where the numbers in Redis have another
    zone than the settings say, nothing is sent.
    A row without event_id gets a hash of the row and of how often that row came before: a second import, or a shuffled one,
    changes nothing.

    A row that cannot become an event is named with its line and is not sent; the others are, and the exit code is then 1.
    So it is with --wait where the workers could not count what was sent; the reasons are said.

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
    job = _Job(found, columns, file, format_, delimiter, rejects, dry_run, headers)
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


@dataclass
class _Job:
    settings: Settings
    columns: Any
    name: str
    form: Any
    delimiter: str
    rejects: Path | None
    dry_run: bool
    headers: tuple[tuple[str, bytes], ...]
    sent: Counter[str] = field(default_factory=Counter)
    left_out: int = 0
    bad: int = 0

    async def run(self, wait: bool) -> int:
        from consumers.kafka import DEAD_LETTERS, Kafka, Sender

        await check_zones(self.settings)
        raw = sys.stdin.buffer if self.name == "-" else open(self.name, "rb")  # noqa: SIM115, ASYNC230 closed by the with below
        with raw, progress(unit="rows") as bar:
            size = 0 if self.name == "-" else os.fstat(raw.fileno()).st_size
            task = bar.add_task(f"import {Path(self.name).name}", total=size or None, done=0)

            def show(rows: int) -> None:
                bar.update(task, completed=raw.tell() if size else 0, done=rows)

            if self.dry_run:
                await self._read(raw, None, show)  # type: ignore[arg-type]
                return self._say("would be sent")
            async with Kafka(self.settings) as kafka, Sender(self.settings) as sender:
                await kafka.ensure_topics()
                letters = await kafka.end_offsets([DEAD_LETTERS])
                await self._read(raw, sender, show)  # type: ignore[arg-type]
                await sender.flush()
        code = self._say("acknowledged by Kafka")
        if wait:
            code = max(
                code, await caught_up_with(self.settings, sender.written, sender.acknowledged, letters)
            )
        return code

    async def _read(self, raw: io.BufferedReader, sender: Any, show: Any) -> None:
        from consumers.checking import checking_decoder
        from consumers.importer import BadRow, Importer, WrongColumns, guessed, opened, rows

        importer = Importer(
            self.columns,
            decoder=checking_decoder(self.settings),
            zone_name=self.settings.zone_name,
            now_ms=int(time.time() * 1000),
        )
        rejects = self.rejects.open("w") if self.rejects else None
        try:
            number, file = 0, opened(raw)
            form = self.form or guessed(self.name, file)
            for row in rows(file, form, delimiter=self.delimiter, needed=self.columns.needed()):
                number += 1
                record = row if isinstance(row, BadRow) else importer.record(row)
                if record is None:
                    self.left_out += 1
                elif isinstance(record, BadRow):
                    self._reject(record, rejects)
                else:
                    self.sent[record.topic] += 1
                    if sender is not None:
                        await sender.put(record.topic, record.key, record.value, self.headers)
                if number % 2_000 == 0:
                    show(number)
                    await asyncio.sleep(0)  # the producer sends meanwhile
            show(number)
        except WrongColumns as error:
            raise typer.BadParameter(str(error), param_hint=error.option) from None
        except EOFError:
            raise ValueError(
                f"{self.name} ends in the middle of its gzip data: what came before was read"
            ) from None
        except (zlib.error, gzip.BadGzipFile):
            raise ValueError(f"{self.name} holds broken gzip data: what came before was read") from None
        finally:
            if rejects is not None:
                rejects.close()

    def _reject(self, row: Any, rejects: Any) -> None:
        self.bad += 1
        if rejects is not None:
            rejects.write(f"{row.line}\t{row.reason}\n")
        if self.bad <= BAD_SHOWN_MAX:
            err.print(f"[yellow]line {row.line}:[/] {escape(row.reason)}", soft_wrap=True)
        elif self.bad == BAD_SHOWN_MAX + 1:
            err.print(
                "[yellow]more such rows are only counted[/] (--rejects FILE names all of them)",
                soft_wrap=True,
            )

    def _say(self, what: str) -> int:
        parts = ", ".join(counted(count, topic) for topic, count in sorted(self.sent.items())) or "no events"
        left_out = f"; {counted(self.left_out, 'rows')} left out by --map-type" if self.left_out else ""
        bad = (
            f"; [red]{counted(self.bad, 'rows')} {'was' if self.bad == 1 else 'were'} not sent[/]"
            if self.bad
            else ""
        )
        out.print(f"{parts} {what}{left_out}{bad}", soft_wrap=True)
        if not (self.sent or self.bad or self.left_out):
            err.print(f"[bold red]error:[/] {escape(self.name)} holds no rows", soft_wrap=True)
            return 1
        return 1 if self.bad else 0


def _pairs(given: list[str] | None, option: str) -> list[tuple[str, str]]:
    pairs = []
    for text in (part for one in given or () for part in one.split(",")):
        left, equals, right = text.partition("=")
        if not equals or not left.strip():
            raise typer.BadParameter(f"{text!r} is not LEFT=RIGHT", param_hint=option)
        pairs.append((left.strip(), right.strip()))
    return pairs
