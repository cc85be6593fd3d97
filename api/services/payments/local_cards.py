"""Paying at the local Stripe with its test cards, where no money moves: what a form of Stripe's own
does where there are keys."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from api import errors
from api.models import Payment

from . import stripe_gateway as gateway
from .outcomes import record_outcome
from .payments import start_payment

# Stripe's numbers, and what comes of them
TEST_CARDS: Final = (
    ("4242424242424242", "Visa that pays"),
    ("5555555555554444", "Mastercard that pays"),
    ("4000000000000341", "Card that is declined"),
)


def pay_with_test_card(pk: int, card: str) -> Payment:
    """Pay a held booking; the attempt afterwards, which asks for another card where this one was
    declined. Refuses as `start_payment` does. Must not be called inside a transaction."""
    if not settings.STRIPE_LOCAL or card not in dict(TEST_CARDS):
        raise errors.Refusal("Choose one of the test cards.")
    payment = start_payment(pk)
    return record_outcome(payment.pk, gateway.pay_locally(payment.intent_id or "", card), "page")
