"""What does the exporter say of itself, of Redis and of what Kafka still holds for the workers?"""

from consumers.metrics.metric import counter, gauge

LAST_REFRESH = gauge(
    "exporter",
    "retention_exporter_last_refresh_timestamp_seconds",
    "seconds",
    "The moment that the exported numbers are of. A refresh that fails leaves them and this moment as they are.",
)
REFRESH_DURATION = gauge(
    "exporter",
    "retention_exporter_refresh_duration_seconds",
    "seconds",
    "How long the last refresh of the numbers took that succeeded.",
)
REFRESH_ERRORS = counter(
    "exporter",
    "retention_exporter_refresh_errors_total",
    "refreshes",
    "Refreshes that failed: of the numbers, of Redis' memory or of the lag.",
)
LEFT_OUT = gauge(
    "exporter",
    "retention_exporter_left_out",
    "1",
    "Apps, and currencies and variants of apps, that have no series because there are more than RETENTION_EXPORTER_APPS, "
    "_CURRENCIES and _VALUES allow. Kept are the first by name, and of variants those of most users.",
    "kind",
)
LAG = gauge(
    "exporter",
    "retention_consumer_group_lag",
    "records",
    "Records of an input partition that are not counted yet: Kafka's stable end offset less the position that Redis holds, "
    "whichever worker it is that counts. Absent while Kafka or Redis gives no answer.",
    "topic",
    "partition",
)
REDIS_CONNECTED = gauge(
    "exporter", "retention_redis_connected", "1", "Whether Redis answered when it was last asked: 1, else 0."
)
REDIS_USED_MEMORY = gauge(
    "exporter",
    "retention_redis_used_memory_bytes",
    "bytes",
    "Memory that Redis uses for everything it holds. Absent while it gives no answer.",
)
REDIS_MAXMEMORY = gauge(
    "exporter",
    "retention_redis_maxmemory_bytes",
    "bytes",
    "Memory that Redis may use; 0 where it has no limit. Absent while it gives no answer.",
)

EXPORTING = (
    LAST_REFRESH,
    REFRESH_DURATION,
    REFRESH_ERRORS,
    LEFT_OUT,
    LAG,
    REDIS_CONNECTED,
    REDIS_USED_MEMORY,
    REDIS_MAXMEMORY,
)
