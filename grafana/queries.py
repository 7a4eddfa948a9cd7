"""Which PromQL stands behind which panel?

Every query names the metric once and what it is summed or chosen by. `needs` says what a Prometheus must have seen for an answer:
`live`, a minute of a running system; `history`, more days than that; `incident`, something that went wrong; `setting`, what only
a setting brings, such as a webhook. The tests run the first against a running `retention up`, the others against a Prometheus
filled with such a past.
"""

from dataclasses import dataclass
from typing import Literal

Needs = Literal["live", "history", "incident", "setting"]

RATE = "$__rate_interval"


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression; the legend of its series; whether only the last value is asked for."""

    expr: str
    legend: str = ""
    needs: Needs = "live"
    instant: bool = False


def one(metric: str, *by: str, where: str = "") -> str:
    """A gauge of the chosen app, by those labels: several exporters say the same, so the greatest of them stands for all."""
    chosen = ", ".join(['app="$app"', *([where] if where else [])])
    return f"max by ({', '.join(by)}) ({metric}{{{chosen}}})" if by else f"max({metric}{{{chosen}}})"


def share(part: str, whole: str, *by: str, where: str = "") -> str:
    """Part of whole by those labels, absent where there is nobody to come back."""
    return f"{one(part, *by, where=where)} / ({one(whole, *by, where=where)} > 0)"


def units(metric: str, *by: str, where: str = "") -> str:
    """Money in units of its currency (12.34), where the metric has minor units (1234)."""
    return f"{one(metric, 'currency', *by, where=where)} / on (currency) group_left () retention:currency_minor_units:scale"


def quantile(q: float, histogram: str, *by: str) -> str:
    """The quantile of a histogram over the last moments."""
    labels = ", ".join(["le", *by])
    return f"histogram_quantile({q:g}, sum by ({labels}) (rate({histogram}_bucket[{RATE}])))"


def per_second(counter: str, *by: str, where: str = "") -> str:
    """How fast a counter moves, summed by those labels."""
    chosen = f"{{{where}}}" if where else ""
    return f"sum by ({', '.join(by)}) (rate({counter}{chosen}[{RATE}]))"


# --- cohorts
_COHORT = ("cohort", "day")
TRIANGLE = Query(
    f"{one('retention_cohort_retained_users', *_COHORT)}"
    f" / on (cohort) group_left () ({one('retention_cohort_users', 'cohort')} > 0)"
    f' or label_replace({one("retention_cohort_users", "cohort")}, "day", "00", "", "")',
    instant=True,
)
# Day 00 is 100 % of everybody and would press the rest of the curve to the ground.
CURVE = tuple(
    Query(one(metric, "day", where='day!="00"'), legend, instant=True)
    for metric, legend in (
        ("retention_average_ratio", "average"),
        ("retention_average_lower_ratio", "low"),
        ("retention_average_upper_ratio", "high"),
    )
)
SETTLED = 'retention:settled_retention:ratio{app="$app", day=~"$day"}'
MILESTONE = {
    day: Query(f'retention:settled_retention:ratio{{app="$app", day="{day}"}}', f"D{day}")
    for day in ("01", "07", "30")
}
SETTLED_NOW = Query('retention:settled_retention:ratio{app="$app", day=~"01|07|30"}', "D{{day}}")
SETTLED_WEEK_AGO = Query(
    'retention:settled_retention:ratio{app="$app", day=~"01|07|30"} offset 7d',
    "D{{day}} a week before",
    "history",
)
_SEGMENT = ("retention_segment_settled_retained_users", "retention_segment_settled_cohort_users")
BY_SEGMENT = Query(
    share(*_SEGMENT, "value", where='dimension="$dimension", day="$day"'),
    "{{value}}",
)
SEGMENT_TABLE = Query(share(*_SEGMENT, "value", "day", where='dimension="$dimension"'), instant=True)
CRR = Query(one("retention_crr_ratio", "population"), "{{population}}")

# --- growth
DAU = Query(one("retention_daily_active_users"), "DAU")
WAU = Query(one("retention_weekly_active_users"), "WAU")
MAU = Query(one("retention_monthly_active_users"), "MAU")
STICKINESS = Query(one("retention_stickiness_ratio"), "DAU / MAU")
LIFECYCLE = (
    Query(one("retention_new_users"), "new"),
    Query(one("retention_returning_users"), "returning"),
    Query(one("retention_resurrected_users"), "resurrected"),
    Query(f"-{one('retention_churned_users')}", "gone"),
)
NEW_USERS = Query(one("retention_installs"), "installs")
REINSTALLS = Query(one("retention_reinstalls"), "re-installs")

# --- revenue
_MONEY = 'currency=~"$currency"'
REVENUE = Query(units("retention_revenue_minor_units", where=_MONEY), "{{currency}}")
ARPU = Query(units("retention_arpu_minor_units", where=_MONEY), "{{currency}}")
ARPPU = Query(units("retention_arppu_minor_units", where=_MONEY), "{{currency}}")
LTV_CURVE = Query(units("retention_ltv_minor_units", "day", where=_MONEY), instant=True)
CONVERSION_CURVE = Query(one("retention_conversion_ratio", "day"), "conversion", instant=True)
PAYERS = Query(one("retention_payers"), "payers")
PURCHASES = Query(one("retention_purchases"), "purchases")
REPEAT = Query(one("retention_repeat_purchase_ratio"), "bought again")

# --- experiments and feedback
_VARIANTS = ("retention_compare_retained_users", "retention_compare_users")
_OF_DIMENSION = 'dimension="$experiment"'
_CONTROL, _OTHERS = (
    'dimension="$experiment", value="$control"',
    'dimension="$experiment", value!="$control"',
)
VARIANT_TABLE = Query(share(*_VARIANTS, "value", "day", where=_OF_DIMENSION), instant=True)
VARIANT_USERS = Query(
    one("retention_compare_users", "value", where=f'{_OF_DIMENSION}, day="$day"'), "{{value}}"
)
VARIANT_LIFT = Query(
    f"{share(*_VARIANTS, 'value', 'day', where=_OTHERS)}"
    f" - on (day) group_left () {share(*_VARIANTS, 'day', where=_CONTROL)}",
    instant=True,
)
_POOLED = (
    f"(({one(_VARIANTS[0], 'value', 'day', where=_OTHERS)}"
    f" + on (day) group_left () {one(_VARIANTS[0], 'day', where=_CONTROL)})"
    f" / ({one(_VARIANTS[1], 'value', 'day', where=_OTHERS)}"
    f" + on (day) group_left () {one(_VARIANTS[1], 'day', where=_CONTROL)}))"
)
# The two-proportion z: the difference over its standard error under the pooled rate.
VARIANT_Z = Query(
    f"({VARIANT_LIFT.expr}) / sqrt({_POOLED} * (1 - {_POOLED})"
    f" * (1 / {one(_VARIANTS[1], 'value', 'day', where=_OTHERS)}"
    f" + on (day) group_left () 1 / {one(_VARIANTS[1], 'day', where=_CONTROL)}))",
    instant=True,
)
NPS = Query(one("retention_nps"), "NPS")
CSAT = Query(one("retention_csat_ratio"), "CSAT")
ANSWERS = Query(one("retention_feedback_answers", "survey"), "{{survey}}")

# --- churn watch
Z_SETTLED = Query(one("retention_anomaly_zscore", "day", where='detector="settled"'), "D{{day}}", "incident")
Z_PACE = Query(one("retention_anomaly_zscore", where='detector="pace"'), "pace", "incident")
CUSUM = Query(one("retention_anomaly_cusum", "day"), "D{{day}}", "incident")
DROP = Query(one("retention_anomaly_drop_ratio", "detector", "day"), "{{detector}} {{day}}", "incident")
SEEN = Query('retention:settled_retention:ratio{app="$app", day="$day"}', "seen")
EXPECTED = tuple(
    Query(one(metric, where='day="$day"'), legend, "incident")
    for metric, legend in (
        ("retention_expected_ratio", "expected"),
        ("retention_expected_lower_ratio", "low"),
        ("retention_expected_upper_ratio", "high"),
    )
)
ACTIVE = Query(one("retention_anomaly_active", "detector", "day"), "{{detector}} {{day}}", "incident")
DISPERSION = Query(
    one("retention_anomaly_dispersion_ratio", "detector", "day"), "{{detector}} {{day}}", "incident"
)
SAMPLE = Query(one("retention_anomaly_sample_users", "detector", "day"), "{{detector}} {{day}}", "incident")
BUSINESS_ALERTS = Query(
    'max by (alertname, app, day) (ALERTS{layer="business", app="$app", alertstate="firing"})',
    "{{alertname}} {{day}}",
    "incident",
)
SOUND = Query("retention:numbers_sound:bool", "numbers sound")
WATCH_AGE = Query("retention:watch_age_seconds:min", "age")
WATCH_SECONDS = Query("max(retention_watch_run_duration_seconds)", "time of a look")
WATCH_LEADS = Query("sum(retention_watch_leads)", "watches that look")
WATCH_ERRORS = Query(f"sum(rate(retention_watch_errors_total[{RATE}]))", "looks that failed")
WEBHOOK = Query(per_second("retention_watch_webhook_total", "outcome"), "{{outcome}}", "setting")

# --- pipeline
UP = Query('up{job=~"retention-.+"}', "{{job}} {{instance}}")
# Where one page joins the metrics of all roles.
ROLE_UP = Query("min by (role) (retention_role_up)", "{{role}}")
CONSUMED = Query(per_second("retention_events_consumed_total", "topic"), "{{topic}}")
APPLIED = Query(per_second("retention_events_applied_total", "type"), "{{type}}")
LAG = Query("retention:lag_records:sum", "waiting")
LAG_TOLERATED = Query("retention:lag_tolerated_records:max", "tolerated")
LAG_BY_PARTITION = Query(
    "max by (topic, partition) (retention_consumer_group_lag)", "{{topic}} {{partition}}"
)
VISIBLE = tuple(Query(quantile(q, "retention_event_visible_seconds"), f"{q:.0%}") for q in (0.5, 0.95, 0.99))
LATENESS = Query(f"sum by (le) (increase(retention_event_lateness_seconds_bucket[{RATE}]))", "{{le}}")
DEAD_LETTERS = Query(per_second("retention_dead_letters_total", "reason"), "{{reason}}")
BATCH_STEPS = Query(quantile(0.95, "retention_batch_duration_seconds", "step"), "{{step}}")
BATCH_EVENTS = tuple(Query(quantile(q, "retention_batch_events"), f"{q:.0%}") for q in (0.5, 0.95))
REPEATED = Query(f"sum(rate(retention_events_repeated_total[{RATE}]))", "repeated events")
CONFLICTS = Query(f"sum(rate(retention_apply_conflicts_total[{RATE}]))", "users read again")
REQUESTS = Query(per_second("retention_collector_requests_total", "code"), "{{code}}")
COLLECTED = Query(per_second("retention_collector_events_total", "outcome"), "{{outcome}}")
REJECTED = Query(per_second("retention_collector_rejected_total", "reason"), "{{reason}}")
REQUEST_SECONDS = tuple(
    Query(quantile(q, "retention_collector_request_duration_seconds"), f"{q:.0%}") for q in (0.5, 0.99)
)
IN_FLIGHT = Query("sum(retention_collector_in_flight_events)", "events not acknowledged yet")
REDIS_USED = Query("max(retention_redis_used_memory_bytes)", "used")
REDIS_LIMIT = Query("max(retention_redis_maxmemory_bytes) > 0", "limit", "setting")
REDIS_CONNECTED = Query("min(retention_redis_connected)", "Redis")
REFRESH_AGE = Query("retention:refresh_age_seconds:min", "age of the numbers")
REFRESH_SECONDS = Query("max(retention_exporter_refresh_duration_seconds)", "time to read them")
LEFT_OUT = Query("max by (kind) (retention_exporter_left_out)", "{{kind}}")
REFRESH_ERRORS = Query(f"sum(rate(retention_exporter_refresh_errors_total[{RATE}]))", "readings that failed")
MEMORY = Query('process_resident_memory_bytes{job=~"retention-.+"}', "{{job}} {{instance}} {{role}}")
CPU = Query(
    f'rate(process_cpu_seconds_total{{job=~"retention-.+"}}[{RATE}])', "{{job}} {{instance}} {{role}}"
)
BUILDS = Query("count by (version, python) (retention_build_info)", instant=True)
PIPELINE_ALERTS = Query(
    'max by (alertname, severity) (ALERTS{layer="pipeline", alertstate="firing"})',
    "{{alertname}}",
    "incident",
)

# --- variables and annotations
APPS = Query("label_values(retention_daily_active_users, app)")
DIMENSIONS = Query('label_values(retention_segment_settled_cohort_users{app="$app"}, dimension)')
EXPERIMENT_DIMENSIONS = Query('label_values(retention_compare_users{app="$app"}, dimension)')
CONTROLS = Query('label_values(retention_compare_users{app="$app", dimension="$experiment"}, value)')
SETTLED_DAYS = Query('label_values(retention_settled_cohort_users{app="$app"}, day)')
CURRENCIES = Query('label_values(retention_revenue_minor_units{app="$app"}, currency)')
ALERT_MARKS = Query(
    'max by (alertname, app, day) (ALERTS{layer="business", app="$app", alertstate="firing"})', "", "incident"
)
