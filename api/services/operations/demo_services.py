"""What the demo's venues offer beyond single resources: barbers with hours of their own of whom any
will do, a class of twelve places, a studio with its equipment, rates and a weekly block.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any, Final

from django.db import transaction

from api import errors
from api.models import Block, Delivery, Resource, Role, Service, User, Venue
from api.opening_hours import DAY, to_instant
from api.services.accounts.joining import join
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.venues.blocks import create_block
from api.services.venues.hours import put_week
from api.services.venues.resources import update_resource
from api.services.venues.services import create_pool, create_service

from . import demo_hours

MINUTE: Final = timedelta(minutes=1)
# a price, as the master's chair has: given to nobody who did not choose one, or a service
BARBERS: Final = ("Abe", "Bea", "Cid")
BARBER_FIELDS: Final = {"price_minor": 2000, "description": "A barber", "buffer_after": 5 * MINUTE}
# with a break at noon, and a short Saturday
BARBERS_WEEK: Final = (
    *((day, *span) for day in range(5) for span in ((time(7), time(12)), (time(13), time(19)))),
    (5, time(7), time(14)),
)
BIKES: Final = "Spin Bikes"
KIT: Final = "Recording Kit"
PRICED: Final = (*BARBERS, KIT)
# of each service: its fields, its durations with their prices, its pools and how many of each
SERVICES: Final[dict[str, list[dict[str, Any]]]] = {
    "barbershop": [
        {
            "name": "Cut",
            "description": "With whoever is free, or the barber whom you wish for",
            "durations": {45: 3500, 30: 2500},
            "needs": {"Barbers": (BARBERS, 1)},
            "buffer_after": 10 * MINUTE,
        },
        {"name": "Beard", "durations": {15: 1200}, "needs": {"Barbers": (BARBERS, 1)}},
    ],
    "primetime": [
        {
            "name": "Spinning class",
            "description": "Twelve places, an instructor, loud music",
            "durations": {60: 0},
            "needs": {"Bikes": ((BIKES,), 1)},
        },
    ],
    "paidrooms": [
        {
            "name": "Recording",
            "description": "A studio with a recording kit, all of it or nothing",
            "durations": {60: 9000, 120: 16000},
            "needs": {"Studios": (("Studio One", "Studio Two"), 1), "Kits": ((KIT,), 1)},
            "buffer_before": 15 * MINUTE,
        },
    ],
}
RATES: Final = {
    "Studio Two": [
        {"weekdays": [5, 6], "opens_at": "09:00", "closes_at": "18:00", "price_minor": 10000}
    ]
}
DAYS_AHEAD: Final = range(3, 8)
EARLY: Final = time(7)


def create_services(venue: Venue, by: User, now: datetime) -> None:
    """The services of a venue with their pools, and what else stands here of its resources; made
    if it has no service yet and the resources are there."""
    there = Resource.objects.filter(venue=venue, retired_at=None)
    resources = {resource.name: resource for resource in there}
    wanted = SERVICES.get(venue.slug, [])
    names = {name for row in wanted for pool, _ in row["needs"].values() for name in pool}
    if not wanted or not names <= resources.keys() or venue.services.exists():
        return
    pools: dict[str, int] = {}
    for row in wanted:
        fields = {name: row[name] for name in row.keys() - {"durations", "needs"}}
        for pool, (members, _) in row["needs"].items():
            if pool not in pools:
                ids = [resources[name].pk for name in members]
                pools[pool] = create_pool(venue, by, name=pool, resources=ids).pk
        create_service(
            venue,
            by,
            durations=[
                {"duration": minutes * MINUTE, "price_minor": price}
                for minutes, price in row["durations"].items()
            ],
            needs=[
                {"pool_id": pools[pool], "quantity": quantity}
                for pool, (_, quantity) in row["needs"].items()
            ],
            **fields,
        )
    for name in names & RATES.keys():
        update_resource(resources[name], by, {"rates": RATES[name]})
    if BIKES in names:
        _block_weekly(resources[BIKES], by, now)


def _block_weekly(resource: Resource, by: User, now: datetime) -> None:
    """An hour each Monday, without an end."""
    if Block.objects.filter(resource=resource).exists():
        return
    today = now.astimezone(resource.venue.zone).date()
    monday = today + (7 - today.weekday()) * DAY
    starts_at = to_instant(resource.venue.zone, monday, time(12))
    with transaction.atomic():
        create_block(
            resource,
            Actor.in_venue(by, resource.venue_id),
            starts_at=starts_at,
            ends_at=starts_at + 60 * MINUTE,
            reason="Maintenance",
            rule="FREQ=WEEKLY",
        )


def set_up_barbers(venue: Venue, people: dict[str, User]) -> None:
    """The barbers are people of the venue, and work hours of their own."""
    for resource in Resource.objects.filter(venue=venue, name__in=people, user=None):
        resource.venue = venue
        join(people[resource.name], venue.pk, Role.STAFF)
        resource.user = people[resource.name]
        resource.save(update_fields=["user"])
        put_week(venue, resource, BARBERS_WEEK)


def book_services(venue: Venue, owners: list[User], now: datetime) -> int:
    """Books some of what lies ahead, early in the day; the number of new bookings."""
    if not Service.objects.filter(venue=venue, retired_at=None).exists():
        return 0
    return sum(_book(request) for request in _list_requests(venue, owners, now))


def _list_requests(venue: Venue, owners: list[User], now: datetime) -> Iterator[BookingRequest]:
    today = now.astimezone(venue.zone).date()
    rows = Service.objects.filter(venue=venue, retired_at=None).prefetch_related("durations")
    for service in rows.order_by("pk"):
        shortest = service.durations.all()[0].duration
        for n in DAYS_AHEAD:
            starts_at = to_instant(venue.zone, today + n * DAY, EARLY)
            if venue.bookings.filter(service=service, starts_at=starts_at).exists():
                continue
            rng = demo_hours.seed_random(Resource(venue=venue, name=service.name), today + n * DAY)
            for owner in rng.sample(owners, rng.randint(1, 3)):
                yield BookingRequest(
                    owner=owner,
                    service=service.pk,
                    starts_at=starts_at,
                    duration=shortest,
                    quantity=rng.randint(1, 3) if venue.slug == "primetime" else 1,
                    contract=demo_hours.CONTRACT,
                )


def _book(request: BookingRequest) -> int:
    """1, or 0 where the policy or another booking refuses. No email is sent."""
    if not isinstance(request.owner, User):
        return 0
    try:
        with transaction.atomic():
            actor = Actor.for_new_booking(request.owner)
            booking = create_booking(request, actor=actor)
            Delivery.objects.filter(booking=booking).delete()
    except errors.Refusal:
        return 0
    return 1
