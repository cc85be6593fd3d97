"""Venues, their primetime windows and calendar."""

from __future__ import annotations

from datetime import date, timedelta
from operator import itemgetter
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from api import policy
from api.errors import AbsurdTime, EndsBeforeStart, Forbidden, Invalid, Unfit
from api.models import PrimetimeWindow, Venue
from api.models.users import NAME_FIELDS, get_display_name
from api.queries.bookings import calendar
from api.queries.bookings.blocked_times import Blocked
from api.queries.venues.venues import get_venue
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import IsAdminOrReadOnly, Scope
from api.rest.throttling import AnonymousThrottle
from api.services.venues import primetime_windows, venues
from api.v1.serializers import availability as availability_serializers
from api.v1.serializers.reviews import DryRunSerializer
from api.v1.serializers.venues import (
    PrimetimeWindowSerializer,
    VenueChangeSerializer,
    VenueSerializer,
)
from api.v1.tags import FIND, RUN_VENUE

from .base import SLUG, BaseViewSet, VenueRowViewSet
from .rules import RuleChangeMixin


@extend_schema_view(
    list=extend_schema(
        tags=[FIND],
        summary="List the venues",
        description="Every place, with its hours and its rules for booking. For anyone.",
    ),
    retrieve=extend_schema(
        tags=[FIND],
        summary="Read a venue",
        description="One place, with its hours and its rules for booking. For anyone.",
    ),
    create=extend_schema(
        tags=[RUN_VENUE],
        summary="Open a venue",
        description="A new place. What is left out has a value that suits most: open always,"
        " confirmed at once, free of charge. For operators.",
        parameters=[DryRunSerializer],
        request=VenueSerializer,
        responses={200: VenueChangeSerializer, 201: VenueChangeSerializer},
    ),
    partial_update=extend_schema(
        tags=[RUN_VENUE],
        summary="Change a venue",
        description="Fields that are left out stay, and so do bookings, with their instants and"
        " deadlines. `affected` are those ahead that break a rule since the change, or whose wall"
        " time a new time zone changes; they stand in `reviews/`. For admins.",
        parameters=[DryRunSerializer],
        request=VenueSerializer,
        responses=VenueChangeSerializer,
    ),
)
class VenueViewSet(
    RuleChangeMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    BaseViewSet[Venue],
):
    permission_classes = (IsAdminOrReadOnly,)
    scope = Scope.ADMIN_WRITES
    throttle_classes = (AnonymousThrottle,)
    queryset = Venue.objects.prefetch_related("hours")
    lookup_field = "slug"
    lookup_value_converter = "slug"
    serializer_class = VenueSerializer
    change_serializer_class = VenueChangeSerializer

    def perform_create(self, serializer: BaseSerializer[Venue]) -> None:
        if not self.caller.is_operator:
            raise Forbidden
        serializer.instance = venues.create_venue(**serializer.validated_data)

    def perform_update(self, serializer: Any) -> None:
        venue = venues.update_venue(serializer.instance, serializer.validated_data)
        self.affected = venue.affected


@extend_schema(tags=[RUN_VENUE], parameters=[SLUG])
@extend_schema_view(
    list=extend_schema(
        summary="List the primetime windows",
        description="The weekly windows in which bookings need approval. For staff.",
    ),
    retrieve=extend_schema(
        summary="Read a primetime window", description="One weekly window. For staff."
    ),
    create=extend_schema(
        summary="Add a primetime window",
        description="At most one a weekday; it ends after it starts. For staff.",
    ),
    partial_update=extend_schema(
        summary="Change a primetime window",
        description="It holds for new bookings; requests that are there stay. For staff.",
    ),
    destroy=extend_schema(
        summary="Remove a primetime window",
        description="Requests made under it keep waiting for their answer. For staff.",
    ),
)
class PrimetimeWindowViewSet(VenueRowViewSet[PrimetimeWindow]):
    queryset = PrimetimeWindow.objects.all()
    serializer_class = PrimetimeWindowSerializer

    def perform_create(self, serializer: BaseSerializer[PrimetimeWindow]) -> None:
        self._save(serializer)

    def perform_update(self, serializer: BaseSerializer[PrimetimeWindow]) -> None:
        self._save(serializer)

    def perform_destroy(self, instance: PrimetimeWindow) -> None:
        primetime_windows.delete_window(self.venue, instance.pk)

    def _save(self, serializer: BaseSerializer[PrimetimeWindow]) -> None:
        window, fields = serializer.instance, serializer.validated_data
        try:
            serializer.instance = (
                primetime_windows.create_window(self.venue, fields)
                if window is None
                else primetime_windows.update_window(self.venue, window.pk, fields)
            )
        except (EndsBeforeStart, Invalid):
            message = "One window a weekday, and it must end after it starts."
            raise Unfit(errors={"weekday": [message]}) from None


