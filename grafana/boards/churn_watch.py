"""Do users stay away? What the churn watch saw against what it expected, how sure it is, and what fires."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import units

from grafana import config, queries
from grafana.frame import day_choice, framed_board, with_panels
from grafana.panels import band, in_unit, lines, number, states, steps

FIRING = {"1": ("firing", "red"), "0": ("quiet", "green")}


def board() -> builders.Dashboard:
    """The dashboard Churn watch."""
    made = framed_board(
        config.CHURN_WATCH,
        "Churn watch",
        "What `retention watch` sees. Alerts wait until numbers are fresh and complete: with a dead pipeline everybody stays away.",
        span=config.WATCH_RANGE,
    ).with_variable(day_choice(queries.SETTLED_DAYS, "01"))
    return with_panels(made, [*_detectors(), *_states(), *_evidence()])


def _detectors() -> list[Any]:
    """What each detector sees."""
    return [
        lines(
            1,
            "z of settled days",
            "When day n of a cohort is over: how far it is from the same weekday of the weeks before, in deviations "
            f"that are usual for this app. At {config.Z_ALERT:g} and below it may be an incident.",
            [queries.Z_SETTLED],
            units.NoUnit,
            decimals=1,
            least=None,
            reach=(config.Z_ALERT - 1, 1 - config.Z_ALERT),
            limit=config.Z_ALERT,
            below=True,
            alerts=["RetentionChurnSpike"],
        ),
        lines(
            2,
            "CUSUM by day",
            f"Small losses added up over days, to 10 at most. From {config.CUSUM_ALERT:g} on it is a drift.",
            [queries.CUSUM],
            units.NoUnit,
            decimals=1,
            reach=(0, config.CUSUM_ALERT + 1),
            limit=config.CUSUM_ALERT,
            alerts=["RetentionChurnDrift"],
        ),
        lines(
            3,
            "z of today's pace",
            "Returning users of the last minutes against the same time of the same weekday, in deviations usual for this app.",
            [queries.Z_PACE],
            units.NoUnit,
            decimals=1,
            least=None,
            reach=(config.Z_ALERT - 1, 1 - config.Z_ALERT),
            limit=config.Z_ALERT,
            below=True,
            alerts=["RetentionPaceDrop"],
        ),
        band(
            lines(
                4,
                "D$day: seen and expected",
                "Retention of the newest settled cohort, and the interval in which the weeks before let it be expected.",
                [queries.SEEN, *queries.EXPECTED],
                units.PercentUnit,
                decimals=1,
            )
        ),
    ]


def _states() -> list[Any]:
    """What follows from it."""
    return [
        states(
            5,
            "Alerts that fire",
            "What Prometheus has sent to Alertmanager about this app.",
            [queries.BUSINESS_ALERTS],
            FIRING,
            span=12,
            step=config.BUSINESS_STEP,
            alerts=["RetentionChurnSpike", "RetentionChurnDrift", "RetentionPaceDrop"],
        ),
        states(
            6,
            "Incidents of the watch",
            "Open incidents, by detector and day. An alert follows if the numbers are sound.",
            [queries.ACTIVE],
            FIRING,
            span=12,
            step=config.BUSINESS_STEP,
        ),
        number(
            8,
            "Numbers",
            "Whether the exporter is fresh, the watch awake and the lag small. Only then do alerts about users fire.",
            [queries.SOUND],
            units.NoUnit,
            height=8,
            words={"1": ("sound", "green"), "0": ("doubtful", "red")},
        ),
        number(
            9,
            "Watch looked",
            "Time since the churn watch last looked at the numbers.",
            [queries.WATCH_AGE],
            units.Seconds,
            height=8,
            decimals=0,
            thresholds=steps((None, "green"), (config.WATCH_SECONDS_MAX, "red")),
            alerts=["RetentionWatchStale"],
        ),
    ]


def _evidence() -> list[Any]:
    """How sure it is."""
    return [
        lines(
            7,
            "Drop",
            "What is missing: of a settled day the expected minus the seen share of the cohort, of the pace the share of the users "
            "expected. Below 0 is better than expected.",
            [queries.DROP],
            units.PercentUnit,
            decimals=1,
            least=None,
            reach=(-0.05, 0.05),
            span=8,
        ),
        lines(
            10,
            "Over-dispersion",
            "How much more this app's numbers vary than chance alone: 1 is chance. z is divided by it.",
            [queries.DISPERSION],
            units.NoUnit,
            decimals=2,
            reach=(0, 2),
            span=8,
        ),
        lines(
            11,
            "Users looked at",
            "Users behind each judgement. Few users can only show large losses.",
            [queries.SAMPLE],
            units.LocaleFormat,
            span=24,
            height=6,
        ),
        in_unit(
            lines(
                12,
                "Watch",
                "How long a look at all apps takes, how many watches look (one; others stand by), and looks that failed, a second.",
                [queries.WATCH_SECONDS, queries.WATCH_LEADS, queries.WATCH_ERRORS],
                units.NoUnit,
            ),
            queries.WATCH_SECONDS.legend,
            units.Seconds,
        ),
        lines(
            13,
            "Webhook",
            "Tries to tell an incident to the webhook, a second, by what became of them.",
            [queries.WEBHOOK],
            units.CountsPerSecond,
        ),
    ]
