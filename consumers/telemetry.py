"""How do the metrics of consumers/metrics.py reach Prometheus?

The only place that knows prometheus_client. Each process has one `Telemetry` with a registry of its own. Everything is observed per
record batch, never per event, on children bound beforehand, so that metrics cost a worker microseconds a batch.
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

from consumers import metrics
from consumers.metrics import Metric
from stream.events.reasons import Reason
from stream.events.schema import TOPICS

if TYPE_CHECKING:
    from stream.engine import BatchOutcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
DISTRIBUTION = "retention-tracker"

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter that nobody reads


class Telemetry:
    """The metrics of one process. Topics are named without their prefix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(
            registry=self.registry
        )  # memory, CPU and open files of the process, under their usual names
        self._families = {metric.name: self._bind(metric) for metric in metrics.CATALOGUE}
        self._consumed = {topic: self._child(metrics.EVENTS_CONSUMED, topic) for topic in TOPICS}
        self._applied = {kind: self._child(metrics.EVENTS_APPLIED, kind) for kind in TOPICS.values()}
        self._dead = {reason: self._child(metrics.DEAD_LETTERS, reason.value) for reason in Reason}
        self._steps = {step: self._child(metrics.BATCH_DURATION, step) for step in metrics.STEPS}
        self._repeated = self._child(metrics.EVENTS_REPEATED)
        self._conflicts = self._child(metrics.APPLY_CONFLICTS)
        self._events = self._child(metrics.BATCH_EVENTS)
        self._lateness = self._child(metrics.EVENT_LATENESS)
        self._visible = self._child(metrics.EVENT_VISIBLE)
        self._child(metrics.BUILD_INFO, product_version(), platform.python_version()).set(1)

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
        for step in metrics.STEPS:
            self._steps[step].observe(outcome.seconds.get(step, 0.0))
        for lateness_ms in outcome.lateness_ms or ():
            self._lateness.observe(lateness_ms / 1000)
        if outcome.latest_produced_ms is not None:
            self._visible.observe(max(0, now_ms - outcome.latest_produced_ms) / 1000)

    def render(self) -> bytes:
        """The text exposition, with CONTENT_TYPE."""
        return generate_latest(self.registry)

    def _bind(self, metric: Metric) -> Any:
        if metric.kind == "histogram":
            return Histogram(
                metric.name, metric.meaning, metric.labels, buckets=metric.buckets, registry=self.registry
            )
        family = {"counter": Counter, "gauge": Gauge}[metric.kind]
        return family(metric.name, metric.meaning, metric.labels, registry=self.registry)

    def _child(self, metric: Metric, *labels: str) -> Any:
        family = self._families[metric.name]
        return family.labels(*labels) if labels else family


def product_version() -> str:
    """The version of the installed distribution; `unknown` where it runs from a bare checkout."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"
