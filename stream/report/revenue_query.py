"""What is asked of money? The parameters of GET /api/v1/revenue, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stream.report.parameters import CELLS_MAX, Asked, Where, asked_of, number_of, where_of, word_of

REVENUE_WORDS: dict[str, tuple[str, ...]] = {
    "period": ("day", "week", "month"),
    "week_start": ("monday", "sunday"),
    "cohort": ("install", "first_seen", "first_purchase"),
}
REVENUE_PARAMETERS = ("app", "from", "to", *REVENUE_WORDS, "periods", "where", "as_of")


@dataclass(frozen=True, slots=True)
class RevenueQuery(Asked):
    """A question for revenue by cohort; words as in the interface."""

    period: str = "day"
    week_start: str = "monday"
    cohort: str = "install"
    periods: int | None = None
    where: Where = ()


def parse_revenue(given: Mapping[str, str], dimensions: Sequence[str] | None = None) -> RevenueQuery:
    """The parameters of GET /api/v1/revenue; arguments as of `parse_retention`. Raises QueryError."""
    return RevenueQuery(
        **asked_of(given, REVENUE_PARAMETERS),
        period=word_of(given, "period", REVENUE_WORDS["period"]),
        week_start=word_of(given, "week_start", REVENUE_WORDS["week_start"]),
        cohort=word_of(given, "cohort", REVENUE_WORDS["cohort"]),
        periods=number_of(given, "periods", 0, CELLS_MAX - 1),
        where=where_of(given.get("where"), dimensions),
    )
