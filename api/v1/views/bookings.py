"""Bookings, the verbs on them, and their history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api import effective_status, errors
from api.lifecycle import Status
from api.models import Booking, BookingEvent
from api.queries.bookings import bookings as queries
from api.rest.idempotency import IdempotentAPIView
from api.rest.pagination import CursorPages
from api.rest.permissions import IsStaff
from api.services.actors import Actor
from api.services.bookings.actions import (
    approve_booking,
    cancel_booking,
    check_in_booking,
    end_booking,
    reject_booking,
)
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.reschedule import BookingChanges, reschedule_booking
from api.services.bookings.status_changes import apply_to_bookings
from api.v1.filters import IdFilter, InstantFilter
from api.v1.serializers import bookings as shapes


class BookingFilter(django_filters.FilterSet):
    venue = django_filters.CharFilter(field_name="venue__slug")
    resource = IdFilter(field_name="resource_id")
    status = django_filters.MultipleChoiceFilter(choices=Status.choices, method="standing")
    owner = IdFilter(field_name="owner_id")
    until = InstantFilter(field_name="starts_at", lookup_expr="lt")

    class Meta:
        model = Booking
        fields: list[str] = []

    def standing(self, rows: QuerySet[Booking], _: str, statuses: list[str]) -> QuerySet[Booking]:
        return effective_status.filter_by_effective_status(rows, statuses)


# `from` is a word of the language
BookingFilter.base_filters["from"] = InstantFilter(field_name="ends_at", lookup_expr="gt")


class Bookings(IdempotentAPIView, GenericAPIView[Booking]):
    permission_classes = (IsAuthenticated,)
    serializer_class = shapes.BookingShape
    pagination_class = CursorPages
    filterset_class = BookingFilter
    filter_backends = (django_filters.rest_framework.DjangoFilterBackend,)
    queryset = Booking.objects.none()

    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(queries.visible_to(self.user)))
        return self.get_paginated_response([shapes.booking(row) for row in page or ()])

    @extend_schema(request=shapes.NewBooking, responses={201: shapes.BookingShape})
    def post(self, request: Request) -> Response:
        body = self.read(shapes.NewBooking)
        booking = create_booking(
            BookingRequest(owner=self.user, contract="v1", **body),
            actor=Actor.for_new_booking(self.user),
        )
        people = sorted(person.pk for person in body.get("attendees", ()))
        return Response(shapes.booking(booking, people), status=201)


class OneBooking(IdempotentAPIView):
    @extend_schema(responses=shapes.BookingShape)
    def get(self, request: Request, pk: int) -> Response:
        return Response(shapes.booking(queries.one(self.user, pk)))

    @extend_schema(request=shapes.BookingEdit, responses=shapes.BookingShape)
    def patch(self, request: Request, pk: int) -> Response:
        booking = queries.one(self.user, pk)
        changes = self.read(shapes.BookingEdit, partial=True)
        reschedule_booking(pk, Actor.for_booking(self.user, booking), BookingChanges(**changes))
        return Response(shapes.booking(queries.one(self.user, pk)))


class Verb(IdempotentAPIView):
    """One of the verbs of the table; `verb` takes (id, actor, reason)."""

    verb: Callable[[int, Actor, str], Booking]
    again_is_fine = False

    @extend_schema(request=shapes.Reason, responses=shapes.BookingShape)
    def post(self, request: Request, pk: int) -> Response:
        booking = queries.one(self.user, pk)
        body = self.read(shapes.Reason)
        try:
            type(self).verb(pk, Actor.for_booking(self.user, booking), body.get("reason", ""))
        except errors.AlreadyDone:
            if not self.again_is_fine:
                raise
        return Response(shapes.booking(queries.one(self.user, pk)))


class Approve(Verb):
    verb = staticmethod(lambda pk, actor, reason: approve_booking(pk, actor))


class Reject(Verb):
    verb = staticmethod(reject_booking)


class Cancel(Verb):
    verb = staticmethod(cancel_booking)


class CheckIn(Verb):
    """A second device that asks again gets the same answer."""

    verb = staticmethod(lambda pk, actor, reason: check_in_booking(pk, actor))
    again_is_fine = True


class End(Verb):
    verb = staticmethod(lambda pk, actor, reason: end_booking(pk, actor))


class AnswerMany(IdempotentAPIView):
    """Bulk answers; each id has a result of its own."""

    permission_classes = (IsStaff,)
    approving = True

    @extend_schema(request=shapes.Many, responses=shapes.ManyResults)
    def post(self, request: Request) -> Response:
        body = self.read(shapes.Many)

        def verb(pk: int, actor: Actor) -> Booking:
            if self.approving:
                return approve_booking(pk, actor)
            return reject_booking(pk, actor, body.get("reason", ""))

        results = apply_to_bookings(body["ids"], Actor.person(self.user), verb)
        return Response({"results": [self._result(pk, result) for pk, result in results]})

    def _result(self, pk: int, result: Booking | errors.Refusal) -> dict[str, Any]:
        if isinstance(result, errors.Refusal):
            return {"id": pk, "code": result.code, "detail": result.detail}
        return {"id": pk, "status": result.status}


class Events(IdempotentAPIView, GenericAPIView[BookingEvent]):
    serializer_class = shapes.EventShape
    pagination_class = CursorPages
    queryset = BookingEvent.objects.none()

    def get(self, request: Request, pk: int) -> Response:
        booking = queries.one(self.user, pk)
        page = self.paginate_queryset(queries.history(booking))
        return self.get_paginated_response(shapes.EventShape(page, many=True).data)
