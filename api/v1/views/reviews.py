"""Bookings under review: those that a rule was changed under."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.models import Review
from api.queries.reviews.reviews import get_review, list_open_reviews
from api.rest.permissions import IsStaff, Scope
from api.services.actors import Actor
from api.services.bookings.changes import BookingChanges
from api.services.reviews.decisions import (
    cancel_reviewed_booking,
    keep_reviewed_booking,
    move_reviewed_booking,
)
from api.v1.filters import ReviewFilterSet
from api.v1.serializers.reviews import DecisionSerializer, MoveSerializer, ReviewSerializer
from api.v1.tags import RUN_VENUE

from .base import BaseViewSet, named_in_body


@extend_schema(tags=[RUN_VENUE])
@extend_schema_view(
    list=extend_schema(
        summary="List the bookings under review",
        description="Bookings ahead that break a rule which was changed after they were made, the"
        " last one first. One leaves the list when it is decided, when it fits again and when it"
        " is over; after a changed time zone only when it is decided or over. For staff.",
    ),
)
class ReviewViewSet(mixins.ListModelMixin, BaseViewSet[Review]):
    permission_classes = (IsStaff,)
    scope = Scope.STAFF
    serializer_class = ReviewSerializer
    filterset_class = ReviewFilterSet
    queryset = Review.objects.none()

    def get_queryset(self) -> QuerySet[Review]:
        return list_open_reviews()

    @extend_schema(request=DecisionSerializer, responses=ReviewSerializer)
    @action(detail=True, methods=["post"])
    def keep(self, request: Request, pk: int) -> Response:
        """Keep a booking as it is.

        It stays although it breaks the rule, and comes back here only if it breaks another one.
        A second decision is 409. For staff.
        """
        reason = self._get_body(DecisionSerializer)["reason"]
        return self._answer(keep_reviewed_booking(pk, self._actor, reason))

    @extend_schema(request=MoveSerializer, responses=ReviewSerializer)
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: int) -> Response:
        """Move a booking to where it fits.

        The new time is checked as a new booking would be. Its owner is told, with the reason. A
        second decision is 409. For staff.
        """
        body = self._get_body(MoveSerializer)
        reason = body.pop("reason")
        with named_in_body("resource"):
            booking = move_reviewed_booking(pk, self._actor, BookingChanges(**body), reason)
        return self._answer(booking)

    @extend_schema(request=DecisionSerializer, responses=ReviewSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: int) -> Response:
        """Cancel a booking under review.

        As staff cancel any other; its owner is told, with the reason. A second decision is 409.
        For staff.
        """
        reason = self._get_body(DecisionSerializer)["reason"]
        return self._answer(cancel_reviewed_booking(pk, self._actor, reason))

    @property
    def _actor(self) -> Actor:
        review = get_review(self.kwargs["pk"], self.caller)
        return Actor.in_venue(self.caller, review.booking.venue_id)

    def _get_body(self, serializer: Any) -> dict[str, Any]:
        """The body; refuses `NotFound` before it."""
        get_review(self.kwargs["pk"], self.caller)
        return self.get_validated_body(serializer)

    def _answer(self, review: Review) -> Response:
        return Response(self.get_serializer(review).data)
