"""Circle Time's views, in the README's order."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

import structlog
from django.core.signals import got_request_exception
from rest_framework.request import Request
from rest_framework.response import Response

from api import errors, policy
from api.contracts import kit
from api.queries.analytics import analytics
from api.queries.panels import panels
from api.queries.venues import rooms
from api.rest.authentication import BearerAuthentication, DeviceAuthentication
from api.rest.exceptions import to_refusal
from api.rest.permissions import IsStaff, PanelOrSignedIn
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking, check_in_booking, end_booking
from api.services.bookings.create import BookingRequest, create_booking
from api.services.messages.email_context import count_minutes_freed
from api.services.panels.panels import get_actor

from . import serializers
from .errors import ERROR_MESSAGES, Broken, message_only
from .serializers import parse_id

log = structlog.get_logger("holdfast.circletime")

CAMEL_CASE = {"start_date": "startDate", "end_date": "endDate", "min_capacity": "minCapacity"}


class CircletimeView(kit.ContractView):
    contract = "circletime"
    error_messages = ERROR_MESSAGES
    token_strategy = kit.BodyTokens(rotates=True)
    message: ClassVar[str] = ""  # what the envelope of a success says

    def wrap(self, body: Any) -> Any:
        envelope = {"success": True, "data": body}
        return envelope | {"message": self.message} if self.message else envelope

    def wrap_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        properties = {"success": {"type": "boolean", "enum": [True]}, "data": schema}
        if self.message:
            properties["message"] = {"type": "string", "enum": [self.message]}
        return {"type": "object", "properties": properties, "required": list(properties)}

    def handle_exception(self, exc: Exception) -> Response:
        """A bug has the envelope too; it is logged, and reported as Django would."""
        if to_refusal(exc) is None:
            got_request_exception.send(sender=type(self), request=self.request._request)
            log.exception("unexpected", path=self.request.path)
            exc = Broken()
        return super().handle_exception(exc)

    def query_parameters(self) -> dict[str, Any]:
        """Some parameters have a second name, in camelCase."""
        query = super().query_parameters()
        second = {name: query.get(camel) for name, camel in CAMEL_CASE.items()}
        return query | {name: query.get(name) or value for name, value in second.items() if value}

    def get_room(self, pk: str) -> Any:
        """Raises `NotFound`."""
        return rooms.get_room(self.venue, parse_id(pk))

    def get_booking(self, pk: str) -> Any:
        """Whoever's it is; raises `NotFound`."""
        return rooms.get_venue_booking(self.venue, parse_id(pk))


