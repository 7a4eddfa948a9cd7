"""Which metrics exist, and what does each one mean?

The one catalogue: consumers/telemetry.py binds it to Prometheus, docs/metrics.md is made from it, dashboards and rules may use
nothing else. Base units; a sum over all labels of a metric always means something.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "histogram", "gauge"]

STEPS = ("decode", "apply", "advance")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family. `unit` is that of its samples; `buckets` are upper bounds in that unit."""

    name: str
    kind: Kind
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


EVENTS_CONSUMED = Metric(
    "retention_events_consumed_total",
    "counter",
    "records",
    "Kafka records taken from an input topic and settled: counted, repeated or sent to dead-letters.",
    labels=("topic",),
)
EVENTS_APPLIED = Metric(
    "retention_events_applied_total",
    "counter",
    "events",
    "Events whose record batch stands in Redis, repeats included, by type of event.",
    labels=("type",),
)
EVENTS_REPEATED = Metric(
    "retention_events_repeated_total",
    "counter",
    "events",
    "Applied events that changed no number, because they were known already.",
)
DEAD_LETTERS = Metric(
    "retention_dead_letters_total",
    "counter",
    "records",
    "Records sent to dead-letters, by reason (docs/reasons.md). Every reason is present from the start at 0.",
    labels=("reason",),
)
BATCH_EVENTS = Metric(
    "retention_batch_events",
    "histogram",
    "records",
    "Records in a record batch.",
    buckets=(1, 10, 50, 100, 500, 1_000, 2_500, 5_000, 10_000, 25_000),
)
BATCH_DURATION = Metric(
    "retention_batch_duration_seconds",
    "histogram",
    "seconds",
    "Time a record batch spent in a step: decode (bytes to events), apply (its users read, planned, compared and applied in "
    "Redis, and its dead letters acknowledged), advance (its offset moved). Waiting for Redis or Kafka is included.",
    labels=("step",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
EVENT_LATENESS = Metric(
    "retention_event_lateness_seconds",
    "histogram",
    "seconds",
    "Kafka time of an event minus its own timestamp; an even sample of the events of each record batch.",
    buckets=(0, 1, 10, 60, 300, 3_600, 21_600, 86_400, 604_800, 2_592_000, 31_536_000),
)
EVENT_VISIBLE = Metric(
    "retention_event_visible_seconds",
    "histogram",
    "seconds",
    "Time from the Kafka time of a record until it is counted; the last record of each record batch.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600),
)
APPLY_CONFLICTS = Metric(
    "retention_apply_conflicts_total",
    "counter",
    "users",
    "Users whose record was changed by another worker between read and apply; they were read and folded again.",
)
BUILD_INFO = Metric(
    "retention_build_info",
    "gauge",
    "1",
    "Always 1; the labels say which version runs.",
    labels=("version", "python"),
)

CATALOGUE: tuple[Metric, ...] = (
    EVENTS_CONSUMED,
    EVENTS_APPLIED,
    EVENTS_REPEATED,
    DEAD_LETTERS,
    BATCH_EVENTS,
    BATCH_DURATION,
    EVENT_LATENESS,
    EVENT_VISIBLE,
    APPLY_CONFLICTS,
    BUILD_INFO,
)
