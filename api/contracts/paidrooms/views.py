"""The views of the paid rooms, in the order of their README."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Any

import orjson
from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from pydantic import BaseModel, ValidationError
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.views import APIView

from api import errors, money, policy
from api.contracts import kit
from api.lifecycle import BOOKING
from api.opening_hours import to_interval
from api.policy import Rules
from api.queries.payments import payments as queries
from api.queries.venues import rules as rules_query
from api.rest.authentication import BearerAuthentication
from api.rest.permissions import IsStaff, Nobody
from api.rest.throttling import AnonymousThrottle
from api.services.actors import Actor
from api.services.bookings import slots
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.sweeps import sweep
from api.services.payments import payments, stripe_events

from . import serializers
from .errors import ERROR_MESSAGES, ValidationFailed


class PaidRoomsView(kit.ContractView):
    contract = "paidrooms"
    error_messages = ERROR_MESSAGES
    token_strategy = kit.CookieTokens()

    def get_validated_body(self, serializer: Any, **options: Any) -> dict[str, Any]:
        """Also by a model of pydantic; raises `ValidationFailed`."""
        if not issubclass(serializer, BaseModel):
            return super().get_validated_body(serializer, **options)
        try:
            return dict(serializer.model_validate(self.request.data, context=options["context"]))
        except ValidationError as error:
            raise ValidationFailed(findings=orjson.loads(error.json())) from None

    def find_booking(self, pk: int) -> Any:
        return queries.get_booking(self.contract, pk)


# accounts


class RegisterView(kit.RegisterView, PaidRoomsView):
    request_serializer = serializers.RegisterSerializer
    response_serializer = serializers.RegisteredSerializer


class LoginView(kit.LoginView, PaidRoomsView):
    """The refresh token comes in a cookie."""

    request_serializer = serializers.LoginSerializer
    response_serializer = serializers.LoggedInSerializer


class RefreshView(kit.RefreshView, PaidRoomsView):
    """By the cookie that signing in has set."""

    response_serializer = serializers.RefreshedSerializer


class LogoutView(PaidRoomsView):
    """Of whoever is signed in: the refresh token in the cookie is used up."""

    response_serializer = serializers.LoggedOutSerializer
    post = kit.LogoutView.post


# rooms and bookings


class RoomListView(kit.PublicView, PaidRoomsView):
    throttle_classes = (AnonymousThrottle,)
    response_serializer = serializers.RoomsSerializer

    @kit.operation("List the rooms that can be booked")
    def get(self, request: Request) -> Any:
        rooms = queries.list_bookable_rooms(self.contract)
        return {"count": len(rooms), "rooms": rooms}


def check_policy(
    rules: Rules, starts_at: datetime, ends_at: datetime, now: datetime, guests: int
) -> None:
    """The policy in this contract's order: hours and slots come before what is past, and a slot
    that is taken before a full room."""
    policy.check_interval(starts_at, ends_at, now)
    try:
        policy.check_resource(rules, starts_at, ends_at, guests=0)
        policy.check_notice(rules, starts_at, ends_at, now)
    except errors.NotWholeSlots:
        if ends_at - starts_at < rules.resource.slot_length:
            raise errors.Invalid("Booking duration must be at least one slot") from None
        raise
    if rules.venue.capacity_enforced and guests > rules.resource.capacity:
        taken = slots.build_interval_refusal(rules, starts_at, ends_at, now)
        raise taken if taken.conflicts else errors.OverCapacity(capacity=rules.resource.capacity)


class CreateBookingView(PaidRoomsView):
    request_serializer = serializers.NewBooking
    response_serializer = serializers.BookingSerializer

    @kit.operation("Book a room, which is held until it is paid", status=201)
    def post(self, request: Request) -> Any:
        """One's own hold whose payment was begun and left is taken up again, with its deadline."""
        body, zone = self.validated(), self.venue.zone
        on, start, end = (body[name] for name in ("booking_date", "start_time", "end_time"))
        starts_at, ends_at = to_interval(zone, on, start, end)
        guests, notes = body["guest_count"], body["special_requests"] or ""
        room, owner = self.get_room(body["room_id"]), self.get_owner(body["user_id"])
        wanted = BookingRequest(
            owner=owner,
            resource=room,
            starts_at=starts_at,
            ends_at=ends_at,
            notes=notes,
            guests=guests,
            contract=self.contract,
        )
        actor = Actor.for_new_booking(self.user, owner)
        try:
            booking = create_booking(wanted, actor=actor, check=check_policy)
        except errors.SlotTaken as refusal:
            held = payments.find_own_hold(refusal, owner.pk, starts_at, ends_at)
            if held is None or (held.guests, held.notes) != (guests, notes):
                raise
            booking = held
        return self.find_booking(booking.pk)

    def get_room(self, pk: int) -> Any:
        """The room with its rules; raises `ResourceUnavailable`, of another venue's too."""
        room = (
            rules_query.list_resources_with_rules().filter(venue__slug=self.contract, pk=pk).first()
        )
        if room is None or not room.bookable:
            raise errors.ResourceUnavailable
        return room

    def get_owner(self, pk: int | None) -> Any:
        """Only staff book for somebody else, of the venue's people."""
        if not self.is_staff or pk in (None, self.user.pk):
            return self.user
        return queries.get_person(pk, self.venue.pk)


