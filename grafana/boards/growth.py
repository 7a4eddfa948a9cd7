"""Does the app grow? Active users, how often they come, who is new, who came back and who is gone."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import units

from grafana import config, queries
from grafana.frame import framed_board, with_panels
from grafana.panels import lines, number


def board() -> builders.Dashboard:
    """The dashboard Growth."""
    made = framed_board(
        config.GROWTH, "Growth", "Active users, lifecycle and installs of an app, by the app's own days."
    )
    return with_panels(made, [*_numbers(), *_charts()])


def _numbers() -> list[Any]:
    """The last complete day."""
    return [
        number(identity, title, about, [query], unit)
        for identity, title, about, query, unit in (
            (1, "DAU", "Users active on the last complete day of the app.", queries.DAU, units.LocaleFormat),
            (
                2,
                "WAU",
                "Users active on one of the 7 days that end with the last complete one.",
                queries.WAU,
                units.LocaleFormat,
            ),
            (
                3,
                "MAU",
                "Users active on one of the 30 days that end with the last complete one.",
                queries.MAU,
                units.LocaleFormat,
            ),
            (
                4,
                "Stickiness",
                "DAU / MAU: on how much of its month an active user is there.",
                queries.STICKINESS,
                units.PercentUnit,
            ),
            (
                5,
                "New users",
                "Installs of the last complete day (NRU).",
                queries.NEW_USERS,
                units.LocaleFormat,
            ),
            (
                6,
                "Re-installs",
                "Installs by users who had installed before; they start no new cohort.",
                queries.REINSTALLS,
                units.LocaleFormat,
            ),
        )
    ]


def _charts() -> list[Any]:
    """Over time."""
    return [
        lines(
            7,
            "Active users",
            "Distinct users of the 1, 7 and 30 days that end with the last complete day; a step a day.",
            [queries.DAU, queries.WAU, queries.MAU],
            units.LocaleFormat,
        ),
        lines(
            8,
            "Stickiness over time",
            "DAU / MAU over time; an app that everybody opens every day has 100 %.",
            [queries.STICKINESS],
            units.PercentUnit,
            most=1,
        ),
        lines(
            9,
            "Lifecycle",
            "The active users of the last complete day: new, there the day before, back after a pause. Below zero: there "
            "the day before and not any more.",
            list(queries.LIFECYCLE),
            units.LocaleFormat,
            stacked=True,
            least=None,
        ),
        lines(
            10,
            "New users and re-installs",
            "Installs and re-installs of the last complete day.",
            [queries.NEW_USERS, queries.REINSTALLS],
            units.LocaleFormat,
        ),
    ]
