"""Which questions are refused? Exactly those of the contract, out of every combination of words."""

from __future__ import annotations

from itertools import product

import pytest

from stream.report import QueryError
from stream.report.definition import definition
from stream.report.presets import PRESETS
from stream.report.query import WORDS, parse_retention
from stream.report.span import span_of
from stream.retention.days import zone
from tests.laws.checks import no_cell_above_its_cohort
from tests.oracle_events import epoch_ms
from tests.stream.report.counted import ask, counted, install, purchase, session

ASKED = {"from_": "2026-11-19", "to": "2026-11-20", "now": "2026-11-23T10:30:00Z"}
PRODUCT = list(
    product(
        WORDS["cohort"], WORDS["return"], WORDS["criterion"], WORDS["window"], WORDS["period"], ("", "1-2,3")
    )
)


def refused(cohort: str, criterion: str, window: str, period: str, brackets: str) -> bool:
    """The list of the contract."""
    if window == "elapsed" and (period in ("hour", "month") or cohort in ("session", "purchase")):
        return True
    return bool(brackets) and criterion == "up_to"


async def test_every_combination_of_words_is_answered_or_on_the_list_of_the_refused() -> None:
    store = await counted(
        install("a", "2026-11-19", country="VN"),
        session("a", "2026-11-20"),
        purchase("a", "2026-11-20"),
        session("b", "2026-11-19"),
        purchase("b", "2026-11-22"),
    )
    for cohort, returns, criterion, window, period, brackets in PRODUCT:
        words = {
            "cohort": cohort,
            "return_": returns,
            "criterion": criterion,
            "window": window,
            "period": period,
        }
        words |= {"brackets": brackets} if brackets else {"periods": "3"}
        if refused(cohort, criterion, window, period, brackets):
            with pytest.raises(QueryError):
                await ask(store, **words, **ASKED)
            continue
        answer = await ask(store, **words, **ASKED)
        no_cell_above_its_cohort(answer)
        assert sum(row["size"] for row in answer["rows"])
        assert [answer[name.rstrip("_")] for name in words if name != "periods"] == [
            word for name, word in words.items() if name != "periods"
        ]
        assert all(
            ("revenue" in cell) == (returns == "revenue") for row in answer["rows"] for cell in row["cells"]
        )
    assert len(PRODUCT) == 5 * 4 * 3 * 2 * 4 * 2


def test_a_preset_sets_what_is_not_said_and_nothing_else() -> None:
    for name, preset in PRESETS.items():
        query = parse_retention({"app": "shop", "preset": name})
        said = {"cohort": query.cohort, "return": query.returns, "criterion": query.criterion}
        said |= {"window": query.window, "week_start": query.week_start}
        assert {word: said[word] for word in preset.parameters} == dict(preset.parameters)
    query = parse_retention({"app": "shop", "preset": "adjust", "window": "calendar", "period": "month"})
    assert (query.window, query.cohort, query.period, query.preset) == (
        "calendar",
        "install",
        "month",
        "adjust",
    )


async def test_an_answer_names_its_preset_its_weeks_and_its_brackets_where_they_are_asked_for() -> None:
    store = await counted()
    assert not {"preset", "week_start", "brackets"} & set(await ask(store, week_start="sunday", **ASKED))
    answer = await ask(store, preset="posthog", period="week", brackets="3-4,1,1-1", **ASKED)
    assert (answer["preset"], answer["week_start"], answer["brackets"]) == ("posthog", "sunday", "1,3-4")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            {},
            "Share of users who installed in a day and had a session exactly n days later "
            "(calendar days, Asia/Kolkata).",
        ),
        (
            {"criterion": "on_or_after", "period": "week", "cohort": "first_seen", "return": "any"},
            "Share of users who were first seen in a week and were active in any way n or more weeks later "
            "(calendar weeks from Monday, Asia/Kolkata).",
        ),
        (
            {"criterion": "up_to", "period": "hour", "return": "purchase"},
            "Share of users who installed in an hour and bought in any of the hours 1 to n after the start "
            "(real hours, Asia/Kolkata).",
        ),
        (
            {"brackets": "1-3", "window": "elapsed", "cohort": "first_purchase", "return": "revenue"},
            "Share of users who bought for the first time in a day and bought, and what they paid, in any of the "
            "days of a bracket after the start (24-hour windows from the hour of each user's own start, Asia/Kolkata).",
        ),
    ],
)
def test_an_answer_says_in_one_sentence_what_it_counts(words: dict[str, str], says: str) -> None:
    assert definition(parse_retention({"app": "shop", **words}), "Asia/Kolkata") == says


def test_every_definition_is_its_own() -> None:
    said = set()
    asked = 0
    for cohort, returns, criterion, window, period, brackets in PRODUCT:
        if not refused(cohort, criterion, window, period, brackets):
            words = {"cohort": cohort, "return": returns, "criterion": criterion, "window": window}
            words |= {"period": period} | ({"brackets": brackets} if brackets else {})
            said.add(definition(parse_retention({"app": "shop", **words}), "UTC"))
            asked += 1
    assert len(said) == asked


def test_without_dates_the_last_30_days_widen_to_whole_periods() -> None:
    query = parse_retention({"app": "shop", "period": "month"})
    span = span_of(query, zone("UTC"), epoch_ms("2026-11-23T10:00:00Z"))
    assert len(span.days) == 30
