"""How many minor units is an amount, and how is it written? The ISO 4217 currencies, exactly and without floats."""

import re
from decimal import Decimal

# ISO 4217 list one, with its units of account; metals and the like have no minor unit there, so no amount can be counted in them.
# Then what list one has lost since there are app stores (2008), since history is imported too.
_TWO_DIGITS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK
DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD
KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP
PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
BOV CHE CHW COU MXV USN
ANG BGN CUC EEK HRK LTL LVL MRO SKK SLL STD TMM VEF ZMK ZWL ZWR
"""
_NO_DIGITS = "BIF BYR CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS = "CLF UYW"

MINOR_DIGITS: dict[str, int] = {
    **dict.fromkeys(_TWO_DIGITS.split(), 2),
    **dict.fromkeys(_NO_DIGITS.split(), 0),
    **dict.fromkeys(_THREE_DIGITS.split(), 3),
    **dict.fromkeys(_FOUR_DIGITS.split(), 4),
}
AMOUNT_MINOR_MAX = 10**12
AVERAGE_DIGITS = 2  # an average per user is shown with so many digits more than its currency has

_DECIMAL = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,4}))?", re.ASCII)
_TEXT_MAX = 400


def minor_units(text: str, currency: str) -> int:
    """The amount in whole minor units of its currency ("12.34" USD -> 1234).

    ValueError says what is wrong: an unknown currency, no decimal number, below zero, more digits than the currency has
    (zeros at the end are no digits), more than 10^12 minor units.
    """
    digits = MINOR_DIGITS.get(currency)
    if digits is None:
        raise ValueError("currency is not an ISO 4217 code with minor units")
    match = _DECIMAL.fullmatch(text) if len(text) <= _TEXT_MAX else None
    if match is None:
        raise ValueError("amount is not a decimal number")
    whole, fraction, exponent = match[1], match[2] or "", int(match[3] or 0)
    significant = (whole + fraction).strip("0")
    if not significant:
        return 0
    if text[0] == "-":
        raise ValueError("amount is below zero")
    trailing = len(whole + fraction) - len((whole + fraction).rstrip("0"))
    power = digits + exponent - len(fraction) + trailing
    if power < 0:
        raise ValueError(f"amount has more digits than {currency} has ({digits})")
    amount_minor = AMOUNT_MINOR_MAX + 1 if len(significant) + power > 14 else int(significant + "0" * power)
    if amount_minor > AMOUNT_MINOR_MAX:
        raise ValueError("amount is more than 10^12 minor units")
    return amount_minor


def decimal_text(amount_minor: int, currency: str) -> str:
    """The amount as a decimal string with all the digits of its currency (1234, "USD" -> "12.34"; -5 -> "-0.05")."""
    return _text(amount_minor, MINOR_DIGITS[currency])


def average_text(amount_minor: int, count: int, currency: str) -> str:
    """amount / count with two digits more than the currency has, half even (10 by 3, "USD" -> "0.0333").

    Raises ZeroDivisionError where there is nobody to divide by.
    """
    units, rest = divmod(amount_minor * 10**AVERAGE_DIGITS, count)
    if 2 * rest > count or (2 * rest == count and units % 2):
        units += 1
    return _text(units, MINOR_DIGITS[currency] + AVERAGE_DIGITS)


def minor_value(text: str, currency: str) -> Decimal:
    """An amount or an average that one of the two functions above has written, in minor units ("-0.0333", "USD" -> -3.33)."""
    return Decimal(text).scaleb(MINOR_DIGITS[currency])


def _text(units: int, digits: int) -> str:
    text = str(abs(units)).rjust(digits + 1, "0")
    sign = "-" if units < 0 else ""
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"
