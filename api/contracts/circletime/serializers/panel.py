"""What a panel shows and says."""

from typing import Any

from rest_framework.serializers import CharField, ChoiceField, IntegerField

from api.contracts import kit

from .fields import IsSetField
from .rooms import RoomSummarySerializer


class MeetingSerializer(kit.Serializer):
    id = CharField()
    title = CharField()
    organizer = CharField(help_text="The name")
    organizerEmail = CharField(source="organizer_email")
    startTime = kit.InstantField(source="starts_at")
    endTime = kit.InstantField(source="ends_at")
    attendeeCount = IntegerField(source="people", help_text="With the organizer")
    checkedIn = IsSetField(source="checked_in_at")
    checkedInAt = kit.InstantField(source="checked_in_at", allow_null=True)


class StateSerializer(kit.Serializer):
    """A room is `upcoming` when the next meeting begins within 15 minutes."""

    room = RoomSummarySerializer()
    status = ChoiceField(choices=("available", "occupied", "upcoming", "offline"))
    currentMeeting = MeetingSerializer(source="current", allow_null=True)
    nextMeeting = MeetingSerializer(source="next", allow_null=True)
    upcomingMeetings = MeetingSerializer(source="upcoming", many=True)
    lastUpdated = kit.InstantField(source="at")

    def to_representation(self, state: Any) -> Any:
        """What is blocked is out of use here."""
        status = "offline" if state["status"] == "blocked" else state["status"]
        return super().to_representation({**state, "status": status})


class PanelEndedSerializer(kit.Serializer):
    freedMinutes = IntegerField(source="freed", help_text="Whole minutes until the planned end")
