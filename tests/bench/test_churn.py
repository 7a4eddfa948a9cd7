"""Are the detectors as good as docs/churn.md says? The simulation in its short form, with bounds that a broken detector breaks."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bench.churn import cells, minutes
from bench.churn.__main__ import MARKER
from bench.churn.world import SEGMENTS, World
from stream.churn import live, settled
from stream.churn.cusum import H
from stream.churn.dispersion import RESIDUALS

PAGE = Path(__file__).parents[2] / "docs" / "churn.md"
pytestmark = pytest.mark.slow


def test_settled_cells_are_seldom_wrong() -> None:
    assert cells.alarms(World(16), 365).mean() < 1.2


def test_a_drop_of_six_points_is_told_when_it_settles_or_a_day_later() -> None:
    days = cells.days_until_told(World(80, seed=7), 0.06)
    assert (days <= 0).mean() > 0.75
    assert (days <= 1).mean() > 0.9


def test_a_slide_of_two_and_a_half_points_is_told_within_two_weeks() -> None:
    days = cells.days_until_told(World(40, seed=7), 0.025)
    assert (days <= 13).mean() > 0.7


def test_the_pace_is_seldom_wrong_and_tells_a_fifth_within_a_quarter_of_an_hour() -> None:
    apps = minutes.Apps(World(4, seed=3), days=40)
    apps.warm()
    assert minutes.alarms(apps, 40).sum() <= 2
    told = minutes.minutes_until_told(apps, 0.2, tries=15)
    assert (told <= 15).mean() > 0.8
    assert (told <= 30).mean() > 0.95
    # Of nothing nothing is told, whatever the drops above were seen by.
    assert np.isinf(minutes.minutes_until_told(apps, 0.0, tries=3)).mean() > 0.9


def test_the_page_holds_the_figures_of_a_whole_run_and_they_are_within_the_bars() -> None:
    figures = PAGE.read_text().partition(MARKER)[2]
    assert f"its {len(SEGMENTS)} segments a year, over 200 seeds of 365 days" in figures
    both = re.search(r"\| both together \| ([\d.]+) \|", figures)
    fifth = re.search(r"\n\| 20% \| (\d+)% \|", figures)
    assert both
    assert fifth
    assert float(both[1]) < 2
    assert int(fifth[1]) >= 90


def test_the_page_names_the_thresholds_of_the_code() -> None:
    text = PAGE.read_text()
    rates = [f"{100 * rate:.4f}".rstrip("0") for rate in live.FALSE_RATES.values()]
    for row in (
        f"| z | {settled.Z_FIRE:g} or less | {live.Z_FIRE:g} or less |",
        f"| drop | {100 * settled.DROP_MIN:g} points or more | {100 * live.DROP_MIN:g} % of the expected users or more |",
        f"| users | {settled.USERS_MIN} or more in the cohort | {live.USERS_MIN} or more expected |",
        f"| {100 * settled.FALSE_RATE:g} % | {rates[0]} % (15 minutes), {rates[1]} % (60 minutes), {rates[2]} % (so far) |",
        f"CUSUM above {H:g}",
        f"of the last {RESIDUALS} days",
    ):
        assert row in text
