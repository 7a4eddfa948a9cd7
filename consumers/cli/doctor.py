"""What is wrong, and what is to be done about it?"""

import json
import time
from typing import Annotated

import typer
from rich.markup import escape

from consumers.cli.console import await_, counted, out, settings
from consumers.doctor import Finding, Told, examine, is_healthy

COLOURS = {Told.OK: "green", Told.WARNING: "yellow", Told.WRONG: "bold red"}


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="For programs: every finding as an object.")
    ] = False,
) -> None:
    """Look at settings, Redis, Kafka and the workers, and say what to do where something is not right.

    Nothing is created or changed. Exit code 1 when something is wrong; a warning may be meant.

    Examples:

        retention doctor
    """
    findings = await_(examine(settings(), time.time_ns() // 1_000_000))
    out.print(_as_json(findings) if as_json else _as_text(findings), soft_wrap=True, markup=not as_json)
    raise typer.Exit(0 if is_healthy(findings) else 1)


def _as_json(findings: list[Finding]) -> str:
    return json.dumps(
        {
            "healthy": is_healthy(findings),
            "findings": [dict(one._asdict(), told=one.told.value) for one in findings],
        },
        ensure_ascii=False,
        indent=2,
    )


def _as_text(findings: list[Finding]) -> str:
    width = max(len(one.check) for one in findings)
    lines = []
    for one in findings:
        colour = COLOURS[one.told]
        do = f" [bold]→ {escape(one.do)}[/]" if one.do else ""
        lines.append(f"[{colour}]{one.told.value:7}[/] {one.check:{width}}  {escape(one.seen)}{do}")
    bad = sum(one.told is Told.WRONG for one in findings)
    doubts = sum(one.told is Told.WARNING for one in findings)
    verdict = f"[bold red]{counted(bad, 'things')} wrong[/]" if bad else "[green]nothing is wrong[/]"
    lines.append(f"{verdict}, {counted(doubts, 'things')} to look at" if doubts else verdict)
    return "\n".join(lines)
