"""Demo data: the five venues with their presets, people, resources and some weeks of bookings.

It is the same every time for the same days, and filled again around now at each start: what passed
since the last start gets a past, the weeks ahead get their bookings, and the hours around now get
theirs from `demo_hours`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from operator import itemgetter
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now

from api import terms
from api.lifecycle import Status
from api.models import Booking, Payment, PrimetimeWindow, Resource, Role, User, Venue
from api.models.venues import Approval
from api.opening_hours import to_instant
from api.policy import DAY
from api.queries.venues.rules import build_rules
from api.services.accounts.joining import join
from api.services.venues import venues
from api.services.venues.resources import create_resource

from . import demo_hours, demo_payments, demo_services, jobs
from .demo_hours import TITLES, seed_random

PEOPLE = (
    ("admin@example.com", "Ada", "Admin", Role.ADMIN),
    ("staff@example.com", "Sam", "Staff", Role.STAFF),
    ("user@example.com", "Uma", "User", Role.CUSTOMER),
    ("ana@example.com", "Ana", "Torres", Role.CUSTOMER),
    ("ben@example.com", "Ben", "Okafor", Role.CUSTOMER),
    ("chloe@example.com", "Chloé", "Martin", Role.CUSTOMER),
    ("dmitri@example.com", "Dmitri", "Ivanov", Role.CUSTOMER),
    ("emi@example.com", "Emi", "Sato", Role.CUSTOMER),
    # an admin whose password is the demo's, whatever that of the first admin is
    ("owner@example.com", "Olga", "Owner", Role.ADMIN),
)
PASSWORD = "holdfast-demo"  # noqa: S105 - everybody may know it: it opens nothing but the demo
# with whom to try what, as the front page shows them
SIGN_INS = (
    ("user@example.com", "books, pays, cancels"),
    ("staff@example.com", "answers requests and sees every booking"),
    ("owner@example.com", "makes and changes venues, resources and people"),
)
DAY_AND_NIGHT = {"opens_at": time.min, "closes_at": time.min}
RESOURCES: dict[str, list[dict[str, Any]]] = {
    # its frontend knows one calendar, the first; the others are open day and night
    "primetime": [
        {"name": "The Court", "capacity": 8},
        {"name": "Court 2", "capacity": 8, **DAY_AND_NIGHT},
        {"name": "Court 3", "capacity": 8, **DAY_AND_NIGHT},
        {"name": demo_services.BIKES, "units": 12, "building": "Gym"},
    ],
    # as this one's does: what has a price is given to nobody who did not choose it
    "barbershop": [
        {"name": "Chair 1"},
        {"name": "The Master's Chair", "price_minor": 2500},
        *({"name": name, **demo_services.BARBER_FIELDS} for name in demo_services.BARBERS),
    ],
    "circletime": [
        {
            "name": name,
            "building": building,
            "floor": floor,
            "capacity": capacity,
            "amenities": amenities,
        }
        for name, building, floor, capacity, amenities in (
            ("Apollo", "North", 1, 4, ["whiteboard", "phone"]),
            ("Borealis", "North", 2, 8, ["projector", "whiteboard", "video_conference"]),
            ("Cassiopeia", "North", 2, 12, ["projector", "tv_display", "air_conditioning"]),
            ("Delta", "South", 1, 6, ["tv_display", "phone"]),
            ("Europa", "South", 3, 20, ["projector", "video_conference", "air_conditioning"]),
            ("Fermat", "South", 2, 6, ["whiteboard", "video_conference"]),
        )
    ],
    "resources": [
        {"name": "Conference Room A", "description": "With a projector", "capacity": 10},
        {"name": "Conference Room B", "description": "Quiet, for small groups", "capacity": 4},
        {"name": "Camera Kit", "description": "Body, two lenses, tripod"},
        {"name": "Podcast Kit", "description": "Two microphones, a recorder"},
    ],
    "paidrooms": [
        {"name": "Studio One", "capacity": 6, "price_minor": 5000, "amenities": ["WiFi", "Piano"]},
        {"name": "Studio Two", "capacity": 12, "price_minor": 8000, "amenities": ["WiFi", "Drums"]},
        {"name": "Night Studio", "capacity": 4, "price_minor": 3000, **DAY_AND_NIGHT},
        {"name": "Practice Room", "capacity": 4, "price_minor": 1500, **DAY_AND_NIGHT},
        {"name": demo_services.KIT, "capacity": 12, "units": 2, "price_minor": 500},
    ],
}
# nothing is booked of these ahead, so that a newcomer finds something to book at once
LEFT_FREE = ("Court 3", "Europa", "Camera Kit", "Practice Room")
WEEKS_BACK, WEEKS_AHEAD = 3, 2
# bookings ahead are early in the day, so that there are free slots to try out
DAY_HOURS, EARLY_HOURS = (8, 17), (7, 8)


def seed_demo(password: str, now: datetime | None = None) -> dict[str, int]:
    """Create what is missing around `now`; return how many there are of each kind, and how many new
    bookings. Nothing that is there is touched, and no time around now that somebody has booked or
    cancelled is booked again."""
    now = now or datetime.now(UTC)
    with transaction.atomic():
        made = {slug: venues.get_contract_venue(slug) for slug in venues.PRESETS}
        people = [_get_or_create_user(*row[:3], password) for row in PEOPLE]
        _create_memberships(people, made.values())
        resources = [
            resource
            for slug, venue in made.items()
            for resource in _create_resources(slug, venue, people[0])
        ]
        _create_primetime(made["primetime"])
        barbers = {
            name: _get_or_create_user(f"{name.lower()}@example.com", name, "Barber", password)
            for name in demo_services.BARBERS
        }
        demo_services.set_up_barbers(made["barbershop"], barbers)
        for venue in made.values():
            demo_services.create_services(venue, people[0], now)
    count = _create_past(resources, people, now)
    count += demo_hours.book_around(resources, people[2:-1], people[1], now)
    count += _book_ahead(resources, people, now)
    count += sum(demo_services.book_services(venue, people[2:-1], now) for venue in made.values())
    return {
        "venues": len(made),
        "people": len(people) + len(barbers),
        "resources": len(resources),
    } | {"bookings": count}


def _create_memberships(people: list[User], venues: Iterable[Venue]) -> None:
    """Everybody has their role in all five venues; admins are operators too."""
    operators = [user.pk for user, row in zip(people, PEOPLE, strict=True) if row[3] == Role.ADMIN]
    User.objects.filter(pk__in=operators).update(is_superuser=True)
    for user, (*_, role) in zip(people, PEOPLE, strict=True):
        for venue in venues:
            join(user, venue.pk, role)


def refresh_demo() -> int:
    """Book the hours to come, and check in whose time it is; the number of bookings. Safe at once
    with itself."""
    people = [User.objects.filter(email=row[0]).first() for row in PEOPLE[1:]]
    there = [person for person in people if person is not None]
    if len(there) < 2:
        return 0
    made = demo_hours.book_around(_list_own_resources(), there[1:-1], there[0], datetime.now(UTC))
    return made + demo_hours.check_in_due(there[0])


def _get_or_create_user(email: str, first: str, last: str, password: str) -> User:
    user = User.objects.find_by_login(email)
    if user is None:
        names: dict[str, Any] = {"first_name": first, "last_name": last}
        login = email.split("@", maxsplit=1)[0]
        taken = User.objects.find_by_login(login) is not None
        user = User.objects.create_user(
            email,
            password,
            username=None if taken else login,
            email_verified_at=Now(),
            **names,
        )
    return user


def _create_resources(slug: str, venue: Venue, by: User) -> list[Resource]:
    """The demo's resources of a venue; made if it has none at all."""
    if not Resource.objects.filter(venue=venue).exists():
        for fields in RESOURCES[slug]:
            create_resource(venue, by, **fields)
    return [resource for resource in _list_own_resources() if resource.venue_id == venue.pk]


