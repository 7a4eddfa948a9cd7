"""How much machine for how many users? The table of docs/operations.md: throughput, and the memory of one population.

python -m bench --sizing                        measures and prints the table
python -m bench --sizing docs/operations.md     and puts it there, between the marks
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.bars import Row
from bench.machine import Machine
from bench.memory import loaded
from bench.population import People
from bench.sizes import FULL, QUICK, Sizes
from bench.throughput import throughput

BEGIN, END = "<!-- sizing: made by python -m bench --sizing -->\n", "<!-- sizing ends -->\n"
POPULATIONS = (1_000_000, 10_000_000, 100_000_000)
# Redis needs room for a rewrite of its file, replication and what comes in meanwhile.
ROOM = 1.5
MASTER_GB_MAX = 32
_DAY_SECONDS = 86_400


def sizes(quick: bool) -> Sizes:
    """One turn, and a population that loads in a minute or two."""
    if quick:
        return QUICK
    return replace(FULL, repetitions=1, backlog_events=300_000, users=(10_000, 300_000))


async def sizing(machine: Machine) -> list[Row]:
    """Throughput, and bytes per user with a server's default settings, events in order."""
    rows = await throughput(machine)
    return rows + await loaded(machine, People.of(max(machine.sizes.users)), ours=False, shuffled=False)


def table(rows: Sequence[Mapping[str, object]], versions: Mapping[str, str]) -> str:
    """The table as Markdown. What is not measured says what it follows from."""
    value = {str(row["name"]): float(str(row["value"])) for row in rows}
    worker, cpu = value["worker"], value["worker, a second of its own CPU"]
    population, per_user = next(
        (name.split(" users")[0], at) for name, at in value.items() if "users, in order" in name
    )
    lines = [
        "| | measured |",
        "|---|---|",
        f"| events a second, one worker | {worker:,.0f} |",
        f"| events for each second of that worker's own CPU, which other load changes least | {cpu:,.0f} |",
        f"| events a second, two workers, which share the two cores with broker and store | {value['two workers']:,.0f} |",
        f"| events a day, one worker that never rests | {worker * _DAY_SECONDS / 1e9:.1f} billion |",
        f"| bytes of Redis per user, everything included ({population} users) | {per_user:.0f} |",
        "",
        "| users | follows: numbers in Redis | memory to give it | masters | RETENTION_SHARDS |",
        "|---|---|---|---|---|",
    ]
    for users in POPULATIONS:
        gb = users * per_user / 1e9
        room = gb * ROOM
        masters = 1 if room <= MASTER_GB_MAX else max(3, -(-int(room) // MASTER_GB_MAX))
        shards = 1 if masters == 1 else 16 if masters <= 4 else 64
        lines.append(f"| {users:,} | {gb:,.2f} GB | {room:,.1f} GB | {masters} | {shards} |")
    about = ", ".join(f"{name} {number}" for name, number in versions.items())
    return "\n".join([*lines, "", f"Measured with {about}."]) + "\n"


def put(page: Path, text: str) -> None:
    """Replaces what stands between the marks of a page."""
    head, begin, rest = page.read_text().partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has lost its marks {BEGIN.strip()} and {END.strip()}")
    page.write_text(f"{head}{begin}\n{text}\n{end}{tail}")
