"""The views, in the README's order. The venue and its one calendar make themselves when missing."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property
from typing import Any, ClassVar

from django.utils import timezone
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api import errors, policy
from api.documents import Schema, asks, takes
from api.queries.accounts import people
from api.queries.bookings import bookings as reservations
from api.queries.bookings import calendar, dashboards
from api.queries.bookings import trades as trades_query
from api.queries.venues import rules
from api.replies import Created, Empty, Reply
from api.rest.authentication import (
    drop_refresh_cookie,
    refresh_cookie,
    set_refresh_cookie,
)
from api.rest.base_view import BaseAPIView
from api.rest.permissions import IsAdmin, IsStaff
from api.rest.throttling import AddressThrottle
from api.services.accounts import accounts, tokens
from api.services.actors import Actor
from api.services.bookings import trades
from api.services.bookings.actions import approve_booking, cancel_booking, reject_booking
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.reschedule import BookingChanges, reschedule_booking
from api.services.venues import primetime_windows, venues

from . import answers, shapes
from .errors import REFUSALS, Words, answer

NAME = "primetime"
COURT = "The Court"


class Face(BaseAPIView):
    schema = Schema()
    refusals = REFUSALS
    words: ClassVar[Words] = {}

    def explain(self, refusal: errors.Refusal) -> Response:
        return answer(refusal, self.words)

    @cached_property
    def venue(self) -> Any:
        return venues.of_contract(NAME)

    def today(self) -> date:
        return timezone.now().astimezone(self.venue.zone).date()

    def midnight(self, on: date) -> Any:
        return policy.to_instant(self.venue.zone, on, shapes.MIDNIGHT)

    def asked(self, shape: Any) -> dict[str, Any]:
        """The query string; a parameter without a value was not asked."""
        given = {name: value for name, value in self.request.query_params.items() if value}
        reader = shape(data=given)
        reader.is_valid(raise_exception=True)
        return dict(reader.validated_data)

    def reservation(self, pk: int) -> Any:
        """The booking, for its owner and for admins."""
        booking = reservations.with_everything(pk)
        if booking.venue.slug != NAME:
            raise errors.NotFound
        if not self.user.is_staff and booking.owner_id != self.user.pk:
            raise errors.Forbidden
        return booking


# users


class Anonymous(Face):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (AddressThrottle,)


class Register(Anonymous):
    @takes(shapes.Registration)
    def post(self, request: Request) -> Created[answers.Person]:
        user = accounts.register(strong=False, **self.read(shapes.Registration))
        return Created(shapes.person(user))


class Login(Anonymous):
    words: ClassVar[Words] = {
        errors.Invalid: "Email and password are required",
        errors.WrongCredentials: "Invalid credentials",
    }

    @takes(shapes.Credentials)
    def post(self, request: Request) -> Reply[answers.SignedIn]:
        body = self.read(shapes.Credentials)
        address = AddressThrottle().get_ident(request)
        user = accounts.sign_in(login=body["email"], password=body["password"], address=address)
        pair = tokens.issue(user, NAME)
        response: Reply[answers.SignedIn] = Reply(
            {
                "message": "Login successful",
                "tokens": {"access": pair.access, "refresh": pair.refresh},
                "user": shapes.person(user),
            }
        )
        set_refresh_cookie(response, pair)
        return response


class Refresh(Anonymous):
    """By the cookie that signing in has set; it is set anew."""

    def post(self, request: Request) -> Reply[answers.Access]:
        pair = tokens.rotate(refresh_cookie(request), NAME)
        response: Reply[answers.Access] = Reply({"access": pair.access})
        set_refresh_cookie(response, pair)
        return response


class Logout(Anonymous):
    """Of the cookie that signing in has set."""

    def post(self, request: Request) -> Reply[answers.Message]:
        tokens.revoke(refresh_cookie(request))
        response: Reply[answers.Message] = Reply({"message": "Logged out"})
        drop_refresh_cookie(response)
        return response


class Me(Face):
    def get(self, request: Request) -> Reply[answers.Person]:
        return Reply(shapes.person(self.user))


class Users(Face):
    """Counts, never the people themselves."""

    permission_classes = (IsAdmin,)

    def get(self, request: Request) -> Reply[answers.Counts]:
        roles = people.by_role()
        return Reply({"total_users": sum(roles.values()), "by_role": roles})


class OneUser(Face):
    """Oneself, or anybody for an admin."""

    def _person(self, pk: int) -> Any:
        if pk != self.user.pk and not self.user.is_admin:
            raise errors.Forbidden
        return people.anyone(pk)

    def get(self, request: Request, pk: int) -> Reply[answers.Person]:
        return Reply(shapes.person(self._person(pk)))

    @takes(shapes.PersonEdit(partial=True))
    def put(self, request: Request, pk: int) -> Reply[answers.Person]:
        user, changes = self._person(pk), self.read(shapes.PersonEdit, partial=True)
        return Reply(shapes.person(accounts.edit(user, changes, by=self.user)))

    patch = put

    def delete(self, request: Request, pk: int) -> Empty:
        accounts.erase(self._person(pk))
        return Empty()


# reservations


class Reservations(Face):
    @asks(shapes.Filter)
    def get(self, request: Request) -> Reply[list[answers.Reservation]]:
        asked = self.asked(shapes.Filter)
        rows = reservations.visible_to(self.user).select_related("approved_by")
        rows = rows.filter(venue=self.venue)
        if on := asked.get("date"):
            ends = self.midnight(on + timedelta(days=1))
            rows = rows.filter(starts_at__gte=self.midnight(on), starts_at__lt=ends)
        if self.user.is_staff and (part := asked.get("user")):
            rows = rows.filter(owner__email__icontains=part)
        shown = (shapes.reservation(row) for row in rows.order_by("-created_at", "-id"))
        return Reply([r for r in shown if asked.get("status") in (None, r["status"])])

    @takes(shapes.NewReservation)
    def post(self, request: Request) -> Created[answers.Reservation]:
        wanted = shapes.planned(self.venue.zone, self.read(shapes.NewReservation))
        court = venues.only_resource(self.venue, COURT).pk
        booking = create_booking(
            BookingRequest(owner=self.user, resource=court, contract=NAME, **wanted),
            actor=Actor.for_new_booking(self.user),
        )
        return Created(shapes.reservation(booking))


class OneReservation(Face):
    def explain(self, refusal: errors.Refusal) -> Response:
        if isinstance(refusal, (errors.NotAllowedNow, errors.AlreadyBegun)):
            done = "cancelled" if self.request.method == "DELETE" else "edited"
            text = f"This reservation cannot be {done}: it is past, or closed already."
            return Response({"error": text}, status=400)
        return super().explain(refusal)

    def _open(self, pk: int) -> Any:
        booking = self.reservation(pk)
        if not shapes.is_open(booking):
            raise errors.NotAllowedNow(current=booking.status)
        return booking

    def get(self, request: Request, pk: int) -> Reply[answers.Reservation]:
        return Reply(shapes.reservation(self.reservation(pk)))

    @takes(shapes.NewReservation(partial=True))
    def put(self, request: Request, pk: int) -> Reply[answers.Reservation]:
        booking, body = self._open(pk), self.read(shapes.NewReservation, partial=True)
        changes = shapes.planned(booking.venue.zone, body, booking)
        reschedule_booking(pk, Actor.for_booking(self.user, booking), BookingChanges(**changes))
        return Reply(shapes.reservation(self.reservation(pk)))

    patch = put

    def delete(self, request: Request, pk: int) -> Empty:
        cancel_booking(pk, Actor.for_booking(self.user, self._open(pk)))
        return Empty()


class Answer(Face):
    """An admin's answer to a request."""

    permission_classes = (IsStaff,)

    @takes(shapes.Approval)
    def post(self, request: Request, pk: int) -> Reply[answers.Reservation]:
        self.reservation(pk)
        body, actor = self.read(shapes.Approval), Actor.person(self.user)
        if body["action"] == "approve":
            approve_booking(pk, actor)
        else:
            reject_booking(pk, actor, body["rejection_reason"])
        return Reply(shapes.reservation(self.reservation(pk)))


