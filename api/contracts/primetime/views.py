"""The views for everybody, in the README's order."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from rest_framework.request import Request

from api import errors, policy
from api.contracts import kit
from api.queries.accounts import people
from api.queries.bookings import bookings as reservations
from api.queries.bookings import calendar, dashboards
from api.queries.bookings import trades as trades_query
from api.queries.venues import rules
from api.rest.authentication import get_proof
from api.services.accounts import accounts, erasure, memberships
from api.services.actors import Actor
from api.services.bookings import trades
from api.services.bookings.actions import cancel_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.reschedule import reschedule_booking
from api.services.venues import venues

from . import serializers
from .base import PrimetimeView
from .dashboards import DashboardSerializer, list_recent_activity
from .errors import ERROR_MESSAGES

COURT = "The Court"
ROLES = {"user": "customer", "staff": "staff", "admin": "admin"}


# users


class RegisterView(kit.RegisterView, PrimetimeView):
    request_serializer = serializers.RegisterSerializer
    response_serializer = serializers.AccountSerializer


class LoginView(kit.LoginView, PrimetimeView):
    request_serializer = serializers.LoginSerializer
    response_serializer = serializers.LoggedInSerializer
    error_messages = ERROR_MESSAGES.extended(
        {
            errors.Invalid: kit.error("Email and password are required"),
            errors.WrongCredentials: kit.error("Invalid credentials"),
        }
    )


class RefreshView(kit.RefreshView, PrimetimeView):
    """By the cookie that signing in has set; it is set anew."""

    response_serializer = kit.AccessSerializer


class LogoutView(kit.LogoutView, PrimetimeView):
    """Of the cookie that signing in has set."""

    response_serializer = serializers.LoggedOutSerializer


class MeView(kit.MeView, PrimetimeView):
    response_serializer = serializers.AccountSerializer


class UserView(PrimetimeView):
    """Oneself, or any of the venue's people for an admin."""

    request_serializer = serializers.UpdateAccountSerializer
    response_serializer = serializers.AccountSerializer

    def get_user(self, pk: int) -> Any:
        if pk != self.user.pk and not self.is_admin:
            raise errors.Forbidden
        return people.get_visible(self.user, pk, self.venue.pk)

    @kit.operation("Show an account")
    def get(self, request: Request, pk: int) -> Any:
        return self.get_user(pk)

    @kit.operation("Change an account", partial=True)
    def put(self, request: Request, pk: int) -> Any:
        body, user = self.validated(), self.get_user(pk)
        proof = get_proof(request, body.pop("current_password", None))
        with transaction.atomic():
            if role := body.pop("role", ""):
                self.set_role(user, ROLES[role])
            return accounts.update_account(user, body, by=self.user, proof=proof, venue=self.venue)

    def set_role(self, user: Any, role: str) -> None:
        """Forms send back the role that they were shown."""
        if self.get_shown_role(user) == role:
            return
        if not self.is_admin:
            raise errors.Forbidden
        memberships.set_role_in(self.venue, user, role, by=self.user)

    def get_shown_role(self, user: Any) -> str:
        own = memberships.get_role(user, self.venue.pk) or "customer"
        return "admin" if user.is_operator else own

    patch = put

    @kit.operation("Erase an account")
    def delete(self, request: Request, pk: int) -> Any:
        user = self.get_user(pk)
        if pk == self.user.pk:
            erasure.erase_account(user, by=self.user)
        else:
            erasure.remove_person(user, self.venue.pk, by=self.user)


# reservations


class ReservationListView(PrimetimeView):
    request_serializer = serializers.CreateReservationSerializer
    response_serializer = serializers.ReservationSerializer

    @kit.operation("List reservations", query=serializers.ReservationQuerySerializer, many=True)
    def get(self, request: Request) -> Any:
        """One's own, all for staff, newest first."""
        query = self.validated_query()
        rows = reservations.list_visible_bookings(self.user).select_related("approved_by")
        rows = rows.filter(venue=self.venue).prefetch_related(None)
        if on := query.get("date"):
            ends = self.midnight(on + timedelta(days=1))
            rows = rows.filter(starts_at__gte=self.midnight(on), starts_at__lt=ends)
        if self.is_staff and (part := query.get("user")):
            rows = rows.filter(Q(owner__email__icontains=part) | Q(guest_email__icontains=part))
        rows = rows.order_by("-created_at", "-id")
        label = query.get("status")
        return [row for row in rows if label in (None, serializers.get_label(row))]

    @kit.operation("Book", status=201)
    def post(self, request: Request) -> Any:
        fields = serializers.build_booking_fields(self.venue.zone, self.validated())
        court = venues.get_only_resource(self.venue, COURT).pk
        wanted = BookingRequest(owner=self.user, resource=court, contract=self.contract, **fields)
        return create_booking(wanted, actor=Actor.for_new_booking(self.user))


def closed_to(done: str) -> kit.Rows:
    message = f"This reservation cannot be {done}: it is past, or closed already."
    row = kit.error(message, status=400)
    return {errors.NotAllowedNow: row, errors.AlreadyBegun: row}


