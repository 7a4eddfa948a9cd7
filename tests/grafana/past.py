"""A past in which everything went wrong, as OpenMetrics text: what a healthy minute of `retention up` cannot show.

The last hour has a broken pipeline and open incidents, now and a week ago there is settled retention. Recorded series are told as
they would have been, since nobody evaluated rules at the time.
"""

from collections.abc import Iterator

HOUR_SECONDS, STEP_SECONDS = 3_600, 30
WEEK_SECONDS, SEEN_SECONDS = 7 * 86_400, 240  # a sample is seen for five minutes

# Series of the last hour: as (first value, what is added from sample to sample).
LAST_HOUR = {
    'up{job="retention-worker",instance="w"}': (0, 0),
    'retention_collector_requests_total{code="202"}': (0, 100),
    'retention_collector_requests_total{code="503"}': (0, 10),
    'retention_collector_events_total{outcome="accepted"}': (0, 100),
    'retention_collector_events_total{outcome="rejected"}': (0, 50),
    'retention_consumer_group_lag{topic="sessions",partition="0"}': (100, 50),
    'retention_events_consumed_total{topic="sessions"}': (0, 100),
    'retention_dead_letters_total{reason="bad_field"}': (0, 50),
    'retention_event_visible_seconds_bucket{le="60"}': (0, 0),
    'retention_event_visible_seconds_bucket{le="300"}': (0, 100),
    'retention_event_visible_seconds_bucket{le="+Inf"}': (0, 100),
    'retention_watch_webhook_total{outcome="waiting"}': (0, 1),
    "retention_redis_connected": (0, 0),
    "retention_redis_used_memory_bytes": (900, 0),
    "retention_redis_maxmemory_bytes": (1_000, 0),
    "retention:lag_records:sum": (2_000, 50),
    "retention:lag_tolerated_records:max": (1_000, 0),
    "retention:refresh_age_seconds:min": (600, 0),
    "retention:watch_age_seconds:min": (1_000, 0),
    "retention:numbers_sound:bool": (1, 0),
    'retention_anomaly_active{app="demo",detector="settled",day="07"}': (1, 0),
    'retention_anomaly_active{app="demo",detector="drift",day="07"}': (1, 0),
    'retention_anomaly_active{app="demo",detector="pace",day=""}': (1, 0),
    'retention_anomaly_zscore{app="demo",detector="settled",day="07"}': (-4, 0),
    'retention_anomaly_zscore{app="demo",detector="pace",day=""}': (-5, 0),
    'retention_anomaly_cusum{app="demo",day="07"}': (6, 0),
    'retention_anomaly_drop_ratio{app="demo",detector="settled",day="07"}': (0.06, 0),
    'retention_anomaly_drop_ratio{app="demo",detector="pace",day=""}': (0.2, 0),
    'retention_anomaly_dispersion_ratio{app="demo",detector="settled",day="07"}': (1.4, 0),
    'retention_anomaly_sample_users{app="demo",detector="settled",day="07"}': (2_000, 0),
    'retention_expected_ratio{app="demo",day="07"}': (0.2, 0),
    'retention_expected_lower_ratio{app="demo",day="07"}': (0.18, 0),
    'retention_expected_upper_ratio{app="demo",day="07"}': (0.22, 0),
    'ALERTS{alertname="RetentionChurnSpike",alertstate="firing",app="demo",day="07",layer="business",severity="critical"}': (1, 0),
    'ALERTS{alertname="RetentionLagGrowing",alertstate="firing",layer="pipeline",severity="critical"}': (1, 0),
}  # fmt: skip
NOW_AND_A_WEEK_AGO = {
    f'retention:settled_retention:ratio{{app="demo",day="{day}"}}': 0.2 for day in ("01", "07", "30")
}


def openmetrics(now_seconds: int) -> str:
    """All of it up to that moment, for `promtool tsdb create-blocks-from openmetrics`."""
    families: dict[str, list[str]] = {}
    for series, (first, added) in LAST_HOUR.items():
        name = series.partition("{")[0]
        hour = range(now_seconds - HOUR_SECONDS, now_seconds + 1, STEP_SECONDS)
        families.setdefault(name, []).extend(
            f"{series} {first + added * number} {moment}" for number, moment in enumerate(hour)
        )
    for series, value in NOW_AND_A_WEEK_AGO.items():
        week_ago = now_seconds - WEEK_SECONDS
        moments = [week_ago, week_ago + SEEN_SECONDS, now_seconds - SEEN_SECONDS, now_seconds]
        families.setdefault(series.partition("{")[0], []).extend(
            f"{series} {value} {moment}" for moment in moments
        )
    return "\n".join([*_typed(families), "# EOF", ""])


def _typed(families: dict[str, list[str]]) -> Iterator[str]:
    for name, samples in families.items():
        yield f"# TYPE {name} unknown"
        yield from samples
