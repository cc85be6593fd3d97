"""What is asked and done in each of these tests."""

from api.services.payments import stripe_events


def state(booking):
    booking.refresh_from_db()
    return booking.status, booking.payment_status


def succeeded(customer, intent, **more):
    stripe_events.store_event(*customer.event("payment_intent.succeeded", intent, **more))
    stripe_events.process_events()
