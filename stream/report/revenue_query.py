"""What is asked of money? The parameters of GET /api/v1/revenue, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stream.report.query import CELLS_MAX, Asked, QueryError, Where, _asked, _number, _where

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
        **_asked(given, REVENUE_PARAMETERS),
        period=_word(given, "period"),
        week_start=_word(given, "week_start"),
        cohort=_word(given, "cohort"),
        periods=_number(given, "periods", 0, CELLS_MAX - 1),
        where=_where(given.get("where"), dimensions),
    )


def _word(given: Mapping[str, str], name: str) -> str:
    offered = REVENUE_WORDS[name]
    word = given.get(name, offered[0])
    if word not in offered:
        raise QueryError(f"{name}={word!r} is unknown here; choose one of {', '.join(offered)}")
    return word
