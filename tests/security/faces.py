"""What the permission matrix asks: every route of every door, with a body that would do something
and with rows that are there. The rule: what is asked comes from the URL table, never from here.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db.models.functions import Now
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from api.contracts import CONTRACTS
from api.models import (
    Block,
    Booking,
    Closure,
    Export,
    Guest,
    Hours,
    HoursException,
    Invitation,
    Need,
    Payment,
    Pool,
    PrimetimeWindow,
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
from api.services.accounts import links, sign_in_codes, tokens
from api.services.accounts.keys import create_key
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.panels import panels
from api.services.series.create import SeriesRequest, create_series
from api.services.venues import venues

PASSWORD, NEW = "correct horse 9 battery", "another horse 8 lamp"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
HOUR = timedelta(hours=1)
RANGE = "start=2030-01-01T00:00:00Z&end=2030-01-02T00:00:00Z"
DATES = "start=2030-01-01&end=2030-01-02"


@dataclass
class World:
    """`owner` has a booking and two trades with `asked`; `customer` has nothing to do with them.
    They, `staff` and `admin` are people of the venue that is asked about; whose name ends with
    `elsewhere` has that role in another venue."""

    owner: User
    customer: User
    asked: User
    staff: User
    admin: User
    operator: User
    customer_elsewhere: User
    staff_elsewhere: User
    admin_elsewhere: User
    soon: datetime
    made: dict[str, Any] = field(default_factory=dict)

    def take(self, owner: User | Guest, place: Resource, hours: float = 0, **more: Any) -> Booking:
        start = self.soon + hours * HOUR
        times = {"starts_at": start, "ends_at": start + HOUR}
        words = {"title": "Quiet plans", "notes": "Bring the blue folder"} if more == {} else more
        return create_booking(
            BookingRequest(owner=owner, resource=place.pk, **times, **words),
            actor=Actor.for_new_booking(owner if isinstance(owner, User) else self.owner),
        )

    def refresh(self, contract: str) -> str:
        return tokens.issue(self.asked, contract).refresh

    def sign_in_code(self) -> Body:
        verifier = "v" * 43
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        code = sign_in_codes.issue(self.asked, ["pwd"], challenge)
        return {"code": code, "code_verifier": verifier}

    def link(self) -> dict[str, str]:
        """What is in the e-mail of somebody who forgot the password."""
        uid = urlsafe_base64_encode(force_bytes(self.asked.pk))
        return {"uid": uid, "token": default_token_generator.make_token(self.asked)}


def traded(world: World, mine: Booking, theirs: Booking, *, by_owner: bool) -> Trade:
    one, other = (mine, theirs) if by_owner else (theirs, mine)
    return Trade.objects.create(
        requester=one.owner,
        target=other.owner,
        requester_booking=one,
        target_booking=other,
        lapses_at=min(mine.starts_at, theirs.starts_at),
    )


Body = Mapping[str, Any]
Asked = tuple[str, str]  # method and route


@dataclass(frozen=True)
class Face:
    """A door: `fill` says what stands in for `{}` by the beginning of the route, `bodies` what is
    sent by method and route, `query` what is asked by route."""

    name: str
    prefix: str
    fill: Mapping[str, Any]
    bodies: Mapping[Asked, Body]
    query: Mapping[str, str] = field(default_factory=dict)
    scheme: Callable[[User, str], str] = lambda user, contract: (
        f"Bearer {tokens.issue(user, contract).access}"
    )

    def client(self, user: User | None) -> APIClient:
        client = APIClient()
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=self.scheme(user, self.name))
        return client

    def path(self, route: str) -> str:
        """The longest beginning that is known says which rows stand in the route."""
        beginnings = [known for known in self.fill if route.startswith(known)]
        rows = self.fill[max(beginnings, key=len)] if beginnings else ()
        for row in rows if isinstance(rows, tuple) else (rows,):
            route = route.replace("{}", str(row), 1)
        asked = self.query.get(route) or self.query.get(route.rsplit("/", 2)[0], "")
        return f"{self.prefix}{route}" + (f"?{asked}" if asked else "")


def routes(prefix: str) -> Iterator[tuple[str, list[str]]]:
    """Every route below this prefix with the methods that its view answers, in the table's order;
    of two forms, with and without the last slash, one."""
    seen = set()
    for path, pattern in _walk(get_resolver().url_patterns, "/"):
        route = path.removeprefix(prefix)
        if not route.startswith("/") and route.rstrip("/") not in seen:
            seen.add(route.rstrip("/"))
            yield route, _methods(pattern)


def plain(route: str) -> str:
    """A route or pattern with `{}` for what varies: `users/<int:pk>/` is `users/{}/`."""
    route = re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)", "{}", route)
    route = re.sub(r"<[^>]+>", "{}", route)
    return re.sub(r"\\Z|[\^$\\?]", "", route)


def _walk(patterns: list[Any], before: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        here = before + plain(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, here)
        else:
            yield here, pattern


def _methods(pattern: URLPattern) -> list[str]:
    view: Any = pattern.callback
    if actions := getattr(view, "actions", None):
        return [method for method in METHODS if method.lower() in actions]
    cls = getattr(view, "view_class", None) or getattr(view, "cls", None)
    return [method for method in METHODS if hasattr(cls, method.lower())]


# the doors


def take_series(world: World, place: Resource, hours: float) -> Series:
    """Two days of the owner's, of which the second waits for an answer."""
    start = world.soon + hours * HOUR
    first = BookingRequest(
        owner=world.owner, resource=place.pk, starts_at=start, ends_at=start + HOUR
    )
    actor = Actor.for_new_booking(world.owner)
    series = create_series(SeriesRequest(first, "FREQ=DAILY;COUNT=2"), actor).series
    second = Booking.objects.filter(series=series).latest("recurrence_id")
    Booking.objects.filter(pk=second.pk).update(status="pending")
    return series


