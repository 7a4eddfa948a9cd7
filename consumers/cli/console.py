"""Where do commands write? Answers to standard output, everything else (progress, problems) to standard error."""

import asyncio
import logging
import os
import shutil
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from consumers import logs
from consumers.settings import Settings, load

# Where output goes into a file or a pipe nobody's window is narrow; COLUMNS still has the last word.
_WIDTH_OF_PIPES = 160
_width = None if sys.stdout.isatty() else shutil.get_terminal_size((_WIDTH_OF_PIPES, 50)).columns

out = Console(highlight=False, width=_width)
err = Console(stderr=True, highlight=False)

_Answer = TypeVar("_Answer")
_Value = TypeVar("_Value")


def settings(*need: str) -> Settings:
    """The settings of this command, logging set up as they say; SettingsError where one of `need` is empty."""
    found = load(need=need)
    # The clients log every retry of an outage; the command says it once, as its error.
    logs.set_up(found, clients=logging.CRITICAL)
    return found


def await_(work: Coroutine[Any, Any, _Answer]) -> _Answer:
    """Runs the asynchronous part of a command."""
    return asyncio.run(work)


def check_writable(file: Path | None, option: str) -> None:
    """Before anything is done whose result is to stand in the file: whether it can be written. Raises BadParameter."""
    if file is None:
        return
    folder = file.absolute().parent
    wrong = (
        "is a directory"
        if file.is_dir()
        else ""
        if file.exists() and not file.is_file()  # a pipe or a device, which needs no new name in its folder
        else f"there is no directory {folder}"
        if not folder.is_dir()
        else ""
        if os.access(folder, os.W_OK)
        else f"{folder} cannot be written to"
    )
    if wrong:
        raise typer.BadParameter(f"{file}: {wrong}", param_hint=option)


def printable(value: _Value) -> _Value:
    """The value with every text in it as one line that a terminal can only show: signs that would do something are written out.

    Two texts that differ still do. What apps send may be any text.
    """
    if isinstance(value, str):
        return "".join(  # type: ignore[return-value]
            sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in value
        )
    if isinstance(value, dict):
        return {printable(name): printable(one) for name, one in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [printable(one) for one in value]  # type: ignore[return-value]
    return value


def counted(number: int, things: str) -> str:
    """`1 row`, `1 identity`, `1,234 rows`."""
    one = things.removesuffix("ies") + "y" if things.endswith("ies") else things.removesuffix("s")
    return f"{number:,} {one if number == 1 else things}"


def progress(*, unit: str) -> Progress:
    """A progress bar on standard error; where that is no terminal nothing is drawn."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% {task.fields[done]:,} " + unit),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
