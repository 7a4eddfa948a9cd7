"""How does one import go? Rows are read, checked and sent until it ends or somebody has enough; then it says what Kafka has."""

import asyncio
import contextlib
import gzip
import io
import os
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape

from consumers.cli.console import counted, err, out, progress
from consumers.cli.interrupting import interruptible
from consumers.cli.waiting import caught_up_with
from consumers.cli.zones import check_zones
from consumers.settings import Settings

if TYPE_CHECKING:
    from consumers.importer import Importer
    from consumers.kafka import Sender
    from consumers.reading import Reading

BAD_SHOWN_MAX = 10
LINGER_SECONDS_MAX = 1.0
AGAIN = "run it again, repeats change nothing"
_TURN_ROWS = 500  # so many, and whoever else has something to do on the loop may do it


@dataclass
class Job:
    """One import with all that was said of it, and what has become of its rows."""

    settings: Settings
    columns: Any
    name: str
    form: Any
    delimiter: str
    rejects: Path | None
    dry_run: bool
    headers: tuple[tuple[str, bytes], ...]
    clock: Callable[[], float] = time.monotonic
    sent: Counter[str] = field(default_factory=Counter)
    left_out: int = 0
    bad: int = 0

    async def run(self, wait: bool) -> int:
        """Imports, waits for the workers where that is wanted, and gives the exit code."""
        await check_zones(self.settings)
        with self._opened() as file:
            if self.dry_run:
                return self._say("would be sent", await self._read(file, None))
            sender, letters, interrupted = await self._send(file)
        code = self._say("acknowledged by Kafka", interrupted)
        if wait and not interrupted:
            refused = await caught_up_with(self.settings, sender.written, sender.acknowledged, letters)
            code = max(code, refused)
        return code

    def _opened(self) -> io.FileIO:
        if self.name == "-":
            if sys.stdin is None:
                raise ValueError("there is no standard input to read")
            return open(0, "rb", buffering=0, closefd=False)
        return open(self.name, "rb", buffering=0)

    async def _send(self, file: io.FileIO) -> tuple["Sender", dict[tuple[str, int], int], int]:
        """Sends every row. Gives who sent them, where the dead letters ended before that, and what `_read` gives."""
        from consumers.kafka import DEAD_LETTERS, Kafka, Sender

        async with Kafka(self.settings) as kafka, Sender(self.settings) as sender:
            await kafka.ensure_topics()
            letters = await kafka.end_offsets([DEAD_LETTERS])
            try:
                return sender, letters, await self._read(file, sender)
            except BaseException:
                if self.sent:
                    err.print(
                        f"{counted(sender.acknowledged, 'events')} acknowledged by Kafka; {AGAIN}",
                        soft_wrap=True,
                    )
                raise

    async def _read(self, file: io.FileIO, sender: "Sender | None") -> int:
        """Takes every row, and returns when all of them are acknowledged. Gives 0, or the exit code of who was interrupted."""
        from consumers.reading import Reading

        size = os.fstat(file.fileno()).st_size
        with progress(unit="rows") as bar, self._rejecting() as reject, self._broken():
            task = bar.add_task(f"import {Path(self.name).name}", total=size or None, done=0)
            async with Reading(file, self._rows) as reading:
                with interruptible(reading.stop) as codes:
                    await self._take(reading, sender, reject, lambda **now: bar.update(task, **now))
        return codes[0] if codes else 0

    def _rows(self, file: io.BufferedReader) -> Iterator[Any]:
        from consumers.importer import guessed, opened, rows

        file = opened(file)
        form = self.form or guessed(self.name, file)
        return rows(file, form, delimiter=self.delimiter, needed=self.columns.needed())

    async def _take(
        self, reading: "Reading", sender: "Sender | None", reject: Callable[[Any], None], show: Any
    ) -> None:
        importer, number, flushed = self._importer(), 0, self.clock()
        flush = sender.flush if sender is not None else _nothing
        try:
            async for chunk in reading.chunks():
                for at in range(0, len(chunk.rows), _TURN_ROWS):
                    await self._put(chunk.rows[at : at + _TURN_ROWS], importer, sender, reject)
                    await asyncio.sleep(0)  # the producer sends meanwhile
                number += len(chunk.rows)
                show(completed=reading.taken_bytes, done=number)
                if chunk.is_all or self.clock() - flushed >= LINGER_SECONDS_MAX:
                    await flush()
                    flushed = self.clock()
        except (EOFError, OSError, ValueError, zlib.error):  # of the file: what came before is good
            await flush()
            raise

    def _importer(self) -> "Importer":
        from consumers.checking import checking_decoder
        from consumers.importer import Importer

        return Importer(
            self.columns,
            decoder=checking_decoder(self.settings),
            zone_name=self.settings.zone_name,
            now_ms=int(time.time() * 1000),
        )

    async def _put(
        self, rows: list[Any], importer: "Importer", sender: "Sender | None", reject: Callable[[Any], None]
    ) -> None:
        from consumers.importer import BadRow

        for row in rows:
            record = row if isinstance(row, BadRow) else importer.record(row)
            if record is None:
                self.left_out += 1
            elif isinstance(record, BadRow):
                reject(record)
            else:
                self.sent[record.topic] += 1
                if sender is not None:
                    await sender.put(record.topic, record.key, record.value, self.headers)

    @contextlib.contextmanager
    def _broken(self) -> Iterator[None]:
        """Says of the file what its parsers say of bytes."""
        from consumers.importer import WrongColumns

        try:
            yield
        except WrongColumns as error:
            raise typer.BadParameter(str(error), param_hint=error.option) from None
        except EOFError:
            raise ValueError(
                f"{self.name} ends in the middle of its gzip data: what came before was read"
            ) from None
        except (zlib.error, gzip.BadGzipFile):
            raise ValueError(f"{self.name} holds broken gzip data: what came before was read") from None

    @contextlib.contextmanager
    def _rejecting(self) -> Iterator[Callable[[Any], None]]:
        """What to do with bad rows: count them, write all of them down where that is wanted, show the first."""
        with self.rejects.open("w") if self.rejects else contextlib.nullcontext() as file:

            def reject(row: Any) -> None:
                self.bad += 1
                if file is not None:
                    file.write(f"{row.line}\t{row.reason}\n")
                if self.bad <= BAD_SHOWN_MAX:
                    err.print(f"[yellow]line {row.line}:[/] {escape(row.reason)}", soft_wrap=True)
                elif self.bad == BAD_SHOWN_MAX + 1:
                    err.print(
                        "[yellow]more such rows are only counted[/] (--rejects FILE names all of them)",
                        soft_wrap=True,
                    )

            yield reject

    def _say(self, what: str, interrupted: int) -> int:
        """What has become of the rows, and the exit code that goes with it."""
        parts = ", ".join(counted(count, topic) for topic, count in sorted(self.sent.items())) or "no events"
        left_out = f"; {counted(self.left_out, 'rows')} left out by --map-type" if self.left_out else ""
        were = "was" if self.bad == 1 else "were"
        bad = f"; [red]{counted(self.bad, 'rows')} {were} not sent[/]" if self.bad else ""
        cut = f"; interrupted: {AGAIN}" if interrupted else ""
        out.print(f"{parts} {what}{left_out}{bad}{cut}", soft_wrap=True)
        if interrupted:
            return interrupted
        if not (self.sent or self.bad or self.left_out):
            err.print(f"[bold red]error:[/] {escape(self.name)} holds no rows", soft_wrap=True)
            return 1
        return 1 if self.bad else 0


async def _nothing() -> None:
    """What a dry run does where the others flush."""