def end_by_no_shows(series: Series) -> None:
    """As when nobody came too often."""
    rows = Booking.objects.filter(series=series)
    ids = list(rows.values_list("pk", flat=True))
    rows.update(status="cancelled")
    Series.objects.filter(pk=series.pk).update(
        ended_at=Now(), ended_because="no_shows", ended_bookings=ids
    )


def own(world: World) -> Face:
    club = Venue.objects.create(slug="club", name="The Club", max_advance=timedelta(days=60))
    court = Resource.objects.create(venue=club, name="Court 1", capacity=4)
    window = PrimetimeWindow.objects.create(
        venue=club, weekday=0, starts_at="17:00", ends_at="20:00"
    )
    closure = Closure.objects.create(venue=club, first_on="2031-01-01", last_on="2031-01-01")
    member = world.owner.memberships.get(venue=club)
    invitation = Invitation.objects.create(venue=club, email="in@example.com", email_key="in@")
    days = {"first_on": "2031-01-03", "last_on": "2031-01-03"}
    other = HoursException.objects.create(venue=club, hours=[["09:00", "10:00"]], **days)
    own = HoursException.objects.create(venue=club, resource=court, **days)
    Hours.objects.create(venue=club, valid_from="2031-03-01")
    block = Block.objects.create(
        resource=court, starts_at=world.soon + 60 * HOUR, ends_at=world.soon + 61 * HOUR
    )
    mine, theirs = world.take(world.owner, court), world.take(world.asked, court, 30)
    sent = traded(world, mine, theirs, by_owner=True)
    review = Review.objects.create(booking=mine, code="closed", detail="Closed on that day.")
    second = world.take(world.owner, court, 50)
    got = traded(world, second, world.take(world.asked, court, 60), by_owner=False)
    door = panels.create(court, "Door", world.staff)
    world.made |= {"panel": door.token}
    for scope in ("read", "book", "manage"):
        key, world.made[f"{scope}_key"] = create_key(
            name=scope, venues=[club], scopes=[scope], by=world.admin
        )
    Payment.objects.create(booking=mine, amount_minor=500, currency="usd", status="canceled")
    export = Export.objects.create(
        figure="kpi",
        format="csv",
        first_on="2030-01-01",
        last_on="2030-01-02",
        venues=[club.pk],
        requested_by=world.staff,
    )
    at = {
        "starts_at": (world.soon + 5 * HOUR).isoformat(),
        "ends_at": (world.soon + 6 * HOUR).isoformat(),
    }
    here = {"booking": mine.pk}
    guest = {"name": "Gus Example", "email": "gus@example.com"}
    link = links.build_guest_token(
        world.take(Guest(*guest.values()), court, 70, title="", notes="")
    )
    offer = {"requester_booking": second.pk, "target_booking": theirs.pk}
    pool = Pool.objects.create(venue=court.venue, name="Courts")
    pool.resources.add(court)
    service = Service.objects.create(venue=court.venue, name="A game")
    ServiceDuration.objects.create(service=service, duration=HOUR)
    Need.objects.create(service=service, pool=pool)
    series = take_series(world, court, 80)
    ended = take_series(world, court, 90)
    end_by_no_shows(ended)
    offered = world.take(world.owner, court, 100)
    Booking.objects.filter(pk=offered.pk).update(
        status="offered", offer_expires_at=offered.starts_at
    )
    wished = {"from_at": theirs.starts_at, "until_at": theirs.ends_at, "duration": HOUR}
    entry = WaitlistEntry.objects.create(
        venue=club, owner=world.owner, resource=court, lapses_at=theirs.ends_at, **wished
    )
    bodies: dict[Asked, Body] = {
        ("POST", "auth/register/"): {"email": "new@example.com", "password": NEW},
        ("POST", "auth/login/"): {"email": world.asked.email, "password": PASSWORD},
        ("POST", "auth/refresh/"): {"refresh": world.refresh("v1")},
        ("POST", "auth/code/"): world.sign_in_code(),
        ("POST", "consent/"): {"text": "One"},
        ("POST", "venues/{}/consent/"): {"text": "One"},
        ("POST", "auth/password/"): {"current_password": PASSWORD, "new_password": NEW},
        ("POST", "auth/password/reset/"): {"email": world.asked.email},
        ("POST", "auth/password/reset/confirm/"): world.link() | {"new_password": NEW},
        ("PATCH", "auth/me/"): {"department": "x"},
        ("PATCH", "users/{}/"): {"is_active": False},
        ("POST", "venues/"): {"slug": "new", "name": "New"},
        ("POST", "venues/{}/members/"): {"user": world.owner.pk, "role": "staff"},
        ("PATCH", "venues/{}/members/{}/"): {"role": "staff"},
        ("PATCH", "members/{}/"): {"role": "staff"},
        ("PATCH", "venues/{}/"): {"name": "Club"},
        ("POST", "venues/{}/primetime/"): {
            "weekday": 1,
            "starts_at": "17:00",
            "ends_at": "18:00",
        },
        ("PATCH", "venues/{}/primetime/{}/"): {"weekday": 2},
        ("POST", "venues/{}/closures/"): {"first_on": "2031-02-01", "last_on": "2031-02-01"},
        ("PATCH", "venues/{}/closures/{}/"): {"last_on": "2031-01-02"},
        ("PUT", "venues/{}/hours/"): {"week": [], "from": "2031-04-01"},
        ("PUT", "resources/{}/hours/"): {"week": []},
        **{
            (method, f"{owner}/{{}}/exceptions/{row}"): {"first_on": on, "last_on": on}
            for owner in ("venues", "resources")
            for method, row, on in (("POST", "", "2031-05-01"), ("PATCH", "{}/", "2031-01-03"))
        },
        ("POST", "resources/"): {"venue": "club", "name": "New"},
        ("PATCH", "resources/{}/"): {"name": "C"},
        ("PUT", "resources/{}/rates/"): {"rates": []},
        ("POST", "pools/"): {"venue": "club", "name": "New", "resources": [court.pk]},
        ("PATCH", "pools/{}/"): {"name": "P"},
        ("POST", "services/"): {
            "venue": "club",
            "name": "New",
            "durations": [{"duration": "01:00:00"}],
            "needs": [{"pool": pool.pk}],
        },
        ("PATCH", "services/{}/"): {"name": "S"},
        ("POST", "guests/bookings/"): at | guest | {"resource": court.pk},
        ("POST", "guests/{}/move/"): at,
        ("POST", "resources/{}/blocks/"): {
            "starts_at": (world.soon + 70 * HOUR).isoformat(),
            "ends_at": (world.soon + 71 * HOUR).isoformat(),
        },
        ("POST", "bookings/"): at | {"resource": court.pk},
        ("PATCH", "bookings/{}/"): {"title": "x"},
        ("POST", "bookings/{}/extend/"): {"ends_at": (mine.ends_at + HOUR).isoformat()},
        ("POST", "bookings/approve/"): {"ids": [mine.pk]},
        ("POST", "bookings/reject/"): {"ids": [mine.pk]},
        ("POST", "bookings/{}/payment/refunds/"): {},
        ("POST", "series/"): at | {"resource": court.pk, "rule": "FREQ=DAILY;COUNT=1"},
        ("PATCH", "series/{}/"): {"scope": "all", "title": "x"},
        **{
            ("POST", f"series/{{}}/{verb}/"): {"scope": "all"}
            for verb in ("cancel", "approve", "resume")
        },
        ("POST", "waitlist/"): {
            "resource": court.pk,
            "from": second.starts_at.isoformat(),
            "until": second.ends_at.isoformat(),
            "duration": "01:00:00",
        },
        ("POST", "reviews/{}/keep/"): {"reason": "x"},
        ("POST", "reviews/{}/move/"): at | {"reason": "x"},
        ("POST", "reviews/{}/cancel/"): {"reason": "x"},
        ("POST", "trades/"): offer,
        ("POST", "keys/"): {"name": "Till", "venues": ["club"], "scopes": ["read"]},
        ("POST", "panels/"): {"resource": court.pk},
        ("POST", "panels/pair/"): {"code": door.code},
        ("POST", "panels/check-in/"): here,
        ("POST", "panels/end/"): here,
        ("POST", "panels/book/"): {"minutes": 15},
    }
    fill = {
        "users/": world.owner.pk,
        "auth/sessions/": tokens.peek(tokens.issue(world.owner).access)["sid"],
        "venues/": ("club",),
        "venues/{}/primetime/{}": ("club", window.pk),
        "venues/{}/closures/{}": ("club", closure.pk),
        "venues/{}/members/{}": ("club", member.pk),
        "venues/{}/invitations/{}": ("club", invitation.pk),
        "members/": member.pk,
        "venues/{}/exceptions/{}": ("club", other.pk),
        "resources/{}/exceptions/{}": (court.pk, own.pk),
        "resources/{}/blocks/{}": (court.pk, block.pk),
        "resources/": court.pk,
        "pools/": pool.pk,
        "services/": service.pk,
        "bookings/": mine.pk,
        "bookings/{}/accept": offered.pk,
        "bookings/{}/decline": offered.pk,
        "guests/": link,
        "series/": series.pk,
        "series/{}/resume": ended.pk,
        "waitlist/": entry.pk,
        "reviews/": review.pk,
        "trades/{}": sent.pk,
        "trades/{}/accept": got.pk,
        "trades/{}/reject": got.pk,
        "panels/{}": door.panel.pk,
        "keys/": key.pk,
        "analytics/exports/": export.pk,
    }
    query = {f"resources/{court.pk}/availability/": RANGE, f"services/{service.pk}/slots/": RANGE}
    query["venues/club/hours/"] = "from=2031-03-01"
    query |= {
        f"analytics/{name}/": DATES
        for name in ("kpi", "utilization", "ghosting", "capacity", "heat-map")
    }
    return Face("v1", "/api/v1/", fill, bodies, query)


