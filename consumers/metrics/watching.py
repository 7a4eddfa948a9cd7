"""What does the churn watch say of itself, and what does the exporter tell of what it found?"""

from consumers.metrics.metric import counter, gauge

OUTCOMES = ("told", "waiting", "unknown", "given_up")

LEADS = gauge(
    "watch",
    "retention_watch_leads",
    "1",
    "Whether this watch is the one that looks: 1; 0 while it stands by.",
)
RUN_DURATION = gauge(
    "watch", "retention_watch_run_duration_seconds", "seconds", "How long the last look at all apps took."
)
RUN_ERRORS = counter(
    "watch", "retention_watch_errors_total", "looks", "Looks at an app that failed; the log says why."
)
WEBHOOK = counter(
    "watch",
    "retention_watch_webhook_total",
    "tries",
    "Tries to tell an incident to the webhook: told, waiting (not taken, tried again), unknown (no answer, not repeated), "
    "given_up.",
    "outcome",
)

LAST_RUN = gauge(
    "exporter",
    "retention_watch_last_run_timestamp_seconds",
    "seconds",
    "When the churn watch last looked at the app that it looked at longest ago.",
)
ZSCORE = gauge(
    "exporter",
    "retention_anomaly_zscore",
    "1",
    "z of the newest test, corrected for over-dispersion; below -3 is a sign of churn. Detector `settled`: the cell of day n that "
    "settled last; `pace`: the returning users of the last 15 minutes, without a day.",
    *("app", "detector", "day"),
)
CUSUM = gauge(
    "exporter",
    "retention_anomaly_cusum",
    "1",
    "Cumulative sum of the z of day n below -0.5, from 0 to 10; above 5 it is sliding down.",
    *("app", "day"),
)
DISPERSION = gauge(
    "exporter",
    "retention_anomaly_dispersion_ratio",
    "1",
    "How much more earlier days differed than chance alone would make them; 1 is chance.",
    *("app", "detector", "day"),
)
SAMPLE = gauge(
    "exporter",
    "retention_anomaly_sample_users",
    "users",
    "Users in the newest test: the size of the cohort, or who came in the last 15 minutes.",
    *("app", "detector", "day"),
)
DROP = gauge(
    "exporter",
    "retention_anomaly_drop_ratio",
    "1",
    "What is missing: of detector `settled` expected less seen share of the cohort, of `pace` the share of the expected users. "
    "Of an open incident what it opened with, if that is more.",
    *("app", "detector", "day"),
)
ACTIVE = gauge(
    "exporter",
    "retention_anomaly_active",
    "1",
    "Whether an incident of the app or of one of its segments is open: 1, else 0. Detector `settled`: a cell fell; "
    "`drift`: it has been sliding for days; `pace`.",
    *("app", "detector", "day"),
)
EXPECTED = gauge(
    "exporter",
    "retention_expected_ratio",
    "1",
    "Share that the cell of day n that settled last should have had.",
    *("app", "day"),
)
EXPECTED_LOWER = gauge(
    "exporter",
    "retention_expected_lower_ratio",
    "1",
    "Lower end of where that share lies with 95 % probability.",
    *("app", "day"),
)
EXPECTED_UPPER = gauge(
    "exporter",
    "retention_expected_upper_ratio",
    "1",
    "Upper end of where that share lies with 95 % probability.",
    *("app", "day"),
)

FOUND = (
    LAST_RUN,
    ZSCORE,
    CUSUM,
    DISPERSION,
    SAMPLE,
    DROP,
    ACTIVE,
    EXPECTED,
    EXPECTED_LOWER,
    EXPECTED_UPPER,
)
WATCHING = (LEADS, RUN_DURATION, RUN_ERRORS, WEBHOOK, *FOUND)
