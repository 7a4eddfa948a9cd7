"""Rates and their intervals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.retention.rates import pooled, rate, rates, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_that_of_the_published_table(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_rate_lies_in_its_interval_and_the_interval_in_0_to_1(case: tuple[int, int]) -> None:
    share, low, high = rate(*case)
    assert low is not None
    assert share is not None
    assert high is not None
    assert 0 <= low <= share + 1e-15
    assert share - 1e-15 <= high <= 1


def test_nobody_of_some_begins_at_exactly_0_and_all_end_at_exactly_1() -> None:
    assert wilson(0, 3)[0] == 0.0
    assert wilson(3, 3)[1] == 1.0


def test_a_share_of_nobody_is_nothing() -> None:
    assert rate(0, 0) == (None, None, None)


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (0, 0), (2, 1), (-1, 5)])
def test_what_is_no_share_is_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        wilson(successes, n)


def test_a_pooled_average_counts_each_user_once() -> None:
    assert pooled([(1, 1), (0, 99)]) == (1, 100)
    assert pooled([]) == (0, 0)


SHARES = st.integers(0, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.lists(SHARES, max_size=8))
def test_many_rates_at_once_are_the_rates_one_by_one_to_the_last_bit(shares: list[tuple[int, int]]) -> None:
    users, sizes = [some for some, _ in shares], [of for _, of in shares]
    assert rates(users, sizes) == [rate(*share) for share in shares]


def test_more_than_all_is_no_share() -> None:
    with pytest.raises(ValueError, match="share"):
        rates([1, 2], [1, 1])