# calendar and settings


class Calendar(Face):
    @asks(shapes.Range)
    def get(self, request: Request) -> Reply[answers.Calendar]:
        asked = self.asked(shapes.Range)
        court = self._court()
        today = timezone.now().astimezone(court.venue.zone).date()
        first = asked.get("start_date", today)
        last = asked.get("end_date", first + timedelta(days=7))
        if not 0 <= (last - first).days < calendar.MAX_DAYS:
            said = f"From the start date on, at most {calendar.MAX_DAYS} days."
            raise errors.Invalid(errors={"end_date": [said]})
        days = [
            shapes.day(d, court, self.user) for d in calendar.days([court], first, last, begun=True)
        ]
        return Reply({"start_date": first, "end_date": last, "calendar": days})

    def _court(self) -> Any:
        """With all that its calendar needs at hand."""
        mine = rules.resources_with_rules().filter(venue__slug=NAME)
        if court := mine.first():
            return court
        venues.only_resource(self.venue, COURT)
        return mine.first()


class Settings(Face):
    permission_classes = (IsAdmin,)

    def get(self, request: Request) -> Reply[answers.Settings]:
        return Reply(shapes.settings(self.venue))

    @takes(shapes.SettingsEdit(partial=True))
    def put(self, request: Request) -> Reply[answers.Settings]:
        body = self.read(shapes.SettingsEdit, partial=True)
        return Reply(shapes.settings(venues.change(self.venue, shapes.columns(self.venue, body))))

    patch = put


