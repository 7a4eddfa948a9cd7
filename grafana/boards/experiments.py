"""Which variant is better, and what do users say? Retention by variant against a control, NPS and CSAT."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import units

from grafana import config, queries
from grafana.frame import choice, day_choice, framed_board, with_panels
from grafana.panels import lines, number
from grafana.tables import curves_by, heat_table


def board() -> builders.Dashboard:
    """The dashboard Experiments and feedback."""
    made = framed_board(
        config.EXPERIMENTS,
        "Experiments and feedback",
        "Variants over all cohorts that have settled, each against the control. For a decision ask `retention report compare`: "
        "it gives p corrected for the number of variants, and warns where users were not split as meant.",
    )
    made = made.with_variable(choice("experiment", "Dimension", queries.EXPERIMENT_DIMENSIONS))
    made = made.with_variable(choice("control", "Control", queries.CONTROLS))
    made = made.with_variable(day_choice(queries.SETTLED_DAYS))
    return with_panels(made, [*_variants(), *_feedback()])


def _variants() -> list[Any]:
    """Retention by variant."""
    return [
        curves_by(
            1,
            "Retention by variant",
            "Share of the users of a variant who came back on day n.",
            queries.VARIANT_TABLE,
            "value",
            units.PercentUnit,
        ),
        heat_table(
            2,
            "Retention by variant and day",
            "Share of the users of a variant who came back on day n, as a table.",
            queries.VARIANT_TABLE,
            "value",
            span=12,
            height=9,
            decimals=2,
        ),
        heat_table(
            3,
            "Difference to $control",
            "Points of retention above or below the control.",
            queries.VARIANT_LIFT,
            "value",
            span=12,
            height=6,
            signed=True,
            decimals=2,
        ),
        heat_table(
            4,
            "z against $control",
            "The difference in standard errors, two-proportion test. Beyond 1.96 one such difference in twenty is chance, "
            "and more of them where many are looked at.",
            queries.VARIANT_Z,
            "value",
            unit=units.NoUnit,
            span=12,
            height=6,
            signed=True,
            decimals=2,
        ),
        lines(
            5,
            "Users by variant, D$day",
            "Users whose day n is over, by variant: a split that drifts is a broken experiment.",
            [queries.VARIANT_USERS],
            units.LocaleFormat,
        ),
    ]


def _feedback() -> list[Any]:
    """NPS and CSAT."""
    return [
        number(
            6,
            "NPS",
            "Share of 9 and 10 minus share of 0 to 6, of the answers of the last 30 complete days; -100 to 100.",
            [queries.NPS],
            units.NoUnit,
            span=4,
            height=8,
            decimals=1,
        ),
        number(
            7,
            "CSAT",
            "Share of the answers 4 and 5, of 1 to 5, in the last 30 complete days.",
            [queries.CSAT],
            units.PercentUnit,
            span=4,
            height=8,
            decimals=1,
        ),
        number(
            8,
            "Answers",
            "Answers behind NPS and CSAT, of the last 30 complete days.",
            [queries.ANSWERS],
            units.LocaleFormat,
            span=4,
            height=8,
        ),
        lines(
            9,
            "NPS over time",
            "NPS of the 30 days that end at each moment.",
            [queries.NPS],
            units.NoUnit,
            least=None,
        ),
        lines(
            10,
            "CSAT over time",
            "CSAT of the 30 days that end at each moment.",
            [queries.CSAT],
            units.PercentUnit,
            most=1,
        ),
    ]
