"""Opening hours of venues and resources: weeks, exceptions and closures."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from api.models import Closure, HoursException, Resource, Venue
from api.queries.venues import hours as hours_query
from api.queries.venues.rules import get_resource
from api.queries.venues.venues import get_venue
from api.rest.permissions import IsStaffOrReadOnly, Scope
from api.rest.throttling import AnonymousThrottle
from api.services.venues import exceptions, hours
from api.v1.serializers.hours import (
    ClosureChangeSerializer,
    ClosureSerializer,
    HoursChangeSerializer,
    HoursExceptionChangeSerializer,
    HoursExceptionSerializer,
    HoursQuerySerializer,
    HoursSerializer,
    render_hours,
)
from api.v1.serializers.reviews import DryRunSerializer, RemovedSerializer
from api.v1.tags import FIND, RUN_VENUE

from .base import SLUG, Row, VenueRowViewSet
from .rules import RuleChangeMixin, RuleRemovalMixin

PK = OpenApiParameter("pk", int, "path")


class HoursView(RuleChangeMixin):
    """The weeks of one owner."""

    permission_classes = (IsStaffOrReadOnly,)
    throttle_classes = (AnonymousThrottle,)
    scope = Scope.VENUE

    @cached_property
    def resource(self) -> Resource | None:
        return get_resource(self.kwargs["pk"]) if "pk" in self.kwargs else None

    @cached_property
    def venue(self) -> Venue:
        return self.resource.venue if self.resource else get_venue(self.kwargs["slug"])

    def get_venue_id(self) -> int:
        return int(self.venue.pk)

    def get(self, request: Request, **_: Any) -> Response:
        weeks = hours_query.list_entered_weeks(self.venue, self.resource)
        today = hours_query.get_today(self.venue)
        return Response(render_hours(*hours_query.split_weeks(weeks, today)))

    def put(self, request: Request, **_: Any) -> Response:
        return self._change(self._put, request)

    def delete(self, request: Request, **_: Any) -> Response:
        return self._change(self._delete, request)

    def _put(self, request: Request) -> Response:
        body = self.get_validated_body(HoursSerializer)
        rows = [(row["weekday"], row["opens_at"], row["closes_at"]) for row in body["week"]]
        valid_from = body.get("valid_from")
        self.affected = hours.put_week(self.venue, self.resource, rows, valid_from)
        del self.venue
        self.__dict__.pop("resource", None)  # as they are now
        return self.get(request)

    def _delete(self, request: Request) -> Response:
        valid_from = self.get_validated_query(HoursQuerySerializer).get("valid_from")
        self.affected = hours.delete_week(self.venue, self.resource, valid_from)
        return Response()


def describe_hours(whose: str, name: OpenApiParameter, empty: str) -> Any:
    """Documents the three operations of a view of hours."""
    return extend_schema_view(
        get=extend_schema(
            tags=[FIND],
            parameters=[name],
            summary=f"Read the hours of a {whose}",
            description=f"The week that is valid today, and the later ones. {empty} For anyone.",
            responses=HoursSerializer,
        ),
        put=extend_schema(
            tags=[RUN_VENUE],
            parameters=[name, DryRunSerializer],
            summary=f"Replace a week of a {whose}",
            description="The week that is valid today, or with `from` the one that begins then;"
            f" later ones stay. {empty} Bookings stay too: `affected` are those ahead that break"
            " a rule since the change. For staff.",
            request=HoursSerializer,
            responses=HoursChangeSerializer,
        ),
        delete=extend_schema(
            tags=[RUN_VENUE],
            parameters=[name, HoursQuerySerializer],
            summary=f"Remove a week of a {whose}",
            description="The one that begins on `from`, or that of today: the week before it holds"
            " on. For staff.",
            responses={200: RemovedSerializer},
        ),
    )


@describe_hours("venue", SLUG, "With no rows the venue is closed.")
class VenueHoursView(HoursView):
    pass


@describe_hours("resource", PK, "With no rows it has the hours of its venue.")
class ResourceHoursView(HoursView):
    pass


class ExceptionRowViewSet(RuleRemovalMixin, VenueRowViewSet[Row]):
    """Exceptions of the venue or the resource in the path."""

    @cached_property
    def resource(self) -> Resource | None:
        return get_resource(self.kwargs["resource_pk"]) if "resource_pk" in self.kwargs else None

    @cached_property
    def venue(self) -> Venue:
        return self.resource.venue if self.resource else get_venue(self.kwargs["slug"])

    def get_queryset(self) -> QuerySet[Row]:
        return super().get_queryset().filter(resource=self.resource)

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        fields = serializer.validated_data
        created = exceptions.create_exception(self.venue, fields, self.resource)
        serializer.instance, self.affected = created, created.affected

    def perform_update(self, serializer: Any) -> None:
        fields = serializer.validated_data
        self.affected = exceptions.update_exception(serializer.instance, fields).affected

    def perform_destroy(self, instance: Any) -> None:
        self.affected = exceptions.delete_exception(instance)


def describe_exceptions(whose: str, name: OpenApiParameter) -> Any:
    """Documents the five operations of a view of exceptions."""
    return extend_schema_view(
        list=extend_schema(
            tags=[RUN_VENUE],
            parameters=[name],
            summary=f"List the exceptions of a {whose}",
            description="The days that have other hours than the week, or none. For staff.",
        ),
        retrieve=extend_schema(
            tags=[RUN_VENUE],
            parameters=[name],
            summary=f"Read an exception of a {whose}",
            description="One exception. For staff.",
        ),
        create=extend_schema(
            tags=[RUN_VENUE],
            summary=f"Add an exception of a {whose}",
            description="Days, first to last inclusive, with hours of their own: they replace the"
            " intervals that begin on these days. Without hours it is closed, and the night before"
            " ends at midnight. A resource's go before its venue's, at most one a day. Bookings"
            " stay: those that do not fit any more are `affected`. For staff.",
            parameters=[name, DryRunSerializer],
            request=HoursExceptionSerializer,
            responses={
                200: HoursExceptionChangeSerializer,
                201: HoursExceptionChangeSerializer,
            },
        ),
        partial_update=extend_schema(
            tags=[RUN_VENUE],
            summary=f"Change an exception of a {whose}",
            description="Fields that are left out stay. For staff.",
            parameters=[name, DryRunSerializer],
            request=HoursExceptionSerializer,
            responses=HoursExceptionChangeSerializer,
        ),
        destroy=extend_schema(
            tags=[RUN_VENUE],
            summary=f"Remove an exception of a {whose}",
            description="The week holds again, and the bookings that the exception affected leave"
            " `reviews/`. For staff.",
            parameters=[name, DryRunSerializer],
            responses={200: RemovedSerializer},
        ),
    )


@describe_exceptions("venue", SLUG)
class VenueExceptionViewSet(ExceptionRowViewSet[HoursException]):
    queryset = HoursException.objects.all()
    serializer_class = HoursExceptionSerializer
    change_serializer_class = HoursExceptionChangeSerializer


@describe_exceptions("resource", OpenApiParameter("resource_pk", int, "path"))
class ResourceExceptionViewSet(VenueExceptionViewSet):
    pass


@extend_schema(tags=[RUN_VENUE], parameters=[SLUG])
@extend_schema_view(
    list=extend_schema(
        summary="List the closures",
        description="The days on which the venue takes no bookings. For staff.",
    ),
    retrieve=extend_schema(summary="Read a closure", description="One closure. For staff."),
    create=extend_schema(
        summary="Close the venue for some days",
        description="Whole days, first to last inclusive. Bookings that are there stay: those of"
        " these days are `affected`, and stand in `reviews/`. For staff.",
        parameters=[DryRunSerializer],
        request=ClosureSerializer,
        responses={200: ClosureChangeSerializer, 201: ClosureChangeSerializer},
    ),
    partial_update=extend_schema(
        summary="Change a closure",
        description="Fields that are left out stay. For staff.",
        parameters=[DryRunSerializer],
        request=ClosureSerializer,
        responses=ClosureChangeSerializer,
    ),
    destroy=extend_schema(
        summary="Remove a closure",
        description="The venue takes bookings again, and those that it affected leave `reviews/`."
        " For staff.",
        parameters=[DryRunSerializer],
        responses={200: RemovedSerializer},
    ),
)
class ClosureViewSet(ExceptionRowViewSet[Closure]):
    queryset = Closure.objects.all()
    serializer_class = ClosureSerializer
    change_serializer_class = ClosureChangeSerializer
