"""Which numbers about users does the exporter tell? All are answers of the read model, of complete periods unless said otherwise.

A series is absent where there is no number yet: never 0 for "not yet". `day` is the n of a cell in two digits or more, `cohort` its
first date, days and dates are those of the app's time zone.
"""

from consumers.metrics.metric import Metric, gauge


def _users(name: str, meaning: str, *labels: str) -> Metric:
    return gauge("exporter", name, "users", meaning, "app", *labels)


def _ratio(name: str, meaning: str, *labels: str) -> Metric:
    return gauge("exporter", name, "ratio", meaning, "app", *labels)


def _money(name: str, meaning: str, *labels: str) -> Metric:
    return gauge("exporter", name, "minor units", meaning, "app", "currency", *labels)


COHORT_USERS = _users(
    "retention_cohort_users",
    "Installs of a complete day: the size of a cohort, the last RETENTION_EXPORTER_COHORTS of them. For display; trends and "
    "alerts use retention_settled_cohort_users. A day without installs has no series.",
    "cohort",
)
COHORT_RETAINED = _users(
    "retention_cohort_retained_users",
    "Users of a cohort with a session exactly n days after the install; complete cells only.",
    *("cohort", "day"),
)
SETTLED_COHORT = _users(
    "retention_settled_cohort_users",
    "Size of the newest cohort whose day n is complete. It has no label for the cohort, so that `offset 7d` is the same weekday.",
    "day",
)
SETTLED_RETAINED = _users(
    "retention_settled_retained_users",
    "Users of the newest cohort whose day n is complete who had a session on it.",
    "day",
)
AVERAGE = _ratio(
    "retention_average_ratio",
    "Retention on day n (00 to 30), pooled over the complete cells of the last RETENTION_EXPORTER_COHORTS cohorts: the curve.",
    "day",
)
AVERAGE_LOWER = _ratio(
    "retention_average_lower_ratio",
    "Lower end of the 95 % Wilson interval of retention_average_ratio.",
    "day",
)
AVERAGE_UPPER = _ratio(
    "retention_average_upper_ratio",
    "Upper end of the 95 % Wilson interval of retention_average_ratio.",
    "day",
)
SEGMENT_SETTLED_COHORT = _users(
    "retention_segment_settled_cohort_users",
    "retention_settled_cohort_users by the values of the dimensions of RETENTION_EXPORTER_DIMENSIONS: the "
    "RETENTION_EXPORTER_VALUES largest, the rest as `other`, users without a value as `(not set)`.",
    *("dimension", "value", "day"),
)
SEGMENT_SETTLED_RETAINED = _users(
    "retention_segment_settled_retained_users",
    "retention_settled_retained_users by the values of the dimensions of RETENTION_EXPORTER_DIMENSIONS.",
    *("dimension", "value", "day"),
)
DAILY_ACTIVE = _users("retention_daily_active_users", "Users active on the last complete day.")
WEEKLY_ACTIVE = _users(
    "retention_weekly_active_users", "Users active in the 7 days that end with the last complete one."
)
MONTHLY_ACTIVE = _users(
    "retention_monthly_active_users", "Users active in the 30 days that end with the last complete one."
)
STICKINESS = _ratio("retention_stickiness_ratio", "Daily by monthly active users.")
NEW = _users("retention_new_users", "Users first seen on the last complete day.")
RETURNING = _users(
    "retention_returning_users", "Users active on the last complete day and on the day before."
)
RESURRECTED = _users(
    "retention_resurrected_users",
    "Users active on the last complete day who were seen before, but not on the day before.",
)
CHURNED = _users(
    "retention_churned_users", "Users active on the day before the last complete one, and not on that."
)
INSTALLS = gauge("exporter", "retention_installs", "installs", "Installs of the last complete day.", "app")
REINSTALLS = gauge(
    "exporter",
    "retention_reinstalls",
    "installs",
    "Installs of the last complete day by users who had installed before.",
    "app",
)
CRR = _ratio(
    "retention_crr_ratio",
    "Customer retention rate of the last 30 complete days as a share, (CE - CN) / CS: who stayed of the users, or "
    "of the customers, of the 30 days before.",
    "population",
)
PAYERS = _users(
    "retention_payers",
    "Users who have bought today, so far: it climbs through the day and begins again at the app's midnight.",
)
PURCHASES = gauge("exporter", "retention_purchases", "purchases", "Purchases of today, so far.", "app")
REVENUE = _money(
    "retention_revenue_minor_units",
    "Revenue of today so far, refunds taken off, in the smallest unit of its currency (USD: cents). Never summed over currencies.",
)
ARPU = _money("retention_arpu_minor_units", "Revenue by active user of the last complete day.")
ARPPU = _money("retention_arppu_minor_units", "Revenue by paying user of the last complete day.")
LTV = _money(
    "retention_ltv_minor_units",
    "What a user has paid from day 0 to day n, pooled over the complete cells of the last RETENTION_EXPORTER_COHORTS cohorts.",
    "day",
)
CONVERSION = _ratio(
    "retention_conversion_ratio",
    "Share of users that has bought on days 0 to n, pooled over the complete cells of the last RETENTION_EXPORTER_COHORTS cohorts.",
    "day",
)
REPEAT_PURCHASE = _ratio(
    "retention_repeat_purchase_ratio",
    "Share of the buyers of the last RETENTION_EXPORTER_COHORTS complete days who bought on two days or more.",
)
NPS = gauge(
    "exporter",
    "retention_nps",
    "points",
    "Net promoter score of the last 30 complete days, -100 to 100.",
    "app",
)
CSAT = _ratio(
    "retention_csat_ratio", "Share of the scores 4 and 5 among the CSAT answers of the last 30 complete days."
)
FEEDBACK_ANSWERS = gauge(
    "exporter",
    "retention_feedback_answers",
    "answers",
    "Answers of the last 30 complete days, by survey: nps or csat.",
    "app",
    "survey",
)
COMPARE_USERS = _users(
    "retention_compare_users",
    "Users of the variants of RETENTION_EXPORTER_EXPERIMENT in the last RETENTION_EXPORTER_COHORTS cohorts whose day n is "
    "complete; the RETENTION_EXPORTER_VALUES variants of most users. Users without a variant are in none.",
    *("dimension", "value", "day"),
)
COMPARE_RETAINED = _users(
    "retention_compare_retained_users",
    "Those of retention_compare_users who had a session on day n.",
    *("dimension", "value", "day"),
)

COHORTS = (
    *(COHORT_USERS, COHORT_RETAINED, SETTLED_COHORT, SETTLED_RETAINED),
    *(AVERAGE, AVERAGE_LOWER, AVERAGE_UPPER, SEGMENT_SETTLED_COHORT, SEGMENT_SETTLED_RETAINED),
)
PEOPLE = (
    *(DAILY_ACTIVE, WEEKLY_ACTIVE, MONTHLY_ACTIVE, STICKINESS),
    *(NEW, RETURNING, RESURRECTED, CHURNED, INSTALLS, REINSTALLS, CRR),
)
MONEY = (PAYERS, PURCHASES, REVENUE, ARPU, ARPPU, LTV, CONVERSION, REPEAT_PURCHASE)
EXPERIMENTS = (NPS, CSAT, FEEDBACK_ANSWERS, COMPARE_USERS, COMPARE_RETAINED)
NUMBERS = (*COHORTS, *PEOPLE, *MONEY, *EXPERIMENTS)
