"""Bookings of people without an account. Whoever has the link of the letter needs no credentials,
and gets none."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.models import Booking, Guest
from api.queries.payments.payments import get_newest_payment
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import AllowAny, Scope
from api.rest.throttling import AddressThrottle, AnonymousThrottle
from api.services.accounts import consents
from api.services.bookings import guests
from api.services.bookings.create import BookingRequest
from api.services.operations import idempotency
from api.services.payments import payments
from api.v1.serializers.booking_requests import ReasonSerializer
from api.v1.serializers.guests import (
    GuestBookingRequestedSerializer,
    GuestBookingSerializer,
    GuestMoveSerializer,
    NewGuestBookingSerializer,
)
from api.v1.serializers.payments import PaymentSerializer
from api.v1.tags import BOOK, PAY

from .base import named_in_body

LETTER_SENT = (
    "We have sent a letter to this address. Confirm the booking by its link until then, or the"
    " time is free for others again."
)


@extend_schema(tags=[BOOK], auth=[])
class GuestBookingListView(IdempotentAPIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    scope = Scope.ANYONE
    throttle_classes = (AddressThrottle,)

    @extend_schema(
        request=NewGuestBookingSerializer, responses={202: GuestBookingRequestedSerializer}
    )
    def post(self, request: Request) -> Response:
        """Book without an account.

        The time is held until `expires_at`. A letter is sent to the address, and the page behind
        its link confirms the booking: at once, with the approval of staff or by payment, as the
        venue's rules say. A venue with a text to agree to wants its id as `consent`. The answer
        is the same whether or not the address has an account. For
        anyone, where the venue takes `guests`.
        """
        body = self.get_validated_body(NewGuestBookingSerializer)
        owner = Guest(body.pop("name"), body.pop("email"))
        check = consents.build_check(owner, body.pop("consent", None))
        with named_in_body("service" if "service" in body else "resource"):
            booking = guests.request_booking(
                BookingRequest(owner=owner, contract="v1", **body), check=check
            )
        answer = {"detail": LETTER_SENT, "hold_expires_at": booking.hold_expires_at}
        return Response(GuestBookingRequestedSerializer(answer).data, status=202)


@extend_schema(tags=[BOOK], auth=[], responses=GuestBookingSerializer)
class GuestView(IdempotentAPIView):
    """The base of what a link opens: there is nothing, whatever the method, once it is over."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    scope = Scope.TOKEN
    throttle_classes = (AnonymousThrottle,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.booking = guests.get_guest_booking(kwargs["token"])

    def get_key_scope(self, request: Request) -> str:
        return f"guest:{idempotency.hash_scope(self.kwargs['token'])}"

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["Referrer-Policy"] = "no-referrer"
        return answer

    def respond(self, booking: Booking) -> Response:
        return Response(GuestBookingSerializer(booking).data)


class GuestBookingView(GuestView):
    def get(self, request: Request, token: str) -> Response:
        """Read a booking by the link of its letter.

        Until it is over: then, and for a link that is not ours, there is nothing here.
        """
        return self.respond(self.booking)


class GuestConfirmationView(GuestView):
    @extend_schema(request=None)
    def post(self, request: Request, token: str) -> Response:
        """Confirm a guest's booking.

        It is confirmed from now on, waits for approval (`pending`) or is held for payment (`held`,
        with a new deadline). It joins the account that has the address. A second time it is 409
        `already_done`.
        """
        return self.respond(guests.confirm_guest_booking(token))


class GuestCancellationView(GuestView):
    @extend_schema(request=ReasonSerializer)
    def post(self, request: Request, token: str) -> Response:
        """Cancel a guest's booking.

        The slot is free again at once, what was paid is given back by the venue's rules, and the
        link opens nothing any more.
        """
        reason = self.get_validated_body(ReasonSerializer).get("reason", "")
        return self.respond(guests.cancel_guest_booking(token, reason))


class GuestMoveView(GuestView):
    @extend_schema(request=GuestMoveSerializer)
    def post(self, request: Request, token: str) -> Response:
        """Move a guest's booking.

        The new time is checked as a new booking would be, and where the venue approves bookings it
        may wait for staff again.
        """
        return self.respond(
            guests.move_guest_booking(token, **self.get_validated_body(GuestMoveSerializer))
        )


@extend_schema(tags=[PAY], auth=[])
class GuestPaymentView(GuestView):
    one_transaction = False

    @extend_schema(responses=PaymentSerializer)
    def get(self, request: Request, token: str) -> Response:
        """Read the payment of a guest's booking.

        Its newest attempt, and what was given back.
        """
        return Response(PaymentSerializer(get_newest_payment(self.booking)).data)

    @extend_schema(request=None, responses={201: PaymentSerializer})
    def post(self, request: Request, token: str) -> Response:
        """Begin to pay for a guest's booking.

        Gives the `client_secret` that Stripe.js needs, for exactly the booking's price, once the
        booking is confirmed.
        """
        payments.start_payment(self.booking.pk)
        return Response(PaymentSerializer(get_newest_payment(self.booking)).data, status=201)
