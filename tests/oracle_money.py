"""How much is an amount of money, and how is it written? Whole minor units, never a float, never two currencies added."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

MINOR_UNITS_MAX: Final = 10**12
# Only what the strategies send; the product has to know the whole of ISO 4217.
CURRENCY_DIGITS: Final = {"USD": 2, "EUR": 2, "VND": 0, "JPY": 0, "KWD": 3}
QUOTIENT_DIGITS: Final = 2  # more than the currency has, for money per user

Money = dict[str, int]  # currency -> minor units


def minor_units(amount: object, currency: object) -> int | None:
    """The amount in the currency's smallest unit, or None where the contract says `bad_field`."""
    digits = CURRENCY_DIGITS.get(currency) if isinstance(currency, str) else None
    if digits is None or isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
        return None
    if isinstance(amount, str) and not _is_decimal(amount):
        return None
    try:
        minor = Decimal(amount).scaleb(digits)
        if not 0 <= minor <= MINOR_UNITS_MAX or minor != int(minor):
            return None
    except InvalidOperation:
        return None
    return int(minor)


def _is_decimal(text: str) -> bool:
    """Digits, perhaps a point and digits, perhaps a minus in front."""
    whole, point, fraction = text.removeprefix("-").partition(".")
    return all(part.isascii() and part.isdigit() for part in ((whole, fraction) if point else (whole,)))


def plain_text(minor: int, currency: str) -> str:
    """An amount with all the digits of its currency."""
    return f"{Decimal(minor).scaleb(-CURRENCY_DIGITS[currency]):f}"


def added(amounts: Iterable[tuple[str, int]]) -> Money:
    """Sums by currency; a sum of nothing, or of what cancels, is not there."""
    sums: Money = defaultdict(int)
    for currency, minor in amounts:
        sums[currency] += minor
    return {currency: minor for currency, minor in sums.items() if minor}


def money_text(money: Mapping[str, int]) -> dict[str, str]:
    return {currency: plain_text(minor, currency) for currency, minor in money.items()}


def per_head(money: Mapping[str, int], heads: int) -> dict[str, str]:
    """Money divided by users, exact, then rounded half to even to two digits more than the currency has."""
    if not heads:
        return {}
    texts = {}
    for currency, minor in money.items():
        digits = CURRENCY_DIGITS[currency] + QUOTIENT_DIGITS
        rounded = round(Fraction(minor * 10**QUOTIENT_DIGITS, heads))  # Python rounds a Fraction half to even
        texts[currency] = f"{Decimal(rounded).scaleb(-digits):f}"
    return texts
