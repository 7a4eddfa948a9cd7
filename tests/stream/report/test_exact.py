"""Sums that cannot overflow, and the algebra of spans of periods."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.report.exact import Exact
from stream.report.sets import Bitmap, Spans, blocks, counts_over, entries_of, flags_of, stack_of
from stream.store.chunks import bitmap_of
from stream.store.protocol import Ledger

AMOUNTS = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.tuples(st.integers(0, 2), AMOUNTS), max_size=30))
def test_sums_are_exact_whatever_the_amounts(entries: list[tuple[int, int]]) -> None:
    sums = Exact(3)
    sums.add((np.array([at for at, _ in entries], np.int64),), np.array([n for _, n in entries], np.int64))
    assert sums.values() == [sum(n for at, n in entries if at == place) for place in range(3)]


SPANS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 8)).map(sorted).map(tuple), max_size=5)


@given(st.lists(AMOUNTS, min_size=1, max_size=5), SPANS)
def test_sums_over_spans_are_sums_of_their_places(amounts: list[int], spans: list[tuple[int, int]]) -> None:
    sums = Exact(2, len(amounts))
    sums.add((1, np.arange(len(amounts))), np.array(amounts, np.int64))
    expected = [sum(amounts[first : last + 1]) for first, last in spans]
    assert sums.over(spans).values() == [[0] * len(spans), expected]


@given(
    st.sets(st.integers(0, 300)),
    st.lists(st.sets(st.integers(0, 300)), min_size=1, max_size=6),
    SPANS.filter(bool),
)
def test_counting_over_spans_is_counting_the_users_of_any_period(
    members: set[int], periods: list[set[int]], spans: list[tuple[int, int]]
) -> None:
    expected = [len(members & set().union(*periods[first : last + 1])) for first, last in spans]
    for words in (1, 64):  # few words of many are gathered
        found = counts_over(
            _bitmap(members, words),
            stack_of([_bitmap(one, words) for one in periods]),
            Spans.of(spans, len(periods)),
        )
        assert found.tolist() == expected


@given(
    st.dictionaries(st.integers(0, 1_200_000), AMOUNTS, max_size=20),
    st.sets(st.integers(0, 1_200_000), max_size=20),
)
def test_the_entries_of_all_blocks_are_those_of_the_ledger(
    amounts: dict[int, int], members: set[int]
) -> None:
    members |= set(list(amounts)[::2])
    ledger = Ledger(np.array([*amounts], np.int64), np.array([*amounts.values()], np.int64))
    found = []
    for block in blocks({"x": _bitmap(members, 20)}, {"y": ledger}):
        found += entries_of(block.ledger("y"), flags_of(block("x"))).amounts.tolist()
    assert sorted(found) == sorted(amounts[user] for user in amounts.keys() & members)


def _bitmap(members: set[int], chunks: int) -> Bitmap:
    return bitmap_of(np.array(sorted(members), dtype=np.int64), chunks)
