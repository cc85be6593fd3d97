"""The endpoints of the paid rooms, in the order of their README."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from pydantic import BaseModel, ValidationError
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api import errors, money, policy
from api.documents import Schema, takes
from api.effective_status import get_effective_payment_status, get_effective_status
from api.errors import Refusal
from api.lifecycle import BOOKING
from api.policy import Rules
from api.queries.payments import payments as queries
from api.queries.venues import rules as rules_query
from api.replies import Created, Reply
from api.rest.authentication import (
    BearerAuthentication,
    drop_refresh_cookie,
    refresh_cookie,
    set_refresh_cookie,
)
from api.rest.base_view import BaseAPIView
from api.rest.throttling import AddressThrottle, AnonymousThrottle
from api.services.accounts import accounts, tokens
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.slots import build_refusal
from api.services.bookings.sweeps import sweep
from api.services.payments import payments, stripe_events
from api.services.venues import venues

from . import answers, shapes
from .errors import REFUSALS, invalid, said, worded

NAME = "paidrooms"
M = TypeVar("M", bound=BaseModel)


class View(BaseAPIView):
    schema = Schema()
    refusals = REFUSALS

    def explain(self, refusal: Refusal) -> Response:
        words = worded(refusal)
        return Response(dict(words.body), status=words.status)

    def body(self, model: type[M], **context: Any) -> M:
        try:
            return model.model_validate(self.request.data, context=context)
        except ValidationError as error:
            raise invalid(error) from None

    def texts(self, *names: str, otherwise: str) -> list[str]:
        """These fields of the body, all of them filled; refuses in the words given."""
        body: Any = self.request.data if isinstance(self.request.data, dict) else {}
        found = [body.get(name) for name in names]
        if not all(isinstance(text, str) and text and "\0" not in text for text in found):
            raise said(otherwise)
        return found


class Public(View):
    authentication_classes = ()
    permission_classes = (AllowAny,)


# authentication


class Register(Public):
    throttle_classes = (AddressThrottle,)

    @takes(shapes.Registration)
    def post(self, request: Request) -> Created[answers.Registered]:
        names = ("email", "password", "confirm_password")
        email, password, again = self.texts(*names, otherwise="All fields are required.")
        if password != again:
            raise said("Password and confirm password do not match")
        user = accounts.register(email=email, password=password, strong=False)
        return Created({"message": "Registration successful", "user_id": user.pk})


class Login(Public):
    throttle_classes = (AddressThrottle,)

    @takes(shapes.Credentials)
    def post(self, request: Request) -> Reply[answers.SignedIn]:
        needed = "Email and password are required."
        email, password = self.texts("email", "password", otherwise=needed)
        address = AddressThrottle().get_ident(request)
        user = accounts.sign_in(login=email, password=password, address=address)
        pair = tokens.issue(user, NAME)
        response: Reply[answers.SignedIn] = Reply(
            {
                "message": "Login successful",
                "user_id": user.pk,
                "email": user.email,
                "is_staff": user.is_staff,
                "is_superuser": user.is_superuser,
                "access": pair.access,
            }
        )
        set_refresh_cookie(response, pair)
        return response


class RefreshCookie(Public):
    """By the cookie that signing in has set."""

    throttle_classes = (AddressThrottle,)

    def post(self, request: Request) -> Reply[answers.Refreshed]:
        raw = refresh_cookie(request)
        if not raw:
            raise said("Refresh token not found", 401)
        try:
            pair = tokens.renew_access(raw)
        except errors.TokenRefused as refusal:
            raise said("Token refresh failed", 401, detail=refusal.detail) from None
        return Reply({"access": pair.access, "message": "Token refreshed successfully"})


class Logout(View):
    def post(self, request: Request) -> Reply[answers.Message]:
        tokens.revoke(refresh_cookie(request))
        response: Reply[answers.Message] = Reply({"message": "Logout successful"})
        drop_refresh_cookie(response)
        return response


# rooms and bookings


class Rooms(Public):
    throttle_classes = (AnonymousThrottle,)

    def get(self, request: Request) -> Reply[answers.Rooms]:
        rooms = [shapes.room(each) for each in queries.list_bookable_rooms(NAME)]
        return Reply({"count": len(rooms), "rooms": rooms})


def check(rules: Rules, starts_at: datetime, ends_at: datetime, now: datetime, guests: int) -> None:
    """The policy in this contract's order: hours and slots come before what is past, and a slot
    that is taken before a full room."""
    policy.check_interval(starts_at, ends_at, now)
    try:
        policy.check_resource(rules, starts_at, ends_at, guests=0)
        policy.check_notice(rules, starts_at, ends_at, now)
    except errors.NotWholeSlots:
        if ends_at - starts_at < rules.resource.slot_length:
            raise said("Booking duration must be at least one slot") from None
        raise
    if guests > rules.resource.capacity:
        taken = build_refusal(rules, starts_at, ends_at, now)
        raise taken if taken.conflicts else errors.OverCapacity(capacity=rules.resource.capacity)


def shown(row: Any) -> answers.Booking:
    status, paid = get_effective_status(row), get_effective_payment_status(row)
    return shapes.booking(row, status, paid)


class Bookings(View):
    @takes(shapes.NewBooking)
    def post(self, request: Request) -> Created[answers.Booking]:
        zone = venues.of_contract(NAME).zone
        new = self.body(shapes.NewBooking, today=datetime.now(zone).date())
        starts_at = policy.to_instant(zone, new.booking_date, new.start_time)
        ends_at = policy.to_instant(zone, new.booking_date, new.end_time)
        pk = self.book(new, self.room(new.room_id), starts_at, ends_at)
        return Created(shown(queries.get_booking(NAME, pk)))

    def room(self, pk: int) -> Any:
        """The room, whole with its rules; another venue's is none of ours."""
        try:
            room = rules_query.get_resource(pk)
        except errors.NotFound:
            raise errors.ResourceUnavailable from None
        if room.venue.slug != NAME or not room.bookable:
            raise errors.ResourceUnavailable
        return room

    def book(
        self, new: shapes.NewBooking, room: Any, starts_at: datetime, ends_at: datetime
    ) -> int:
        owner = self.user
        if self.user.is_staff and new.user_id is not None:
            owner = queries.get_person(new.user_id)
        try:
            booking = create_booking(
                BookingRequest(
                    owner=owner,
                    resource=room,
                    starts_at=starts_at,
                    ends_at=ends_at,
                    notes=new.special_requests or "",
                    guests=new.guest_count,
                    contract=NAME,
                ),
                actor=Actor.for_new_booking(self.user, owner),
                check=check,
            )
        except errors.SlotTaken as refusal:
            own = payments.find_own_hold(refusal, owner.pk, starts_at, ends_at)
            asked = (new.guest_count, new.special_requests or "")
            if own is None or (own.guests, own.notes) != asked:
                raise
            return own.pk
        return booking.pk


