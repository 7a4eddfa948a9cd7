"""Which benchmarks run, and how are their results told? `python -m bench [NAME...] [--quick] [--json FILE] [--broker kafka]`."""

import argparse
import asyncio
import atexit
import gc
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import sizing
from bench.answers import answers
from bench.bars import BARS, Row
from bench.collector import collector
from bench.families import families
from bench.growth import growth
from bench.machine import Machine, client_of, versions
from bench.memory import memory
from bench.profile import profile
from bench.refresh import refresh
from bench.sizes import FULL, QUICK, Sizes
from bench.throughput import throughput
from bench.triangle import triangle
from bench.visible import visible
from consumers.garbage import collect_seldom

BENCHMARKS: dict[str, Callable[[Machine], Awaitable[list[Row]]]] = {
    "throughput": throughput,
    "profile": profile,
    "visible": visible,
    "collector": collector,
    "families": families,
    "memory": memory,
    "triangle": triangle,
    "answers": answers,
    "refresh": refresh,
    "growth": growth,
    "sizing": sizing.sizing,
}
# Sizing measures what others measure, with other sizes.
ALL = [name for name in BENCHMARKS if name != "sizing"]


async def run(
    names: Sequence[str], *, quick: bool, broker: str, console: Console, sizes: Sizes | None = None
) -> dict[str, Any]:
    """The results of the named benchmarks, in the order of BENCHMARKS, as what is written to JSON."""
    sizes = sizes or (QUICK if quick else FULL)
    rows: dict[str, list[Row]] = {}
    seconds: dict[str, float] = {}
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        machine = Machine(sizes, broker, directory, _say(console), stack)
        for name in (name for name in BENCHMARKS if name in names):
            began = time.monotonic()
            machine.say(f"{name} ...")
            rows[name] = await BENCHMARKS[name](machine)
            seconds[name] = round(time.monotonic() - began, 1)
        found = versions(broker) | {"server": await _server(machine)}
    told = {name: [asdict(row) | {"verdict": row.verdict} for row in some] for name, some in rows.items()}
    console.print(_table(rows, quick))
    return {"versions": found, "quick": quick, "sizes": asdict(sizes), "seconds": seconds, "rows": told}


async def _server(machine: Machine) -> str:
    async with client_of(machine.store()) as client:
        about = await client.info("server")
    return f"{about.get('server_name', 'redis')} {about.get('valkey_version') or about['redis_version']}"


def _say(console: Console) -> Callable[[str], None]:
    return lambda text: console.print(f"[dim]{time.strftime('%H:%M:%S')} {text}[/]", highlight=False)


def _table(rows: dict[str, list[Row]], quick: bool) -> Table:
    title = "quick: sizes too small to judge by" if quick else None
    table = Table("", "value", "unit", "bar", "verdict", "note", title=title)
    for name, some in rows.items():
        table.add_section()
        for row in some:
            bar = BARS[row.bar].text() if row.bar is not None else ""
            colour = "red" if row.verdict.startswith("short") else "green"
            value = f"{row.value:,.2f}" if row.value < 100 else f"{row.value:,.0f}"
            label = row.name if row.name.startswith(" ") else f"{name}: {row.name}"
            table.add_row(label, value, row.unit, bar, f"[{colour}]{row.verdict}[/]", row.note)
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], help="which; all when none is named")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: shows that everything runs, judges nothing"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the results go as JSON")
    parser.add_argument("--broker", choices=["embedded", "kafka"], default="embedded", help="which broker")
    parser.add_argument(
        "--sizing",
        nargs="?",
        const="",
        metavar="PAGE",
        help="measure what docs/operations.md has on sizing, print it, and put it into a page where one is named",
    )
    given = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 150)
    collect_seldom()  # as the roles do whose work is measured in this process
    atexit.register(gc.unfreeze)  # DuckDB complains of what is left of it at the end
    if given.sizing is not None:
        return _size(given, console)
    results = asyncio.run(run(given.names or ALL, quick=given.quick, broker=given.broker, console=console))
    console.print(
        " · ".join(f"{name} {value}" for name, value in results["versions"].items()), highlight=False
    )
    if given.json:
        given.json.write_text(json.dumps(results, indent=1) + "\n")


def _size(given: argparse.Namespace, console: Console) -> None:
    sizes = sizing.sizes(given.quick)
    found = asyncio.run(run(["sizing"], quick=given.quick, broker=given.broker, console=console, sizes=sizes))
    text = sizing.table(found["rows"]["sizing"], found["versions"])
    print(text)
    if given.sizing:
        sizing.put(Path(given.sizing), text)


if __name__ == "__main__":
    main()
