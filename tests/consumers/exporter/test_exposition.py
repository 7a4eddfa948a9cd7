"""What a scrape gets: fresh families of a frozen snapshot, as the catalogue has them, with any value in a label."""

from __future__ import annotations

import dataclasses

import pytest
from prometheus_client.parser import text_string_to_metric_families

from consumers.exporter.exposition import SnapshotCollector
from consumers.exporter.main import SNAPSHOT
from consumers.exporter.snapshot import Draft, Snapshot
from consumers.metrics import exporting, numbers, of_role
from consumers.telemetry import Telemetry

SEGMENT = numbers.SEGMENT_SETTLED_COHORT


def rendered(*shown: Snapshot) -> str:
    telemetry = Telemetry("exporter")
    telemetry.child(exporting.REFRESH_ERRORS)
    telemetry.child(exporting.REDIS_CONNECTED)
    telemetry.registry.register(SnapshotCollector(SNAPSHOT, lambda: shown))
    return telemetry.render().decode()


def test_the_families_are_those_of_the_role_each_with_its_meaning() -> None:
    families = {
        line.split(" ", 3)[2] for line in rendered().splitlines() if line.startswith("# HELP retention_")
    }
    assert families == {metric.name for metric in of_role("exporter")}


def test_a_metric_without_a_number_has_no_series() -> None:
    draft = Draft()
    draft.add(numbers.NPS, None, "shop")
    draft.add(numbers.PAYERS, 0, "shop")
    text = rendered(draft.frozen())
    assert "retention_nps{" not in text
    assert 'retention_payers{app="shop"} 0.0' in text


def test_whatever_clients_send_as_a_value_stays_a_value() -> None:
    draft, odd = (
        Draft(),
        ['"} 1\nretention_payers{app="x', "a\\", "Ünïcode\u2028\x85", ""],
    )
    for number, value in enumerate(odd):
        draft.add(SEGMENT, number, "shop", "platform", value, "07")
    [family] = [
        one for one in text_string_to_metric_families(rendered(draft.frozen())) if one.name == SEGMENT.name
    ]
    values = [sample.labels["value"] for sample in family.samples]
    assert values == odd


def test_samples_have_no_time_of_their_own() -> None:
    draft = Draft()
    draft.add(numbers.PAYERS, 3, "shop")
    [line] = [line for line in rendered(draft.frozen()).splitlines() if line.startswith("retention_payers{")]
    assert line.split(" ") == ['retention_payers{app="shop"}', "3.0"]


def test_a_snapshot_does_not_change_when_its_draft_goes_on() -> None:
    draft = Draft()
    draft.add(numbers.PAYERS, 3, "shop")
    snapshot = draft.frozen()
    draft.add(numbers.PAYERS, 4, "game")
    assert len(snapshot.of(numbers.PAYERS)) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        snapshot.samples = {}  # type: ignore[misc]


def test_a_series_that_comes_twice_or_lacks_a_label_is_a_bug() -> None:
    draft = Draft()
    draft.add(numbers.PAYERS, 3, "shop")
    with pytest.raises(ValueError, match="comes twice"):
        draft.add(numbers.PAYERS, 3, "shop")
    with pytest.raises(ValueError, match="has the labels"):
        draft.add(numbers.PAYERS, 3)
