"""What the churn watch found, as it is exported."""

from __future__ import annotations

from msgspec.structs import replace

from consumers.exporter.anomalies import anomalies
from consumers.exporter.asking import Asking
from consumers.exporter.snapshot import Draft, Snapshot
from consumers.metrics import watching
from consumers.settings import Settings
from stream.churn.documents import STATE, Reading, State, state_bytes
from stream.churn.incidents import PACE, SETTLED, Evidence, Incident
from stream.store.memory import MemoryStore

DROP = Evidence("z", "platform:ios", "", "2026-11-20", 900, 0.3, 0.27, 0.33, 0.21, -5.0, 0.09)


async def exported(*states: State) -> Snapshot:
    """The snapshot of apps in these states."""
    store, draft = MemoryStore(), Draft()
    for at, state in enumerate(states):
        assert await store.replace_document(f"app{at}", STATE, b"", state_bytes(state))
        await anomalies(Asking(Settings(), store, f"app{at}", "UTC", 0), draft)
    return draft.frozen()


def series(snapshot: Snapshot, metric: watching.Metric) -> dict[tuple[str, ...], float]:
    return {one.labels: one.value for one in snapshot.of(metric)}


async def test_a_reading_is_exported_by_detector_and_day() -> None:
    state = State(run_ms=5_000)
    state.read(Reading(SETTLED, 1, 2_000, -3.5, 1.4, 0.3, 0.27, 0.33, 0.05, 4.5))
    state.read(Reading(PACE, None, 800, -6.0, 1.1, 1_000.0, 940.0, 1_060.0, 0.2))
    found = await exported(state)
    cell, pace = ("app0", "settled", "01"), ("app0", "pace", "")
    assert series(found, watching.ZSCORE) == {cell: -3.5, pace: -6.0}
    assert series(found, watching.SAMPLE) == {cell: 2_000, pace: 800}
    assert series(found, watching.DISPERSION) == {cell: 1.4, pace: 1.1}
    assert series(found, watching.DROP) == {cell: 0.05, pace: 0.2}
    assert series(found, watching.ACTIVE) == {cell: 0, ("app0", "drift", "01"): 0, pace: 0}
    assert series(found, watching.CUSUM) == {("app0", "01"): 4.5}
    assert series(found, watching.EXPECTED) == {("app0", "01"): 0.3}
    assert series(found, watching.EXPECTED_LOWER) == {("app0", "01"): 0.27}
    assert series(found, watching.EXPECTED_UPPER) == {("app0", "01"): 0.33}


async def test_an_open_incident_of_a_segment_is_one_of_the_app_with_its_drop() -> None:
    state = State(run_ms=5_000, incidents=[Incident(1, SETTLED, 7, 0, DROP)])
    state.read(Reading(SETTLED, 7, 2_000, -1.0, 1.4, 0.3, 0.27, 0.33, 0.01, 0.5))
    state.read(Reading(SETTLED, 1, 2_000))
    found = await exported(state)
    assert series(found, watching.ACTIVE)["app0", "settled", "07"] == 1
    assert series(found, watching.DROP) == {("app0", "settled", "07"): 0.09}
    state.incidents[0].closed_ms = 9
    assert series(await exported(state), watching.ACTIVE)["app0", "settled", "07"] == 0


async def test_a_slide_is_told_apart_from_a_fall() -> None:
    slide = Incident(1, SETTLED, 1, 0, replace(DROP, rule="cusum"))
    state = State(run_ms=5_000, incidents=[slide])
    state.read(Reading(SETTLED, 1, 2_000, -1.0, 1.4, 0.3, 0.27, 0.33, 0.01, 5.5))
    found = series(await exported(state), watching.ACTIVE)
    assert (found["app0", "settled", "01"], found["app0", "drift", "01"]) == (0, 1)


async def test_a_test_without_a_verdict_has_no_z() -> None:
    state = State(run_ms=5_000)
    state.read(Reading(SETTLED, 1, 2_000))
    found = await exported(state)
    assert series(found, watching.ZSCORE) == {}
    detectors = {("app0", "settled", "01"): 0, ("app0", "drift", "01"): 0, ("app0", "pace", ""): 0}
    assert series(found, watching.ACTIVE) == detectors


async def test_the_last_look_is_that_at_the_app_it_looked_at_longest_ago() -> None:
    found = await exported(State(run_ms=9_000), State(run_ms=5_000), State(run_ms=7_000))
    assert series(found, watching.LAST_RUN) == {(): 5.0}


async def test_where_no_watch_has_looked_there_is_nothing() -> None:
    found = await exported(State())
    assert all(found.of(metric) == () for metric in watching.FOUND)
