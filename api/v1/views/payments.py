"""Paying for a booking, giving money back, and what Stripe tells us."""

from __future__ import annotations

import uuid

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api.queries.bookings import bookings as bookings_query
from api.queries.payments import payments as queries
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import IsStaff
from api.services.payments import payments, refunds, stripe_events
from api.v1.serializers import payments as shapes


class BookingPayment(IdempotentAPIView):
    """Asking to pay again gives the same intent for as long as it lives."""

    one_transaction = False

    @extend_schema(responses=shapes.PaymentShape)
    def get(self, request: Request, pk: int) -> Response:
        payment = queries.newest(bookings_query.one(self.user, pk))
        return Response(shapes.PaymentShape(payment).data)

    @extend_schema(request=None, responses={201: shapes.PaymentShape})
    def post(self, request: Request, pk: int) -> Response:
        payments.begin(bookings_query.one(self.user, pk).pk)
        payment = queries.newest(bookings_query.one(self.user, pk))
        return Response(shapes.PaymentShape(payment).data, status=201)


class Refunds(IdempotentAPIView):
    permission_classes = (IsStaff,)

    @extend_schema(request=shapes.NewRefund, responses={201: shapes.RefundShape})
    def post(self, request: Request, pk: int) -> Response:
        booking = bookings_query.one(self.user, pk)
        body = self.read(shapes.NewRefund)
        refund = refunds.give_back(
            booking.pk,
            self.user,
            str(uuid.uuid4()),
            body.get("amount_minor"),
            body.get("reason", ""),
        )
        return Response(shapes.RefundShape(refund).data, status=201)


class StripeWebhook(IdempotentAPIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    idempotent = False

    @extend_schema(request=OpenApiTypes.OBJECT, responses=shapes.Received, auth=[])
    def post(self, request: Request) -> Response:
        """Signed by Stripe over the raw body; answered before it is worked on."""
        signature = request.headers.get("Stripe-Signature", "")
        new = stripe_events.receive(request._request.body, signature)
        return Response({"received": True, "new": new})