def primetime(world: World) -> Face:
    site = venues.get_contract_venue("primetime")
    court = venues.get_only_resource(site, "The Court")
    window = PrimetimeWindow.objects.create(
        venue=site, weekday=0, starts_at="17:00", ends_at="18:00"
    )
    world.soon = datetime.combine(world.soon.date() + timedelta(days=3), datetime.min.time(), UTC)
    mine, theirs = world.take(world.owner, court, 9), world.take(world.asked, court, 11)
    second = world.take(world.owner, court, 13)
    got = traded(world, second, theirs, by_owner=False)
    at = {"date": f"{world.soon:%Y-%m-%d}", "start_time": "15:00", "end_time": "16:00"}
    person = {"email": "new@example.com", "password": NEW, "first_name": "N", "last_name": "P"}
    wall = {"weekday": 1, "start_time": "17:00", "end_time": "18:00"}
    offer = {"requester_reservation_id": mine.pk, "target_reservation_id": theirs.pk}
    bodies: dict[Asked, Body] = {
        ("POST", "users/register/"): person,
        ("POST", "users/login/"): {"email": world.asked.email, "password": PASSWORD},
        ("PUT", "users/{}/"): {"first_name": "X"},
        ("PATCH", "users/{}/"): {"role": "admin"},
        ("POST", "reservations/"): at,
        ("PUT", "reservations/{}/"): at,
        ("PATCH", "reservations/{}/"): {"notes": "x"},
        ("POST", "reservations/{}/approve/"): {"action": "reject", "rejection_reason": "x"},
        ("PUT", "reservations/admin/settings/"): {"slot_duration_minutes": 60},
        ("PATCH", "reservations/admin/settings/"): {"slot_duration_minutes": 60},
        ("POST", "reservations/admin/primetime/"): wall,
        ("PUT", "reservations/admin/primetime/{}/"): wall,
        ("PATCH", "reservations/admin/primetime/{}/"): {"weekday": 2},
        ("POST", "reservations/trades/"): offer,
        ("POST", "reservations/trades/{}/"): {"action": "accept"},
    }
    fill = {
        "users/": world.owner.pk,
        "reservations/": mine.pk,
        "reservations/admin/primetime/": window.pk,
        "reservations/trades/": got.pk,
    }
    return Face("primetime", "/primetime/api/", fill, bodies)


