"""What do the users of a shop do, day by day, of whom on one day half of those do not come back who should?

Nothing but what the story needs: installs, and sessions some days later. The same seed gives the same users.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

INSTALLS_A_DAY = 600
BACK = {1: 0.40, 7: 0.18}  # share of a cohort that comes back on day n
LOST = 0.5  # of those who would have come back on the day of the spike
APP = "shop"


def day(this: date, *, spike: bool = False, until: datetime | None = None) -> Iterator[dict[str, Any]]:
    """Every event of a day, in order; on the day of the spike users who installed the day before stay away.

    Args:
        until: events after it are left out, for a day that is not over.
    """
    events = list(_installs(this))
    for n in BACK:
        events += _sessions(this - timedelta(days=n), n, LOST if spike and n == 1 else 0.0)
    for at, event in sorted(events, key=lambda one: one[0]):
        if until is None or at <= until:
            yield event | {"app_id": APP, "timestamp": at.isoformat()}


@lru_cache(maxsize=max(BACK) + 1)
def _installs(cohort: date) -> list[tuple[datetime, dict[str, Any]]]:
    dice = random.Random(f"installs {cohort}")
    events = []
    for number in range(INSTALLS_A_DAY + dice.randrange(-30, 31)):
        user = f"{cohort}-{number}"
        look = {"platform": "ios" if number % 2 else "android"}
        event = {"type": "install", "event_id": f"i-{user}", "user_id": user} | look
        events.append((_moment(dice, cohort), event))
    return events


def _sessions(cohort: date, n: int, lost: float) -> Iterator[tuple[datetime, dict[str, Any]]]:
    dice = random.Random(f"day {n} of {cohort}")
    for _, install in _installs(cohort):
        at, comes, stays_away = _moment(dice, cohort + timedelta(days=n)), dice.random(), dice.random()
        if comes < BACK[n] and stays_away >= lost:
            user = install["user_id"]
            yield at, {"type": "session", "event_id": f"s-{n}-{user}", "user_id": user}


def _moment(dice: random.Random, when: date) -> datetime:
    midnight = datetime(when.year, when.month, when.day, tzinfo=UTC)
    return midnight + timedelta(seconds=dice.triangular(0, 86_399, 68_400))  # most of it in the evening
