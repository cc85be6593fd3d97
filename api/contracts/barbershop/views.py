"""The barbershop's views. Nobody promotes or confirms themselves."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from rest_framework.request import Request

from api.contracts import kit
from api.errors import Forbidden, Invalid, NotAllowedNow, NotFound
from api.lifecycle import Status
from api.queries.accounts import people
from api.queries.bookings import bookings as queries
from api.queries.bookings import counts
from api.queries.venues import rules
from api.rest.authentication import get_proof
from api.rest.permissions import IsAdmin
from api.services.accounts import accounts, erasure, memberships
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.auto_assign import create_assigned_booking, reschedule_assigned_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.removal import delete_booking
from api.services.bookings.revisions import revise_booking
from api.services.bookings.status_changes import set_booking_status

from . import serializers
from .errors import ERROR_MESSAGES, AdminsOnly
from .serializers import FLAGS, STATUS_LABELS, STATUSES, read_role


class BarbershopView(kit.ContractView):
    contract = "barbershop"
    error_messages = ERROR_MESSAGES
    token_strategy = kit.BodyTokens()

    def find_booking(self, pk: int) -> Any:
        """Whoever was deleted took theirs along."""
        booking = super().find_booking(pk)
        if booking.person.erased_at is not None:
            raise NotFound
        return booking


# accounts


class RegisterView(kit.RegisterView, BarbershopView):
    request_serializer = serializers.RegisterSerializer
    response_serializer = serializers.AccountSerializer


class LoginView(kit.LoginView, BarbershopView):
    request_serializer = serializers.LoginSerializer
    response_serializer = serializers.TokensSerializer


class RefreshView(kit.RefreshView, BarbershopView):
    request_serializer = kit.RefreshSerializer
    response_serializer = kit.AccessSerializer


class MeView(kit.MeView, BarbershopView):
    response_serializer = serializers.AccountSerializer


class AccountListView(BarbershopView):
    permission_classes = (IsAdmin,)
    request_serializer = serializers.AdminCreateAccountSerializer
    response_serializer = serializers.AccountSerializer

    @kit.operation("List accounts", many=True)
    def get(self, request: Request) -> Any:
        return people.list_visible(self.user, self.get_venue_id())

    @kit.operation("Create an account in a role", status=201)
    @transaction.atomic
    def post(self, request: Request) -> Any:
        body = self.validated()
        active = {"is_active": body.pop("is_active")} if "is_active" in body else {}
        fields = {name: value for name, value in body.items() if name not in FLAGS}
        role = read_role(body) or "customer"
        fields = {"email": "", "strong": role != "customer", "verified": True, **fields}
        user = accounts.register(**fields)
        memberships.add(self.venue, user, role, by=self.user)
        accounts.update_account(user, active, by=self.user, venue=self.venue)
        return user


class AccountView(BarbershopView):
    """Oneself, or any of the shop's people for an admin."""

    request_serializer = serializers.AdminUpdateAccountSerializer
    response_serializer = serializers.AccountSerializer

    @kit.operation("Show an account")
    def get(self, request: Request, pk: int) -> Any:
        return people.get_visible(self.user, pk, self.venue.pk)

    @kit.operation("Change an account")
    def patch(self, request: Request, pk: int) -> Any:
        user = people.get_visible(self.user, pk, self.venue.pk)
        restricted = None if self.is_admin else serializers.UpdateAccountSerializer
        body = self.validated(restricted, account=pk)
        proof = get_proof(request, body.pop("current_password", None))
        fields = {k: v for k, v in body.items() if k not in FLAGS and (v or k != "email")}
        with transaction.atomic():
            before = memberships.get_role(user, self.venue.pk)
            role = read_role(body, before)
            if role not in ("", before):
                memberships.set_role_in(self.venue, user, role, by=self.user)
            return accounts.update_account(
                user, fields, by=self.user, proof=proof, strong=False, venue=self.venue
            )

    put = patch

    @kit.operation("Erase an account")
    def delete(self, request: Request, pk: int) -> Any:
        if not self.is_admin:
            raise Forbidden
        user = people.get_visible(self.user, pk, self.venue.pk)
        erasure.remove_person(user, self.venue.pk, by=self.user)


