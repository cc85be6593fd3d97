"""Resources and when they are free."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from api import policy
from api.errors import AbsurdTime, EndsBeforeStart, NotFound, Unfit
from api.models import Booking, Resource
from api.queries.bookings import availability
from api.queries.venues import rules as rules_query
from api.rest.idempotency import IdempotentAPIView
from api.rest.pagination import CursorPages
from api.rest.permissions import StaffWrites
from api.rest.throttling import AnonymousThrottle
from api.services.venues import resources
from api.v1.filters import InstantFilter, IntegerFilter
from api.v1.serializers import venues as shapes

LONGEST_RANGE = timedelta(days=400)


class ResourceFilter(django_filters.FilterSet):
    venue = django_filters.CharFilter(field_name="venue__slug")
    search = django_filters.CharFilter(method="by_search")
    building = django_filters.CharFilter(lookup_expr="iexact")
    floor = IntegerFilter()
    min_capacity = IntegerFilter(field_name="capacity", lookup_expr="gte")
    amenities = django_filters.CharFilter(method="by_amenities", help_text="Comma list, all of it")
    free_from = InstantFilter(method="by_free", help_text="Together with free_until")
    free_until = InstantFilter(method="by_free")

    class Meta:
        model = Resource
        fields: list[str] = []

    def by_search(self, rows: QuerySet[Resource], name: str, value: str) -> QuerySet[Resource]:
        return rows.filter(
            Q(name__icontains=value)
            | Q(building__icontains=value)
            | Q(description__icontains=value)
        )

    def by_amenities(self, rows: QuerySet[Resource], name: str, value: str) -> QuerySet[Resource]:
        wanted = [word.strip() for word in value.split(",") if word.strip()]
        return rows.filter(amenities__contains=wanted) if wanted else rows

    def by_free(self, rows: QuerySet[Resource], name: str, value: Any) -> QuerySet[Resource]:
        """Resources without a blocking booking in the interval, opening hours aside."""
        start, end = (self.form.cleaned_data.get(n) for n in ("free_from", "free_until"))
        if not (start and end):
            raise Unfit(errors={"free_until": ["Give free_from and free_until together."]})
        if end <= start:
            raise EndsBeforeStart
        if name == "free_until":
            return rows  # done with free_from
        rival = Booking.objects.filter(resource=OuterRef("pk"))
        taken = rival.overlapping(start, end).blocking()
        return rows.filter(~Exists(taken), is_available=True, maintenance=False)


class Resources(IdempotentAPIView, GenericAPIView[Resource]):
    permission_classes = (StaffWrites,)
    throttle_classes = (AnonymousThrottle,)
    serializer_class = shapes.ResourceShape
    pagination_class = CursorPages
    filterset_class = ResourceFilter
    filter_backends = (django_filters.rest_framework.DjangoFilterBackend,)
    queryset = Resource.objects.filter(retired_at=None).select_related("venue")

    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def post(self, request: Request) -> Response:
        shape = self.checked(shapes.ResourceShape)
        shape.save()
        return Response(shape.data, status=201)


class OneResource(IdempotentAPIView):
    permission_classes = (StaffWrites,)
    throttle_classes = (AnonymousThrottle,)

    def _get(self, pk: int) -> Resource:
        row = Resource.objects.filter(pk=pk, retired_at=None).select_related("venue").first()
        if row is None:
            raise NotFound("There is no such resource.")
        return row

    @extend_schema(responses=shapes.ResourceShape)
    def get(self, request: Request, pk: int) -> Response:
        return Response(shapes.ResourceShape(self._get(pk)).data)

    @extend_schema(request=shapes.ResourceShape, responses=shapes.ResourceShape)
    def patch(self, request: Request, pk: int) -> Response:
        shape = self.checked(shapes.ResourceShape, self._get(pk), partial=True)
        shape.save()
        resources.tell([pk])
        return Response(shape.data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Retired: it takes no new bookings; the ones it has stay."""
        resources.retire([self._get(pk).pk], self.user)
        return Response(status=204)


class ResourceAvailability(IdempotentAPIView):
    permission_classes = (StaffWrites,)
    throttle_classes = (AnonymousThrottle,)

    @extend_schema(parameters=[shapes.Range], responses=shapes.Availability)
    def get(self, request: Request, pk: int) -> Response:
        asked = self.query(shapes.Range)
        start, end = asked["start"], asked["end"]
        if end <= start:
            raise EndsBeforeStart
        if end - start > LONGEST_RANGE or not policy.is_plausible_year(start.year):
            raise AbsurdTime("At most 400 days, and of our times.")
        rules, now = rules_query.get_rules(pk)
        since = max(start, now)  # what is over is not free
        free = (
            availability.free_intervals(rules, since, end, asked.get("duration"))
            if since < end
            else []
        )
        body = {"resource": pk, "free": [{"starts_at": s, "ends_at": e} for s, e in free]}
        return Response(body)
