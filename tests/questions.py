"""What can be asked? Hypothesis strategies for questions to the HTTP interface about the window of a story, in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from tests.oracle_calendar import DAY
from tests.strategies import APP, DAYS, LABELS, Story, moments

Query = dict[str, str]

# Every word of a question about retention; where "" is among them the parameter may be left out. The first is the default.
WORDS: dict[str, tuple[str, ...]] = {
    "period": ("day", "hour", "week", "month"),
    "week_start": ("monday", "sunday"),
    "cohort": ("install", "first_seen", "first_purchase", "session", "purchase"),
    "return": ("session", "purchase", "any", "revenue"),
    "criterion": ("on", "on_or_after", "up_to"),
    "window": ("calendar", "elapsed"),
    "brackets": ("", "", "", "1", "1-2", "1-2,3-5", "2-3,5", "1,2-4"),
}
RECURRING = ("session", "purchase")
# The largest n: what a story of a few days can fill, and a little more.
PERIODS = {"hour": (0, 1, 5, 23, 24, 25, 30), "day": range(DAYS + 1), "week": range(3), "month": range(3)}
DIMENSIONS = ("country", "platform")
SURVEYS = {"nps": ("promoter", "passive", "detractor"), "csat": ("satisfied", "unsatisfied")}


@st.composite
def retention_queries(
    draw: st.DrawFn, story: Story, only: Mapping[str, tuple[str, ...]] | None = None
) -> Query:
    """A question to GET /api/v1/retention that is answered; `only` narrows the words of a parameter."""
    words = WORDS | dict(only or {})
    asked = {
        name: draw(st.sampled_from(words[name])) for name in ("period", "week_start", "cohort", "return")
    }
    may_elapse = asked["period"] in ("day", "week") and asked["cohort"] not in RECURRING
    windows = words["window"] if may_elapse else ("calendar",)
    asked["window"] = draw(st.sampled_from(windows))
    asked["brackets"] = draw(st.sampled_from(words["brackets"]))
    criteria = [word for word in words["criterion"] if not (asked["brackets"] and word == "up_to")]
    asked["criterion"] = draw(st.sampled_from(criteria))
    if not asked["brackets"]:
        asked["periods"] = str(draw(st.sampled_from(PERIODS[asked["period"]])))
    defaults = {name: words[0] for name, words in WORDS.items()}
    left_out = {
        name
        for name, word in asked.items()
        if word == defaults.get(name) and (not word or draw(st.booleans()))
    }
    query = {"app": APP} | {name: word for name, word in asked.items() if name not in left_out}
    query |= draw(ranges(story, asked["period"])) | draw(as_ofs(story)) | draw(segments(story))
    return query


def ranges(story: Story, period: str) -> st.SearchStrategy[Query]:
    """From which date to which; hours of a day or two."""
    first_days, more_days = {
        "hour": (st.integers(-1, DAYS - 1), st.integers(0, 1)),
        "day": (st.integers(-1, 2), st.integers(0, DAYS)),
        "week": (st.integers(-8, 2), st.integers(0, DAYS + 8)),
        "month": (st.integers(-31, 2), st.integers(0, DAYS + 31)),
    }[period]
    return st.builds(
        lambda days, more: _dates(story.first + days * DAY, story.first + (days + more) * DAY),
        first_days,
        more_days,
    )


def _dates(first: date, last: date) -> Query:
    return {"from": first.isoformat(), "to": last.isoformat()}


def as_ofs(story: Story) -> st.SearchStrategy[Query]:
    """The moment from which one looks, a date, or nothing: now."""

    def text(ms: int) -> str:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    times = moments(story.zone, story.first).map(text)
    days = st.integers(0, DAYS).map(lambda i: (story.first + i * DAY).isoformat())
    return st.just({}) | (times | times | days).map(lambda text: {"as_of": text})


@st.composite
def segments(draw: st.DrawFn, story: Story) -> Query:
    """Whom the question is about, and how they are broken down."""
    query = {}
    surveys = tuple(SURVEYS) if any(record.topic == "feedback" for record in story.records) else ()
    if draw(st.integers(0, 3)) == 0:
        query["where"] = draw(wheres(surveys))
    if draw(st.integers(0, 2)) == 0:
        query["breakdown"] = draw(st.sampled_from(DIMENSIONS + surveys))
        query["limit"] = str(draw(st.integers(1, 5)))
    return query


def _quoted(value: str) -> str:
    return "".join(f"%{ord(char):02X}" if char in ",:%" else char for char in value)


def wheres(surveys: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    """One condition or two, values percent-encoded as the contract says."""
    values = st.sampled_from([*map(_quoted, LABELS), "(not set)", "XX"])
    conditions = st.builds("{}:{}".format, st.sampled_from(DIMENSIONS), values)
    for name in surveys:
        conditions |= st.sampled_from([*SURVEYS[name], "(not set)"]).map(f"{name}:{{}}".format)
    return st.lists(conditions, min_size=1, max_size=2).map(",".join)


@st.composite
def active_queries(
    draw: st.DrawFn, story: Story, periods_of: tuple[str, ...] = ("day", "week", "month")
) -> Query:
    """A question to GET /api/v1/active."""
    query = {"app": APP, "period": draw(st.sampled_from(periods_of))}
    if draw(st.booleans()):
        query["week_start"] = draw(st.sampled_from(WORDS["week_start"]))
    return query | draw(_any_range(story)) | draw(as_ofs(story))


@st.composite
def crr_queries(draw: st.DrawFn, story: Story) -> Query:
    """A question to GET /api/v1/crr."""
    query = {"app": APP}
    if draw(st.booleans()):
        query["population"] = draw(st.sampled_from(["users", "customers"]))
    return query | draw(_any_range(story)) | draw(as_ofs(story))


@st.composite
def revenue_queries(
    draw: st.DrawFn, story: Story, periods_of: tuple[str, ...] = ("day", "week", "month")
) -> Query:
    """A question to GET /api/v1/revenue."""
    period = draw(st.sampled_from(periods_of))
    query = {"app": APP, "period": period, "periods": str(draw(st.sampled_from(PERIODS[period])))}
    query["cohort"] = draw(st.sampled_from(["install", "first_seen", "first_purchase"]))
    if draw(st.booleans()):
        query["week_start"] = draw(st.sampled_from(WORDS["week_start"]))
    return query | draw(ranges(story, period)) | draw(as_ofs(story))


@st.composite
def compare_queries(draw: st.DrawFn, story: Story) -> Query:
    """A question to GET /api/v1/compare: two values of a dimension, or up to four by `variants`."""
    values = draw(st.lists(st.sampled_from(["US", "DE", "a,b:c%", "(not set)"]), min_size=2, unique=True))
    query = {
        "app": APP,
        "dimension": draw(st.sampled_from(DIMENSIONS)),
        "day": str(draw(st.integers(0, DAYS))),
    }
    if draw(st.booleans()):
        query |= {"a": values[0], "b": values[1]}
    else:
        query["variants"] = ",".join(map(_quoted, values))
    return query | _dates(story.first, story.first + DAYS * DAY) | draw(as_ofs(story))


@st.composite
def feedback_queries(draw: st.DrawFn, story: Story) -> Query:
    """A question to GET /api/v1/feedback."""
    return {"app": APP} | draw(_any_range(story)) | draw(as_ofs(story))


@st.composite
def _any_range(draw: st.DrawFn, story: Story) -> Query:
    first, last = sorted(story.first + draw(st.integers(-1, DAYS)) * DAY for _ in range(2))
    return _dates(first, last)