class Windows(Face):
    permission_classes = (IsStaff,)

    def get(self, request: Request) -> Reply[list[answers.Window]]:
        return Reply([shapes.window(row) for row in primetime_windows.of(self.venue)])

    @takes(shapes.Window)
    def post(self, request: Request) -> Created[answers.Window]:
        row = primetime_windows.open_one(self.venue, self.read(shapes.Window))
        return Created(shapes.window(row))


class OneWindow(Face):
    permission_classes = (IsStaff,)

    def get(self, request: Request, pk: int) -> Reply[answers.Window]:
        return Reply(shapes.window(primetime_windows.one(self.venue, pk)))

    @takes(shapes.Window(partial=True))
    def put(self, request: Request, pk: int) -> Reply[answers.Window]:
        primetime_windows.one(self.venue, pk)
        body = self.read(shapes.Window, partial=True)
        return Reply(shapes.window(primetime_windows.change(self.venue, pk, body)))

    patch = put

    def delete(self, request: Request, pk: int) -> Empty:
        primetime_windows.drop(self.venue, pk)
        return Empty()


# trades


class Trades(Face):
    def get(self, request: Request) -> Reply[answers.Trades]:
        rows = list(trades_query.visible_to(self.user).filter(target_booking__venue=self.venue))
        mine = [row for row in rows if row.requester_id == self.user.pk]
        asked = [row for row in rows if row.target_id == self.user.pk]
        return Reply(
            {
                "sent_requests": [shapes.trade(row, self.user) for row in mine],
                "received_requests": [shapes.trade(row, self.user) for row in asked],
            }
        )

    @takes(shapes.NewTrade)
    def post(self, request: Request) -> Created[answers.Trade]:
        body = self.read(shapes.NewTrade)
        made = trades.offer_trade(
            requester=self.user,
            mine=body["requester_reservation_id"],
            theirs=body["target_reservation_id"],
            message=body.get("message", ""),
            venue=self.venue.pk,
        )
        return Created(shapes.trade(trades_query.one(self.user, made.pk), self.user))


class OneTrade(Face):
    words: ClassVar[Words] = {
        errors.NotFound: "Trade request not found or already processed",
        errors.NotAllowedNow: "Trade request not found or already processed",
        errors.Forbidden: "Only the person who was asked can answer a trade request",
    }

    def explain(self, refusal: errors.Refusal) -> Response:
        if isinstance(refusal, errors.Invalid) and "action" in refusal.errors:
            return Response({"error": 'Action must be either "accept" or "reject"'}, status=400)
        return super().explain(refusal)

    def get(self, request: Request, pk: int) -> Reply[answers.Trade]:
        return Reply(shapes.trade(self._trade(pk), self.user))

    @takes(shapes.TradeAnswer)
    def post(self, request: Request, pk: int) -> Reply[answers.Trade]:
        if self._trade(pk).target_id != self.user.pk:
            raise errors.Forbidden
        body = self.read(shapes.TradeAnswer)
        verb = trades.accept_trade if body["action"] == "accept" else trades.reject_trade
        verb(pk, self.user, body.get("response_message", ""))
        return self.get(request, pk)

    def _trade(self, pk: int) -> Any:
        return trades_query.one(self.user, pk, target_booking__venue=self.venue)


# dashboards


class Dashboard(Face):
    def recent(self, lines: Any) -> list[answers.Activity]:
        found = list(lines)
        met = people.addresses(line.details.get("traded_with", 0) for line in found)
        return [shapes.activity(line, self.venue.zone, met) for line in found]


class MyDashboard(Dashboard):
    def get(self, request: Request) -> Reply[answers.MyDashboard]:
        shown = dashboards.of_person_at(self.venue, self.user, self.midnight(self.today()))
        return Reply(
            {
                "upcoming_reservations": [shapes.reservation(row) for row in shown["upcoming"]],
                "pending_trades": trades_query.waiting(self.user, target_booking__venue=self.venue),
                "recent_activity": self.recent(shown["recent"]),
            }
        )


class AdminDashboard(Dashboard):
    permission_classes = (IsStaff,)

    def get(self, request: Request) -> Reply[answers.AdminDashboard]:
        today = self.today()
        until = self.midnight(today + timedelta(days=1))
        shown = dashboards.of_staff_at(self.venue, self.midnight(today), until)
        return Reply(
            {
                "pending_approvals": shown["waiting"],
                "todays_reservations": shown["confirmed"],
                "recent_activity": self.recent(shown["recent"]),
            }
        )


class Health(Face):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Reply[answers.Healthy]:
        return Reply({"status": "ok"})
