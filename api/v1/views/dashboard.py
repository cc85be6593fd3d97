"""What a person, and what staff, need to see first."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.queries.bookings import dashboards
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import IsStaff, Scope
from api.v1.serializers.dashboards import DashboardSerializer, StaffDashboardSerializer
from api.v1.tags import BOOK, WATCH


class DashboardView(IdempotentAPIView):
    permission_classes = (IsAuthenticated,)
    scope = Scope.SELF

    @extend_schema(tags=[BOOK], responses=DashboardSerializer)
    def get(self, request: Request) -> Response:
        """Read one's dashboard.

        One's next bookings, what waits for an answer or a payment, and what happened last.
        """
        return Response(DashboardSerializer(dashboards.get_user_dashboard(self.user)).data)


class StaffDashboardView(IdempotentAPIView):
    permission_classes = (IsStaff,)
    scope = Scope.STAFF

    @extend_schema(tags=[WATCH], responses=StaffDashboardSerializer)
    def get(self, request: Request) -> Response:
        """Read the dashboard of staff.

        Requests that wait, bookings of today, no-shows of this week, and who does not come again
        and again. For staff.
        """
        return Response(StaffDashboardSerializer(dashboards.get_staff_dashboard(self.caller)).data)
