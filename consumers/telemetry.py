"""How do the metrics of consumers/metrics/ reach Prometheus?

Each process has one `Telemetry` with a registry of its own, and exports what the catalogue says of its role and nothing else.
Everything is observed per record batch, never per event, on children bound beforehand, so that metrics cost a worker microseconds
a batch.
"""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from consumers.metrics import BUILD_INFO, Metric, Role, pipeline
from stream.events.reasons import Reason
from stream.events.schema import TOPICS

if TYPE_CHECKING:
    from stream.engine import BatchOutcome

DISTRIBUTION = "retention-tracker"

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter that nobody reads


class Telemetry:
    """The metrics of one process: those of the process itself, its version, and what its roles bind with `child`."""

    def __init__(self, *roles: Role) -> None:
        self.registry = CollectorRegistry()
        self._roles, self._families = roles, dict[str, Any]()
        # Memory, CPU and open files of the process, under their usual names.
        ProcessCollector(registry=self.registry)
        self.child(BUILD_INFO, product_version(), platform.python_version()).set(1)

    def child(self, metric: Metric, *labels: str) -> Any:
        """The counter, gauge or histogram for these values of its labels, from now on exported; ValueError where another role's."""
        if metric.role not in (*self._roles, None):
            raise ValueError(f"{metric.name} is exported by {metric.role}, not by {' or '.join(self._roles)}")
        family = self._families.get(metric.name)
        if family is None:
            family = self._families[metric.name] = self._bind(metric)
        return family.labels(*labels) if labels else family

    def render(self) -> bytes:
        """The text exposition, as web.METRICS_TYPE says."""
        return generate_latest(self.registry)

    def _bind(self, metric: Metric) -> Any:
        if metric.kind == "histogram":
            return Histogram(
                metric.name, metric.meaning, metric.labels, buckets=metric.buckets, registry=self.registry
            )
        family = {"counter": Counter, "gauge": Gauge}[metric.kind]
        return family(metric.name, metric.meaning, metric.labels, registry=self.registry)


class WorkerTelemetry(Telemetry):
    """What a worker tells of its record batches. Topics are named without their prefix."""

    def __init__(self) -> None:
        super().__init__("worker")
        self._consumed = {topic: self.child(pipeline.EVENTS_CONSUMED, topic) for topic in TOPICS}
        self._applied = {kind: self.child(pipeline.EVENTS_APPLIED, kind) for kind in TOPICS.values()}
        self._dead = {reason: self.child(pipeline.DEAD_LETTERS, reason.value) for reason in Reason}
        self._steps = {step: self.child(pipeline.BATCH_DURATION, step) for step in pipeline.STEPS}
        self._repeated = self.child(pipeline.EVENTS_REPEATED)
        self._conflicts = self.child(pipeline.APPLY_CONFLICTS)
        self._events = self.child(pipeline.BATCH_EVENTS)
        self._lateness = self.child(pipeline.EVENT_LATENESS)
        self._visible = self.child(pipeline.EVENT_VISIBLE)

    def record(self, outcome: "BatchOutcome", *, topic: str, now_ms: int) -> None:
        """Takes what became of one record batch of `topic` (without prefix), counted at `now_ms`."""
        self._consumed[topic].inc(outcome.events)
        for kind, events in outcome.types.items():
            self._applied[kind].inc(events)
        for reason, records in outcome.dead_letters.items():
            self._dead[Reason(reason)].inc(records)
        self._repeated.inc(outcome.repeated)
        self._conflicts.inc(outcome.conflicts)
        if not outcome.events:
            return  # a slice of control markers or holes only
        self._events.observe(outcome.events)
        for step in pipeline.STEPS:
            self._steps[step].observe(outcome.seconds.get(step, 0.0))
        for lateness_ms in outcome.lateness_ms or ():
            self._lateness.observe(lateness_ms / 1000)
        if outcome.latest_produced_ms is not None:
            self._visible.observe(max(0, now_ms - outcome.latest_produced_ms) / 1000)


def product_version() -> str:
    """The version of the installed distribution; `unknown` where it runs from a bare checkout."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"
