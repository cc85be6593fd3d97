"""Panels and the state of their rooms."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.models import Panel, Resource
from api.queries.panels.panels import State
from api.services.panels.panels import DOOR_MINUTES


class NewPanel(serializers.Serializer[Any]):
    resource = serializers.PrimaryKeyRelatedField(queryset=Resource.objects.filter(retired_at=None))
    name = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")


class PanelShape(serializers.ModelSerializer[Panel]):
    resource_name = serializers.CharField(source="resource.name")
    waiting = serializers.SerializerMethodField(help_text="For a device to bring its code")

    class Meta:
        model = Panel
        fields = [
            "id",
            "resource",
            "resource_name",
            "name",
            "waiting",
            "paired_at",
            "last_seen_at",
            "created_at",
        ]
        read_only_fields = fields

    def get_waiting(self, panel: Panel) -> bool:
        return panel.code_hash is not None


class NewPanelShape(PanelShape):
    """Shown once: the token for a device, and a code of six digits that gets one for a browser."""

    token = serializers.CharField()
    code = serializers.CharField()
    code_expires_at = serializers.DateTimeField()

    class Meta(PanelShape.Meta):
        fields = [*PanelShape.Meta.fields, "token", "code", "code_expires_at"]
        read_only_fields = fields


class Pairing(serializers.Serializer[Any]):
    code = serializers.RegexField(r"^\s*[0-9]{3}\s?[0-9]{3}\s*$", max_length=12)

    def validate_code(self, code: str) -> str:
        return "".join(code.split())


class Paired(serializers.Serializer[Any]):
    token = serializers.CharField()
    panel = PanelShape()


class WhichBooking(serializers.Serializer[Any]):
    booking = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class DoorBooking(serializers.Serializer[Any]):
    minutes = serializers.ChoiceField(choices=DOOR_MINUTES)


# the state, as our own panels read it


class RoomShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    building = serializers.CharField()
    floor = serializers.IntegerField()
    capacity = serializers.IntegerField()
    venue = serializers.CharField()
    time_zone = serializers.CharField()


class MeetingShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    title = serializers.CharField()
    organizer = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    people = serializers.IntegerField()
    checked_in_at = serializers.DateTimeField(allow_null=True)
    check_in_from = serializers.DateTimeField(
        allow_null=True, help_text="At the door one may be earlier; null when none is awaited"
    )
    check_in_until = serializers.DateTimeField(allow_null=True)
    may_end = serializers.BooleanField()


class StateShape(serializers.Serializer[Any]):
    version = serializers.IntegerField(help_text="0 while Redis is away")
    room = RoomShape()
    status = serializers.ChoiceField(choices=("available", "upcoming", "occupied", "offline"))
    current = MeetingShape(allow_null=True)
    next = MeetingShape(allow_null=True)
    upcoming = MeetingShape(many=True)
    free_until = serializers.DateTimeField(allow_null=True)
    changes_at = serializers.DateTimeField(help_text="When time alone changes it")
    at = serializers.DateTimeField()


def state_shape(state: State) -> dict[str, Any]:
    """The state without the addresses of people: it hangs in a corridor."""
    shown = {**state, "upcoming": [_meeting(meeting) for meeting in state["upcoming"]]}
    for name in ("current", "next"):
        shown[name] = _meeting(state[name]) if state[name] else None
    return shown


def _meeting(meeting: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in meeting.items() if name != "organizer_email"}
