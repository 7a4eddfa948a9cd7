"""What does a collector tell of the requests that it answers? Metrics of one process: they begin at 0 with it."""

from consumers.metrics.metric import counter, gauge, histogram

OUTCOMES = ("accepted", "rejected")

COLLECTOR_EVENTS = counter(
    "collector",
    "retention_collector_events_total",
    "events",
    "Posted events by outcome: accepted (Kafka has acknowledged them) or rejected (the answer said why). Events of requests "
    "that were refused as a whole are in neither.",
    "outcome",
)
COLLECTOR_REJECTED = counter(
    "collector",
    "retention_collector_rejected_total",
    "events",
    "Posted events that were rejected, by reason (docs/reasons.md). Every reason is present from the start at 0.",
    "reason",
)
COLLECTOR_REQUESTS = counter(
    "collector",
    "retention_collector_requests_total",
    "requests",
    "Requests with events, by the status of the answer.",
    "code",
)
COLLECTOR_REQUEST_DURATION = histogram(
    "collector",
    "retention_collector_request_duration_seconds",
    "seconds",
    "Time from a request's head to its answer; waiting for the sender's body and for Kafka is included.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
COLLECTOR_IN_FLIGHT = gauge(
    "collector",
    "retention_collector_in_flight_events",
    "events",
    "Events that were given to the Kafka producer and are not acknowledged yet.",
)

COLLECTOR = (
    COLLECTOR_EVENTS,
    COLLECTOR_REJECTED,
    COLLECTOR_REQUESTS,
    COLLECTOR_REQUEST_DURATION,
    COLLECTOR_IN_FLIGHT,
)
