"""Dashboards, and the recent activity on them: lines of history in this contract's JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from rest_framework import serializers

from api.contracts import kit
from api.queries.accounts import people

from .labels import ACTION_LABELS, STATUS_LABELS
from .serializers import ReservationSerializer, UserSerializer


class ChangesSerializer(kit.Serializer):
    """Only what an edit changed."""

    status = kit.LabelField(STATUS_LABELS, required=False)
    date = kit.WallDateField(required=False)
    start_time = kit.WallTimeField(required=False)
    end_time = kit.WallTimeField(required=False)
    booking_name = serializers.CharField(required=False)
    notes = serializers.CharField(required=False)
    guests = serializers.IntegerField(required=False)
    resource = serializers.IntegerField(required=False)

    def to_representation(self, fields: Any) -> Any:
        """In the order in which the line of history has them."""
        found: dict[str, Any] = {}
        for name, value in fields.items():
            if name == "status":
                found["status"] = STATUS_LABELS[value]
            elif name in ("starts_at", "ends_at"):
                at = datetime.fromisoformat(value).astimezone(self.context["view"].venue.zone)
                found["start_time" if name == "starts_at" else "end_time"] = f"{at:%H:%M:%S}"
                found["date"] = at.date()
            else:
                found["booking_name" if name == "title" else name] = value
        return found


class DetailsSerializer(kit.Serializer):
    """By the action: of CREATED the initial status, of TRADED with whom, of APPROVED and REJECTED
    the decision, of UPDATED the old and the new data, of CANCELLED nothing."""

    initial_status = kit.LabelField(STATUS_LABELS, required=False)
    traded_with = serializers.CharField(required=False)
    trade_id = serializers.IntegerField(required=False)
    action = serializers.ChoiceField(choices=("approve", "reject"), required=False)
    rejection_reason = serializers.CharField(required=False)
    old_data = ChangesSerializer(required=False)
    new_data = ChangesSerializer(required=False)


# who performs what the clock does: pages read a name here
CLOCK = SimpleNamespace(
    id=0, email="", first_name="Holdfast", last_name="", role="admin", is_admin=True
)


class ActivitySerializer(kit.Serializer):
    id = serializers.IntegerField()
    action = kit.LabelField(ACTION_LABELS)
    action_display = kit.LabelField(
        {v: w.capitalize() for v, w in ACTION_LABELS.items()}, source="action"
    )
    performed_by = UserSerializer()
    details = DetailsSerializer()
    timestamp = kit.InstantField()


def list_recent_activity(lines: Iterable[Any]) -> list[dict[str, Any]]:
    """Lines of history as `ActivitySerializer` reads them."""
    lines = list(lines)
    addresses = people.get_emails_by_id(line.details.get("traded_with", 0) for line in lines)
    return [_build_activity(line, addresses) for line in lines]


def _build_activity(line: Any, addresses: Mapping[int, str]) -> dict[str, Any]:
    verb = line.verb if line.verb in ACTION_LABELS else ""
    return {
        "id": line.pk,
        "action": verb,
        "performed_by": line.actor or CLOCK,
        "details": _build_details(ACTION_LABELS[verb], line, addresses),
        "timestamp": line.at,
    }


def _build_details(action: str, line: Any, addresses: Mapping[int, str]) -> dict[str, Any]:
    details = line.details
    if action == "CREATED":
        return {"initial_status": line.to_status}
    if action == "TRADED":
        other = addresses.get(details.get("traded_with", 0), "")
        return {"traded_with": other, "trade_id": details.get("trade_id")}
    if action == "APPROVED":
        return {"action": "approve"}
    if action == "REJECTED":
        return {"action": "reject", "rejection_reason": details.get("reason", "")}
    if action == "CANCELLED":
        return {}
    if line.from_status:
        return {"old_data": {"status": line.from_status}, "new_data": {"status": line.to_status}}
    return {"old_data": details.get("from", {}), "new_data": details.get("to", {})}


class PendingTradesSerializer(kit.Serializer):
    sent = serializers.IntegerField()
    received = serializers.IntegerField()


class DashboardSerializer(kit.Serializer):
    upcoming_reservations = ReservationSerializer(many=True)
    pending_trades = PendingTradesSerializer()
    recent_activity = ActivitySerializer(many=True)


class AdminDashboardSerializer(kit.Serializer):
    pending_approvals = serializers.IntegerField()
    todays_reservations = serializers.IntegerField()
    recent_activity = ActivitySerializer(many=True)