# reservations


class ReservationListView(BarbershopView):
    request_serializer = serializers.CreateReservationSerializer
    response_serializer = serializers.ReservationSerializer

    @kit.operation("List reservations", many=True)
    def get(self, request: Request) -> Any:
        """One's own, or everybody's for staff, newest first."""
        rows = queries.list_visible_bookings(self.user).filter(venue__slug=self.contract)
        return rows.filter(owner__erased_at=None).prefetch_related(None).order_by("-pk")

    @kit.operation("Book", status=201)
    def post(self, request: Request) -> Any:
        body = self.validated()
        status, chair = body.pop("status", "pending"), body.pop("chair", None)
        if self.is_staff and status not in ("pending", "confirmed"):
            raise Invalid(errors={"status": ["A new reservation is pending or confirmed."]})
        body |= {"owner": self.user, "contract": self.contract}
        actor = Actor.for_new_booking(self.user)
        if chair is None:
            booking = create_assigned_booking(self.venue, BookingRequest(**body), actor=actor)
        else:
            wanted = BookingRequest(resource=self.get_chair(chair), **body)
            booking = create_booking(wanted, actor=actor)
        if self.is_staff and status == "confirmed":
            set_booking_status(booking.pk, STATUSES[status], self.actor)
        return self.get_own_booking(booking.pk)

    def get_chair(self, pk: int) -> Any:
        chair = rules.list_resources_with_rules().filter(venue=self.venue, pk=pk).first()
        if chair is None:
            raise Invalid(errors={"chair": ["There is no such chair."]})
        return chair


TOO_LATE = kit.detail("This reservation is completed and can no longer be canceled.", status=400)


class ReservationView(BarbershopView):
    request_serializer = serializers.UpdateReservationSerializer
    response_serializer = serializers.ReservationSerializer

    @kit.operation("Show a reservation")
    def get(self, request: Request, pk: int) -> Any:
        return self.get_own_booking(pk)

    @kit.operation("Change a reservation")
    def patch(self, request: Request, pk: int) -> Any:
        booking, body = self.get_own_booking(pk), self.validated()
        status = STATUSES.get(body.pop("status", ""), "")
        if STATUS_LABELS.get(status) == STATUS_LABELS[booking.status]:
            status = ""  # forms send the status that they were shown
        if status == Status.COMPLETED and not self.is_admin:
            raise Forbidden
        revise_booking(
            booking,
            self.actor_for(booking),
            BookingChanges(**body),
            status=status,
            reschedule=reschedule_assigned_booking,
        )
        return self.get_own_booking(pk)

    put = patch

    @kit.operation("Delete or cancel a reservation", errors={NotAllowedNow: TOO_LATE})
    def delete(self, request: Request, pk: int) -> Any:
        """Delete it for an admin; cancel it for anybody else, who still sees it on the list."""
        booking = self.get_own_booking(pk)
        if self.is_admin:
            delete_booking(pk, self.actor_for(booking))
        elif STATUS_LABELS[booking.status] != "canceled":
            cancel_booking(pk, self.actor_for(booking))


class StatsView(BarbershopView):
    response_serializer = serializers.StatsSerializer

    @kit.operation("Count accounts and reservations")
    def get(self, request: Request) -> Any:
        if not self.is_admin:
            raise AdminsOnly
        found = counts.count_bookings(self.venue)
        return {
            "total_users": people.list_people(self.venue.pk).count(),
            "total_reservations": found["bookings"],
            "pending_reservations": found["pending"],
        }


class HealthView(kit.HealthView, BarbershopView):
    response_serializer = serializers.HealthSerializer

    @kit.operation("Say that the service and its database are up")
    def get(self, request: Request) -> Any:
        return {"venue": self.venue}