class PaymentIntentView(PaidRoomsView):
    request_serializer = serializers.NewPayment
    response_serializer = serializers.PaymentSerializer

    @kit.operation("Begin to pay a booking", status=201)
    def post(self, request: Request) -> Any:
        """The same intent for as long as it lives."""
        body = self.validated()
        booking = self.get_own_booking(body["booking_id"])
        return payments.start_payment(booking.pk, money.to_minor(body["amount"], booking.currency))


class BookingListView(PaidRoomsView):
    permission_classes = (IsStaff,)
    response_serializer = serializers.BookingsSerializer

    @kit.operation("List all bookings")
    def get(self, request: Request) -> Any:
        """For staff, newest first."""
        rows = queries.list_bookings(self.contract)
        return {"count": len(rows), "bookings": rows}


class BookingView(PaidRoomsView):
    response_serializer = serializers.BookingSerializer

    @kit.operation("Show a booking")
    def get(self, request: Request, pk: int) -> Any:
        """For its owner and for staff."""
        return self.get_own_booking(pk)


# machines


class StripeWebhookView(kit.PublicView, PaidRoomsView):
    response_serializer = serializers.ReceivedSerializer

    @kit.operation("Receive an event of Stripe")
    def post(self, request: Request) -> Any:
        """Signed in `Stripe-Signature` over the raw body. One of no use here succeeds too."""
        signature = request.headers.get("Stripe-Signature", "")
        stripe_events.store_event(request._request.body, signature)
        return {}


class CleanupSecretAuthentication(BaseAuthentication):
    """The secret that a cron line can send, in a header of its own or as a bearer."""

    def authenticate(self, request: Request) -> tuple[Nobody, str] | None:
        # not `read_credentials`: a secret that an operator chose may hold spaces
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        given = request.headers.get("X-Cleanup-Secret") or bearer * (scheme.lower() == "bearer")
        secret = settings.CLEANUP_SECRET
        if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
            return None
        return Nobody(), "cleanup"

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class CleanupSecretScheme(OpenApiAuthenticationExtension):
    target_class = CleanupSecretAuthentication
    name = "secret"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": "X-Cleanup-Secret"}


class MayCleanUp(IsStaff):
    """Staff, whoever sends the secret, and anyone where the settings allow it."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        by_secret = request.auth == "cleanup"
        return by_secret or settings.CLEANUP_OPEN or super().has_permission(request, view)


class CleanupView(PaidRoomsView):
    authentication_classes = (CleanupSecretAuthentication, BearerAuthentication)
    permission_classes = (MayCleanUp,)
    response_serializer = serializers.CleanedUpSerializer

    @kit.operation("Expire the holds that have run out")
    def post(self, request: Request) -> Any:
        """For staff and for who brings the secret. The worker does it anyway."""
        count = sweep(BOOKING.expire, "expire_holds")
        return {"expired_count": count, "message": f"Expired {count} bookings"}
