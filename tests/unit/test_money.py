"""Amounts in minor units and in the currency's own."""

from decimal import Decimal

import pytest

from api import money


@pytest.mark.parametrize(
    ("minor", "currency", "major", "text"),
    [
        (105000, "usd", "1050.00", "1,050.00 USD"),
        (5, "EUR", "0.05", "0.05 EUR"),
        (1050, "jpy", "1050", "1,050 JPY"),
        (1050, "kwd", "1.050", "1.050 KWD"),
        (0, "", "0.00", ""),
    ],
)
def test_an_amount_both_ways(minor, currency, major, text):
    assert str(money.to_major(minor, currency)) == major
    assert money.to_minor(Decimal(major), currency) == minor
    assert money.format_amount(minor, currency) == text


def test_what_is_finer_than_the_currency_is_no_whole_amount():
    assert money.to_minor(Decimal("10.50"), "jpy") != 10
