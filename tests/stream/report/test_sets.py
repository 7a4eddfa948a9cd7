"""The algebra of bitmaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.report import sets
from stream.report.sets import Bitmap, blocks, count, counts_with, fit, from_each_on, sliding, stack_of

WORDS = st.integers(0, 2**64 - 1) | st.just(0)
DAYS = st.lists(st.lists(WORDS, min_size=3, max_size=3), max_size=40)


def bitmap(words: list[int]) -> Bitmap:
    return np.array(words, dtype=np.uint64)


@given(DAYS, st.sampled_from([1, 2, 3, 7, 8, 30, 31]))
def test_sliding_unions_are_the_unions_of_so_many_days(days: list[list[int]], width: int) -> None:
    found = sliding(stack_of([bitmap(day) for day in days]), width)
    for at, union in enumerate(found):
        expected = np.bitwise_or.reduce([bitmap(day) for day in days[max(0, at - width + 1) : at + 1]])
        assert union.tolist() == expected.tolist()


@given(
    st.lists(st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2**63, 2**64 - 1]), min_size=1, max_size=50),
    st.integers(0, 2**32),
    st.sampled_from([1, 1_024]),
)
def test_counting_few_members_is_counting(members: list[int], seed: int, narrow_words: int) -> None:
    days = np.random.default_rng(seed).integers(0, 2**63, (3, len(members)), dtype=np.uint64)
    expected = [
        sum((one & int(other)).bit_count() for one, other in zip(members, day, strict=True)) for day in days
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sets, "_NARROW_WORDS", narrow_words)
        assert counts_with(bitmap(members), days).tolist() == expected


@given(DAYS)
def test_unions_from_each_day_on_hold_all_later_days(days: list[list[int]]) -> None:
    found = from_each_on(stack_of([bitmap(day) for day in days]))
    for at, union in enumerate(found):
        assert union.tolist() == np.bitwise_or.reduce([bitmap(day) for day in days[at:]]).tolist()


def test_blocks_cover_everything_once() -> None:
    words = np.arange(sets.BLOCK_WORDS * 2 + 5, dtype=np.uint64)
    parts = [take("x") for take in blocks({"x": words})]
    assert np.concatenate(parts).tolist() == words.tolist()
    assert list(blocks({})) == []


def test_a_count_of_very_many_does_not_overflow() -> None:
    assert count(np.full(1 << 16, 2**64 - 1, dtype=np.uint64)) == 1 << 22


def test_bitmaps_are_cut_or_filled_to_a_length() -> None:
    assert fit(bitmap([1, 2]), 1).tolist() == [1]
    assert fit(bitmap([1, 2]), 3).tolist() == [1, 2, 0]