def barbershop(world: World) -> Face:
    chair = Resource.objects.create(venue=venues.get_contract_venue("barbershop"), name="Chair 1")
    mine = world.take(world.owner, chair)
    at = {
        "start_time": f"{world.soon + 5 * HOUR:%FT%TZ}",
        "end_time": f"{world.soon + 6 * HOUR:%FT%TZ}",
    }
    person = {"username": "newcomer", "password": NEW, "email": "new@example.com"}
    bodies: dict[Asked, Body] = {
        ("POST", "auth/register/"): person,
        ("POST", "auth/login/"): {"username": world.asked.username, "password": PASSWORD},
        ("POST", "auth/refresh/"): {"refresh": world.refresh("barbershop")},
        ("POST", "users/"): person,
        ("PUT", "users/{}/"): {"username": "renamed"},
        ("PATCH", "users/{}/"): {"is_admin": True},
        ("POST", "reservations/"): at,
        ("PUT", "reservations/{}/"): at,
        ("PATCH", "reservations/{}/"): {"status": "confirmed"},
    }
    fill = {"users/": world.owner.pk, "reservations/": mine.pk}
    return Face("barbershop", "/barbershop/api/", fill, bodies)


def circletime(world: World) -> Face:
    circle = venues.get_contract_venue("circletime")
    room = Resource.objects.create(venue=circle, name="Aquarium", capacity=8)
    begun = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    mine = create_booking(
        BookingRequest(
            owner=world.owner,
            resource=room.pk,
            starts_at=begun,
            ends_at=begun + HOUR,
            title="Quiet plans",
            notes="Bring the blue folder",
        ),
        actor=Actor.for_new_booking(world.owner),
    )
    door = panels.create(room, "Door", world.staff)
    world.made |= {"panel": door.token}
    new = {
        "roomId": str(room.pk),
        "title": "Standup",
        "startTime": f"{world.soon:%FT%TZ}",
        "endTime": f"{world.soon + HOUR:%FT%TZ}",
    }
    bodies: dict[Asked, Body] = {
        ("POST", "auth/login"): {"email": world.asked.email, "password": PASSWORD},
        ("POST", "auth/refresh"): {"refresh": world.refresh("circletime")},
        ("POST", "bookings"): new,
        ("PUT", "bookings/{}"): {"title": "x"},
        ("POST", "bookings/{}/extend"): {"minutes": 15},
    }
    fill = {
        "rooms/": room.pk,
        "bookings/": mine.pk,
        "panel/rooms/": room.pk,
        "panel/meetings/": mine.pk,
        "meetings/": mine.pk,
        "buildings/": ("north", 1),
    }
    query = {
        f"rooms/{room.pk}/{name}": f"date={begun:%Y-%m-%d}" for name in ("bookings", "availability")
    }
    reports = ("kpi", "utilization", "ghosting", "capacity", "heatmap", "rooms/compare", "trends",
               "ghosting/departments", "export")  # fmt: skip
    today = f"start_date={begun:%F}&end_date={begun:%F}&metric=bookings"
    query |= {f"analytics/{name}": today for name in reports}
    return Face("circletime", "/circletime/api/", fill, bodies, query)


