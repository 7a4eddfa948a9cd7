"""What is asked of the triangle and of actives? Their parameters, checked, as values.

Days are ordinals. What depends on the zone and the clock (defaults, today) is worked out in span.py.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stream.report.parameters import (
    CELLS_MAX,
    LIMIT_DEFAULT,
    LIMIT_MAX,
    Asked,
    QueryError,
    Where,
    asked_of,
    check_dimension,
    number_of,
    where_of,
    word_of,
)
from stream.report.presets import PRESETS

WORDS: dict[str, tuple[str, ...]] = {
    "period": ("hour", "day", "week", "month"),
    "week_start": ("monday", "sunday"),
    "cohort": ("install", "first_seen", "first_purchase", "session", "purchase"),
    "return": ("session", "purchase", "any", "revenue"),
    "criterion": ("on", "on_or_after", "up_to"),
    "window": ("calendar", "elapsed"),
    "preset": tuple(PRESETS),
}
RECURRING = ("session", "purchase")
RETENTION_PARAMETERS = (
    *("app", "from", "to", "period", "week_start", "periods", "cohort", "return", "criterion"),
    *("brackets", "window", "where", "breakdown", "limit", "as_of", "preset"),
)
ACTIVE_PARAMETERS = ("app", "from", "to", "period", "week_start", "as_of")
ACTIVE_PERIODS = ("day", "week", "month")
BRACKETS_MAX = 1_000

_BRACKET = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?", re.ASCII)

# First and last period, both in it.
Bracket = tuple[int, int]


@dataclass(frozen=True, slots=True)
class RetentionQuery(Asked):
    """A question for the triangle; words as in the interface, `returns` is its `return`.

    With `values` the segments of the breakdown are exactly these, and whoever else there is stands in none.
    """

    period: str = "day"
    week_start: str = "monday"
    cohort: str = "install"
    returns: str = "session"
    criterion: str = "on"
    window: str = "calendar"
    periods: int | None = None
    brackets: tuple[Bracket, ...] = ()
    where: Where = ()
    breakdown: str | None = None
    values: tuple[str, ...] = ()
    limit: int = LIMIT_DEFAULT
    preset: str | None = None

    @property
    def plain(self) -> bool:
        """Whether the counters answer it; everything else is worked out from the sets."""
        words = (
            self.returns == "session" and self.criterion == "on" and self.cohort in ("install", "first_seen")
        )
        days = self.period == "day" and self.window == "calendar"
        return words and days and not self.brackets and not self.where and self.breakdown is None

    @property
    def is_elapsed(self) -> bool:
        """Whether periods are counted from each user's own start."""
        return self.window == "elapsed"

    @property
    def is_unbounded(self) -> bool:
        """Whether later activity counts in earlier cells."""
        return self.criterion == "on_or_after"

    @property
    def is_of_buying(self) -> bool:
        """Whether a return is a purchase: then cell 0 is not the cohort."""
        return self.returns in ("purchase", "revenue")


@dataclass(frozen=True, slots=True)
class ActiveQuery(Asked):
    """A question for actives and lifecycle."""

    period: str = "day"
    week_start: str = "monday"


def parse_retention(given: Mapping[str, str], dimensions: Sequence[str] | None = None) -> RetentionQuery:
    """The parameters of GET /api/v1/retention.

    Args:
        given: parameters as text, percent-decoded once.
        dimensions: the names that `where` and `breakdown` may use; None allows any.
    Raises QueryError.
    """
    asked = asked_of(given, RETENTION_PARAMETERS)
    preset = word_of(given, "preset", WORDS["preset"]) if "preset" in given else None
    given = {**(PRESETS[preset].parameters if preset else {}), **given}
    words = {name: word_of(given, name, WORDS[name]) for name in WORDS if name not in ("period", "preset")}
    breakdown = given.get("breakdown")
    if breakdown is not None:
        check_dimension("breakdown", breakdown, dimensions)
    query = RetentionQuery(
        **asked,
        period=word_of(given, "period", WORDS["period"], "day"),
        week_start=words["week_start"],
        cohort=words["cohort"],
        returns=words["return"],
        criterion=words["criterion"],
        window=words["window"],
        periods=number_of(given, "periods", 0, CELLS_MAX - 1),
        brackets=_brackets(given.get("brackets")),
        where=where_of(given.get("where"), dimensions),
        breakdown=breakdown,
        limit=number_of(given, "limit", 1, LIMIT_MAX) or LIMIT_DEFAULT,
        preset=preset,
    )
    _check_together(query)
    return query


def parse_active(given: Mapping[str, str]) -> ActiveQuery:
    """The parameters of GET /api/v1/active, as text. Raises QueryError."""
    asked = asked_of(given, ACTIVE_PARAMETERS)
    period = word_of(given, "period", ACTIVE_PERIODS)
    return ActiveQuery(**asked, period=period, week_start=word_of(given, "week_start", WORDS["week_start"]))


def _check_together(query: RetentionQuery) -> None:
    """Refuses words that do not go together."""
    if query.is_elapsed:
        said = f"window=elapsed (of preset={query.preset})" if query.preset else "window=elapsed"
        if query.period in ("hour", "month"):
            raise QueryError(f"{said} has windows of 24 or 168 hours; choose period=day or period=week")
        if query.cohort in RECURRING:
            raise QueryError(
                f"{said} counts from one start of each user, and cohort={query.cohort} has many; "
                "choose install, first_seen or first_purchase, or window=calendar"
            )
    if query.brackets and query.criterion == "up_to":
        raise QueryError("brackets do not go with criterion=up_to; choose on or on_or_after")


def _brackets(text: str | None) -> tuple[Bracket, ...]:
    """Each bracket once, in order; cell 0 is always given, so that it need not be asked for."""
    if text is None:
        return ()
    parts = text.split(",")
    if len(parts) > BRACKETS_MAX:
        raise QueryError(f"brackets has {len(parts)} parts; at most {BRACKETS_MAX:,} are possible")
    return tuple(sorted({bracket for part in parts if (bracket := _bracket(part)) != (0, 0)}))


def _bracket(part: str) -> Bracket:
    match = _BRACKET.fullmatch(part)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise QueryError(f"brackets={part!r} is no bracket; write them like 1-3,4-7,8")
    bracket = int(match[1]), int(match[2] or match[1])
    if bracket[1] >= CELLS_MAX:
        raise QueryError(f"brackets={part!r} ends after period {CELLS_MAX - 1}; choose smaller ones")
    return bracket
