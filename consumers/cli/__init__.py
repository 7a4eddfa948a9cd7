"""What can I do with `retention`? The commands, one file each, and how their failures are said.

A command raises what it likes; people see one line. Exit codes: 0 done, 1 failed, 2 used wrongly, 130 interrupted.
"""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

import typer
from rich.markup import escape

from consumers.cli import (
    audit,
    config,
    dead_letters,
    doctor,
    erase,
    import_,
    processes,
    report,
    simulate,
    topics,
)
from consumers.cli.console import err, printable
from consumers.kafka_access import KafkaUnavailable
from consumers.setting_sources import SettingsError
from consumers.wanted import wanted
from stream.store.protocol import IdentityMismatch, StoreUnavailable

EPILOG = (
    "Settings come from RETENTION_... variables: `retention config` shows them. "
    "Exit codes: 0 done, 1 failed, 2 used wrongly, 130 interrupted."
)

app = typer.Typer(
    name="retention",
    help="Retention, counted live: events from Kafka through Faust into Redis, every number right.",
    epilog=EPILOG,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(processes.up)
app.command("worker")(processes.worker)
app.command("api")(processes.api)
app.command("exporter")(processes.exporter)
app.command("watch")(processes.watch)
app.command("collector")(processes.collector)
app.command("import")(import_.import_)
app.command("simulate")(simulate.simulate)
app.command("report")(report.report)
app.command("dead-letters")(dead_letters.dead_letters)
app.command("audit")(audit.audit)
app.command("erase")(erase.erase)
app.command("topics")(topics.topics)
app.command("doctor")(doctor.doctor)
app.command("config")(config.config)

# What people can do something about: the text says what, and a traceback would only hide it.
EXPECTED = (SettingsError, KafkaUnavailable, StoreUnavailable, IdentityMismatch, OSError, ValueError)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Show the version and exit."),
) -> None:
    if version:
        from consumers.telemetry import product_version

        typer.echo(f"retention {product_version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


def main(arguments: Sequence[str] | None = None) -> None:
    """What the entry point `retention` comes to; ends the process.

    SIGTERM ends a command that does not see to it itself: to the first process of a container it would do nothing at all.
    """
    signal.signal(signal.SIGTERM, _told_to_end)
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def _told_to_end(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def run(arguments: Sequence[str]) -> int:
    """Runs one command and gives its exit code; whatever fails is said in one line on standard error."""
    try:
        return int(
            typer.main.get_command(app).main(list(arguments), prog_name="retention", standalone_mode=False)
            or 0
        )
    except typer.exceptions.TyperException as error:
        context = getattr(error, "ctx", None)
        hint = f"; see {context.command_path} --help" if context is not None else ""
        _say(_usage(error).rstrip(".") + hint)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:
        # Whoever read our output has enough (`| head`): nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        return _failed(error)


def _usage(error: typer.exceptions.TyperException) -> str:
    """What was used wrongly; of a value that pydantic refused what it should have been."""
    refused = getattr(error.__cause__, "errors", None)
    if refused is not None and isinstance(error, typer.BadParameter):
        error.message = wanted(refused()[0])
    return error.format_message()


def _failed(error: Exception) -> int:
    if logging.getLogger().isEnabledFor(logging.DEBUG):
        err.print_exception()
    elif isinstance(error, OSError) and error.filename:
        _say(f"{error.filename}: {error.strerror}")
    elif isinstance(error, EXPECTED):
        for line in (str(error) or type(error).__name__).splitlines():
            _say(line)
    else:
        _say(f"{type(error).__name__}: {error}".splitlines()[0] + " (RETENTION_LOG_LEVEL=debug shows where)")
    return 1


def _say(line: str) -> None:
    err.print(f"[bold red]error:[/] {escape(printable(line))}", soft_wrap=True)
