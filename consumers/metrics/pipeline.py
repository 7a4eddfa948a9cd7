"""What does a worker count of the records that it takes? Metrics of one process: they begin at 0 with it."""

from consumers.metrics.metric import counter, histogram

STEPS = ("decode", "apply", "advance")

EVENTS_CONSUMED = counter(
    "worker",
    "retention_events_consumed_total",
    "records",
    "Kafka records taken from an input topic and settled: counted, repeated or sent to dead-letters.",
    "topic",
)
EVENTS_APPLIED = counter(
    "worker",
    "retention_events_applied_total",
    "events",
    "Events whose record batch stands in Redis, by type of event: repeats included, those that an erasure made void are not.",
    "type",
)
EVENTS_REPEATED = counter(
    "worker",
    "retention_events_repeated_total",
    "events",
    "Applied events that changed no number, because they were known already.",
)
DEAD_LETTERS = counter(
    "worker",
    "retention_dead_letters_total",
    "records",
    "Records sent to dead-letters, by reason (docs/reasons.md). Every reason is present from the start at 0.",
    "reason",
)
BATCH_EVENTS = histogram(
    "worker",
    "retention_batch_events",
    "records",
    "Records in a record batch.",
    buckets=(1, 10, 50, 100, 500, 1_000, 2_500, 5_000, 10_000, 25_000),
)
BATCH_DURATION = histogram(
    "worker",
    "retention_batch_duration_seconds",
    "seconds",
    "Time a record batch spent in a step: decode (bytes to events), apply (its users read, planned, compared and applied in "
    "Redis, and its dead letters acknowledged), advance (its offset moved). Waiting for Redis or Kafka is included.",
    "step",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
EVENT_LATENESS = histogram(
    "worker",
    "retention_event_lateness_seconds",
    "seconds",
    "Kafka time of an event minus its own timestamp; an even sample of the events of each record batch.",
    buckets=(0, 1, 10, 60, 300, 3_600, 21_600, 86_400, 604_800, 2_592_000, 31_536_000),
)
EVENT_VISIBLE = histogram(
    "worker",
    "retention_event_visible_seconds",
    "seconds",
    "Time from the Kafka time of a record until it is counted; the last record of each record batch.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600),
)
APPLY_CONFLICTS = counter(
    "worker",
    "retention_apply_conflicts_total",
    "users",
    "Users whose record was changed by another worker between read and apply; they were read and folded again.",
)

PIPELINE = (
    EVENTS_CONSUMED,
    EVENTS_APPLIED,
    EVENTS_REPEATED,
    DEAD_LETTERS,
    BATCH_EVENTS,
    BATCH_DURATION,
    EVENT_LATENESS,
    EVENT_VISIBLE,
    APPLY_CONFLICTS,
)
