"""Resources and when they are free."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from api import policy
from api.errors import AbsurdTime, EndsBeforeStart
from api.models import Resource, Venue
from api.opening_hours import to_instant
from api.queries.bookings import explain
from api.queries.venues import rules as rules_query
from api.queries.venues.broken_rules import describe
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import IsStaffOrReadOnly, Scope
from api.rest.throttling import AnonymousThrottle
from api.services.venues import resources
from api.v1.filters import ResourceFilterSet
from api.v1.serializers.availability import AvailabilityQuerySerializer, AvailabilitySerializer
from api.v1.serializers.resources import (
    RatesSerializer,
    ResourceChangeSerializer,
    ResourceSerializer,
)
from api.v1.serializers.reviews import DryRunSerializer, RemovedSerializer
from api.v1.tags import FIND, RUN_VENUE

from .base import BaseViewSet
from .rules import RuleRemovalMixin

MAX_RANGE = timedelta(days=400)


@extend_schema_view(
    list=extend_schema(
        tags=[FIND],
        summary="Search the resources",
        description="What can be booked: courts, rooms, chairs, studios. With `free_from` and"
        " `free_until` only what nothing blocks in that interval. For anyone.",
    ),
    retrieve=extend_schema(
        tags=[FIND], summary="Read a resource", description="One resource. For anyone."
    ),
    create=extend_schema(
        tags=[RUN_VENUE],
        summary="Add a resource",
        description="Something new to book at a venue. For staff.",
        parameters=[DryRunSerializer],
        request=ResourceSerializer,
        responses={200: ResourceChangeSerializer, 201: ResourceChangeSerializer},
    ),
    partial_update=extend_schema(
        tags=[RUN_VENUE],
        summary="Change a resource",
        description="Fields that are left out stay, and so do the bookings it has: `affected` are"
        " those ahead that do not fit any more, and stand in `reviews/`. For staff.",
        parameters=[DryRunSerializer],
        request=ResourceSerializer,
        responses=ResourceChangeSerializer,
    ),
    destroy=extend_schema(
        tags=[RUN_VENUE],
        summary="Retire a resource",
        description="It takes no new bookings and is listed no more; the ones it has stay, and"
        " those ahead stand in `reviews/`. For staff.",
        parameters=[DryRunSerializer],
        responses={200: RemovedSerializer},
    ),
)
class ResourceViewSet(RuleRemovalMixin, BaseViewSet[Resource], ModelViewSet[Resource]):
    permission_classes = (IsStaffOrReadOnly,)
    scope = Scope.STAFF_WRITES
    throttle_classes = (AnonymousThrottle,)
    serializer_class = ResourceSerializer
    change_serializer_class = ResourceChangeSerializer
    filterset_class = ResourceFilterSet
    queryset = (
        Resource.objects.filter(retired_at=None)
        .select_related("venue")
        .prefetch_related("own_hours")
    )

    def perform_create(self, serializer: BaseSerializer[Resource]) -> None:
        serializer.instance = resources.create_resource(by=self.caller, **serializer.validated_data)

    def perform_update(self, serializer: Any) -> None:
        place = serializer.instance
        resources.update_resource(place, self.caller, serializer.validated_data)
        self.affected = place.affected

    def perform_destroy(self, instance: Resource) -> None:
        self.affected = resources.retire_resources([instance.pk], self.caller)

    @extend_schema(
        tags=[FIND],
        parameters=[AvailabilityQuerySerializer],
        responses=AvailabilitySerializer,
        filters=False,
    )
    @action(detail=True, permission_classes=(AllowAny,), pagination_class=None)
    def availability(self, request: Request, pk: int) -> Response:
        """Read when a resource is free.

        The free intervals from `start` to `end`: within opening hours, where nothing blocks it, and
        from now on. With `explain=1` only what can be booked today, and why the rest is `refused`:
        the two cover the range without gaps, and where a `duration` does not fit in between it says
        what it runs into. Dates are days of the venue, both inclusive. For
        anyone.
        """
        query = self.get_validated_query(AvailabilityQuerySerializer)
        rules, now = rules_query.get_rules(pk)
        start, end = get_range(query["start"], query["end"], rules.venue)
        length = query.get("duration", timedelta(0))
        explained = {"notice": True, "at_least": length} if query["explain"] else {"notice": False}
        free, refused = explain.explain_times(rules, start, end, now, **explained)
        if not query["explain"]:
            free = explain.list_long_enough(free, length)
        body: dict[str, Any] = {
            "resource": pk,
            "free": [_render_free(row, rules.resource.units) for row in free],
        }
        if query["explain"]:
            body["refused"] = list(map(_render_refused, refused))
        return Response(body)


@extend_schema(parameters=[OpenApiParameter("pk", int, "path")])
class RatesView(IdempotentAPIView):
    permission_classes = (IsStaffOrReadOnly,)
    scope = Scope.VENUE
    throttle_classes = (AnonymousThrottle,)

    @cached_property
    def resource(self) -> Resource:
        return rules_query.get_resource(self.kwargs["pk"])

    def get_venue_id(self) -> int:
        return int(self.resource.venue_id)

    @extend_schema(tags=[FIND], responses=RatesSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Read the rates of a resource.

        What a slot costs by weekday, hours and dates. For anyone.
        """
        return Response({"rates": self.resource.rates})

    @extend_schema(tags=[RUN_VENUE], request=RatesSerializer, responses=RatesSerializer)
    def put(self, request: Request, pk: int) -> Response:
        """Replace the rates of a resource.

        Bookings that are there keep their price. For staff.
        """
        body = self.get_validated_body(RatesSerializer)
        rates = [
            {name: value for name, value in rate.items() if value is not None}
            for rate in RatesSerializer(body).data["rates"]
        ]
        resources.update_resource(self.resource, self.caller, {"rates": rates})
        return Response({"rates": rates})


def _render_free(row: explain.Free, units: int) -> dict[str, Any]:
    body = {"starts_at": row.starts_at, "ends_at": row.ends_at}
    return body | {"units": row.units} if units > 1 else body


def _render_refused(row: explain.Refused) -> dict[str, Any]:
    body = {
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "code": row.refusal.code,
        "detail": describe(row.refusal),
    }
    return body | {"free_at": row.free_at} if row.free_at else body


def get_range(start: date, end: date, venue: Venue) -> tuple[datetime, datetime]:
    """Two instants as they are, or two days of the venue from the first's beginning to the last's
    end. Refuses `EndsBeforeStart` and `AbsurdTime`."""
    for name, value in (("start", start), ("end", end)):
        if not policy.is_plausible_year(value.year):
            raise AbsurdTime(f"`{name}` is not a time anyone can book.")
    if isinstance(start, datetime) and isinstance(end, datetime):
        if end <= start:
            raise EndsBeforeStart("`end` must be after `start`.")
    elif end < start:
        raise EndsBeforeStart("`end` must not be before `start`.")
    else:
        start = to_instant(venue.zone, start, time(0))
        end = to_instant(venue.zone, end + timedelta(days=1), time(0))
    if end - start > MAX_RANGE:
        raise AbsurdTime(f"From `start` to `end` at most {MAX_RANGE.days} days.")
    return start, end
