"""Hurry shortens what only waits, and the receivers are all that a run changes of what is shipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.stack.composed import services
from tests.stack.own import ALERTMANAGER, PROMETHEUS, SECRETS, hurried, own

SHIPPED = [*PROMETHEUS.glob("*.yml"), *PROMETHEUS.glob("rules/*.yml"), *ALERTMANAGER.glob("*.yml")]
WAIT = re.compile(
    r"^ *(?:- )?(for|group_wait|group_interval|scrape_interval|evaluation_interval|refresh_interval): "
)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_hurry_shortens_what_waits_and_nothing_else(path: Path) -> None:
    shipped, changed = path.read_text(), hurried(path.read_text(), 20)
    assert changed != shipped or "recording" in path.name
    for before, after in zip(shipped.splitlines(), changed.splitlines(), strict=True):
        assert (before != after) == bool(WAIT.match(before)), before


def test_twenty_times_as_short_is_a_twentieth() -> None:
    assert hurried("        for: 5m\n  scrape_interval: 15s  # often\n", 20) == (
        "        for: 15000ms\n  scrape_interval: 750ms  # often\n"
    )


def test_without_hurry_only_secrets_and_receivers_are_those_of_the_run(tmp_path: Path) -> None:
    every = services()
    for name, changed in own(every, tmp_path, 1).items():
        assert changed.environment == every[name].environment
        for before, after in zip(every[name].mounts, changed.mounts, strict=True):
            ours = Path(before.source).is_relative_to(SECRETS) or Path(before.source) == ALERTMANAGER
            assert (before != after) == ours, before
    shipped = (ALERTMANAGER / "alertmanager.yml").read_text().splitlines()
    filled = (tmp_path / "alertmanager" / "alertmanager.yml").read_text().splitlines()
    assert [line for line in filled if line and "webhook_configs: [{" not in line] == [
        line for line in shipped if line
    ]
