"""What does the API count of itself, and of the roles whose metrics it joins with its own?"""

from consumers.metrics.metric import gauge

ROLE_UP = gauge(
    "api",
    "retention_role_up",
    "1",
    "Whether a role of RETENTION_METRICS_FROM gave its metrics to this scrape: 1, else 0. Prometheus' own `up` is "
    "that of the API alone.",
    "role",
)

ANSWERING = (ROLE_UP,)
