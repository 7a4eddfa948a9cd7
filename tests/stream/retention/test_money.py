"""Amounts as text: every currency with its own digits, averages rounded half even, nothing ever a float."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.retention.money import MINOR_DIGITS, average_text, decimal_text, minor_units

AMOUNTS = st.integers(-(10**24), 10**24)
CURRENCIES = st.sampled_from(sorted(MINOR_DIGITS))


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [
        (1234, "USD", "12.34"),
        (-1234, "USD", "-12.34"),
        (-5, "USD", "-0.05"),
        (-100, "USD", "-1.00"),
        (0, "USD", "0.00"),
        (50_000, "VND", "50000"),
        (-500, "JPY", "-500"),
        (0, "JPY", "0"),
        (1005, "KWD", "1.005"),
        (-1, "KWD", "-0.001"),
        (12_345, "CLF", "1.2345"),
        (1234, "HRK", "12.34"),
        (1234, "BYR", "1234"),
    ],
)
def test_an_amount_has_the_digits_of_its_currency(amount_minor: int, currency: str, text: str) -> None:
    assert decimal_text(amount_minor, currency) == text


@pytest.mark.parametrize(
    ("amount_minor", "count", "currency", "text"),
    [
        (10, 3, "USD", "0.0333"),
        (20, 3, "USD", "0.0667"),
        (1, 200, "USD", "0.0000"),  # 0.00005: a tie, 0 is even
        (3, 200, "USD", "0.0002"),  # 0.00015: a tie, 2 is even
        (-1, 200, "USD", "0.0000"),
        (-3, 200, "USD", "-0.0002"),
        (-1, 3, "USD", "-0.0033"),
        (1000, 3, "VND", "333.33"),
        (1000, 3, "JPY", "333.33"),
        (1000, 3, "KWD", "0.33333"),
        (0, 7, "KWD", "0.00000"),
    ],
)
def test_an_average_has_two_digits_more_and_ties_go_to_the_even_one(
    amount_minor: int, count: int, currency: str, text: str
) -> None:
    assert average_text(amount_minor, count, currency) == text


@pytest.mark.parametrize("currency", ["XAU", "XXX", "DEM", "usd", "", "USDT"])
def test_what_has_no_minor_units_is_no_currency(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        minor_units("1", currency)


@given(AMOUNTS, CURRENCIES)
def test_a_text_is_the_amount(amount_minor: int, currency: str) -> None:
    text = decimal_text(amount_minor, currency)
    with localcontext(prec=60):
        assert Decimal(text) * 10 ** MINOR_DIGITS[currency] == amount_minor
    assert -Decimal(text).as_tuple().exponent == MINOR_DIGITS[currency]  # type: ignore[operator]


@given(st.integers(0, 10**12), CURRENCIES)
def test_a_text_is_read_back_as_it_was(amount_minor: int, currency: str) -> None:
    assert minor_units(decimal_text(amount_minor, currency), currency) == amount_minor


@given(AMOUNTS, st.integers(1, 10**9), CURRENCIES)
def test_an_average_is_the_exact_quotient_rounded_half_even(
    amount_minor: int, count: int, currency: str
) -> None:
    digits = MINOR_DIGITS[currency]
    with localcontext(prec=80):
        exact = Decimal(amount_minor) / (count * 10**digits)
        rounded = exact.quantize(Decimal(1).scaleb(-digits - 2), ROUND_HALF_EVEN)
        assert Decimal(average_text(amount_minor, count, currency)) == rounded


@given(AMOUNTS, st.integers(1, 10**9), CURRENCIES)
def test_nothing_is_ever_minus_zero(amount_minor: int, count: int, currency: str) -> None:
    text = average_text(amount_minor, count, currency)
    assert text[0] != "-" or text.strip("-0.")


def test_an_average_over_nobody_is_a_bug() -> None:
    with pytest.raises(ZeroDivisionError):
        average_text(1, 0, "USD")
