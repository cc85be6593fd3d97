"""The barbershop's views: read, one verb, answer. Nobody promotes or confirms themselves."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.errors import Forbidden, Invalid, NotFound
from api.http import AddressThrottle
from api.permissions import IsAdmin
from api.queries import bookings as queries
from api.queries import counts, people, rules
from api.services import accounts, bookings, chairs, removal, tokens, venues
from api.services.actors import Actor
from api.services.revisions import revise

from . import shapes
from .errors import NotForYou, Shop

SHOP = "barbershop"


class Open(Shop):
    authentication_classes = ()
    permission_classes = (AllowAny,)


class Anonymous(Open):
    throttle_classes = (AddressThrottle,)


class Register(Anonymous):
    def post(self, request: Request) -> Response:
        user = accounts.register(strong=False, **_person(self.read(shapes.Person)))
        return Response(shapes.person(user), status=201)


class Login(Anonymous):
    def post(self, request: Request) -> Response:
        address = AddressThrottle().get_ident(request)
        user = accounts.sign_in(**self.read(shapes.Login), address=address)
        pair = tokens.issue(user, SHOP)
        return Response({"refresh": pair.refresh, "access": pair.access})


class Refresh(Anonymous):
    def post(self, request: Request) -> Response:
        pair = tokens.renew_access(self.read(shapes.RefreshBody)["refresh"])
        return Response({"access": pair.access})


class Me(Shop):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response(shapes.person(self.user))


class Users(Shop):
    permission_classes = (IsAdmin,)

    def get(self, request: Request) -> Response:
        return Response([shapes.person(user) for user in people.visible_to(self.user)])

    @transaction.atomic
    def post(self, request: Request) -> Response:
        asked = self.read(shapes.NewPersonByAdmin)
        user = accounts.register(strong=False, **_person(asked))
        changes = {k: v for k, v in asked.items() if k == "is_active"} | shapes.role_of(asked)
        accounts.edit(user, changes, by=self.user)
        return Response(shapes.person(user), status=201)


class OneUser(Shop):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request, pk: int) -> Response:
        return Response(shapes.person(people.one(self.user, pk)))

    def patch(self, request: Request, pk: int, partial: bool = True) -> Response:
        user = people.one(self.user, pk)
        shape = shapes.PersonByAdmin if self.user.is_admin else shapes.PersonEdit
        asked = self.read(shape, partial=partial, context={"of": pk})
        flags = ("is_admin", "is_staff_member")
        changes = {k: v for k, v in asked.items() if k not in flags and (v or k != "email")}
        changes |= shapes.role_of(asked, user)
        return Response(shapes.person(accounts.edit(user, changes, by=self.user, strong=False)))

    def put(self, request: Request, pk: int) -> Response:
        return self.patch(request, pk, partial=False)

    def delete(self, request: Request, pk: int) -> Response:
        user = people.one(self.user, pk)
        if not self.user.is_admin:
            raise Forbidden
        accounts.erase(user)
        return Response(status=204)


class Reservations(Shop):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response([shapes.reservation(row) for row in _reservations(self.user)])

    def post(self, request: Request) -> Response:
        asked = self.read(shapes.NewReservation)
        status, chair = asked.pop("status", "pending"), asked.pop("chair", None)
        if self.user.is_staff and status not in ("pending", "confirmed"):
            raise Invalid(errors={"status": ["A new reservation is pending or confirmed."]})
        asked |= {"owner": self.user, "contract": SHOP}
        venue = venues.of_contract(SHOP)
        if chair is None:
            booking = chairs.book(venue, **asked)
        else:
            booking = bookings.book(resource=_chair(venue, chair), **asked)
        if self.user.is_staff and status == "confirmed":
            bookings.set_status(booking.pk, shapes.STATUSES[status], Actor.person(self.user))
        return Response(shapes.reservation(_one(self.user, booking.pk)), status=201)


class OneReservation(Shop):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request, pk: int) -> Response:
        return Response(shapes.reservation(_one(self.user, pk)))

    def patch(self, request: Request, pk: int, partial: bool = True) -> Response:
        booking = _one(self.user, pk)
        asked = self.read(shapes.ReservationEdit, partial=partial)
        status = shapes.STATUSES.get(asked.pop("status", ""), "")
        if shapes.WORDS.get(status) == shapes.WORDS[booking.status]:
            status = ""  # forms send the status that they were shown
        revise(booking, Actor.toward(self.user, booking), status=status, by=chairs.move, **asked)
        return Response(shapes.reservation(_one(self.user, pk)))

    def put(self, request: Request, pk: int) -> Response:
        return self.patch(request, pk, partial=False)

    def delete(self, request: Request, pk: int) -> Response:
        """Gone, where an admin asks; anybody else takes it back, and it stays on the list."""
        booking = _one(self.user, pk)
        actor = Actor.toward(self.user, booking)
        if self.user.is_admin:
            removal.remove(pk, actor)
        elif shapes.WORDS[booking.status] != "canceled":
            bookings.cancel(pk, actor)
        return Response(status=204)


class Stats(Shop):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        if not self.user.is_admin:
            raise NotForYou
        tally = counts.of_venue(venues.of_contract(SHOP))
        body = {
            "total_users": people.how_many(),
            "total_reservations": tally["bookings"],
            "pending_reservations": tally["pending"],
        }
        return Response(body)


class Health(Open):
    def get(self, request: Request) -> Response:
        venues.of_contract(SHOP)  # a database that is away is not healthy
        return Response({"status": "healthy"})


def _person(asked: dict[str, Any]) -> dict[str, Any]:
    """What an account is made from; the address may be missing here."""
    flags = ("is_admin", "is_staff_member", "is_active")
    return {"email": ""} | {k: v for k, v in asked.items() if k not in flags}


def _reservations(user: Any) -> Any:
    return queries.visible_to(user).filter(venue__slug=SHOP).order_by("-pk")


def _one(user: Any, pk: int) -> Any:
    booking = _reservations(user).filter(pk=pk).first()
    if booking is None:
        raise NotFound
    return booking


def _chair(venue: Any, pk: int) -> Any:
    chair = rules.resources().filter(venue=venue, pk=pk).first()
    if chair is None:
        raise Invalid(errors={"chair": ["There is no such chair."]})
    return chair
