"""Bookings, the verbs on them, and their history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django_filters
import orjson
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api import errors
from api.lifecycle import Status
from api.models import Booking, BookingEvent
from api.queries.bookings import bookings as queries
from api.queries.bookings import effective_status
from api.queries.venues.rules import along
from api.rest.idempotency import IdempotentAPIView
from api.rest.pagination import CursorPages
from api.rest.permissions import IsStaff
from api.services.actors import Actor
from api.services.bookings import bookings
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
        return effective_status.with_effective_status(rows, statuses)


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

    def perform_authentication(self, request: Request) -> None:
        """Who asks and the rules of what they want to book come in one statement."""
        if request.method == "POST":
            request.along = along(_resource_in(request._request.body))  # type: ignore[attr-defined]
        super().perform_authentication(request)

    @extend_schema(request=shapes.NewBooking, responses={201: shapes.BookingShape})
    def post(self, request: Request) -> Response:
        body = self.read(shapes.NewBooking)
        asked = request.along  # type: ignore[attr-defined]
        booking = bookings.book(owner=self.user, contract="v1", asked=asked, **body)
        people = sorted(person.pk for person in body.get("attendees", ()))
        return Response(shapes.booking(booking, people), status=201)


def _resource_in(raw: bytes) -> Any:
    """A look ahead, before it is known whether anybody may ask: whatever is wrong is refused later,
    in its turn."""
    try:
        return orjson.loads(raw)["resource"]
    except (ValueError, TypeError, KeyError):
        return None


class OneBooking(IdempotentAPIView):
    @extend_schema(responses=shapes.BookingShape)
    def get(self, request: Request, pk: int) -> Response:
        return Response(shapes.booking(queries.one(self.user, pk)))

    @extend_schema(request=shapes.BookingEdit, responses=shapes.BookingShape)
    def patch(self, request: Request, pk: int) -> Response:
        booking = queries.one(self.user, pk)
        changes = self.read(shapes.BookingEdit, partial=True)
        bookings.reschedule(pk, Actor.for_booking(self.user, booking), **changes)
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
    verb = staticmethod(lambda pk, actor, reason: bookings.approve(pk, actor))


class Reject(Verb):
    verb = staticmethod(bookings.reject)


class Cancel(Verb):
    verb = staticmethod(bookings.cancel)


class CheckIn(Verb):
    """A second device that asks again gets the same answer."""

    verb = staticmethod(lambda pk, actor, reason: bookings.check_in(pk, actor))
    again_is_fine = True


class End(Verb):
    verb = staticmethod(lambda pk, actor, reason: bookings.end(pk, actor))


class AnswerMany(IdempotentAPIView):
    """Bulk answers; each id has a result of its own."""

    permission_classes = (IsStaff,)
    approving = True

    @extend_schema(request=shapes.Many, responses=shapes.ManyResults)
    def post(self, request: Request) -> Response:
        body = self.read(shapes.Many)

        def verb(pk: int, actor: Actor) -> Booking:
            if self.approving:
                return bookings.approve(pk, actor)
            return bookings.reject(pk, actor, body.get("reason", ""))

        results = bookings.answer(body["ids"], Actor.person(self.user), verb)
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
