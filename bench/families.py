"""What does each family of facts cost? Throughput and bytes per user with all of them, without each one, and without any.

Users and days are always counted; RETENTION_FAMILIES says what else is. Everything is measured in the same run: the workers in
turns, forwards and backwards, with all families and with none twice a turn, since those two are compared.
"""

from collections.abc import Mapping
from statistics import median
from typing import NamedTuple

from bench.bars import Row
from bench.machine import OUR_LISTPACK, Machine
from bench.memory import used_bytes
from bench.population import People, load
from bench.throughput import Ends, cpu_seconds, workers
from bench.traffic import backlog, written
from stream.retention.scope import FAMILIES
from tests.servers import Valkey

PREFIX = "families."
ANSWERS = 0.03  # users who answer a survey: as many as buy
ALL, NONE = "all families", "no family"
VARIANTS: dict[str, frozenset[str]] = {
    ALL: frozenset(FAMILIES),
    **{f"without {family}": frozenset(FAMILIES) - {family} for family in FAMILIES},
    NONE: frozenset(),
}


class Paces(NamedTuple):
    """What was measured of one variant, turn by turn: events a second, and the CPU of worker and store in microseconds an event."""

    rates: list[float]
    cpu_us: list[float]


async def families(machine: Machine) -> list[Row]:
    """Rows of every variant, events a second and then bytes per user; what a family costs stands in the row without it."""
    one_by_one = list(VARIANTS)[1:-1] if machine.sizes.families_each else []
    return await _throughput(machine, one_by_one) + await _memory(machine, [ALL, *one_by_one, NONE])


async def _throughput(machine: Machine, one_by_one: list[str]) -> list[Row]:
    store, half = machine.store(), len(one_by_one) // 2
    turn = [ALL, *one_by_one[:half], NONE, ALL, *one_by_one[half:], NONE] if half else [ALL, NONE]
    _, ends = await written(machine.settings(store, PREFIX), backlog(machine.sizes.families_events))
    measured = {name: Paces([], []) for name in [ALL, *one_by_one, NONE]}
    for at in range(machine.sizes.repetitions):
        for name in turn[:: -1 if at % 2 else 1]:
            await _count(machine, store, ends, VARIANTS[name], measured[name])
        rates = ", ".join(f"{name} {found.rates[-1]:,.0f}" for name, found in measured.items())
        machine.say(f"turn {at + 1} of {machine.sizes.repetitions}, events/s: {rates}")
    store.kill()
    return _rows(measured, sum(ends.values()))


async def _count(machine: Machine, store: Valkey, ends: Ends, some: frozenset[str], to: Paces) -> None:
    before = cpu_seconds([store])
    pace = await workers(machine, store, PREFIX, ends, 1, families=some)
    to.rates.append(pace.steady)
    to.cpu_us.append(1e6 / pace.cpu + 1e6 * (cpu_seconds([store]) - before) / sum(ends.values()))


def _rows(measured: Mapping[str, Paces], events: int) -> list[Row]:
    rates = {name: median(found.rates) for name, found in measured.items()}
    cpu_us = {name: median(found.cpu_us) for name, found in measured.items()}
    unit = "us of CPU an event"
    return [
        *(
            Row(name, rate, "events/s", note=_saved(name, cpu_us, unit) or f"{cpu_us[ALL]:.2f} {unit}")
            for name, rate in rates.items()
        ),
        Row(f"{ALL} / {NONE}, by CPU", cpu_us[NONE] / cpu_us[ALL], "x", note="worker and store together"),
        Row(
            f"{ALL} / {NONE}",
            rates[ALL] / rates[NONE],
            "x",
            "families_pace",
            f"{events:,} records, medians of {len(measured[ALL].rates)}",
        ),
    ]


async def _memory(machine: Machine, names: list[str]) -> list[Row]:
    people = People.of(machine.sizes.families_users, answers=ANSWERS)
    taken: dict[str, float] = {}
    for name in names:
        store = machine.store(*OUR_LISTPACK)
        empty = await used_bytes(store)
        await load(machine.settings(store, "people.", families=VARIANTS[name]), people, "users")
        taken[name] = (await used_bytes(store) - empty) / people.users
        store.kill()
    machine.say(", ".join(f"{name} {size:.1f} bytes/user" for name, size in taken.items()))
    return [
        *(
            Row(f"memory, {name}", size, "bytes/user", note=_saved(name, taken, "bytes"))
            for name, size in taken.items()
        ),
        Row(
            f"memory, {ALL} - {NONE}",
            taken[ALL] - taken[NONE],
            "bytes/user",
            "families_bytes",
            f"{people.users:,} users",
        ),
    ]


def _saved(name: str, taken: Mapping[str, float], unit: str) -> str:
    """How much less a variant takes than all families."""
    return "" if name == ALL else f"{taken[ALL] - taken[name]:.2f} {unit} less"
