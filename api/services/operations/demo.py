"""Demo data: the five venues with their presets, people, resources and some weeks of bookings.

The same every time, and laid out around today; where it is there already nothing is added.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from operator import itemgetter
from typing import Any

from django.db import transaction

from api import errors, policy
from api.lifecycle import Status
from api.models import Booking, Delivery, PrimetimeWindow, Resource, User, Venue
from api.models.users import Role
from api.models.venues import Approval
from api.policy import DAY
from api.services.actors import Actor
from api.services.bookings.actions import approve_booking
from api.services.bookings.create import BookingRequest, create_booking
from api.services.venues import venues

from . import jobs

PEOPLE = (
    ("admin@example.com", "Ada", "Admin", Role.ADMIN),
    ("staff@example.com", "Sam", "Staff", Role.STAFF),
    ("user@example.com", "Uma", "User", Role.USER),
    ("ana@example.com", "Ana", "Torres", Role.USER),
    ("ben@example.com", "Ben", "Okafor", Role.USER),
    ("chloe@example.com", "Chloé", "Martin", Role.USER),
    ("dmitri@example.com", "Dmitri", "Ivanov", Role.USER),
    ("emi@example.com", "Emi", "Sato", Role.USER),
)
RESOURCES: dict[str, list[dict[str, Any]]] = {
    "primetime": [{"name": "The Court", "capacity": 8}],
    # its frontend knows one calendar, as the court's does
    "barbershop": [{"name": "Chair 1"}],
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
        )
    ],
    "resources": [
        {"name": "Conference Room A", "description": "With a projector", "capacity": 10},
        {"name": "Conference Room B", "description": "Quiet, for small groups", "capacity": 4},
        {"name": "Camera Kit", "description": "Body, two lenses, tripod"},
    ],
    "paidrooms": [
        {"name": "Studio One", "capacity": 6, "price_minor": 5000, "amenities": ["WiFi", "Piano"]},
        {"name": "Studio Two", "capacity": 12, "price_minor": 8000, "amenities": ["WiFi", "Drums"]},
    ],
}
WEEKS_BACK, WEEKS_AHEAD = 3, 2
# what is to come is booked early in the day, so that whoever tries things out finds it free
DAY_HOURS, EARLY_HOURS = (8, 17), (7, 8)


def seed(password: str) -> dict[str, int]:
    """How many rows of each kind were made; nothing in a database that has bookings."""
    with transaction.atomic():
        made = {slug: venues.of_contract(slug) for slug in venues.PRESETS}
        people = [_person(*row, password) for row in PEOPLE]
        places = [r for slug, venue in made.items() for r in _resources(slug, venue)]
        _windows(made["primetime"])
        if Booking.objects.exists():
            return {"bookings": 0}
        past = _past(places, people)
    ahead = _ahead(places, people)
    Delivery.objects.filter(booking__contract="demo").delete()  # nobody is to read hundreds
    return {"venues": len(made), "people": len(people), "resources": len(places)} | {
        "bookings": past + ahead
    }


def _person(email: str, first: str, last: str, role: str, password: str) -> User:
    user = User.objects.filter(email=email).first()
    if user is None:
        superuser = role == Role.ADMIN
        names: dict[str, Any] = {"first_name": first, "last_name": last, "role": role}
        login = email.split("@", maxsplit=1)[0]
        taken = User.objects.filter(username__iexact=login).exists()
        user = User.objects.create_user(
            email, password, username=None if taken else login, is_superuser=superuser, **names
        )
    return user


def _resources(slug: str, venue: Venue) -> list[Resource]:
    found = list(Resource.objects.filter(venue=venue).select_related("venue"))
    if found:
        return found
    return [Resource.objects.create(venue=venue, **fields) for fields in RESOURCES[slug]]


def _windows(venue: Venue) -> None:
    if not venue.primetime.exists():
        PrimetimeWindow.objects.create(venue=venue, weekday=4, starts_at=time(17), ends_at=time(19))


def _slots(
    place: Resource, on: date, dice: random.Random, busy: float, hours: tuple[int, int]
) -> Iterator[tuple[datetime, datetime]]:
    """Some slots between those wall hours that do not overlap."""
    (at, end), zone = (hour * 60 for hour in hours), place.venue.zone
    at += dice.choice((0, 0, 30))
    while at < end:
        length = min(dice.choice((30, 60, 60, 90)), end - at)
        if dice.random() < busy:
            start = policy.to_instant(zone, on, time(at // 60, at % 60))
            yield start, start + timedelta(minutes=length)
        at += length


def _past(places: list[Resource], people: list[User]) -> int:
    """Weeks that are over, as they would have ended. The policy refuses the past, so these rows
    are written as history, in final statuses alone."""
    dice, rows = random.Random("past"), []  # noqa: S311
    today = datetime.now(UTC).date()
    for n in range(WEEKS_BACK * 7, 0, -1):
        for place in places:
            for start, end in _slots(place, today - n * DAY, dice, 0.35, DAY_HOURS):
                rows.append(_ended(place, dice.choice(people[2:]), start, end, dice))
    rows.sort(key=lambda row: row.created_at)
    Booking.objects.bulk_create(rows)
    _tell(rows, people[1])
    return len(rows)


def _ended(
    place: Resource, owner: User, start: datetime, end: datetime, dice: random.Random
) -> Booking:
    status = dice.choices(
        [Status.COMPLETED, Status.CANCELLED, Status.NO_SHOW, Status.EXPIRED], [80, 10, 6, 4]
    )[0]
    if status == Status.NO_SHOW and not place.venue.check_in_required:
        status = Status.COMPLETED
    unanswered = place.price_minor or place.venue.approval == Approval.ALWAYS
    if status == Status.EXPIRED and not unanswered:
        status = Status.COMPLETED
    booked_at = start - timedelta(days=dice.randint(1, 6))
    checked = status == Status.COMPLETED and place.venue.check_in_required
    amount = policy.calculate_price(place, start, end)
    paid = "succeeded" if status == Status.COMPLETED else "failed"
    return Booking(
        venue=place.venue,
        resource=place,
        owner=owner,
        title=dice.choice(("Weekly", "Review", "Practice", "Workshop", "Interview", "Planning")),
        starts_at=start,
        ends_at=end,
        status=status,
        guests=dice.randint(1, place.capacity),
        price_minor=amount,
        currency=place.venue.currency if amount else "",
        payment_status=paid if amount else "none",
        checked_in_at=start if checked else None,
        created_at=booked_at,
        updated_at=end,
        **policy.calculate_deadlines(place.venue, start, end, booked_at),
    )


def _tell(rows: list[Booking], staff: User) -> None:
    """The lines of history of rows that are over, in the order of time."""
    from api.models import BookingEvent

    lines: list[tuple[Any, ...]] = [(at, row, *line) for row in rows for at, *line in _story(row)]
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


def _story(row: Booking) -> Iterator[tuple[datetime, str, str, str, str]]:
    """When, the verb, from and to which status, and by whom, as the table has it."""
    asked, last = row.created_at, str(row.status)
    status = str(Status.CONFIRMED)
    if row.venue.approval == Approval.ALWAYS:
        status = str(Status.PENDING)
    elif row.price_minor:
        status = str(Status.HELD)
    yield asked, "book", "", status, "owner"
    if last == Status.CANCELLED:
        yield asked + (row.starts_at - asked) / 2, "cancel", status, last, "owner"
    elif last == Status.EXPIRED:
        held = status == Status.HELD
        ends = asked + row.venue.hold_length if held else row.starts_at
        yield ends, "expire" if held else "lapse", status, last, "clock"
    else:
        if status != Status.CONFIRMED:
            answer = ("pay", "payment") if status == Status.HELD else ("approve", "staff")
            soon = asked + timedelta(minutes=9)
            yield soon, answer[0], status, str(Status.CONFIRMED), answer[1]
        verb = "release" if last == Status.NO_SHOW else "complete"
        yield row.updated_at, verb, str(Status.CONFIRMED), last, "clock"


def _ahead(places: list[Resource], people: list[User]) -> int:
    """What is to come, booked as anybody would; what the policy refuses is left out."""
    dice, made = random.Random("ahead"), 0  # noqa: S311
    staff = people[1]
    today = datetime.now(UTC).date()
    for n in range(3, WEEKS_AHEAD * 7 + 1):
        for place in places:
            for start, end in _slots(place, today + n * DAY, dice, 0.6, EARLY_HOURS):
                if place.price_minor:
                    continue  # a demo that nobody pays for would only expire
                made += _book(place, dice.choice(people[2:]), start, end, staff, dice)
                jobs.progress(made)
    return made


def _book(
    place: Resource, owner: User, start: datetime, end: datetime, staff: User, dice: random.Random
) -> int:
    try:
        booking = create_booking(
            BookingRequest(
                owner=owner,
                resource=place.pk,
                starts_at=start,
                ends_at=end,
                title=dice.choice(("Weekly", "Review", "Practice", "Workshop")),
                contract="demo",
            ),
            actor=Actor.for_new_booking(owner),
        )
        if booking.status == Status.PENDING and dice.random() < 0.6:
            approve_booking(booking.pk, Actor.person(staff))
    except errors.Refusal:
        return 0
    return 1
