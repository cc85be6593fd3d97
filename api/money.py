"""Amounts in minor units, as Stripe and our rows count them, and as people read them.

Not babel: CLDR gives the Icelandic krona and the Ugandan shilling no digits, Stripe gives them two.
"""

from __future__ import annotations

from decimal import Decimal

# Stripe's list of zero-decimal and of three-decimal currencies. All others have two, also
# ISK and UGX, which it counts in hundredths that nobody can pay with.
_DIGITS = {
    **dict.fromkeys(("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf"), 0),
    **dict.fromkeys(("vnd", "vuv", "xaf", "xof", "xpf"), 0),
    **dict.fromkeys(("bhd", "jod", "kwd", "omr", "tnd"), 3),
}


def get_decimals(currency: str) -> int:
    """Decimals of a currency, named by its ISO 4217 code."""
    return _DIGITS.get(currency.lower(), 2)


def to_major(minor: int, currency: str) -> Decimal:
    """The amount in the currency's own unit, exactly."""
    return Decimal(minor).scaleb(-get_decimals(currency))


def to_minor(amount: Decimal, currency: str) -> Decimal:
    """The amount in minor units; not whole where it is finer than the currency."""
    return amount.scaleb(get_decimals(currency))


def format_amount(minor: int, currency: str) -> str:
    """For people: `1,050.00 USD`; empty for what costs nothing in no currency."""
    return f"{to_major(minor, currency):,} {currency.upper()}" if currency else ""
