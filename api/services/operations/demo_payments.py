"""Pays the demo's bookings at the local Stripe, where no money moves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings

from api.models import Booking, Payment, Resource
from api.models.bookings import PaymentStatus
from api.services.payments import stripe_gateway as gateway

PAID_AFTER = timedelta(minutes=9)


def pay_bookings(rows: Iterable[Booking]) -> list[Payment]:
    """Return an unsaved payment for each unsaved booking that says it is paid.

    Those that cannot be paid become free: all of them with keys of the real Stripe, which a demo
    charges nothing, and where the local one is not running.
    """
    paid = [row for row in rows if row.payment_status == PaymentStatus.SUCCEEDED]
    made: list[Payment] = []
    if settings.STRIPE_LOCAL:
        with contextlib.suppress(gateway.PaymentsAway):
            made.extend(map(_pay, paid))  # those before a failure stay
    for row in paid[len(made) :]:
        row.price_minor, row.currency, row.payment_status = 0, "", PaymentStatus.NONE
    return made


def pay_ahead(resource: Resource, amount_minor: int) -> gateway.Intent | None:
    """An intent for a booking that is about to be made, paid already; None with keys of the real
    Stripe. Raises what the gateway raises."""
    if not settings.STRIPE_LOCAL:
        return None
    metadata = {"room_name": resource.name, "made_by": "seed_demo"}
    return gateway.create_paid_intent(amount_minor, resource.venue.currency, metadata)


def _pay(booking: Booking) -> Payment:
    """The card is Stripe's own for tests."""
    metadata = {"room_name": booking.resource.name, "made_by": "seed_demo"}
    intent = gateway.create_paid_intent(booking.price_minor, booking.currency, metadata)
    return Payment(
        booking=booking,
        intent_id=intent.id,
        client_secret=intent.client_secret,
        amount_minor=intent.amount_minor,
        currency=intent.currency,
        status=intent.status,
        method=intent.method,
        created_at=booking.created_at,
        updated_at=booking.created_at + PAID_AFTER,
    )