def resources(world: World) -> Face:
    place = Resource.objects.create(
        venue=venues.get_contract_venue("resources"), name="Camera", capacity=9
    )
    mine = world.take(world.owner, place)
    at = {
        "resource": place.pk,
        "start_time": f"{world.soon + 5 * HOUR:%FT%TZ}",
        "end_time": f"{world.soon + 6 * HOUR:%FT%TZ}",
    }
    person = {"username": "newcomer", "email": "new@example.com"}
    twice = {"new_password": NEW, "re_new_password": NEW}
    bodies: dict[Asked, Body] = {
        ("POST", "auth/users/"): person | {"password": NEW},
        ("PUT", "auth/users/me/"): person,
        ("PATCH", "auth/users/me/"): {"username": "renamed"},
        ("DELETE", "auth/users/me/"): {"current_password": PASSWORD},
        ("POST", "auth/users/set_password/"): twice | {"current_password": PASSWORD},
        ("POST", "auth/users/reset_password/"): {"email": world.asked.email},
        ("POST", "auth/users/reset_password_confirm/"): twice | world.link(),
        ("POST", "auth/token/login/"): {
            "username": world.asked.username,
            "password": PASSWORD,
        },
        ("POST", "resources/"): {"name": "New"},
        ("PUT", "resources/{}/"): {"name": "New"},
        ("PATCH", "resources/{}/"): {"name": "New"},
        ("POST", "bookings/"): at,
        ("PUT", "bookings/{}/"): at,
        ("PATCH", "bookings/{}/"): {"status": "confirmed"},
        ("PUT", "profile/picture/"): {"profile_picture": "https://example.com/a.png"},
        ("PATCH", "profile/picture/"): {"profile_picture": "https://example.com/a.png"},
    }
    fill = {"auth/users/": world.owner.pk, "resources/": place.pk, "bookings/": mine.pk}

    def scheme(user: User, _: str) -> str:
        return f"Token {Token.objects.get_or_create(user=user)[0].key}"

    return Face("resources", "/resources/api/", fill, bodies, scheme=scheme)