class ReservationView(PrimetimeView):
    request_serializer = serializers.CreateReservationSerializer
    response_serializer = serializers.ReservationSerializer

    def get_open_booking(self, pk: int) -> Any:
        booking = self.get_own_booking(pk)
        if not serializers.is_open(booking):
            raise errors.NotAllowedNow(current=booking.status)
        return booking

    @kit.operation("Show a reservation", errors=closed_to("edited"))
    def get(self, request: Request, pk: int) -> Any:
        return self.get_own_booking(pk)

    @kit.operation("Change a reservation", partial=True, errors=closed_to("edited"))
    def put(self, request: Request, pk: int) -> Any:
        booking = self.get_open_booking(pk)
        fields = serializers.build_booking_fields(booking.venue.zone, self.validated(), booking)
        reschedule_booking(pk, self.actor_for(booking), BookingChanges(**fields))
        return self.get_own_booking(pk)

    patch = put

    @kit.operation("Cancel a reservation", errors=closed_to("cancelled"))
    def delete(self, request: Request, pk: int) -> Any:
        cancel_booking(pk, self.actor_for(self.get_open_booking(pk)))


# calendar and settings


class CalendarView(PrimetimeView):
    response_serializer = serializers.CalendarSerializer

    @kit.operation("Show the calendar", query=serializers.CalendarQuerySerializer)
    def get(self, request: Request) -> Any:
        """From today on for a week, unless dates are given."""
        query, court = self.validated_query(), self.get_court()
        today = timezone.now().astimezone(court.venue.zone).date()
        first = query.get("start_date", today)
        last = query.get("end_date", first + timedelta(days=7))
        if not 0 <= (last - first).days < calendar.MAX_DAYS:
            message = f"From the start date on, at most {calendar.MAX_DAYS} days."
            raise errors.Invalid(errors={"end_date": [message]})
        days = calendar.list_days([court], first, last, begun=True)
        court_rules = rules.build_rules(court)
        rows = [{**vars(day), "hours": self._get_hours(court_rules, day.date)} for day in days]
        return {"start_date": first, "end_date": last, "calendar": rows}

    def _get_hours(self, court_rules: policy.Rules, on: date) -> dict[str, time]:
        opens, closes = policy.get_daily_hours(court_rules, on)
        return {"starts_at": opens, "ends_at": closes}

    def get_court(self) -> Any:
        """With all that its calendar needs at hand."""
        rows = rules.list_resources_with_rules().filter(venue__slug=self.contract)
        courts = people.annotate_staff(rows, "venue")
        if not (court := courts.first()):
            venues.get_only_resource(self.venue, COURT)
            court = courts.first()
        self.staff_roles = people.read_staff_roles(court)
        return court


# trades


class TradeListView(PrimetimeView):
    @kit.operation("List trades", response=serializers.TradesSerializer)
    def get(self, request: Request) -> Any:
        rows = list(
            trades_query.list_visible_trades(self.user).filter(
                target_booking__venue=self.get_venue_id()
            )
        )
        return {
            "sent_requests": [row for row in rows if row.requester_id == self.user.pk],
            "received_requests": [row for row in rows if row.target_id == self.user.pk],
        }

    @kit.operation(
        "Offer a trade",
        request=serializers.CreateTradeSerializer,
        response=serializers.TradeSerializer,
        status=201,
    )
    def post(self, request: Request) -> Any:
        offer = self.validated()
        trade = trades.offer_trade(
            requester=self.user,
            mine=offer["requester_reservation_id"],
            theirs=offer["target_reservation_id"],
            message=offer.get("message", ""),
            venue=self.venue.pk,
        )
        return trades_query.get_visible_trade(self.user, trade.pk)


PROCESSED = "Trade request not found or already processed"
action_or_field_errors = kit.ErrorBody(
    lambda refusal, message, status: (
        {"error": 'Action must be either "accept" or "reject"'}
        if "action" in refusal.errors
        else kit.field_errors.build(refusal, message, status)
    ),
    (kit.FIELD_MESSAGES, kit.ErrorSerializer),
)


class TradeView(PrimetimeView):
    request_serializer = serializers.TradeResponseSerializer
    response_serializer = serializers.TradeSerializer
    error_messages = ERROR_MESSAGES.extended(
        {
            errors.NotFound: kit.error(PROCESSED),
            errors.NotAllowedNow: kit.error(PROCESSED, status=400),
            errors.Forbidden: kit.error("Only the person who was asked can answer a trade request"),
            errors.Invalid: action_or_field_errors(),
        }
    )

    def get_trade(self, pk: int) -> Any:
        return trades_query.get_visible_trade(self.user, pk, target_booking__venue=self.venue)

    @kit.operation("Show a trade")
    def get(self, request: Request, pk: int) -> Any:
        return self.get_trade(pk)

    @kit.operation("Answer a trade")
    def post(self, request: Request, pk: int) -> Any:
        if self.get_trade(pk).target_id != self.user.pk:
            raise errors.Forbidden
        body = self.validated()
        verb = trades.accept_trade if body["action"] == "accept" else trades.reject_trade
        verb(pk, self.user, body.get("response_message", ""))
        return self.get_trade(pk)


# dashboards


class DashboardView(PrimetimeView):
    response_serializer = DashboardSerializer

    @kit.operation("Show one's own dashboard")
    def get(self, request: Request) -> Any:
        found = dashboards.get_user_dashboard_at(self.venue, self.user, self.midnight(self.today()))
        return {
            "upcoming_reservations": found["upcoming"],
            "pending_trades": trades_query.count_open_offers(
                self.user, target_booking__venue=self.venue
            ),
            "recent_activity": list_recent_activity(found["recent"]),
        }


class HealthView(kit.HealthView, PrimetimeView):
    response_serializer = serializers.HealthSerializer