def _list_own_resources() -> list[Resource]:
    names = [fields["name"] for rows in RESOURCES.values() for fields in rows]
    rows = Resource.objects.filter(venue__slug__in=RESOURCES, name__in=names, retired_at=None)
    return list(rows.select_related("venue").order_by("pk"))


def _create_primetime(venue: Venue) -> None:
    if not venue.primetime.exists():
        PrimetimeWindow.objects.create(venue=venue, weekday=4, starts_at=time(17), ends_at=time(19))


def _list_slots(
    resource: Resource, on: date, rng: random.Random, busy: float, hours: tuple[int, int]
) -> Iterator[tuple[datetime, datetime]]:
    """Yield some slots between those local hours that do not overlap."""
    (at, end), zone = (hour * 60 for hour in hours), resource.venue.zone
    at += rng.choice((0, 0, 30))
    while at < end:
        length = min(rng.choice((30, 60, 60, 90)), end - at)
        if rng.random() < busy:
            start = to_instant(zone, on, time(at // 60, at % 60))
            yield start, start + timedelta(minutes=length)
        at += length


def _create_past(resources: list[Resource], people: list[User], now: datetime) -> int:
    """Create past bookings in final statuses, as rows: the service refuses the past. Of each
    resource since the last booking that it had."""
    rows = []
    for resource in resources:
        last = resource.bookings.filter(ends_at__lte=now).aggregate(last=Max("ends_at"))["last"]
        since = max(last or now - WEEKS_BACK * 7 * DAY, now - WEEKS_BACK * 7 * DAY)
        for start, end, rng in _list_past_slots(resource, since, now):
            rows.append(_build_past_booking(resource, rng.choice(people[2:-1]), start, end, rng))
    rows.sort(key=lambda row: row.created_at)
    payments = demo_payments.pay_bookings(rows)  # outside the transaction: it calls Stripe
    with transaction.atomic():
        Booking.objects.bulk_create(rows)
        Payment.objects.bulk_create(payments)
        _insert_history(rows, people[1])
    return len(rows)


def _list_past_slots(
    resource: Resource, since: datetime, now: datetime
) -> Iterator[tuple[datetime, datetime, random.Random]]:
    around_the_clock = resource.name in demo_hours.AROUND_THE_CLOCK
    # each of these is paid at the local Stripe when the demo is made
    busy = 0.05 if resource.name in demo_services.PRICED else 0.35
    until = now - demo_hours.BACK if around_the_clock else now
    today = now.astimezone(resource.venue.zone).date()
    for n in range(WEEKS_BACK * 7, 0, -1):
        rng = seed_random(resource, today - n * DAY)
        for start, end in _list_slots(resource, today - n * DAY, rng, busy, DAY_HOURS):
            if since <= start and end <= until:
                yield start, end, rng
    if around_the_clock:
        for start, end in demo_hours.list_hours(resource, until, now):
            if max(since, until) <= start and end <= now:
                yield start, end, seed_random(resource, start)


def _build_past_booking(
    resource: Resource, owner: User, start: datetime, end: datetime, rng: random.Random
) -> Booking:
    status = rng.choices(
        [Status.COMPLETED, Status.CANCELLED, Status.NO_SHOW, Status.EXPIRED], [80, 10, 6, 4]
    )[0]
    if status == Status.NO_SHOW and not resource.venue.check_in_required:
        status = Status.COMPLETED
    unanswered = resource.price_minor or resource.venue.approval == Approval.ALWAYS
    if status == Status.EXPIRED and not unanswered:
        status = Status.COMPLETED
    booked_at = start - timedelta(days=rng.randint(1, 6))
    checked = status == Status.COMPLETED and resource.venue.check_in_required
    quantity = rng.randint(1, min(4, resource.units)) if resource.units > 1 else 1
    amount = quantity * terms.calculate_price(build_rules(resource), start, end)
    paid = "succeeded" if status == Status.COMPLETED else "failed"
    return Booking(
        venue=resource.venue,
        resource=resource,
        owner=owner,
        title=rng.choice(TITLES),
        starts_at=start,
        ends_at=end,
        status=status,
        guests=rng.randint(1, resource.capacity),
        quantity=quantity,
        price_minor=amount,
        currency=resource.venue.currency if amount else "",
        payment_status=paid if amount else "none",
        checked_in_at=start if checked else None,
        created_at=booked_at,
        updated_at=end,
        **terms.calculate_deadlines(resource.venue, start, end, booked_at),
    )


def _insert_history(rows: list[Booking], staff: User) -> None:
    """Insert the history of past bookings in the order of time."""
    from api.models import BookingEvent

    lines: list[tuple[Any, ...]] = [
        (at, row, *line) for row in rows for at, *line in _list_history(row)
    ]
    lines.sort(key=itemgetter(0))
    BookingEvent.objects.bulk_create(
        (
            BookingEvent(
                booking=row,
                verb=verb,
                from_status=was,
                to_status=now,
                by=by,
                actor_id={"owner": row.owner_id, "staff": staff.pk}.get(by),
                actor_name="demo",
                at=at,
            )
            for at, row, verb, was, now, by in lines
        ),
        batch_size=1000,
    )


def _list_history(row: Booking) -> Iterator[tuple[datetime, str, str, str, str]]:
    """Yield time, verb, former and new status, and role of each event of a past booking."""
    created_at, last = row.created_at, str(row.status)
    status = str(Status.CONFIRMED)
    if row.venue.approval == Approval.ALWAYS:
        status = str(Status.PENDING)
    elif row.price_minor:
        status = str(Status.HELD)
    yield created_at, "book", "", status, "owner"
    if last == Status.CANCELLED:
        yield created_at + (row.starts_at - created_at) / 2, "cancel", status, last, "owner"
    elif last == Status.EXPIRED:
        held = status == Status.HELD
        ends = created_at + row.venue.hold_length if held else row.starts_at
        yield ends, "expire" if held else "lapse", status, last, "clock"
    else:
        if status != Status.CONFIRMED:
            decision = ("pay", "payment") if status == Status.HELD else ("approve", "staff")
            soon = created_at + demo_payments.PAID_AFTER
            yield soon, decision[0], status, str(Status.CONFIRMED), decision[1]
        verb = "release" if last == Status.NO_SHOW else "complete"
        yield row.updated_at, verb, str(Status.CONFIRMED), last, "clock"


def _book_ahead(resources: list[Resource], people: list[User], now: datetime) -> int:
    """Book ahead by the service; what the policy refuses is left out."""
    made, staff = 0, people[1]
    for resource in resources:
        if resource.price_minor or resource.name in (*LEFT_FREE, *demo_hours.AROUND_THE_CLOCK):
            continue  # a hold that nobody pays for would only expire
        today = now.astimezone(resource.venue.zone).date()
        for n in range(3, WEEKS_AHEAD * 7 + 1):
            rng = seed_random(resource, today + n * DAY)
            for start, end in _list_slots(resource, today + n * DAY, rng, 0.6, EARLY_HOURS):
                owner, title = rng.choice(people[2:-1]), rng.choice(TITLES)
                approved = rng.random() < 0.6
                made += demo_hours.book_slot(
                    resource, owner, start, end, title, staff if approved else None
                )
                jobs.report_progress(made)
    return made
