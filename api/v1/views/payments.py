"""Paying for a booking, giving money back, and what Stripe reports."""

from __future__ import annotations

import uuid

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiRequest, extend_schema
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.queries.bookings import bookings as bookings_query
from api.queries.payments import payments as queries
from api.rest.idempotency import IdempotentAPIView
from api.rest.keys import MANAGING
from api.rest.permissions import IsStaff, Scope
from api.services.payments import payments, refunds, stripe_events
from api.v1.serializers.payments import (
    NewRefundSerializer,
    PaymentSerializer,
    RefundSerializer,
    StripeEventReceivedSerializer,
)
from api.v1.tags import PAY

STRIPE_EVENT = OpenApiExample(
    "Example",
    value={"id": "evt_1Nq0", "type": "payment_intent.succeeded", "data": {"object": {}}},
    request_only=True,
)


@extend_schema(tags=[PAY])
class BookingPaymentView(IdempotentAPIView):
    permission_classes = (IsAuthenticated,)
    scope = Scope.VISIBLE
    one_transaction = False

    @extend_schema(responses=PaymentSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Read the payment of a booking.

        Its newest attempt, and what was given back. For its owner and staff.
        """
        payment = queries.get_newest_payment(bookings_query.get_visible_booking(self.caller, pk))
        return Response(PaymentSerializer(payment).data)

    @extend_schema(request=None, responses={201: PaymentSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Begin to pay for a booking.

        Gives the `client_secret` that Stripe.js needs, for exactly the booking's price. Asked again
        it gives the same one for as long as it lives.
        """
        payments.start_payment(bookings_query.get_visible_booking(self.caller, pk).pk)
        payment = queries.get_newest_payment(bookings_query.get_visible_booking(self.caller, pk))
        return Response(PaymentSerializer(payment).data, status=201)


class RefundView(IdempotentAPIView):
    permission_classes = (IsStaff,)
    scope = Scope.VISIBLE
    key_scopes = {"post": MANAGING}

    @extend_schema(tags=[PAY], request=NewRefundSerializer, responses={201: RefundSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Give money back.

        A part, or all that is left. Stripe is asked by the outbox, so that it happens once. For
        staff.
        """
        booking = bookings_query.get_visible_booking(self.caller, pk)
        body = self.get_validated_body(NewRefundSerializer)
        refund = refunds.create_staff_refund(
            booking.pk,
            self.caller,
            str(uuid.uuid4()),
            body.get("amount_minor"),
            body.get("reason", ""),
        )
        return Response(RefundSerializer(refund).data, status=201)


class StripeWebhookView(IdempotentAPIView):
    authentication_classes = ()
    scope = Scope.TOKEN
    permission_classes = (AllowAny,)  # the signature is what is checked
    unstored_methods = ("POST",)  # Stripe has ids of its own

    @extend_schema(
        tags=[PAY],
        request=OpenApiRequest(OpenApiTypes.OBJECT, examples=[STRIPE_EVENT]),
        responses=StripeEventReceivedSerializer,
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Receive an event of Stripe.

        Signed over the raw body (`Stripe-Signature`), and answered before it is worked on. For
        Stripe alone.
        """
        signature = request.headers.get("Stripe-Signature", "")
        new = stripe_events.store_event(request._request.body, signature)
        return Response({"received": True, "new": new})