def paidrooms(world: World) -> Face:
    """Its booking is paid, so that nobody needs to be asked for money."""
    site = venues.get_contract_venue("paidrooms")
    studio = Resource.objects.create(venue=site, name="Studio", capacity=4, price_minor=500)
    world.soon = datetime.combine(world.soon.date() + timedelta(days=5), datetime.min.time(), UTC)
    mine = world.take(world.owner, studio, 10)
    Booking.objects.filter(pk=mine.pk).update(
        status="confirmed", payment_status="succeeded", updated_at=Now()
    )
    new = {
        "room_id": studio.pk,
        "booking_date": f"{world.soon:%F}",
        "start_time": "14:00",
        "end_time": "15:00",
        "guest_count": 1,
        "user_id": world.asked.pk,
    }
    person = {"email": "new@example.com", "password": NEW, "confirm_password": NEW}
    bodies: dict[Asked, Body] = {
        ("POST", "register/"): person,
        ("POST", "login/"): {"email": world.asked.email, "password": PASSWORD},
        ("POST", "bookings/"): new,
        ("POST", "payment-intent/"): {"booking_id": mine.pk, "amount": "10.00"},
    }
    return Face("paidrooms", "/paidrooms/api/", {"bookings/": mine.pk}, bodies)


FACES: dict[str, Callable[[World], Face]] = {
    "v1": own,
    "primetime": primetime,
    "barbershop": barbershop,
    "circletime": circletime,
    "resources": resources,
    "paidrooms": paidrooms,
}
assert set(FACES) == {"v1", *CONTRACTS}
COOKIE = settings.REFRESH_COOKIE
