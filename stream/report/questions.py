"""What is asked of loyalty, variants and feedback? Parameters, checked, as values; those of the triangle are in query.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any
from urllib.parse import unquote

from stream.report.parameters import (
    Asked,
    QueryError,
    Where,
    asked_of,
    check_dimension,
    number_of,
    where_of,
    word_of,
)
from stream.report.query import RetentionQuery, parse_retention

CRR_PARAMETERS = ("app", "from", "to", "population", "where", "as_of")
POPULATIONS = ("users", "customers")

# What a comparison hands on to the triangle, and what it says itself.
_OF_TRIANGLE = ("app", "from", "to", "cohort", "return", "criterion", "window", "where", "as_of")
COMPARE_PARAMETERS = (*_OF_TRIANGLE, "dimension", "a", "b", "variants", "day", "ratio")
COMPARE_RETURNS = ("session", "purchase", "any")
DAY_DEFAULT, DAY_MAX = 7, 10_000
VARIANTS_MAX = 20
_PART_MAX = 1e6

FEEDBACK_PARAMETERS = ("app", "from", "to", "by", "cohort", "as_of")
BY = ("day", "cohort")
FEEDBACK_COHORTS = ("install", "first_seen")


@dataclass(frozen=True, slots=True)
class CrrQuery(Asked):
    """A question for the customer retention rate of a range of days."""

    population: str = POPULATIONS[0]
    where: Where = ()


@dataclass(frozen=True, slots=True)
class CompareQuery:
    """A question for the difference between values of a dimension on one day.

    triangles   the question for their triangles, broken down by exactly these values
    ratio       how users are said to be split between them
    pair        whether two were asked for as a and b
    """

    triangles: RetentionQuery
    values: tuple[str, ...]
    day: int
    ratio: tuple[float, ...]
    pair: bool

    @property
    def app(self) -> str:
        return self.triangles.app


@dataclass(frozen=True, slots=True)
class FeedbackQuery(Asked):
    """A question for NPS and CSAT; `cohort` matters where `by` is cohort."""

    by: str = BY[0]
    cohort: str = FEEDBACK_COHORTS[0]


def parse_crr(given: Mapping[str, str], dimensions: Sequence[str] | None = None) -> CrrQuery:
    """The parameters of GET /api/v1/crr; arguments as of `parse_retention`. Raises QueryError."""
    asked = asked_of(given, CRR_PARAMETERS)
    population = word_of(given, "population", POPULATIONS)
    return CrrQuery(**asked, population=population, where=where_of(given.get("where"), dimensions))


def parse_compare(given: Mapping[str, str], dimensions: Sequence[str] | None = None) -> CompareQuery:
    """The parameters of GET /api/v1/compare; arguments as of `parse_retention`. Raises QueryError."""
    asked_of(given, COMPARE_PARAMETERS)
    dimension = given.get("dimension", "variant")
    check_dimension("dimension", dimension, dimensions)
    word_of(given, "return", COMPARE_RETURNS)
    values = _values(given)
    number = number_of(given, "day", 0, DAY_MAX)
    day = DAY_DEFAULT if number is None else number
    handed_on = {name: given[name] for name in _OF_TRIANGLE if name in given}
    asked = parse_retention(handed_on | {"periods": str(day), "breakdown": dimension}, dimensions)
    asked = replace(asked, values=values)
    return CompareQuery(asked, values, day, _ratio(given, len(values)), pair="variants" not in given)


def parse_feedback(given: Mapping[str, str]) -> FeedbackQuery:
    """The parameters of GET /api/v1/feedback, as text. Raises QueryError."""
    asked = asked_of(given, FEEDBACK_PARAMETERS)
    by = word_of(given, "by", BY)
    if by != "cohort" and "cohort" in given:
        raise QueryError("cohort: rows are by day here; add by=cohort")
    return FeedbackQuery(**asked, by=by, cohort=word_of(given, "cohort", FEEDBACK_COHORTS))


def _values(given: Mapping[str, str]) -> tuple[str, ...]:
    if "variants" in given:
        if "a" in given or "b" in given:
            raise QueryError("variants: give either variants or a and b")
        try:
            values = [unquote(part, errors="strict") for part in given["variants"].split(",")]
        except UnicodeDecodeError:
            raise QueryError("variants: the percent-encoded bytes of a value are not UTF-8") from None
        named = "variants"
    else:
        values, named = [given.get("a", ""), given.get("b", "")], "a, b"
    if not 2 <= len(values) <= VARIANTS_MAX or not all(values) or len(set(values)) < len(values):
        raise QueryError(
            f"{named}: name 2 to {VARIANTS_MAX} values that differ, as in a=control&b=new or variants=control,new,newer"
        )
    return tuple(values)


def _ratio(given: Mapping[str, str], parts: int) -> tuple[float, ...]:
    """As in 50:50; without, equal parts."""
    if "ratio" not in given:
        return (1.0,) * parts
    try:
        ratio: list[Any] = [float(part) for part in given["ratio"].split(":")]
    except ValueError:
        ratio = []
    if len(ratio) != parts or not all(isfinite(part) and 0 < part <= _PART_MAX for part in ratio):
        raise QueryError(f"ratio={given['ratio']!r} must be {parts} numbers above 0 like 50:50")
    return tuple(ratio)
