"""Do events become numbers, how fast, and which do not? Workers, lag, dead letters, collector, Redis, exporter."""

from functools import partial
from typing import Any

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import units

from grafana import config, queries
from grafana.frame import framed_board, with_panels
from grafana.panels import heat_map, in_unit, lines, number, states, steps
from grafana.tables import plain_table

UP = {"1": ("up", "green"), "0": ("down", "red")}
trace = partial(lines, step=config.PIPELINE_STEP)


def board() -> builders.Dashboard:
    """The dashboard Pipeline health."""
    made = framed_board(
        config.PIPELINE,
        "Pipeline health",
        "The way of events from apps to numbers. Docs: runbook.md has a section for every alert.",
        span=config.PIPELINE_RANGE,
        refresh=config.PIPELINE_REFRESH,
        per_app=False,
    )
    return with_panels(made, [*_state(), *_events(), *_batches(), *_collector(), *_stores(), *_processes()])


def _state() -> list[Any]:
    """What runs, what fires."""
    return [
        states(
            1,
            "Processes",
            "Every process that Prometheus reads, up or down.",
            [queries.UP, queries.ROLE_UP],
            UP,
            span=12,
            alerts=["RetentionWorkersAbsent", "RetentionTargetDown"],
        ),
        states(
            20,
            "Alerts that fire",
            "What Prometheus has sent to Alertmanager about the pipeline.",
            [queries.PIPELINE_ALERTS],
            {"1": ("firing", "red")},
            span=12,
        ),
    ]


def _events() -> list[Any]:
    """From Kafka to the numbers."""
    return [
        trace(
            2,
            "Records read",
            "Records taken from Kafka a second, by topic.",
            [queries.CONSUMED],
            units.RecordsPerSecond,
            span=8,
        ),
        trace(
            3,
            "Events counted",
            "Events that stand in Redis, a second, by type; repeats included.",
            [queries.APPLIED],
            units.CountsPerSecond,
            span=8,
        ),
        trace(
            4,
            "Lag",
            "Records that wait in Kafka, and how many may wait, a minute of traffic, before numbers are called late.",
            [queries.LAG, queries.LAG_TOLERATED],
            units.Short,
            span=8,
            alerts=["RetentionLagGrowing"],
        ),
        trace(
            5,
            "Lag by partition",
            "One line that does not fall while the others do is a partition that nobody reads.",
            [queries.LAG_BY_PARTITION],
            units.Short,
            span=8,
            alerts=["RetentionPartitionStuck"],
        ),
        trace(
            6,
            "From Kafka to the numbers",
            "Time from the moment Kafka had a record until it is counted; the last record of each batch.",
            list(queries.VISIBLE),
            units.Seconds,
            span=8,
            limit=config.VISIBLE_SECONDS_MAX,
            alerts=["RetentionVisibilitySlow"],
        ),
        heat_map(
            7,
            "Lateness",
            "How long events took from their own time to Kafka. Late events change days that are over.",
            queries.LATENESS,
            units.Seconds,
            span=8,
        ),
    ]


def _batches() -> list[Any]:
    """What becomes of record batches."""
    return [
        trace(
            8,
            "Dead letters",
            "Records that could not be counted, a second, by reason; they are kept in the topic dead-letters.",
            [queries.DEAD_LETTERS],
            units.RecordsPerSecond,
            span=8,
            alerts=["RetentionDeadLettersRising"],
        ),
        trace(
            9,
            "Batch durations",
            "95 % of record batches spend less than this in a step. Waiting for Redis is in `apply`.",
            [queries.BATCH_STEPS],
            units.Seconds,
            span=8,
        ),
        trace(
            10,
            "Batch sizes",
            "Records in a batch. Large batches are a worker that catches up.",
            list(queries.BATCH_EVENTS),
            units.Short,
            span=4,
        ),
        trace(
            11,
            "Repeats and conflicts",
            "Events that were known already, and users whom two workers had at once, a second. Neither changes a number.",
            [queries.REPEATED, queries.CONFLICTS],
            units.CountsPerSecond,
            span=4,
        ),
    ]


def _collector() -> list[Any]:
    """What apps send over HTTP."""
    return [
        trace(
            12,
            "Collector: requests",
            "Requests of apps a second, by status code.",
            [queries.REQUESTS],
            units.RequestsPerSecond,
            span=6,
            alerts=["RetentionCollectorFailing"],
        ),
        trace(
            13,
            "Collector: events",
            "Events that were accepted, which means that Kafka has them, and those refused.",
            [queries.COLLECTED],
            units.CountsPerSecond,
            span=6,
            alerts=["RetentionCollectorRejecting"],
        ),
        trace(
            21,
            "Collector: refusals",
            "Events refused, a second, by reason.",
            [queries.REJECTED],
            units.CountsPerSecond,
            span=6,
        ),
        trace(
            16,
            "Collector: time",
            "Time of a request of an app, the acknowledgement of Kafka included.",
            list(queries.REQUEST_SECONDS),
            units.Seconds,
            span=6,
        ),
    ]


def _stores() -> list[Any]:
    """Redis and the exporter."""
    return [
        trace(
            14,
            "Redis memory",
            "Memory of Redis and its limit. At the limit it refuses writes and workers wait.",
            [queries.REDIS_USED, queries.REDIS_LIMIT],
            units.BytesIEC,
            span=8,
            alerts=["RetentionRedisMemoryHigh"],
        ),
        number(
            15,
            "Redis",
            "Whether the exporter reaches Redis.",
            [queries.REDIS_CONNECTED],
            units.NoUnit,
            height=8,
            words={"1": ("connected", "green"), "0": ("away", "red")},
            alerts=["RetentionRedisDisconnected"],
        ),
        number(
            17,
            "Numbers read",
            "Time since the exporter last read the numbers.",
            [queries.REFRESH_AGE],
            units.Seconds,
            height=8,
            decimals=0,
            thresholds=steps((None, "green"), (config.REFRESH_SECONDS_MAX, "red")),
            alerts=["RetentionExporterStale", "RetentionExporterAbsent"],
        ),
        in_unit(
            trace(
                22,
                "Exporter",
                "How long a reading of the numbers takes, and readings that failed, a second.",
                [queries.REFRESH_SECONDS, queries.REFRESH_ERRORS],
                units.Seconds,
                span=8,
            ),
            queries.REFRESH_ERRORS.legend,
            units.CountsPerSecond,
        ),
    ]


def _processes() -> list[Any]:
    """What processes need."""
    return [
        number(
            25,
            "Left out",
            "Apps, currencies and variants without series of their own, since there are more than the exporter's settings allow.",
            [queries.LEFT_OUT],
            units.Short,
            span=24,
            height=4,
            thresholds=steps((None, "green"), (1, "yellow")),
        ),
        trace(
            18,
            "Memory of processes",
            "Resident memory. A line that only rises is a leak.",
            [queries.MEMORY],
            units.BytesIEC,
            span=8,
        ),
        trace(
            23,
            "CPU of processes",
            "CPU seconds a second: 1 is one core.",
            [queries.CPU],
            units.NoUnit,
            decimals=2,
            reach=(0, 0.1),
            span=8,
        ),
        plain_table(
            19,
            "Versions",
            "Which version runs, and how often. Two at once are an upgrade that is not over.",
            queries.BUILDS,
        ),
        trace(
            24,
            "Collector: waiting",
            "Events that came in and wait for Kafka to acknowledge them.",
            [queries.IN_FLIGHT],
            units.Short,
            span=24,
            height=5,
        ),
    ]
