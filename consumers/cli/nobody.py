"""Why is there nobody in a triangle? Asked of the API only where that is so; what it says, and what to ask instead.

One more question, by months and as far back as one goes, finds where the app has cohorts, so that no hint is a guess.
"""

from datetime import date, timedelta
from typing import Any

import typer

from consumers.cli.asking import asked_of
from consumers.cli.views.parts import Answer, Asked

# The API looks at no more than 10,000 days, and at each twice: as one on which users start, and as one on which they are back.
_DAYS_BACK = 4_900
_APPS_NAMED_MAX = 5
_THERE = ("active", "wau", "mau", "dormant", "installs")


def why_nobody(answer: Answer, asked: Asked, url: str | None, *, is_from_said: bool = True) -> str:
    """One line. `answer` is a triangle without users of an app that is known, `asked` what was asked for it.

    `is_from_said` is whether a person gave its --from; of one that was worked out from --to nobody would know.
    """
    app, who = asked["app"], " with this --where" if asked["where"] else ""
    until = answer["as_of"][:10]
    if (not answer["rows"] and not asked["breakdown"]) or (asked["from"] or "") > until:
        return f"no cohort has begun yet: {_too_late(asked, is_from_said)} {answer['as_of']}"
    nobody = (
        f"nobody installed app {app} in these days{who}"
        if answer["cohort"] == "install"
        else f"no users of app {app} in these days{who}"
    )
    try:
        since = date.fromisoformat(until) - timedelta(days=_DAYS_BACK)
        return nobody + _elsewhere(_months(answer, asked, url, since), since, answer["cohort"])
    except (ValueError, typer.BadParameter):
        return nobody  # the answer that was asked for stands, also where no more is to be had


def _too_late(asked: Asked, is_from_said: bool) -> str:
    if is_from_said or not asked["to"]:
        return f"--from {asked['from']} is after"
    return f"--to {asked['to']} and the days before it that are shown are after"


def nothing_counted(app: str, url: str | None) -> str:
    """One line on an app that the API does not know: most likely another one was meant, of those that the key opens."""
    try:
        others = [one["app"] for one in asked_of(url, "/api/v1/apps", {}, app=app)["apps"]]
    except (ValueError, typer.BadParameter):
        others = []
    nothing = f"nothing of app {app} has been counted"
    if app in others:
        return f"{nothing} yet"  # RETENTION_APPS names it
    more = f" and {len(others) - _APPS_NAMED_MAX} more" if len(others) > _APPS_NAMED_MAX else ""
    return nothing + (f"; there are {', '.join(others[:_APPS_NAMED_MAX])}{more}" if others else "")


def since_somebody(answer: Answer) -> tuple[Answer, int]:
    """The triangle from the first cohort on that has users, and how many cohorts are before it."""
    first = min(row["cohort"] for row in answer["rows"] if row["size"])
    before = {row["cohort"] for row in answer["rows"] if row["cohort"] < first}
    return answer | {"rows": [row for row in answer["rows"] if row["cohort"] not in before]}, len(before)


def since_active(answer: Answer) -> tuple[Answer, int]:
    """Actives from the first period on in or shortly before which somebody was there, and how many are before it."""
    rows = answer["rows"]
    without = next((at for at, row in enumerate(rows) if any(row[name] for name in _THERE)), len(rows))
    return answer | {"rows": rows[without:]}, without


def _months(answer: Answer, asked: Asked, url: str | None, since: date) -> list[date]:
    """The months in which such a cohort has users."""
    query: dict[str, Any] = {name: asked[name] for name in ("app", "where", "as_of")}
    query |= {"cohort": answer["cohort"], "period": "month", "periods": 0, "from": since.isoformat()}
    rows = asked_of(url, "/api/v1/retention", query)["rows"]
    return [date.fromisoformat(row["cohort"]) for row in rows if row["size"]]


def _elsewhere(months: list[date], since: date, cohort: str) -> str:
    if months:
        last = (months[-1] + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        begin, end = f"{months[0]:%Y-%m}", f"{months[-1]:%Y-%m}"
        when = f"in {begin}" if begin == end else f"from {begin} to {end}"
        return f"; there are some {when}: try --from {months[0]} --to {last}"
    other = "; --cohort first_seen begins with any activity" if cohort == "install" else ""
    return f", nor since {since:%Y-%m}{other}"