class NotFoundView(kit.PublicView, CircletimeView):
    """Any other path; `known_by` are the contracts that would know it, and where."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise errors.NotFound("There is nothing at this address.", **kwargs)


# people


class LoginView(kit.LoginView, CircletimeView):
    request_serializer = serializers.LoginSerializer
    response_serializer = serializers.LoggedInSerializer


class RefreshView(kit.RefreshView, CircletimeView):
    request_serializer = serializers.RefreshSerializer
    response_serializer = kit.TokensSerializer
    error_messages = ERROR_MESSAGES.extended(
        {errors.Invalid: message_only("Refresh token is required")}
    )


class MeView(kit.MeView, CircletimeView):
    response_serializer = serializers.UserSerializer


# rooms


class RoomListView(CircletimeView):
    response_serializer = serializers.RoomSerializer

    @kit.operation("List rooms", query=serializers.RoomQuerySerializer, many=True)
    def get(self, request: Request) -> Any:
        """Those that meet all filters, with what goes on in them now."""
        query = self.validated_query()
        status = query.pop("status", "")
        return [row for row in rooms.search_rooms(self.venue, **query) if status in ("", row[1])]


class RoomView(CircletimeView):
    response_serializer = serializers.RoomSerializer

    @kit.operation("Show a room")
    def get(self, request: Request, room: str) -> Any:
        return rooms.get_room_with_status(self.venue, parse_id(room))


class RoomBookingListView(CircletimeView):
    response_serializer = serializers.BookingSerializer

    @kit.operation("List a room's bookings", query=serializers.DateQuerySerializer, many=True)
    def get(self, request: Request, room: str) -> Any:
        """Those that touch the date, by start, without what was cancelled."""
        resource = self.get_room(room)
        return rooms.list_room_bookings(
            resource, self.validated_query()["date"], serializers.CANCELLED
        )


# bookings


def check_without_capacity(
    rules: policy.Rules, starts_at: datetime, ends_at: datetime, now: datetime, guests: int
) -> None:
    """A small room may be full: analytics count that, nobody is turned away for it."""
    policy.check_booking(rules, starts_at, ends_at, now, guests=1)


class BookingListView(CircletimeView):
    request_serializer = serializers.CreateBookingSerializer
    response_serializer = serializers.BookingSerializer

    @kit.operation("Book a room", status=201)
    def post(self, request: Request) -> Any:
        body = self.validated()
        body["resource"] = self.get_room(body["resource"]).pk
        wanted = BookingRequest(
            owner=self.user,
            guests=len({self.user.pk, *(person.pk for person in body["attendees"])}),
            contract=self.contract,
            **body,
        )
        actor = Actor.for_new_booking(self.user)
        return create_booking(wanted, actor=actor, check=check_without_capacity)


class BookingView(CircletimeView):
    @kit.operation("Cancel a booking", response=serializers.CancelledSerializer)
    def delete(self, request: Request, booking: str) -> Any:
        """The organizer's right, and the staff's."""
        row = self.get_booking(booking)
        return cancel_booking(row.pk, self.actor_for(row))


# meetings, for the panel at the door of their room and for anybody signed in


class PanelView(CircletimeView):
    authentication_classes = (DeviceAuthentication, BearerAuthentication)
    permission_classes = (PanelOrSignedIn,)

    @property
    def panel(self) -> Any:
        """The device that calls, or None."""
        return None if self.request.user.is_authenticated else self.request.auth

    def check_panel(self, room: int) -> None:
        """Raises `Forbidden` for the panel of another room."""
        if self.panel is not None and self.panel.resource_id != room:
            raise errors.Forbidden("This panel belongs to another room.")

    def get_booking(self, pk: str) -> Any:
        booking = super().get_booking(pk)
        self.check_panel(booking.resource_id)
        return booking

    def actor_for(self, booking: Any) -> Actor:
        return get_actor(self.panel) if self.panel else super().actor_for(booking)


class CheckInView(PanelView):
    """Whoever comes first to the meeting."""

    response_serializer = serializers.CheckedInSerializer

    @kit.operation("Check in to a meeting", request=None)
    def post(self, request: Request, booking: str) -> Any:
        row = self.get_booking(booking)
        return check_in_booking(row.pk, self.actor_for(row))


class EndView(PanelView):
    response_serializer: ClassVar[Any] = serializers.EndedSerializer

    @kit.operation("End a meeting early", request=None)
    def post(self, request: Request, booking: str) -> Any:
        row = self.get_booking(booking)
        return {"freed": count_minutes_freed(end_booking(row.pk, self.actor_for(row)))}


class PanelStateView(PanelView):
    response_serializer = serializers.StateSerializer

    @kit.operation("Show the state of a room")
    def get(self, request: Request, room: str) -> Any:
        """As the WebSocket of the room sends it at every change."""
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


# analytics


class AnalyticsView(CircletimeView):
    permission_classes = (IsStaff,)

    def query_parameters(self) -> dict[str, Any]:
        query = super().query_parameters()
        if not (query.get("start_date") and query.get("end_date")):
            raise errors.Refusal("start_date and end_date query parameters are required")
        return query


class KpiView(AnalyticsView):
    response_serializer = serializers.FigureSerializer

    @kit.operation("Show the key figures", query=serializers.PeriodSerializer, many=True)
    def get(self, request: Request) -> Any:
        return serializers.build_kpi_figures(
            analytics.compute_kpi(self.venue, **self.validated_query())
        )


class UtilizationView(AnalyticsView):
    response_serializer = serializers.UtilizationSerializer

    @kit.operation(
        "Show how much each room is used",
        query=serializers.PeriodInBuildingSerializer,
        many=True,
    )
    def get(self, request: Request) -> Any:
        return analytics.compute_utilization(self.venue, **self.validated_query())


class GhostingView(AnalyticsView):
    response_serializer = serializers.GhostingSerializer

    @kit.operation("Show the no-shows of each room", query=serializers.PeriodSerializer, many=True)
    def get(self, request: Request) -> Any:
        return analytics.compute_ghosting(self.venue, **self.validated_query())


class CapacityView(AnalyticsView):
    response_serializer = serializers.CapacitySerializer

    @kit.operation("Show how full each room is", query=serializers.PeriodSerializer, many=True)
    def get(self, request: Request) -> Any:
        return analytics.compute_capacity(self.venue, **self.validated_query())
