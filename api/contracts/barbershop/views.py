"""The barbershop's views: read, one verb, answer. Nobody promotes or confirms themselves."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request

from api.documents import takes
from api.errors import Forbidden, Invalid, NotFound
from api.lifecycle import Status
from api.queries.accounts import people
from api.queries.bookings import bookings as queries
from api.queries.bookings import counts
from api.queries.venues import rules
from api.replies import Created, Empty, Reply
from api.rest.permissions import IsAdmin
from api.rest.throttling import AddressThrottle
from api.services.accounts import accounts, tokens
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.auto_assign import create_assigned_booking, reschedule_assigned_booking
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.removal import delete_booking
from api.services.bookings.reschedule import BookingChanges
from api.services.bookings.revisions import revise_booking
from api.services.bookings.status_changes import set_booking_status
from api.services.venues import venues

from . import answers, shapes
from .errors import NotForYou, Shop

SHOP = "barbershop"


class Open(Shop):
    authentication_classes = ()
    permission_classes = (AllowAny,)


class Anonymous(Open):
    throttle_classes = (AddressThrottle,)


class Register(Anonymous):
    @takes(shapes.Person)
    def post(self, request: Request) -> Created[answers.Person]:
        user = accounts.register(strong=False, **_person(self.read(shapes.Person)))
        return Created(shapes.person(user))


class Login(Anonymous):
    @takes(shapes.Login)
    def post(self, request: Request) -> Reply[answers.Tokens]:
        address = AddressThrottle().get_ident(request)
        user = accounts.sign_in(**self.read(shapes.Login), address=address)
        pair = tokens.issue(user, SHOP)
        return Reply({"refresh": pair.refresh, "access": pair.access})


class Refresh(Anonymous):
    @takes(shapes.RefreshBody)
    def post(self, request: Request) -> Reply[answers.Access]:
        pair = tokens.renew_access(self.read(shapes.RefreshBody)["refresh"])
        return Reply({"access": pair.access})


class Me(Shop):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Reply[answers.Person]:
        return Reply(shapes.person(self.user))


class Users(Shop):
    permission_classes = (IsAdmin,)

    def get(self, request: Request) -> Reply[list[answers.Person]]:
        return Reply([shapes.person(user) for user in people.visible_to(self.user)])

    @transaction.atomic
    @takes(shapes.NewPersonByAdmin)
    def post(self, request: Request) -> Created[answers.Person]:
        asked = self.read(shapes.NewPersonByAdmin)
        user = accounts.register(strong=False, **_person(asked))
        changes = {k: v for k, v in asked.items() if k == "is_active"} | shapes.role_of(asked)
        accounts.edit(user, changes, by=self.user)
        return Created(shapes.person(user))


class OneUser(Shop):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request, pk: int) -> Reply[answers.Person]:
        return Reply(shapes.person(people.one(self.user, pk)))

    @takes(shapes.PersonByAdmin(partial=True))
    def patch(self, request: Request, pk: int, partial: bool = True) -> Reply[answers.Person]:
        user = people.one(self.user, pk)
        shape = shapes.PersonByAdmin if self.user.is_admin else shapes.PersonEdit
        asked = self.read(shape, partial=partial, context={"of": pk})
        flags = ("is_admin", "is_staff_member")
        changes = {k: v for k, v in asked.items() if k not in flags and (v or k != "email")}
        changes |= shapes.role_of(asked, user)
        return Reply(shapes.person(accounts.edit(user, changes, by=self.user, strong=False)))

    @takes(shapes.PersonByAdmin)
    def put(self, request: Request, pk: int) -> Reply[answers.Person]:
        return self.patch(request, pk, partial=False)

    def delete(self, request: Request, pk: int) -> Empty:
        if not self.user.is_admin:
            raise Forbidden
        accounts.erase(people.one(self.user, pk))
        return Empty()


class Reservations(Shop):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Reply[list[answers.Reservation]]:
        return Reply([shapes.reservation(row) for row in _reservations(self.user)])

    @takes(shapes.NewReservation)
    def post(self, request: Request) -> Created[answers.Reservation]:
        asked = self.read(shapes.NewReservation)
        status, chair = asked.pop("status", "pending"), asked.pop("chair", None)
        if self.user.is_staff and status not in ("pending", "confirmed"):
            raise Invalid(errors={"status": ["A new reservation is pending or confirmed."]})
        asked |= {"owner": self.user, "contract": SHOP}
        actor = Actor.for_new_booking(self.user)
        venue = venues.of_contract(SHOP)
        if chair is None:
            booking = create_assigned_booking(venue, BookingRequest(**asked), actor=actor)
        else:
            booking = create_booking(
                BookingRequest(resource=_chair(venue, chair), **asked), actor=actor
            )
        if self.user.is_staff and status == "confirmed":
            set_booking_status(booking.pk, shapes.STATUSES[status], Actor.person(self.user))
        return Created(shapes.reservation(_one(self.user, booking.pk)))


class OneReservation(Shop):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request, pk: int) -> Reply[answers.Reservation]:
        return Reply(shapes.reservation(_one(self.user, pk)))

    @takes(shapes.ReservationEdit(partial=True))
    def patch(self, request: Request, pk: int, partial: bool = True) -> Reply[answers.Reservation]:
        booking = _one(self.user, pk)
        asked = self.read(shapes.ReservationEdit, partial=partial)
        status = shapes.STATUSES.get(asked.pop("status", ""), "")
        if shapes.WORDS.get(status) == shapes.WORDS[booking.status]:
            status = ""  # forms send the status that they were shown
        if status == Status.COMPLETED and not self.user.is_admin:
            raise Forbidden
        revise_booking(
            booking,
            Actor.for_booking(self.user, booking),
            BookingChanges(**asked),
            status=status,
            reschedule=reschedule_assigned_booking,
        )
        return Reply(shapes.reservation(_one(self.user, pk)))

    @takes(shapes.ReservationEdit)
    def put(self, request: Request, pk: int) -> Reply[answers.Reservation]:
        return self.patch(request, pk, partial=False)

    def delete(self, request: Request, pk: int) -> Empty:
        """Gone, where an admin asks; anybody else takes it back, and it stays on the list."""
        booking = _one(self.user, pk)
        actor = Actor.for_booking(self.user, booking)
        if self.user.is_admin:
            delete_booking(pk, actor)
        elif shapes.WORDS[booking.status] != "canceled":
            cancel_booking(pk, actor)
        return Empty()


class Stats(Shop):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Reply[answers.Stats]:
        if not self.user.is_admin:
            raise NotForYou
        tally = counts.of_venue(venues.of_contract(SHOP))
        body: answers.Stats = {
            "total_users": people.how_many(),
            "total_reservations": tally["bookings"],
            "pending_reservations": tally["pending"],
        }
        return Reply(body)


class Health(Open):
    def get(self, request: Request) -> Reply[answers.Healthy]:
        venues.of_contract(SHOP)  # a database that is away is not healthy
        return Reply({"status": "healthy"})


def _person(asked: dict[str, Any]) -> dict[str, Any]:
    """What an account is made from; the address may be missing here."""
    flags = ("is_admin", "is_staff_member", "is_active")
    return {"email": ""} | {k: v for k, v in asked.items() if k not in flags}


def _reservations(user: Any) -> Any:
    """The person's, or everybody's for staff. Whoever was deleted took theirs along."""
    rows = queries.visible_to(user).filter(venue__slug=SHOP, owner__erased_at=None)
    return rows.order_by("-pk")


def _one(user: Any, pk: int) -> Any:
    booking = _reservations(user).filter(pk=pk).first()
    if booking is None:
        raise NotFound
    return booking


def _chair(venue: Any, pk: int) -> Any:
    chair = rules.resources_with_rules().filter(venue=venue, pk=pk).first()
    if chair is None:
        raise Invalid(errors={"chair": ["There is no such chair."]})
    return chair
