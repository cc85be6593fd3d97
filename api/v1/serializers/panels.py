"""Panels, and the state of the room that each one shows."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.models import Panel, Resource
from api.queries.panels.panels import State
from api.services.panels.panels import WALK_IN_MINUTES

from .base import StrictSerializer, describe, example
from .fields import IdField

PANEL = {
    "id": 2,
    "resource": 3,
    "resource_name": "Borealis",
    "name": "Beside the door",
    "waiting": False,
    "paired_at": "2030-04-01T08:00:00Z",
    "last_seen_at": "2030-05-01T08:59:30Z",
    "created_at": "2030-04-01T07:55:00Z",
}
MEETING = {
    "id": 12,
    "title": "Planning",
    "organizer": "Ana Example",
    "starts_at": "2030-05-01T09:00:00Z",
    "ends_at": "2030-05-01T10:00:00Z",
    "people": 4,
    "checked_in_at": None,
    "check_in_from": "2030-05-01T08:45:00Z",
    "check_in_until": "2030-05-01T09:15:00Z",
    "may_end": False,
}


@example(request={"resource": 3, "name": "Beside the door"})
class NewPanelSerializer(StrictSerializer):
    resource = serializers.PrimaryKeyRelatedField(
        queryset=Resource.objects.filter(retired_at=None),
        help_text="The id of the room at whose door it hangs.",
    )
    name = serializers.CharField(
        max_length=120,
        required=False,
        allow_blank=True,
        default="",
        help_text="What staff call it.",
    )


@example(PANEL)
class PanelSerializer(serializers.ModelSerializer[Panel]):
    resource_name = serializers.CharField(source="resource.name", help_text="The room's name.")
    waiting = serializers.SerializerMethodField(
        help_text="Whether its code still waits to be typed in."
    )

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
        extra_kwargs = describe(
            resource="The id of the room at whose door it hangs.",
            name="What staff call it.",
            paired_at="When a device brought the code; null until then.",
            last_seen_at="When it was heard of last; null if never.",
        )

    def get_waiting(self, panel: Panel) -> bool:
        return panel.code_hash is not None


@example(
    PANEL
    | {
        "waiting": True,
        "paired_at": None,
        "last_seen_at": None,
        "token": "hfp_9f2c…",
        "code": "417206",
        "code_expires_at": "2030-04-01T08:05:00Z",
    }
)
class PanelWithSecretsSerializer(PanelSerializer):
    """Shown once: the token for a device, and a code of six digits that gets one for a browser."""

    token = serializers.CharField(help_text="For `Authorization: Panel …`.")
    code = serializers.CharField(help_text="Six digits to type in at the door.")
    code_expires_at = serializers.DateTimeField(help_text="Until when the code is good.")

    class Meta(PanelSerializer.Meta):
        fields = [*PanelSerializer.Meta.fields, "token", "code", "code_expires_at"]
        read_only_fields = fields


@example(request={"code": "417 206"})
class PairingSerializer(StrictSerializer):
    code = serializers.RegexField(
        r"^\s*[0-9]{3}\s?[0-9]{3}\s*$",
        max_length=12,
        help_text="The six digits that staff were shown.",
    )

    def validate_code(self, code: str) -> str:
        return "".join(code.split())


@example({"token": "hfp_9f2c…", "panel": PANEL})
class PairedSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="For `Authorization: Panel …`; shown this once.")
    panel = PanelSerializer(help_text="What it is now.")


@example(request={"booking": 12})
class PanelBookingSerializer(StrictSerializer):
    booking = IdField(help_text="The booking that the panel shows.")


@example(request={"minutes": 30})
class WalkInSerializer(StrictSerializer):
    minutes = serializers.ChoiceField(
        choices=WALK_IN_MINUTES, help_text="How long the room is wanted, from now on."
    )


# the state of a room


class RoomSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="The id of the resource.")
    name = serializers.CharField(help_text="Its name.")
    building = serializers.CharField(help_text="The building that it is in.")
    floor = serializers.IntegerField(help_text="The floor that it is on.")
    capacity = serializers.IntegerField(help_text="How many people fit.")
    units = serializers.IntegerField(help_text="How many identical places it has.")
    venue = serializers.CharField(help_text="The slug of its venue.")
    time_zone = serializers.CharField(help_text="The time zone of its clock on the wall.")


class MeetingSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="The id of the booking.")
    title = serializers.CharField(help_text="What it is for.")
    organizer = serializers.CharField(help_text="The name of whose booking it is.")
    starts_at = serializers.DateTimeField(help_text="When it begins.")
    ends_at = serializers.DateTimeField(help_text="When it ends.")
    people = serializers.IntegerField(help_text="How many come.")
    checked_in_at = serializers.DateTimeField(
        allow_null=True, help_text="When somebody checked in; null until then."
    )
    check_in_from = serializers.DateTimeField(
        allow_null=True, help_text="At the door one may be earlier; null when none is awaited."
    )
    check_in_until = serializers.DateTimeField(
        allow_null=True, help_text="Until when one may check in; null when none is awaited."
    )
    may_end = serializers.BooleanField(help_text="Whether the panel may end it now.")


class BlockedTimeSerializer(serializers.Serializer[Any]):
    starts_at = serializers.DateTimeField(help_text="When it begins.")
    ends_at = serializers.DateTimeField(help_text="When it ends.")


@example(
    {
        "version": 18,
        "room": {
            "id": 3,
            "name": "Borealis",
            "building": "East",
            "floor": 2,
            "capacity": 8,
            "units": 1,
            "venue": "circletime",
            "time_zone": "Europe/Berlin",
        },
        "status": "upcoming",
        "current": None,
        "next": MEETING,
        "upcoming": [MEETING],
        "blocked": [{"starts_at": "2030-05-01T12:00:00Z", "ends_at": "2030-05-01T13:00:00Z"}],
        "free_units": 1,
        "free_until": "2030-05-01T09:00:00Z",
        "changes_at": "2030-05-01T09:00:00Z",
        "at": "2030-05-01T08:50:00Z",
    }
)
class RoomStateSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(
        help_text="One more with every change; 0 while Redis is away."
    )
    room = RoomSerializer(help_text="The room.")
    status = serializers.ChoiceField(
        choices=("available", "upcoming", "occupied", "blocked", "offline"),
        help_text="What the door shows; of several units it is occupied when none is free.",
    )
    current = MeetingSerializer(allow_null=True, help_text="What is on now.")
    next = MeetingSerializer(allow_null=True, help_text="What is on next.")
    upcoming = MeetingSerializer(many=True, help_text="The rest of the day.")
    blocked = BlockedTimeSerializer(many=True, help_text="When staff keep it, now and today.")
    free_units = serializers.IntegerField(help_text="How many of its units are free now.")
    free_until = serializers.DateTimeField(
        allow_null=True, help_text="Until when one of them is free; null while none is."
    )
    changes_at = serializers.DateTimeField(help_text="When time alone changes it next.")
    at = serializers.DateTimeField(help_text="When this was so.")


def render_room_state(state: State) -> dict[str, Any]:
    """The state without people's addresses: it hangs in a corridor. REST and the socket send it."""
    shown = {**state, "upcoming": [_render_meeting(meeting) for meeting in state["upcoming"]]}
    for name in ("current", "next"):
        shown[name] = _render_meeting(state[name]) if state[name] else None
    return shown


def _render_meeting(meeting: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in meeting.items() if name != "organizer_email"}
