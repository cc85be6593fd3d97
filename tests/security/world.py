"""Who and what is there in the venue that the permission matrix asks about."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.tokens import default_token_generator
from django.db.models.functions import Now
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from rest_framework.test import APIClient

from api.models import (
    Booking,
    Guest,
    Resource,
    Series,
    Trade,
    User,
)
from api.services.accounts import sign_in_codes, tokens
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.series.create import SeriesRequest, create_series

PASSWORD, NEW = "correct horse 9 battery", "another horse 8 lamp"
HOUR = timedelta(hours=1)
RANGE = "start=2030-01-01T00:00:00Z&end=2030-01-02T00:00:00Z"
DATES = "start=2030-01-01&end=2030-01-02"

Body = Mapping[str, Any]
Asked = tuple[str, str]  # method and route


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
        code = sign_in_codes.SignInCode(sign_in_codes.issue(self.asked, ["pwd"], challenge))
        code.set_exp(lifetime=HOUR)  # not the minute in which it is asked by all
        return {"code": str(code), "code_verifier": verifier}

    def link(self) -> dict[str, str]:
        """What is in the e-mail of somebody who forgot the password."""
        uid = urlsafe_base64_encode(force_bytes(self.asked.pk))
        return {"uid": uid, "token": default_token_generator.make_token(self.asked)}


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


def traded(world: World, mine: Booking, theirs: Booking, *, by_owner: bool) -> Trade:
    one, other = (mine, theirs) if by_owner else (theirs, mine)
    return Trade.objects.create(
        requester=one.owner,
        target=other.owner,
        requester_booking=one,
        target_booking=other,
        lapses_at=min(mine.starts_at, theirs.starts_at),
    )


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
