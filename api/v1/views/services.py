"""Pools and services, and when a service can be booked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ModelViewSet

from api.errors import AbsurdTime
from api.models import Pool, Service
from api.queries.bookings.service_slots import list_slots
from api.queries.venues.services import get_service_rules, list_pools, list_services
from api.rest.permissions import IsStaffOrReadOnly, Scope
from api.rest.throttling import AnonymousThrottle
from api.services.venues import services
from api.v1.filters import OfVenueFilterSet
from api.v1.serializers.services import (
    PoolSerializer,
    ServiceSerializer,
    ServiceSlotsQuerySerializer,
    ServiceSlotsSerializer,
)
from api.v1.tags import FIND, RUN_VENUE

from .base import BaseViewSet, Row
from .resources import get_range

MAX_SLOTS_RANGE = timedelta(days=62)


class OfferViewSet(BaseViewSet[Row], ModelViewSet[Row]):
    """What staff keep and everybody reads."""

    permission_classes = (IsStaffOrReadOnly,)
    scope = Scope.STAFF_WRITES
    throttle_classes = (AnonymousThrottle,)
    filterset_class = OfVenueFilterSet


@extend_schema_view(
    list=extend_schema(
        tags=[FIND], summary="List the pools", description="Named groups of resources. For anyone."
    ),
    retrieve=extend_schema(tags=[FIND], summary="Read a pool", description="One. For anyone."),
    create=extend_schema(
        tags=[RUN_VENUE],
        summary="Add a pool",
        description="A named group of resources of a venue, any of which will do. For staff.",
    ),
    partial_update=extend_schema(
        tags=[RUN_VENUE],
        summary="Change a pool",
        description="Fields that are left out stay; `resources` replaces the whole list. For"
        " staff.",
    ),
    destroy=extend_schema(
        tags=[RUN_VENUE],
        summary="Remove a pool",
        description="One that a service needs is only retired: it is listed no more, and serves on."
        " For staff.",
    ),
)
class PoolViewSet(OfferViewSet[Pool]):
    serializer_class = PoolSerializer
    queryset = list_pools()

    def perform_create(self, serializer: Any) -> None:
        serializer.instance = services.create_pool(by=self.caller, **serializer.validated_data)

    def perform_update(self, serializer: Any) -> None:
        services.update_pool(serializer.instance, self.caller, serializer.validated_data)
        serializer.instance = self.get_object()

    def perform_destroy(self, instance: Pool) -> None:
        services.delete_pool(instance, self.caller)


@extend_schema_view(
    list=extend_schema(
        tags=[FIND],
        summary="List the services",
        description="What one books without naming a resource. For anyone.",
    ),
    retrieve=extend_schema(tags=[FIND], summary="Read a service", description="One. For anyone."),
    create=extend_schema(
        tags=[RUN_VENUE],
        summary="Add a service",
        description="With its durations and their prices, its buffers, and what it needs of which"
        " pools. For staff.",
    ),
    partial_update=extend_schema(
        tags=[RUN_VENUE],
        summary="Change a service",
        description="Fields that are left out stay; lists are replaced whole. Bookings that are"
        " there stay as they are. For staff.",
    ),
    destroy=extend_schema(
        tags=[RUN_VENUE],
        summary="Remove a service",
        description="One that was booked is only retired: it takes no new bookings. For staff.",
    ),
)
class ServiceViewSet(OfferViewSet[Service]):
    serializer_class = ServiceSerializer
    queryset = list_services()

    def perform_create(self, serializer: Any) -> None:
        made = services.create_service(by=self.caller, **serializer.validated_data)
        serializer.instance = list_services().get(pk=made.pk)

    def perform_update(self, serializer: Any) -> None:
        services.update_service(serializer.instance, self.caller, serializer.validated_data)
        serializer.instance = self.get_object()

    def perform_destroy(self, instance: Service) -> None:
        services.delete_service(instance, self.caller)

    @extend_schema(
        tags=[FIND],
        parameters=[ServiceSlotsQuerySerializer],
        responses=ServiceSlotsSerializer,
        filters=False,
    )
    @action(detail=True, permission_classes=(AllowAny,), pagination_class=None)
    def slots(self, request: Request, pk: int) -> Response:
        """Read when a service can be booked.

        The starts from `start` to `end` that a booking of this `duration` and `quantity` would
        get, how many bookings still fit, and who is free for them. Dates are days of the venue,
        both inclusive. For anyone.
        """
        query = self.get_validated_query(ServiceSlotsQuerySerializer)
        service = get_service_rules(pk)
        start, end = get_range(query["start"], query["end"], service.venue)
        if end - start > MAX_SLOTS_RANGE:
            raise AbsurdTime(f"From `start` to `end` at most {MAX_SLOTS_RANGE.days} days.")
        duration = service.get_duration(query.get("duration"))
        found = list_slots(service, start, end, duration, quantity=query["quantity"])
        return Response({"slots": [slot._asdict() for slot in found]})
