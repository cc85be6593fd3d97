"""The views for staff and admins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rest_framework.request import Request

from api.contracts import kit
from api.queries.accounts import people
from api.queries.bookings import dashboards
from api.rest.permissions import IsAdmin, IsStaff
from api.services.bookings.actions import approve_booking, reject_booking
from api.services.venues import primetime_windows, venues

from . import serializers
from .base import PrimetimeView
from .dashboards import AdminDashboardSerializer, list_recent_activity

ROLE_LABELS = {"customer": "user", "staff": "staff", "admin": "admin"}


class UserCountsView(PrimetimeView):
    permission_classes = (IsAdmin,)
    response_serializer = serializers.UserCountsSerializer

    @kit.operation("Count the accounts")
    def get(self, request: Request) -> Any:
        """Counts, never the people themselves."""
        roles = people.count_by_role(self.venue.pk)
        shown = {ROLE_LABELS[role]: count for role, count in roles.items()}
        return {"total_users": sum(roles.values()), "by_role": shown}


class ApprovalView(PrimetimeView):
    permission_classes = (IsStaff,)
    request_serializer = serializers.ApprovalSerializer
    response_serializer = serializers.ReservationSerializer

    @kit.operation("Approve or reject a reservation")
    def post(self, request: Request, pk: int) -> Any:
        self.get_own_booking(pk)
        body, actor = self.validated(), self.actor
        if body["action"] == "approve":
            approve_booking(pk, actor)
        else:
            reject_booking(pk, actor, body["rejection_reason"])
        return self.get_own_booking(pk)


class AdminDashboardView(PrimetimeView):
    permission_classes = (IsStaff,)
    response_serializer = AdminDashboardSerializer

    @kit.operation("Show the staff's dashboard")
    def get(self, request: Request) -> Any:
        today = self.today()
        until = self.midnight(today + timedelta(days=1))
        found = dashboards.get_staff_dashboard_at(self.venue, self.midnight(today), until)
        return {
            "pending_approvals": found["waiting"],
            "todays_reservations": found["confirmed"],
            "recent_activity": list_recent_activity(found["recent"]),
        }


class SettingsView(PrimetimeView):
    permission_classes = (IsAdmin,)
    request_serializer = response_serializer = serializers.SettingsSerializer

    @kit.operation("Show the settings")
    def get(self, request: Request) -> Any:
        return self.venue

    @kit.operation("Change the settings", partial=True)
    def put(self, request: Request) -> Any:
        return venues.update_venue(self.venue, self.validated())

    patch = put


class WindowListView(PrimetimeView):
    permission_classes = (IsStaff,)
    request_serializer = response_serializer = serializers.WindowSerializer

    @kit.operation("List primetime windows", many=True)
    def get(self, request: Request) -> Any:
        return primetime_windows.list_windows(self.venue)

    @kit.operation("Open a primetime window", status=201)
    def post(self, request: Request) -> Any:
        return primetime_windows.create_window(self.venue, self.validated())


class WindowView(PrimetimeView):
    permission_classes = (IsStaff,)
    request_serializer = response_serializer = serializers.WindowSerializer

    @kit.operation("Show a primetime window")
    def get(self, request: Request, pk: int) -> Any:
        return primetime_windows.get_window(self.venue, pk)

    @kit.operation("Change a primetime window", partial=True)
    def put(self, request: Request, pk: int) -> Any:
        primetime_windows.get_window(self.venue, pk)
        return primetime_windows.update_window(self.venue, pk, self.validated())

    patch = put

    @kit.operation("Remove a primetime window")
    def delete(self, request: Request, pk: int) -> Any:
        primetime_windows.delete_window(self.venue, pk)
