"""Dashboards, and the recent activity on them: lines of history in this contract's JSON."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from rest_framework import serializers

from api.contracts import kit
from api.lifecycle import ActorRole

from .labels import ACTION_LABELS, STATUS_LABELS
from .serializers import OwnerSerializer, ReservationSerializer


class DetailsSerializer(kit.Serializer):
    """By the action: of CREATED the initial status, of TRADED with whom, of APPROVED and REJECTED
    the answer, of UPDATED, and of whatever the clock did, the whole reservation before and after;
    of CANCELLED by somebody nothing."""

    initial_status = kit.LabelField(STATUS_LABELS, required=False)
    traded_with = serializers.CharField(required=False)
    trade_id = serializers.IntegerField(required=False)
    action = serializers.ChoiceField(choices=("approve", "reject"), required=False)
    rejection_reason = serializers.CharField(required=False)
    old_data = ReservationSerializer(required=False)
    new_data = ReservationSerializer(required=False)


# who performs what the clock does: pages read a name here
CLOCK = SimpleNamespace(id=0, email="", first_name="Holdfast", last_name="", is_operator=True)


class ActivitySerializer(kit.Serializer):
    id = serializers.IntegerField()
    action = kit.LabelField(ACTION_LABELS)
    action_display = kit.LabelField(
        {v: w.capitalize() for v, w in ACTION_LABELS.items()}, source="action"
    )
    performed_by = OwnerSerializer()
    details = DetailsSerializer()
    timestamp = kit.InstantField()


def list_recent_activity(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows of `list_recent_activity` as `ActivitySerializer` reads them."""
    return [_build_activity(row) for row in rows]


def _build_activity(row: Any) -> dict[str, Any]:
    verb = row.line.verb if row.line.verb in ACTION_LABELS else ""
    guest = row.after.person if row.line.by == ActorRole.GUEST else None
    return {
        "id": row.line.pk,
        "action": verb,
        "performed_by": row.line.actor or guest or CLOCK,
        "details": _build_details(ACTION_LABELS[verb], row),
        "timestamp": row.line.at,
    }


def _build_details(action: str, row: Any) -> dict[str, Any]:
    details = row.line.details
    if action == "CREATED":
        return {"initial_status": row.line.to_status}
    if action == "TRADED":
        other = row.counterpart.email if row.counterpart else ""
        return {"traded_with": other, "trade_id": details.get("trade_id")}
    if action == "APPROVED":
        return {"action": "approve"}
    if action == "REJECTED":
        return {"action": "reject", "rejection_reason": details.get("reason", "")}
    if action == "CANCELLED" and row.line.by != ActorRole.CLOCK:
        return {}
    return {"old_data": row.before, "new_data": row.after}


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