# the columns that `_render_booking` reads
COLUMNS = (
    *("id", "resource_id", "owner_id", "starts_at", "ends_at", "status", "title", "notes"),
    *("guest_name", "guest_email"),
    *(f"owner__{name}" for name in NAME_FIELDS),
)


def _get_owner_name(row: Any) -> str:
    names = row[-len(NAME_FIELDS) :]
    return get_display_name(*names) if row.owner_id else row.guest_name or row.guest_email


def _render_blocked(blocked: Blocked, is_staff: bool) -> dict[str, Any]:
    body = {
        "resource": blocked.resource_id,
        "starts_at": blocked.starts_at,
        "ends_at": blocked.ends_at,
        "status": "blocked",
    }
    return body | ({"reason": blocked.reason} if is_staff else {})


class CalendarView(IdempotentAPIView):
    permission_classes = (IsAuthenticated,)
    scope = Scope.ANYONE

    @extend_schema(
        tags=[FIND],
        parameters=[SLUG, availability_serializers.CalendarQuerySerializer],
        responses=availability_serializers.CalendarSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        """Read the calendar of a venue.

        Day by day: the opening hours, primetime, the slots that are free and the bookings and
        blocks that are there. Whose bookings they are is shown to their owners and to staff, why
        something is blocked to staff. For who is signed in.
        """
        resources = calendar.list_venue_resources(slug)
        venue = resources[0].venue if resources else get_venue(slug)
        query = self.get_validated_query(availability_serializers.CalendarQuerySerializer)
        first_on, last_on = self._get_range(query, timezone.now().astimezone(venue.zone).date())
        days = calendar.list_days(resources, first_on, last_on, venue, COLUMNS)
        return Response(
            {
                "venue": venue.slug,
                "time_zone": venue.time_zone,
                "start": first_on,
                "end": last_on,
                "days": [self._render_day(day, venue) for day in days],
            }
        )

    def _get_range(self, query: dict[str, date], today: date) -> tuple[date, date]:
        first_on = query.get("start", today)
        if not policy.is_plausible_year(first_on.year):
            raise AbsurdTime
        last_on = query.get("end", first_on + timedelta(days=6))
        if last_on < first_on:
            raise EndsBeforeStart
        if (last_on - first_on).days >= calendar.MAX_DAYS:
            raise AbsurdTime(f"At most {calendar.MAX_DAYS} days.")
        return first_on, last_on

    def _render_day(self, day: calendar.Day, venue: Venue) -> dict[str, Any]:
        window = day.window
        return {
            "date": day.date,
            "closed": not day.hours,
            "closure": day.closed.reason if day.closed else "",
            "hours": [{"opens_at": opens, "closes_at": closes} for opens, closes in day.hours],
            "primetime": [{"opens_at": window.starts_at, "closes_at": window.ends_at}]
            if window
            else [],
            "slots": [
                {
                    "resource": slot.resource.pk,
                    "starts_at": slot.starts_at,
                    "ends_at": slot.ends_at,
                    "primetime": slot.primetime,
                }
                for slot in day.slots
            ],
            "bookings": self._render_taken(day, self.caller.is_staff_of(venue.pk)),
        }

    def _render_taken(self, day: calendar.Day, is_staff: bool) -> list[dict[str, Any]]:
        """Bookings and blocks, by start."""
        found = [self._render_booking(booking, is_staff) for booking in day.bookings]
        found += (_render_blocked(blocked, is_staff) for blocked in day.blocked)
        return sorted(found, key=itemgetter("starts_at")) if day.blocked else found

    def _render_booking(self, row: Any, is_staff: bool) -> dict[str, Any]:
        body = {
            "resource": row.place,
            "starts_at": row.starts_at,
            "ends_at": row.ends_at,
            "status": row.status,
        }
        if is_staff or row.owner_id == self.caller.person_id:
            body |= {
                "id": row.id,
                "title": row.title,
                "owner": _get_owner_name(row),
                "notes": row.notes,
            }
        return body
