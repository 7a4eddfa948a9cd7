"""The plain triangle stands in counters and follows from sets. Both say the same, about any history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.report import retention
from stream.report.query import parse_retention
from stream.retention.days import iso
from tests.laws.profiles import examples
from tests.strategies import APP, DAYS, Story, stories
from tests.stream.report.counted import counted


@pytest.mark.slow
@examples(40)
@given(
    story=stories(garbage=False), cohort=st.sampled_from(["install", "first_seen"]), last=st.integers(0, DAYS)
)
async def test_counters_and_sets_give_the_same_triangle(story: Story, cohort: str, last: int) -> None:
    store = await counted(*story.records, zone=story.zone)
    first = story.first.toordinal()
    asked = {
        "app": APP,
        "from": iso(first),
        "to": iso(first + DAYS),
        "cohort": cohort,
        "as_of": iso(first + last),
    }
    plain, by_sets = parse_retention(asked), parse_retention(asked | {"breakdown": "nothing"})
    assert plain.plain
    assert not by_sets.plain
    ours, theirs = [await retention(store, query, now_ms=0) for query in (plain, by_sets)]
    for row in theirs["rows"] + theirs["average"]:
        assert row["segment"] == "(not set)"
        row["segment"] = None
    if theirs["rows"]:
        assert ours == theirs
    else:
        assert not any(row["size"] for row in ours["rows"])
