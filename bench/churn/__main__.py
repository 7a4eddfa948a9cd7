"""What are the figures of docs/churn.md? `python -m bench.churn [--seeds N] [--days N] [--processes N] [--docs]` prints them.

With --docs they are written into the page, below its marker.
"""

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.churn import cells, minutes
from bench.churn.world import SEGMENTS, Array, World

SEEDS, DAYS, SEEDS_AT_ONCE, TRIES = 200, 365, 10, 5
YEAR = 365
POINTS = ((2_000, 0.22, 0.06), (2_000, 0.40, 0.06), (10_000, 0.22, 0.03), (2_000, 0.22, 0.025))
DROPS = (0.10, 0.20, 0.30, 0.50)
PAGE = Path(__file__).parents[2] / "docs" / "churn.md"
MARKER = "<!-- Below this line: made by `make churn-sim`. -->\n"


class Lived(NamedTuple):
    """The live pace of some apps: incidents of each, and minutes until each drop is told."""

    alarms: Array
    told: tuple[Array, ...]


def lived(world: World, days: int) -> Lived:
    """Some apps for some days, then one more day with each drop."""
    apps = minutes.Apps(world, days)
    apps.warm()
    alarms = minutes.alarms(apps, days)
    return Lived(alarms, tuple(minutes.minutes_until_told(apps, share, TRIES) for share in DROPS))


def figures(seeds: int, days: int, processes: int) -> str:
    """The tables, as Markdown."""
    worlds = [World(min(SEEDS_AT_ONCE, seeds - at), seed=1_000 + at) for at in range(0, seeds, SEEDS_AT_ONCE)]
    with ProcessPoolExecutor(processes) as pool:
        parts = list(pool.map(lived, worlds, [days] * len(worlds)))
    pace = np.concatenate([part.alarms for part in parts]) * YEAR / days
    settled = cells.alarms(World(seeds), days) * YEAR / days
    told = [np.concatenate([part.told[at] for part in parts]) for at in range(len(DROPS))]
    return "\n".join([*_quiet(seeds, days, settled, pace), "", *_cells(), "", *_live(told)]) + "\n"


def _quiet(seeds: int, days: int, settled: Array, pace: Array) -> list[str]:
    both = settled + pace
    rows = [("settled cells", settled), ("live pace", pace), ("both together", both)]
    return [
        f"False alarms of one app and its {len(SEGMENTS)} segments a year, over {seeds} seeds of {days} days:",
        "",
        "| Detector | Mean | Standard error | Apps without any |",
        "|---|---|---|---|",
        *(
            f"| {name} | {some.mean():.2f} | {some.std() / len(some) ** 0.5:.2f} | {(some == 0).mean():.0%} |"
            for name, some in rows
        ),
    ]


def _cells() -> list[str]:
    lines = [
        "Drops of D1 that last, from the first cell that settles with them:",
        "",
        "| Installs a day | D1 before | Drop | Told the day it settles | By the next day | Within a week |",
        "|---|---|---|---|---|---|",
    ]
    for installs, rate, points in POINTS:
        world = World(1_000, installs=installs, rates=(rate, 0.08), seed=7)
        # The over-dispersion of days does not shrink with the size of cohorts, so its ratio grows.
        world = replace(world, rate_dispersion=1 + (world.rate_dispersion - 1) * installs / 2_000)
        days = cells.days_until_told(world, points)
        lines.append(
            f"| {installs:,} | {rate:.0%} | {100 * points:g} points | {(days <= 0).mean():.0%} "
            f"| {(days <= 1).mean():.0%} | {(days <= 6).mean():.0%} |"
        )
    return lines


def _live(told: Sequence[Array]) -> list[str]:
    lines = [
        "Returning users who stay away from one minute on, at 5,000 actives an hour:",
        "",
        "| Drop | Told within 15 minutes | Within 30 | Within 60 | Median |",
        "|---|---|---|---|---|",
    ]
    for share, some in zip(DROPS, told, strict=True):
        within = " | ".join(f"{(some <= limit).mean():.0%}" for limit in (15, 30, 60))
        lines.append(f"| {share:.0%} | {within} | {np.median(some):.0f} minutes |")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the figures, and writes them into the page where asked."""
    parser = argparse.ArgumentParser(prog="python -m bench.churn", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--docs", action="store_true")
    given = parser.parse_args(arguments)
    text = figures(given.seeds, given.days, given.processes)
    print(text)
    if given.docs:
        head, marker, _ = PAGE.read_text().partition(MARKER)
        PAGE.write_text(head + marker + "\n" + text)


if __name__ == "__main__":
    main()
