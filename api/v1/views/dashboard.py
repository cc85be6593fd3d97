"""What a person, and what staff, need to see first."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.queries.bookings import dashboards
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import IsStaff
from api.v1.serializers.bookings import Dashboard, StaffDashboard


class MyDashboard(IdempotentAPIView):
    @extend_schema(responses=Dashboard)
    def get(self, request: Request) -> Response:
        return Response(Dashboard(dashboards.of_person(self.user)).data)


class StaffsDashboard(IdempotentAPIView):
    permission_classes = (IsStaff,)

    @extend_schema(responses=StaffDashboard)
    def get(self, request: Request) -> Response:
        return Response(StaffDashboard(dashboards.of_staff()).data)
