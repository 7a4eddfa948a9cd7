"""What parameters mean. What is refused is tested through HTTP, where people read it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream.report import QueryError
from stream.report.parameters import moment_text
from stream.report.query import (
    ACTIVE_PARAMETERS,
    RETENTION_PARAMETERS,
    WORDS,
    parse_active,
    parse_retention,
)
from tests.oracle_events import epoch_ms


def asked(**given: str) -> Any:
    return parse_retention({"app": "shop"} | {name.rstrip("_"): value for name, value in given.items()})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
        ("2026-11-23t10:00:00z", "2026-11-23T10:00:00Z"),
        ("2026-11-23T17:00:00+07:00", "2026-11-23T10:00:00Z"),
        ("2026-11-23T17:00:00 07:00", "2026-11-23T10:00:00Z"),
        ("2026-11-23 10:00:00Z", "2026-11-23T10:00:00Z"),
        ("2026-11-23T00:30-09:30", "2026-11-23T10:00:00Z"),
        ("2026-11-23T10:00:00.5Z", "2026-11-23T10:00:00.500Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
    ],
)
def test_a_moment_may_be_written_in_any_offset_and_is_shown_in_utc(text: str, moment: str) -> None:
    ms = asked(as_of=text).as_of_ms
    assert ms == epoch_ms(moment)
    assert moment_text(ms) == moment


def test_conditions_are_a_set_so_their_order_does_not_matter() -> None:
    assert asked(where="platform:ios,country:VN") == asked(where="country:VN,platform:ios,country:VN")


def test_only_the_first_colon_separates() -> None:
    assert asked(where="source:https://x").where == (("source", "https://x"),)


def test_a_question_is_plain_when_counters_hold_its_answer() -> None:
    assert asked().plain
    assert asked(cohort="first_seen").plain
    for more in (
        {"cohort": "session"},
        {"return_": "any"},
        {"criterion": "on_or_after"},
        {"breakdown": "country"},
    ):
        assert not asked(**more).plain
    assert not asked(where="country:VN").plain


def test_every_word_belongs_to_a_parameter() -> None:
    assert set(WORDS) <= set(RETENTION_PARAMETERS)


TEXTS = st.text() | st.sampled_from(
    ["day", "2026-11-20", "0", "-1", "٣", "9" * 50, "install", "a:b,c:%", "9999-12-31"]
)


@given(
    st.dictionaries(st.sampled_from([*RETENTION_PARAMETERS, *ACTIVE_PARAMETERS, "x"]), TEXTS), st.booleans()
)
@example({"as_of": "9999-12-31T23:59:59-23:59"}, True)
@example({"as_of": "0001-01-01T00:00:00+23:59"}, True)
@example({"as_of": "2026-11-23T10:00:00+99:99"}, True)
def test_whatever_is_given_is_understood_or_refused(given: dict[str, str], with_app: bool) -> None:
    if with_app:
        given = given | {"app": "shop"}
    for parse in (parse_retention, parse_active):
        try:
            parse(given)
        except QueryError as refusal:
            said = refusal.detail
            assert said
