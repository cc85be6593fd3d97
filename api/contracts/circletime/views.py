"""The endpoints of Circle Time, in the order of its README."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request

from api import errors, policy
from api.documents import asks, takes
from api.queries.analytics import analytics
from api.queries.panels import panels
from api.queries.venues import rooms
from api.replies import Created, Reply
from api.rest.authentication import BearerAuthentication, DeviceAuthentication
from api.rest.permissions import IsStaff, PanelOrSignedIn
from api.rest.throttling import AddressThrottle
from api.services.accounts import accounts, tokens
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking, check_in_booking, end_booking
from api.services.bookings.create import BookingRequest, create_booking
from api.services.messages.email_context import count_minutes_freed
from api.services.panels import panels as doors
from api.services.venues import venues

from . import answers, shapes
from .answers import Success
from .errors import CircletimeDoor, MissingDates, MissingRefresh
from .shapes import success


class View(CircletimeDoor):
    permission_classes: Sequence[Any] = (IsAuthenticated,)

    @cached_property
    def venue(self) -> Any:
        return venues.of_contract("circletime")


class Nowhere(CircletimeDoor):
    """Any other path; `known_by` are the contracts that would know it, and where."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise errors.NotFound("There is nothing at this address.", **kwargs)


# 1 people


class Login(View):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (AddressThrottle,)

    @takes(shapes.Login)
    def post(self, request: Request) -> Reply[Success[answers.SignedIn]]:
        body = self.read(shapes.Login)
        address = AddressThrottle().get_ident(request)
        user = accounts.sign_in(login=body["email"], password=body["password"], address=address)
        pair = tokens.issue(user, "circletime")
        return Reply(
            success(
                {
                    "token": pair.access,
                    "access": pair.access,
                    "refresh": pair.refresh,
                    "user": shapes.user(user),
                }
            )
        )


class Refresh(View):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (AddressThrottle,)

    @takes(shapes.RefreshBody)
    def post(self, request: Request) -> Reply[Success[answers.Tokens]]:
        body = request.data if isinstance(request.data, dict) else {}
        if not isinstance(body.get("refresh"), str) or not body["refresh"]:
            raise MissingRefresh
        pair = tokens.rotate(body["refresh"], "circletime")
        return Reply(success({"access": pair.access, "refresh": pair.refresh}))


class Me(View):
    def get(self, request: Request) -> Reply[Success[answers.User]]:
        return Reply(success(shapes.user(self.user)))


# 2 rooms


class Rooms(View):
    @asks(shapes.Search)
    def get(self, request: Request) -> Reply[Success[list[answers.Room]]]:
        asked, wanted = request.query_params, shapes.words(request.query_params.get("amenities"))
        found = rooms.search(
            self.venue,
            text=asked.get("search", "").strip(),
            building=asked.get("building", "").strip(),
            floor=shapes.integer(asked.get("floor")),
            min_capacity=shapes.integer(asked.get("min_capacity") or asked.get("minCapacity")),
            amenities=wanted,
        )
        status = asked.get("status")
        return Reply(success([shapes.room(*one) for one in found if status in (None, "", one[1])]))


class OneRoom(View):
    def get(self, request: Request, room: str) -> Reply[Success[answers.Room]]:
        found = rooms.with_status(self.venue, shapes.number(room))
        return Reply(success(shapes.room(*found)))


class RoomBookings(View):
    @asks(shapes.OnDate)
    def get(self, request: Request, room: str) -> Reply[Success[list[answers.Booking]]]:
        place = rooms.one(self.venue, shapes.number(room))
        on: date = self.query(shapes.OnDate)["date"]
        found = rooms.bookings_on(place, on, shapes.GONE)
        return Reply(success([shapes.booking(row) for row in found]))


# 3 bookings


def _any_number_of_people(
    rules: policy.Rules, starts_at: datetime, ends_at: datetime, now: datetime, guests: int
) -> None:
    """A small room may be full: analytics count that, nobody is turned away for it."""
    policy.check_booking(rules, starts_at, ends_at, now, guests=1)


class Bookings(View):
    @takes(shapes.NewBooking)
    def post(self, request: Request) -> Created[Success[answers.Booking]]:
        body = self.read(shapes.NewBooking)
        people = shapes.attendees(body.get("attendeeIds") or [])
        made = create_booking(
            BookingRequest(
                owner=self.user,
                resource=rooms.one(self.venue, shapes.number(body["roomId"])).pk,
                starts_at=body["startTime"],
                ends_at=body["endTime"],
                title=body["title"],
                notes=body.get("description") or "",
                guests=1 + len({one.pk for one in people} - {self.user.pk}),
                attendees=people,
                contract="circletime",
            ),
            actor=Actor.for_new_booking(self.user),
            check=_any_number_of_people,
        )
        return Created(success(shapes.booking(made)))


