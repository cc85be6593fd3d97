"""Two venues on one instance: whatever somebody of one asks, no answer says anything of the other.

Each caller sends the same requests twice: while the other venue has its people and bookings, and
after it was emptied. The answers must be alike, but for ids that skip and times. When a room is
free is told to everybody, so those paths are left out.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from api.contracts import CONTRACTS
from api.models import (
    ApiKey,
    Block,
    Booking,
    BookingEvent,
    Delivery,
    Guest,
    Invitation,
    Membership,
    Need,
    Pool,
    Resource,
    Review,
    Series,
    Service,
    ServiceDuration,
    Trade,
    User,
    Venue,
    WaitlistEntry,
)
from api.services.accounts.keys import create_key
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.panels import panels
from api.services.series.create import SeriesRequest, create_series
from tests.conftest import add_member

from .routes import plain, routes

pytestmark = pytest.mark.django_db

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "80"))  # of each caller; the figure is of 10,000
SECRET = "Quillfeather"  # stands in every name and text of the other venue
HOUR = timedelta(hours=1)
PREFIXES = ("/api/v1/", *(f"/{name}/api/" for name in CONTRACTS))
# answers that differ by themselves: tokens, the hour, how often it was asked
CHANGING = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+[\d:]+)?|eyJ[\w-]+\.[\w-]+\.[\w-]+|\b\d+\.\d+\b"
)
THROTTLED = re.compile(": 429 ").search  # which counts how often it was asked
ROLES = ("customer", "staff", "admin")
CALLERS = ("anonymous", *ROLES, "panel", "key")
# what ends the session, and what tells when something is free
SKIPPED = re.compile(r"logout|auth/me|calendar|availability|slots|^rooms")


@pytest.fixture
def there(db: None) -> Venue:
    """The other venue, one of a contract: its paths are asked too."""
    return Venue.objects.create(slug="circletime", name="Circle Time", min_notice=-24 * HOUR)


@pytest.fixture
def ids(there: Venue, booked: Callable[..., Booking], person: Any, soon: datetime) -> list[int]:
    """Fills the other venue; the ids of what is there, which the requests name."""
    hall = Resource.objects.create(venue=there, name="Hall", capacity=9)
    vera, sven = (person(name, role="", last_name=SECRET) for name in ("vera", "sven"))
    add_member(vera, there, "customer")
    add_member(sven, there, "admin")
    first, second = (
        booked(who, hours=hours, place=hall, title=f"{SECRET} plans", notes=SECRET)
        for who, hours in ((vera, 0), (sven, 3))
    )
    review = Review.objects.create(booking=first, code="closed", detail="Closed on that day.")
    trade = Trade.objects.create(
        requester=vera,
        target=sven,
        requester_booking=first,
        target_booking=second,
        message=SECRET,
        lapses_at=soon,
    )
    door = panels.create(hall, f"{SECRET} door", sven)
    member = Membership.objects.filter(venue=there).first()
    assert member is not None
    rows = (hall, vera, sven, first, second, review, trade, door.panel, member)
    return [row.pk for row in (*rows, *fill_further(there, hall, vera, sven, soon))]


def fill_further(there: Venue, hall: Resource, vera: User, sven: User, soon: datetime) -> Any:
    """What can be booked besides one hall, who waits, and who comes without an account."""

    def times(hours: int) -> dict[str, datetime]:
        return {"starts_at": soon + hours * HOUR, "ends_at": soon + (hours + 1) * HOUR}

    def wish(owner: Any, hours: int) -> BookingRequest:
        return BookingRequest(
            owner=owner, resource=hall.pk, title=SECRET, notes=SECRET, **times(hours)
        )

    actor = Actor.for_new_booking(vera)
    yield create_series(SeriesRequest(wish(vera, 6), "FREQ=WEEKLY;COUNT=3"), actor).series
    yield create_booking(wish(Guest(f"Gus {SECRET}", f"gus@{SECRET}.example"), 9), actor=actor)
    yield Block.objects.create(resource=hall, reason=SECRET, created_by=sven, **times(12))
    window = {"from_at": soon, "until_at": soon + HOUR, "lapses_at": soon + HOUR}
    yield WaitlistEntry.objects.create(
        venue=there, owner=sven, resource=hall, duration=HOUR, **window
    )
    address = f"ina@{SECRET}.example".lower()
    yield Invitation.objects.create(venue=there, email=address, email_key=address)
    yield create_key(name=SECRET, venues=[there], scopes=["manage"], by=sven)[0]
    pool = Pool.objects.create(venue=there, name="Halls")
    pool.resources.add(hall)
    service = Service.objects.create(venue=there, name="A game")
    ServiceDuration.objects.create(service=service, duration=HOUR)
    Need.objects.create(service=service, pool=pool)
    yield from (pool, service)


@pytest.fixture
def person(person: Callable[..., User]) -> Callable[..., User]:
    """With a last name."""

    def make(name: str, role: str = "customer", last_name: str = "", **fields: Any) -> User:
        user = person(name, role, **fields)
        if last_name:
            user.last_name, user.email = last_name, f"{name}@{last_name.lower()}.example"
            user.save()
        return user

    return make


def empty(there: Venue) -> None:
    """Takes all away that the other venue has, but its rooms: those are for everybody to see."""
    Trade.objects.all().delete()
    Delivery.objects.filter(booking__venue=there).delete()
    BookingEvent.objects.filter(booking__venue=there).delete()
    Booking.attendees.through.objects.all().delete()
    Review.objects.all().delete()
    WaitlistEntry.objects.all().delete()
    Block.objects.all().delete()
    Invitation.objects.all().delete()
    ApiKey.objects.filter(venue_ids=[there.pk]).delete()
    Booking.objects.filter(venue=there).delete()
    Series.objects.all().delete()
    Membership.objects.filter(venue=there).delete()


def requests(rng: random.Random, ids: list[int], here: list[Any]) -> Any:
    """Reads, searches and writes that name rows of either venue."""
    places = [(p, r, m) for p in PREFIXES for r, methods in routes(p) for m in methods]
    quiet = [place for place in places if not SKIPPED.search(place[1])]
    for _ in range(REQUESTS):
        prefix, route, method = rng.choice(quiet)
        path = prefix + plain(route)
        slugs = "venues/" in path and path.index("venues/") == len(prefix)
        if slugs:
            path = path.replace("{}", rng.choice(("circletime", "club")), 1)
        while "{}" in path:
            path = path.replace("{}", str(rng.choice([*ids, *here])), 1)
        query = {
            "venue": rng.choice(("circletime", "club", "")),
            "owner": rng.choice(ids),
            "start": "2026-11-01",
            "end": "2026-12-31",
            "search": SECRET,
        }
        some = {name: query[name] for name in rng.sample(sorted(query), rng.randint(0, 5))}
        body = {
            "ids": [rng.choice(ids)],
            "resource": rng.choice(ids),
            "user": rng.choice(ids),
            "attendees": [rng.choice(ids)],
            "role": "staff",
            "requester_booking": rng.choice(ids),
            "target_booking": rng.choice(ids),
            "reason": "x",
        }
        some_body = {name: body[name] for name in rng.sample(sorted(body), rng.randint(0, 8))}
        yield method, path, some if method == "GET" else some_body


def ask(http: APIClient, method: str, path: str, data: dict[str, Any]) -> str:
    answer = getattr(http, method.lower())(path, data)
    text = answer.content.decode(errors="replace") if not answer.streaming else ""
    return f"{answer.status_code} {CHANGING.sub('*', text)}"


@pytest.mark.timeout(300 + REQUESTS)
@pytest.mark.parametrize("role", CALLERS)
def test_no_answer_says_anything_of_the_other_venue(
    role, there, ids, venue, court, booked, ana, person, django_db_blocker, client_of
):
    caller = person("kim", role="")
    http = client_of(caller if role in ROLES else None)
    if role in ROLES:
        add_member(caller, venue, role)
    if role == "panel":
        token = panels.create(court, "Door", ana).token
        http.credentials(HTTP_AUTHORIZATION=f"Panel {token}", HTTP_X_DEVICE_TOKEN=token)
    if role == "key":
        add_member(caller, venue, "admin")
        secret = create_key(name="Till", venues=[venue], scopes=["manage"], by=caller)[1]
        http.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    Membership.objects.filter(user=ana, venue=there).delete()
    mine = booked(ana, hours=5)
    seed = random.Random(role).random()
    from django.db import transaction

    def run() -> list[str]:
        found = []
        for method, path, data in requests(random.Random(seed), ids, [mine.pk, court.pk, ana.pk]):
            with transaction.atomic():
                answer = ask(http, method, path, data)
                transaction.set_rollback(True)
            assert SECRET.lower() not in answer.replace(f"search={SECRET}", "").lower(), (
                method, path, data, answer,
            )  # fmt: skip
            found.append(f"{method} {path} {data}: {answer}")
        return found

    full = run()
    empty(there)
    pairs = zip(full, run(), strict=True)
    assert [pair for pair in pairs if pair[0] != pair[1] and not any(map(THROTTLED, pair))] == []