class PaymentIntent(View):
    @takes(shapes.NewPayment)
    def post(self, request: Request) -> Created[answers.Payment]:
        new = self.body(shapes.NewPayment)
        booking = mine(self, new.booking_id)
        payment = payments.start_payment(booking.pk, money.to_minor(new.amount, booking.currency))
        return Created(shapes.payment(payment))


def mine(view: View, pk: int) -> Any:
    """The booking, for its owner or staff; refuses `NotFound` and then who is neither."""
    booking = queries.get_booking(NAME, pk)
    if not view.user.is_staff and booking.owner_id != view.user.pk:
        raise said("Permission denied. This is not your booking.", 403)
    return booking


class AllBookings(View):
    def get(self, request: Request) -> Reply[answers.Bookings]:
        if not self.user.is_staff:
            raise errors.Forbidden
        rows = [shown(row) for row in queries.list_bookings(NAME)]
        return Reply({"count": len(rows), "bookings": rows})


class OneBooking(View):
    def get(self, request: Request, pk: int) -> Reply[answers.Booking]:
        return Reply(shown(mine(self, pk)))


# machines


class StripeWebhook(Public):
    def post(self, request: Request) -> Reply[answers.Received]:
        signature = request.headers.get("Stripe-Signature", "")
        stripe_events.store_event(request._request.body, signature)
        return Reply({"status": "success"})


class BySecret(BaseAuthentication):
    """The secret that a cron line can send, in a header of its own or as a bearer."""

    def authenticate(self, request: Request) -> tuple[Any, str] | None:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        given = request.headers.get("X-Cleanup-Secret") or bearer * (scheme.lower() == "bearer")
        secret = settings.CLEANUP_SECRET
        if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
            return None
        return AnonymousUser(), "cleanup"

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class Secret(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BySecret
    name = "secret"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "X-Cleanup-Secret"}


class Cleanup(View):
    authentication_classes = (BySecret, BearerAuthentication)
    permission_classes = (AllowAny,)

    def post(self, request: Request) -> Reply[answers.CleanedUp]:
        if request.auth != "cleanup" and not settings.CLEANUP_OPEN:
            if not request.user.is_authenticated:
                raise errors.NotSignedIn
            if not request.user.is_staff:
                raise errors.Forbidden
        count = sweep(BOOKING.expire, "expire_holds")
        return Reply({"expired_count": count, "message": f"Expired {count} bookings"})
