"""What is counted of an app? Its zone, and the families of facts that it asks for."""

from typing import NamedTuple

from stream.retention.days import Zone

ELAPSED, FEEDBACK, HOURS, MONEY = "elapsed", "feedback", "hours", "money"
FAMILIES = (ELAPSED, FEEDBACK, HOURS, MONEY)


class Scope(NamedTuple):
    """The zone of an app, and which families of facts are counted.

    elapsed    windows of 24 hours after the start
    feedback   scores by day and by cohort, groups by the latest answer
    hours      users active in each hour
    money      revenue and purchases by user and day
    """

    zone: Zone
    families: frozenset[str] = frozenset(FAMILIES)
