"""Which parts of the docs are made from the code? `python docs/generate.py` after a change of setting, metric, reason or command.

Each page keeps its hand-written head; what stands below the marker line is replaced. tests/test_docs.py holds the pages to it.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from consumers import metrics, settings
from consumers.cli import app
from stream.events.reasons import MEANINGS

FOLDER = Path(__file__).parent
MARKER = "<!-- Below this line: made by docs/generate.py from the code. -->\n"


def settings_table() -> str:
    """Every variable with its default, its meaning and an example."""
    lines = ["| Variable | Default | Meaning | Example |", "|---|---|---|---|"]
    defaults = settings.Settings().shown()
    for name, field in settings.Settings.model_fields.items():
        variable = settings.variable(name)
        secret = f" Or `{variable}_FILE`, a file that holds it." if settings.is_secret(name) else ""
        default = f"`{defaults[variable]}`" if defaults[variable] else "unset"
        example = (field.examples or [""])[0]
        lines.append(f"| `{variable}` | {default} | {field.description}{secret} | `{example}` |")
    return "\n".join(lines) + "\n"


def metrics_tables() -> str:
    """Every metric with kind, labels, unit and meaning, by the role that exports it."""
    groups = {"Every role": None, **{f"`retention {role}`": role for role in metrics.ROLES}}
    found = {
        title: [metric for metric in metrics.CATALOGUE if metric.role == role]
        for title, role in groups.items()
    }
    return "\n".join(f"## {title}\n\n{_metrics_table(own)}" for title, own in found.items() if own)


def _metrics_table(own: list[metrics.Metric]) -> str:
    lines = ["| Metric | Kind | Labels | Unit | Meaning |", "|---|---|---|---|---|"]
    for metric in own:
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.unit} | {metric.meaning} |")
    return "\n".join(lines) + "\n"


def reasons_table() -> str:
    """Every reason with its meaning."""
    lines = ["| Reason | Meaning |", "|---|---|"]
    return (
        "\n".join([*lines, *(f"| `{reason.value}` | {meaning} |" for reason, meaning in MEANINGS.items())])
        + "\n"
    )


def commands_text() -> str:
    """Every command: its help, arguments and options."""
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return "\n".join(_command(name, command) for name, command in commands.items())


def _command(name: str, command: Any) -> str:
    text = inspect.cleandoc(command.help or "")
    lines = [f"## retention {name}", "", text, ""]
    if command.params:
        lines += ["| Option | Meaning | Default |", "|---|---|---|"]
        lines += [_option(parameter) for parameter in command.params if parameter.name != "help"]
        lines.append("")
    return "\n".join(lines)


def _option(parameter: Any) -> str:
    names = [*parameter.opts, *parameter.secondary_opts]
    shown = (
        "/".join(f"`{name}`" for name in names)
        if names[0].startswith("-")
        else f"`{parameter.metavar or names[0].upper()}`"
    )
    default = (
        ""
        if parameter.default in (None, False, ())
        else f"`{str(parameter.default).lower() if parameter.default is True else parameter.default}`"
    )
    return f"| {shown} | {(parameter.help or '').replace('|', chr(92) + '|')} | {'needed' if parameter.required else default} |"


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_table,
    "metrics.md": metrics_tables,
    "reasons.md": reasons_table,
    "commands.md": commands_text,
}


def page(name: str, text: str) -> str:
    """The page with its generated part as the code has it now; `text` is the page as it stands."""
    head, marker, _ = text.partition(MARKER)
    if not marker:
        raise ValueError(f"docs/{name} has lost its marker line: {MARKER.strip()}")
    return head + marker + "\n" + PAGES[name]()


if __name__ == "__main__":
    for name in PAGES:
        file = FOLDER / name
        file.write_text(page(name, file.read_text()))
