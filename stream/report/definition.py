"""What does the number say, in one plain sentence? Made of its words, so that no answer stands without its meaning."""

from stream.report.query import RetentionQuery

_COHORTS = {
    "install": "installed",
    "first_seen": "were first seen",
    "first_purchase": "bought for the first time",
    "session": "had a session",
    "purchase": "bought",
}
_RETURNS = {
    "session": "had a session",
    "purchase": "bought",
    "any": "were active in any way",
    "revenue": "bought, and what they paid,",
}


def definition(query: RetentionQuery, zone: str) -> str:
    """One sentence: of whom, what counts as coming back, when, and how periods are counted."""
    return (
        f"Share of users who {_COHORTS[query.cohort]} in {_an(query.period)} and {_RETURNS[query.returns]} "
        f"{_when(query)} ({_periods(query, zone)})."
    )


def _an(period: str) -> str:
    return f"an {period}" if period == "hour" else f"a {period}"


def _when(query: RetentionQuery) -> str:
    period = query.period
    if query.brackets:
        later = " or later" if query.is_unbounded else ""
        return f"in any of the {period}s of a bracket after the start{later}"
    if query.is_unbounded:
        return f"n or more {period}s later"
    if query.criterion == "up_to":
        return f"in any of the {period}s 1 to n after the start"
    return f"exactly n {period}s later"


def _periods(query: RetentionQuery, zone: str) -> str:
    if query.is_elapsed:
        hours = {"day": 24, "week": 168}[query.period]
        return f"{hours}-hour windows from the hour of each user's own start, {zone}"
    if query.period == "hour":
        return f"real hours, {zone}"
    weeks = f" from {query.week_start.capitalize()}" if query.period == "week" else ""
    return f"calendar {query.period}s{weeks}, {zone}"
