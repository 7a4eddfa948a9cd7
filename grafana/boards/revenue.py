"""What do users pay? Revenue, ARPU and ARPPU by currency, lifetime value and conversion by day, who buys again."""

from typing import Any

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import units

from grafana import config, queries
from grafana.frame import choice, framed_board, with_panels
from grafana.panels import lines, number
from grafana.tables import curve, curves_by

CENTS = 2  # shown digits; a currency without minor units shows .00
AVERAGE = 4  # an average per user is often less than a cent


def board() -> builders.Dashboard:
    """The dashboard Revenue."""
    made = framed_board(
        config.REVENUE,
        "Revenue",
        "Money by currency, never summed across currencies. Prometheus has exact minor units; here they are divided to units "
        "of the currency.",
    )
    made = made.with_variable(choice("currency", "Currency", queries.CURRENCIES, many=True))
    return with_panels(made, [*_numbers(), *_days(), *_curves()])


def _numbers() -> list[Any]:
    """Today, and who buys again."""
    return [
        number(
            1,
            "Revenue",
            "Revenue of today so far, refunds taken off.",
            [queries.REVENUE],
            units.LocaleFormat,
            span=6,
            decimals=CENTS,
        ),
        number(
            2, "Payers", "Users who have bought today, so far.", [queries.PAYERS], units.LocaleFormat, span=6
        ),
        number(
            3, "Purchases", "Purchases of today, so far.", [queries.PURCHASES], units.LocaleFormat, span=6
        ),
        number(
            4,
            "Repeat purchase",
            "Of the buyers of the last 60 days, the share with purchases on two days or more.",
            [queries.REPEAT],
            units.PercentUnit,
            span=6,
            decimals=1,
        ),
    ]


def _days() -> list[Any]:
    """Over time."""
    return [
        lines(
            5,
            "Revenue over time",
            "Revenue of each day so far, by currency: it climbs through the day and begins again at the app's midnight.",
            [queries.REVENUE],
            units.LocaleFormat,
            decimals=CENTS,
            least=None,
        ),
        lines(
            6,
            "Payers and purchases",
            "Users who bought, and what they bought, each day so far.",
            [queries.PAYERS, queries.PURCHASES],
            units.LocaleFormat,
        ),
        lines(
            7,
            "ARPU",
            "Revenue by active user of the last complete day, in units of the currency.",
            [queries.ARPU],
            units.LocaleFormat,
            decimals=AVERAGE,
            least=None,
        ),
        lines(
            8,
            "ARPPU",
            "Revenue by payer of the last complete day, in units of the currency.",
            [queries.ARPPU],
            units.LocaleFormat,
            decimals=CENTS,
            least=None,
        ),
    ]


def _curves() -> list[Any]:
    """By day after the install."""
    return [
        curves_by(
            9,
            "Lifetime value by day",
            "What a user has paid from day 0 to n, over all cohorts whose day n is complete: paid by all, by the size of all.",
            queries.LTV_CURVE,
            "currency",
            units.LocaleFormat,
            decimals=AVERAGE,
        ),
        curve(
            10,
            "Conversion by day",
            "Share of users who have bought on days 0 to n, over all cohorts whose day n is complete.",
            [queries.CONVERSION_CURVE],
            units.PercentUnit,
        ),
    ]
