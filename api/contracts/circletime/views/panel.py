"""Meetings, for the panel at the door of their room and for anybody signed in."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request

from api import errors
from api.contracts import kit
from api.contracts.circletime.serializers import bookings as booking_serializers
from api.contracts.circletime.serializers import panel as serializers
from api.queries.panels import panels
from api.rest.authentication import BearerAuthentication, DeviceAuthentication
from api.rest.origins import is_untrusted_origin
from api.rest.permissions import PanelOrSignedIn
from api.rest.throttling import client_ip
from api.services.actors import Actor
from api.services.bookings.actions import check_in_booking, end_booking
from api.services.messages.email_context import count_minutes_freed
from api.services.panels.panels import get_actor, is_on_panel_network

from .base import CircletimeView


class PanelOrSignedInOrOnNetwork(PanelOrSignedIn):
    """Also a panel without a token on a network that the venue names; no web page of strangers
    that somebody there has open."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if super().has_permission(request, view):
            return True
        on_network = is_on_panel_network(view.venue, client_ip(request))
        return on_network and not is_untrusted_origin(request)


class PanelView(CircletimeView):
    authentication_classes = (DeviceAuthentication, BearerAuthentication)
    permission_classes = (PanelOrSignedInOrOnNetwork,)

    @property
    def panel(self) -> Any:
        """The device that calls, or None: a person, or a panel that its network lets in."""
        return None if self.request.user.is_authenticated else self.request.auth

    def check_panel(self, room: int) -> None:
        """Raises `Forbidden` for the panel of another room."""
        if self.panel is not None and self.panel.resource_id != room:
            raise errors.Forbidden("This panel belongs to another room.")

    def get_booking(self, pk: str) -> Any:
        """Raises `NotFound`, also to the panel of another venue."""
        if self.panel is not None and self.panel.resource.venue_id != self.venue.pk:
            raise errors.NotFound("There is no such booking.")
        booking = super().get_booking(pk)
        self.check_panel(booking.resource_id)
        return booking

    def actor_for(self, booking: Any) -> Actor:
        if self.request.user.is_authenticated:
            return super().actor_for(booking)
        return get_actor(self.panel)


class CheckInView(PanelView):
    """Whoever comes first to the meeting."""

    response_serializer = booking_serializers.CheckedInSerializer

    @kit.operation("Check in to a meeting", request=None)
    def post(self, request: Request, booking: str) -> Any:
        row = self.get_booking(booking)
        return check_in_booking(row.pk, self.actor_for(row))


class EndView(PanelView):
    response_serializer: ClassVar[Any] = booking_serializers.EndedSerializer

    @kit.operation("End a meeting early", request=None)
    def post(self, request: Request, booking: str) -> Any:
        row = self.get_booking(booking)
        return {"freed": count_minutes_freed(end_booking(row.pk, self.actor_for(row)))}


class PanelStateView(PanelView):
    response_serializer = serializers.StateSerializer

    @kit.operation("Show the state of a room")
    def get(self, request: Request, room: str) -> Any:
        """As the WebSocket of the room sends it at every change. For the venue's people."""
        if request.user.is_authenticated and not self.is_member:
            raise errors.Forbidden
        pk = self.get_room(room).pk
        self.check_panel(pk)
        return panels.get_state(pk)


class PanelCheckInView(CheckInView):
    message = "Checked in successfully"

    def wrap(self, body: Any) -> Any:
        return super().wrap(None)

    def wrap_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return super().wrap_schema({"type": "null"})


class PanelEndView(EndView):
    response_serializer = serializers.PanelEndedSerializer
    message = "Meeting ended"
