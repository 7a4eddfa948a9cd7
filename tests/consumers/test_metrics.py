"""The catalogue of metrics, and what a worker's record batches make of it."""

import re
import subprocess
from collections import Counter

import pytest

from consumers import metrics
from consumers.metrics import pipeline
from consumers.telemetry import Telemetry, WorkerTelemetry
from stream.engine import BatchOutcome, Engine, RecordBatch
from stream.events.decode import Decoder
from stream.events.reasons import Reason
from stream.retention.days import zone
from stream.store.memory import MemoryStore
from tests.grafana.programs import program

OWN = re.compile(r"^(retention_[a-z_]+?)(_bucket|_sum|_count)?(\{.*\})? ", re.MULTILINE)


def samples(telemetry: Telemetry) -> dict[str, float]:
    lines = [line for line in telemetry.render().decode().splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_names_are_unique_with_unit_and_meaning() -> None:
    assert len({metric.name for metric in metrics.CATALOGUE}) == len(metrics.CATALOGUE)
    for metric in metrics.CATALOGUE:
        assert metric.name.startswith("retention_")
        assert metric.meaning.endswith(".")
        assert metric.unit


@pytest.mark.parametrize("metric", metrics.CATALOGUE, ids=lambda metric: metric.name)
def test_a_name_ends_as_its_kind_and_unit_ask(metric: metrics.Metric) -> None:
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert (metric.unit == "seconds") == metric.name.endswith("_seconds")
    assert (metric.kind == "histogram") == bool(metric.buckets)
    assert list(metric.buckets) == sorted(metric.buckets)


def test_a_worker_renders_its_part_of_the_catalogue_and_nothing_else() -> None:
    text = WorkerTelemetry().render().decode()
    assert {match[1] for match in OWN.finditer(text)} == {metric.name for metric in metrics.of_role("worker")}
    assert "_created" not in text


@pytest.mark.parametrize("role", metrics.ROLES)
def test_promtool_finds_nothing_wrong_with_what_a_role_exports(role: metrics.Role) -> None:
    telemetry = Telemetry(role)
    for metric in metrics.of_role(role):
        telemetry.child(metric, *metric.labels)
    checked = subprocess.run(
        [program("promtool"), "check", "metrics"], input=telemetry.render(), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_a_role_exports_no_metric_of_another() -> None:
    with pytest.raises(ValueError, match="retention_batch_events is exported by worker, not by api"):
        Telemetry("api").child(pipeline.BATCH_EVENTS)


def test_every_reason_topic_and_type_stands_at_0_from_the_start() -> None:
    found = samples(WorkerTelemetry())
    for reason in Reason:
        assert found[f'retention_dead_letters_total{{reason="{reason}"}}'] == 0
    for topic, kind in (("installs", "install"), ("sessions", "session"), ("purchases", "purchase")):
        assert found[f'retention_events_consumed_total{{topic="{topic}"}}'] == 0
        assert found[f'retention_events_applied_total{{type="{kind}"}}'] == 0


def test_a_record_batch_moves_every_metric() -> None:
    telemetry = WorkerTelemetry()
    outcome = BatchOutcome(events=5, applied=4, repeated=1, users=3, conflicts=2)
    outcome.types = Counter(session=4)
    outcome.dead_letters = Counter({Reason.BAD_FIELD: 1})
    outcome.seconds.update(decode=0.002, apply=0.3, advance=0.001)
    outcome.latest_produced_ms, outcome.lateness_ms = 1_000, [-2_000, 86_400_000]
    telemetry.record(outcome, topic="sessions", now_ms=1_400)
    found = samples(telemetry)
    assert found['retention_events_consumed_total{topic="sessions"}'] == 5
    assert found['retention_events_applied_total{type="session"}'] == 4
    assert found["retention_events_repeated_total"] == 1
    assert found['retention_dead_letters_total{reason="bad_field"}'] == 1
    assert found["retention_apply_conflicts_total"] == 2
    assert found['retention_batch_events_bucket{le="10.0"}'] == 1
    assert found['retention_batch_duration_seconds_sum{step="apply"}'] == 0.3
    assert found["retention_event_lateness_seconds_count"] == 2
    assert found['retention_event_lateness_seconds_bucket{le="0.0"}'] == 1
    assert found["retention_event_visible_seconds_sum"] == 0.4


def test_a_slice_without_records_is_no_batch() -> None:
    telemetry = WorkerTelemetry()
    telemetry.record(BatchOutcome(), topic="installs", now_ms=0)
    assert samples(telemetry)["retention_batch_events_count"] == 0


def test_a_clock_behind_kafkas_gives_no_negative_time() -> None:
    telemetry = WorkerTelemetry()
    telemetry.record(BatchOutcome(events=1, latest_produced_ms=10_000), topic="installs", now_ms=0)
    assert samples(telemetry)["retention_event_visible_seconds_sum"] == 0


async def test_the_engine_takes_exactly_the_steps_of_the_catalogue() -> None:
    decoder = Decoder(zones=lambda app: zone("UTC"), secret=b"s" * 16, earliest_ms=0)
    engine = Engine(
        MemoryStore(), decoder, lambda app: zone("UTC"), log_id="log", clock=lambda: 0.0, now_ms=lambda: 0
    )
    await engine.assigned([("installs", 0)])

    async def deliver(letters: list[object]) -> None:
        assert not letters

    outcome = await engine.count(RecordBatch("installs", 0, 0, 0, []), deliver)  # type: ignore[arg-type]
    assert set(outcome.seconds) == set(pipeline.STEPS)
