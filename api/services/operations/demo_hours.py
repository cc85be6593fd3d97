"""The hours around now in the demo: one resource of each venue is booked around the clock, so that
at whatever hour and weekday something has just ended, something is under way and something comes.

The times follow from the instant alone, so that filling again books only what is new.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models.functions import Now

from api import errors, policy, terms
from api.lifecycle import BOOKING, CONFIRMED, PENDING
from api.models import Booking, Delivery, Payment, Resource, User
from api.policy import Interval, Rules
from api.queries.venues.rules import get_rules
from api.services.actors import Actor
from api.services.bookings.actions import approve_booking, check_in_booking
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.transitions import apply_transition
from api.services.payments.outcomes import record_outcome
from api.services.payments.stripe_gateway import Intent, PaymentRefused, PaymentsAway

from . import demo_payments

AROUND_THE_CLOCK: Final = ("Court 2", "The Master's Chair", "Fermat", "Podcast Kit", "Night Studio")
TITLES: Final = ("Weekly", "Review", "Practice", "Workshop", "Interview", "Planning")
CONTRACT: Final = "demo"  # what marks a booking as the demo's
BACK, AHEAD = timedelta(hours=12), timedelta(hours=14)
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
# bookings one after the other, in minutes: four hours, and again
LENGTHS: Final = (60, 90, 60, 30)
HAIRCUTS: Final = (30,)


def seed_random(resource: Resource, at: date | datetime) -> random.Random:
    """What is random of a resource at a time is the same whenever it is asked."""
    return random.Random(f"{resource.venue.slug} {resource.name} {at.isoformat()}")


def list_hours(resource: Resource, since: datetime, until: datetime) -> Iterator[Interval]:
    """Intervals without gaps that touch the time between."""
    minutes = HAIRCUTS if resource.venue.slug == "barbershop" else LENGTHS
    lengths = [timedelta(minutes=each) for each in minutes]
    whole = sum(lengths, timedelta(0))
    start = EPOCH + whole * ((since - EPOCH) // whole)
    while start < until:
        for length in lengths:
            if start + length > since and start < until:
                yield start, start + length
            start += length


def book_around(resources: list[Resource], owners: list[User], staff: User, now: datetime) -> int:
    """Book what is under way and what comes, of the resources that are booked around the clock;
    the number of new bookings. A time in which there was any booking stays as it is."""
    made = 0
    for resource in resources:
        if resource.name not in AROUND_THE_CLOCK:
            continue
        slots = list(list_hours(resource, now, now + AHEAD))
        there = list(
            resource.bookings.filter(ends_at__gt=slots[0][0], starts_at__lt=slots[-1][1])
            .values_list("starts_at", "ends_at")
        )  # fmt: skip
        for start, end in slots:
            if any(start < ended and begun < end for begun, ended in there):
                continue
            rng = seed_random(resource, start)
            owner, title = rng.choice(owners), rng.choice(TITLES)
            made += book_slot(resource, owner, start, end, title, staff, begun=start <= now)
    return made


def book_slot(
    resource: Resource,
    owner: User,
    start: datetime,
    end: datetime,
    title: str,
    staff: User | None,
    *,
    begun: bool = False,
) -> int:
    """Book by the services, and pay what has a price; 1, or 0 where the policy or another booking
    refuses. `staff` approve it at once. No email is sent. With `begun` somebody is there."""
    price = terms.calculate_price(get_rules(resource.pk)[0], start, end)
    try:
        intent = demo_payments.pay_ahead(resource, price) if price else None
    except (PaymentsAway, PaymentRefused):
        return 0
    if price and intent is None:
        return 0  # the real Stripe charges nobody for a demo
    request = BookingRequest(
        owner=owner,
        resource=resource.pk,
        starts_at=start,
        ends_at=end,
        title=title,
        contract=CONTRACT,
        pre_approved=staff is not None and bool(price or begun),
    )
    try:
        with transaction.atomic():
            actor = Actor.for_new_booking(owner)
            booking = create_booking(request, actor=actor, check=_check_standing)
            if intent is not None:
                _pay(booking, intent)
            if staff is not None and booking.status == PENDING:
                approve_booking(booking.pk, Actor.in_venue(staff, booking.venue_id))
            if begun and resource.venue.check_in_required:
                apply_transition(BOOKING.check_in, [booking.pk], actor)
            Delivery.objects.filter(booking=booking).delete()  # they would be hundreds of emails
    except errors.Refusal:
        return 0
    return 1


def _check_standing(
    rules: Rules, starts_at: datetime, ends_at: datetime, now: datetime, guests: int
) -> None:
    """The demo owes no notice, and some of what it books has begun."""
    policy.check_resource(rules, starts_at, ends_at, guests)


def _pay(booking: Booking, intent: Intent) -> None:
    payment = Payment.objects.create(
        booking=booking, amount_minor=booking.price_minor, currency=booking.currency
    )
    record_outcome(payment.pk, intent, CONTRACT)


def check_in_due(staff: User) -> int:
    """Check in those of the demo whose check-in is open, so that nobody's room is released."""
    due = Booking.objects.filter(
        contract=CONTRACT,
        status=CONFIRMED,
        resource__name__in=AROUND_THE_CLOCK,
        venue__check_in_required=True,
        check_in_opens_at__lte=Now(),
        no_show_at__gt=Now(),
    )
    count = 0
    for pk, venue_id in due.order_by("pk").values_list("pk", "venue_id"):
        try:
            check_in_booking(pk, Actor.in_venue(staff, venue_id))
        except errors.Refusal:
            continue
        count += 1
    return count