class OneBooking(View):
    def delete(self, request: Request, booking: str) -> Reply[Success[answers.Cancelled]]:
        row = rooms.booking_of(self.venue, shapes.number(booking))
        cancel_booking(row.pk, Actor.for_booking(self.user, row))
        return Reply(success({"cancelled": True}))


# 4 panels: a device's own token, or anybody's


class PanelView(View):
    authentication_classes = (DeviceAuthentication, BearerAuthentication)
    permission_classes = (PanelOrSignedIn,)

    @property
    def panel(self) -> Any:
        """The device that calls, or None."""
        return None if self.request.user.is_authenticated else self.request.auth

    def only_at(self, room: int) -> None:
        """Refuses `Forbidden` to the panel of another room."""
        if self.panel is not None and self.panel.resource_id != room:
            raise errors.Forbidden("This panel belongs to another room.")


class PanelState(PanelView):
    def get(self, request: Request, room: str) -> Reply[Success[answers.State]]:
        place = rooms.one(self.venue, shapes.number(room))
        self.only_at(place.pk)
        return Reply(success(shapes.state(panels.get_state(place.pk))))


class PanelVerb(PanelView):
    def row(self, booking: str) -> tuple[int, Actor]:
        row = rooms.booking_of(self.venue, shapes.number(booking))
        self.only_at(row.resource_id)
        actor = doors.get_actor(self.panel) if self.panel else Actor.for_booking(self.user, row)
        return row.pk, actor


class CheckIn(PanelVerb):
    """Whoever comes first to the meeting."""

    def post(self, request: Request, booking: str) -> Reply[Success[answers.CheckedIn]]:
        done = check_in_booking(*self.row(booking))
        return Reply(success({"checkedIn": True, "checkedInAt": done.checked_in_at}))


class End(PanelVerb):
    def post(self, request: Request, booking: str) -> Reply[Success[answers.Ended]]:
        freed = count_minutes_freed(end_booking(*self.row(booking)))
        return Reply(success({"ended": True, "freedMinutes": freed}))


class PanelCheckIn(PanelVerb):
    def post(self, request: Request, booking: str) -> Reply[Success[None]]:
        check_in_booking(*self.row(booking))
        return Reply(success(None, "Checked in successfully"))


class PanelEnd(PanelVerb):
    def post(self, request: Request, booking: str) -> Reply[Success[answers.Freed]]:
        freed = count_minutes_freed(end_booking(*self.row(booking)))
        return Reply(success({"freedMinutes": freed}, "Meeting ended"))


# 5 analytics


class Analytics(View):
    permission_classes = (IsStaff,)

    def dates(self) -> tuple[date, date]:
        """Both required, the first not after the last; refuses 400."""
        asked = self.request.query_params
        given = [asked.get(f"{end}_date") or asked.get(f"{end}Date") for end in ("start", "end")]
        if not all(given):
            raise MissingDates
        return shapes.date_range(*given)


class Kpi(Analytics):
    @asks(shapes.Dates)
    def get(self, request: Request) -> Reply[Success[list[answers.Figure]]]:
        return Reply(success(shapes.kpi(analytics.compute_kpi(self.venue, *self.dates()))))


class Utilization(Analytics):
    @asks(shapes.DatesInBuilding)
    def get(self, request: Request) -> Reply[Success[list[answers.Utilization]]]:
        building = request.query_params.get("building", "").strip() or None
        found = analytics.compute_utilization(self.venue, *self.dates(), building=building)
        return Reply(success(shapes.utilization(found)))


class Ghosting(Analytics):
    @asks(shapes.Dates)
    def get(self, request: Request) -> Reply[Success[list[answers.Ghosting]]]:
        found = analytics.compute_ghosting(self.venue, *self.dates())
        return Reply(success(shapes.ghosting(found)))


class Capacity(Analytics):
    @asks(shapes.Dates)
    def get(self, request: Request) -> Reply[Success[list[answers.Capacity]]]:
        found = analytics.compute_capacity(self.venue, *self.dates())
        return Reply(success(shapes.capacity(found)))
