"""Who comes back? The triangle, the curve with its interval, D1, D7 and D30 over time, and by platform."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import units

from grafana import config, queries
from grafana.frame import choice, day_choice, framed_board, with_panels
from grafana.panels import band, lines, number
from grafana.tables import curve, heat_table


def board() -> builders.Dashboard:
    """The dashboard Retention."""
    made = framed_board(
        config.COHORTS,
        "Retention",
        "How many users come back on day n after their install. Complete cells only: a day that is not over is in no number here.",
    )
    made = made.with_variable(choice("dimension", "Dimension", queries.DIMENSIONS))
    made = made.with_variable(day_choice(queries.SETTLED_DAYS))
    return with_panels(made, [*_milestones(), *_numbers(), *_charts()])


def _milestones() -> list[Any]:
    """D1, D7 and D30 of the newest cohorts."""
    return [
        number(
            identity,
            f"D{day} retention",
            f"Of the newest cohort whose day {day} is over: the share that came back on that day.",
            [queries.MILESTONE[day]],
            units.PercentUnit,
            span=6,
            decimals=1,
        )
        for identity, day in enumerate(config.MILESTONES, 1)
    ]


def _numbers() -> list[Any]:
    """Who stays, and the triangle."""
    return [
        number(
            4,
            "CRR",
            "Of the users, or customers, of 30 days, the share that is there in the 30 days after, new ones left out.",
            [queries.CRR],
            units.PercentUnit,
            span=6,
            decimals=1,
        ),
        heat_table(
            5,
            "Retention triangle",
            "A row per install date with the number of users who installed, a column per day n. A cell that is not over "
            "is empty, never 0. Darker is better.",
            queries.TRIANGLE,
            "cohort",
            newest_first=True,
            users_in_00=True,
        ),
    ]


def _charts() -> list[Any]:
    """Curves, over time, and by dimension."""
    return [
        band(
            curve(
                6,
                "Retention by day",
                "Average over the last cohorts, all users who came back by all who could have, with its 95 % Wilson interval.",
                queries.CURVE,
                units.PercentUnit,
            )
        ),
        lines(
            7,
            "D1, D7 and D30 over time",
            "Of the newest cohort whose day n is over, at each moment, and the same a week before: the same weekday.",
            [queries.SETTLED_NOW, queries.SETTLED_WEEK_AGO],
            units.PercentUnit,
            height=9,
        ),
        lines(
            8,
            "D$day by $dimension",
            "Of the newest settled cohort, by the chosen dimension. Values beyond the exporter's limit are `other`.",
            [queries.BY_SEGMENT],
            units.PercentUnit,
        ),
        heat_table(
            9,
            "Retention by $dimension",
            "Newest settled cohort of each day n, by the chosen dimension.",
            queries.SEGMENT_TABLE,
            "value",
            span=12,
            height=8,
        ),
    ]
