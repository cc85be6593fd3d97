"""Venues, their primetime windows, closures and calendar."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from api import policy
from api.errors import AbsurdTime, EndsBeforeStart, NotFound, Unfit
from api.models import Closure, PrimetimeWindow, Venue
from api.models.users import CALLED, called
from api.queries.bookings import calendar
from api.rest.idempotency import IdempotentAPIView
from api.rest.pagination import CursorPages
from api.rest.permissions import AdminWrites, IsStaff
from api.rest.throttling import AnonymousThrottle
from api.services.venues import venues
from api.v1.serializers import venues as shapes


def venue_of(slug: str) -> Venue:
    venue = Venue.objects.filter(slug=slug).first()
    if venue is None:
        raise NotFound("There is no such venue.")
    return venue


class Venues(IdempotentAPIView, GenericAPIView[Venue]):
    permission_classes = (AdminWrites,)
    throttle_classes = (AnonymousThrottle,)
    serializer_class = shapes.VenueShape
    pagination_class = CursorPages
    queryset = Venue.objects.all()

    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def post(self, request: Request) -> Response:
        shape = self.checked(shapes.VenueShape)
        with transaction.atomic():
            shape.save()
        return Response(shape.data, status=201)


class OneVenue(IdempotentAPIView):
    permission_classes = (AdminWrites,)
    throttle_classes = (AnonymousThrottle,)

    @extend_schema(responses=shapes.VenueShape)
    def get(self, request: Request, slug: str) -> Response:
        shape = shapes.VenueShape(venue_of(slug), context={"request": request})
        return Response(shape.data)

    @extend_schema(request=shapes.VenueShape, responses=shapes.ChangedVenue)
    def patch(self, request: Request, slug: str) -> Response:
        """A new time zone moves no booking: `to_review` lists the ones whose wall time changes."""
        venue = venue_of(slug)
        before = venue.time_zone
        shape = self.checked(shapes.VenueShape, venue, partial=True)
        with transaction.atomic():
            shape.save()
        return Response(shape.data | {"to_review": venues.shifted(venue, before)})


class _Rows(IdempotentAPIView, GenericAPIView[Any]):
    """Rows that belong to a venue, changed by staff."""

    permission_classes = (IsStaff,)
    pagination_class: type[CursorPages] | None = CursorPages
    twice: ClassVar[dict[str, list[str]]] = {}

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset().none()
        return super().get_queryset().filter(venue=venue_of(self.kwargs["slug"]))

    def _save(self, shape: BaseSerializer[Any], **extra: Any) -> None:
        try:
            with transaction.atomic():
                shape.save(**extra)
        except IntegrityError:
            raise Unfit(errors=self.twice) from None

    def _one(self, pk: int) -> Any:
        row = self.get_queryset().filter(pk=pk).first()
        if row is None:
            raise NotFound
        return row


class _Many(_Rows):
    def get(self, request: Request, slug: str) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def post(self, request: Request, slug: str) -> Response:
        venue = venue_of(slug)
        shape = self.checked(self.get_serializer_class())
        self._save(shape, venue=venue)
        return Response(shape.data, status=201)


class _One(_Rows):
    pagination_class = None

    def get(self, request: Request, slug: str, pk: int) -> Response:
        return Response(self.get_serializer(self._one(pk)).data)

    def patch(self, request: Request, slug: str, pk: int) -> Response:
        shape = self.checked(self.get_serializer_class(), self._one(pk), partial=True)
        self._save(shape)
        return Response(shape.data)

    def delete(self, request: Request, slug: str, pk: int) -> Response:
        self._one(pk).delete()
        return Response(status=204)


_WINDOW_TWICE = {"weekday": ["One window a weekday, and it must end after it starts."]}
_CLOSURE_TWICE = {"last_on": ["Must not be before the first day."]}


class PrimetimeWindows(_Many):
    queryset = PrimetimeWindow.objects.all()
    serializer_class = shapes.Window
    twice = _WINDOW_TWICE


class OnePrimetimeWindow(_One):
    queryset = PrimetimeWindow.objects.all()
    serializer_class = shapes.Window
    twice = _WINDOW_TWICE


class Closures(_Many):
    queryset = Closure.objects.all()
    serializer_class = shapes.ClosureShape
    twice = _CLOSURE_TWICE


class OneClosure(_One):
    queryset = Closure.objects.all()
    serializer_class = shapes.ClosureShape
    twice = _CLOSURE_TWICE


# what `_booking` tells
SHOWN = (
    *("id", "resource_id", "owner_id", "starts_at", "ends_at", "status", "title", "notes"),
    *(f"owner__{name}" for name in CALLED),
)


class Calendar(IdempotentAPIView):
    permission_classes = (IsAuthenticated,)

    @extend_schema(parameters=[shapes.DateRange], responses=shapes.Calendar)
    def get(self, request: Request, slug: str) -> Response:
        resources = calendar.resources_of(slug)
        venue = resources[0].venue if resources else venue_of(slug)
        asked = self.query(shapes.DateRange)
        first_on, last_on = self._range(asked, timezone.now().astimezone(venue.zone).date())
        days = calendar.days(resources, first_on, last_on, venue, SHOWN)
        return Response(
            {
                "venue": venue.slug,
                "time_zone": venue.time_zone,
                "start": first_on,
                "end": last_on,
                "days": [self._day(day, venue) for day in days],
            }
        )

    def _range(self, asked: dict[str, date], today: date) -> tuple[date, date]:
        first_on = asked.get("start", today)
        if not policy.is_plausible_year(first_on.year):
            raise AbsurdTime
        last_on = asked.get("end", first_on + timedelta(days=6))
        if last_on < first_on:
            raise EndsBeforeStart
        if (last_on - first_on).days >= calendar.MAX_DAYS:
            raise AbsurdTime(f"At most {calendar.MAX_DAYS} days.")
        return first_on, last_on

    def _day(self, day: calendar.Day, venue: Venue) -> dict[str, Any]:
        window = day.window
        return {
            "date": day.date,
            "closed": not day.open,
            "closure": day.closure.reason if day.closure else "",
            "hours": {"opens_at": venue.opens_at, "closes_at": venue.closes_at},
            "primetime": {"opens_at": window.starts_at, "closes_at": window.ends_at}
            if window
            else None,
            "slots": [
                {
                    "resource": slot.resource.pk,
                    "starts_at": slot.starts_at,
                    "ends_at": slot.ends_at,
                    "primetime": slot.primetime,
                }
                for slot in day.slots
            ],
            "bookings": [self._booking(booking) for booking in day.bookings],
        }

    def _booking(self, row: Any) -> dict[str, Any]:
        body = {
            "resource": row.resource_id,
            "starts_at": row.starts_at,
            "ends_at": row.ends_at,
            "status": row.status,
        }
        if self.user.is_staff or row.owner_id == self.user.pk:
            body |= {
                "id": row.id,
                "title": row.title,
                "owner": called(*row[-len(CALLED) :]),
                "notes": row.notes,
            }
        return body
