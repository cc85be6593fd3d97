"""The views: djoser's for accounts, the kit's and ours for the rest. Nobody confirms themselves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from django.db import transaction
from djoser import views as djoser
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request

from api import errors
from api.contracts import kit
from api.effective_status import get_effective_status
from api.queries.accounts import people
from api.queries.bookings import bookings as queries
from api.queries.venues import resource_status
from api.rest.authentication import RoleTokenAuthentication, get_proof
from api.rest.authorization import read_credentials
from api.rest.permissions import IsStaffOrReadOnly
from api.rest.throttling import AccountThrottle, AddressThrottle, AnonymousThrottle
from api.services.accounts import accounts, erasure, joining, passwords, pictures
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.revisions import revise_booking
from api.services.bookings.status_changes import set_booking_status
from api.services.venues import resources

from . import serializers
from .checks import check_move, check_new, check_not_over
from .errors import ERROR_MESSAGES
from .serializers import STATUS_LABELS


class StrictTokenAuthentication(RoleTokenAuthentication):
    """One token, after one space or more, as RFC 9110 has it; in the words of the library."""

    contract = "resources"

    refusals: ClassVar[dict[int, str]] = {
        1: "Invalid token header. No credentials provided.",
        3: "Invalid token header. Token string should not contain spaces.",
    }

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        header = request.headers.get("Authorization", "")
        scheme, token = read_credentials(header)
        if scheme != "token":
            return None
        if not token:
            raise AuthenticationFailed(self.refusals.get(len(header.split()), "Invalid token."))
        return self.authenticate_credentials(token)


class ResourcesAPIView(kit.ContractView):
    contract = "resources"
    error_messages = ERROR_MESSAGES
    token_strategy = kit.DjoserTokens()
    authentication_classes: Sequence[Any] = (StrictTokenAuthentication,)


class StaffOrReadOnlyView(ResourcesAPIView):
    """Anyone reads, staff write."""

    permission_classes = (IsStaffOrReadOnly,)
    throttle_classes = (AnonymousThrottle,)

    def get_resource(self, pk: int) -> Any:
        resource = (
            resource_status.list_resources_with_availability(self.venue).filter(pk=pk).first()
        )
        if resource is None:
            raise errors.NotFound
        return resource


class RootView(StaffOrReadOnlyView):
    response_serializer = serializers.RootSerializer

    @kit.operation("Show where the two lists are")
    def get(self, request: Request) -> Any:
        """The addresses below the root that was requested."""
        return {name: request.build_absolute_uri(f"{name}/") for name in ("resources", "bookings")}


# accounts


class LoginView(kit.LoginView, ResourcesAPIView):
    """By username or e-mail; failures are counted."""

    request_serializer = serializers.LoginSerializer
    response_serializer = serializers.TokenSerializer


class LogoutView(kit.LogoutView, ResourcesAPIView):
    """The token is good for nothing from then on."""

    authentication_classes = ResourcesAPIView.authentication_classes
    permission_classes = (IsAuthenticated,)
    throttle_classes = ()


class MeView(kit.MeView, ResourcesAPIView):
    request_serializer = serializers.UpdateAccountSerializer
    response_serializer = serializers.AccountSerializer
    metadata_class = None  # OPTIONS is not allowed here, as in djoser's view below

    @kit.operation("Change one's own account")
    def patch(self, request: Request) -> Any:
        body = self.validated(account=self.user.pk)
        proof = get_proof(request, body.pop("current_password", None))
        return accounts.update_account(self.user, body, by=self.user, proof=proof)

    put = patch

    @kit.operation("Erase one's own account", request=serializers.DeleteAccountSerializer)
    def delete(self, request: Request) -> Any:
        """What is booked ahead is cancelled, and the person is forgotten."""
        self.validated()
        erasure.erase_account(self.user)


ANONYMOUS = ("create", "reset_password", "reset_password_confirm")


class AccountViewSet(ResourcesAPIView, djoser.UserViewSet):
    operations = {
        "GET list": kit.Operation(
            "List accounts: one's own, all for staff",
            response=serializers.AccountSerializer,
            many=True,
        ),
        "POST create": kit.Operation(
            "Create an account",
            request=serializers.RegisterSerializer,
            response=serializers.RegisteredSerializer,
            status=201,
        ),
        "GET retrieve": kit.Operation(
            "Show an account: one's own, any for staff", response=serializers.AccountSerializer
        ),
    }
    queryset = djoser.UserViewSet.queryset.filter(erased_at=None).select_related("profile")
    metadata_class = None

    def get_queryset(self) -> Any:
        """One's own account, and the venue's people for its staff."""
        if self.is_staff:
            return people.list_people(self.get_venue_id()).select_related("profile")
        return self.queryset.filter(pk=self.caller.person_id)

    def perform_create(self, serializer: Any, *args: Any, **kwargs: Any) -> None:
        super().perform_create(serializer, *args, **kwargs)
        joining.join_if_open(serializer.instance, self.venue)

    def get_throttles(self) -> list[Any]:
        return [AddressThrottle() if self.action in ANONYMOUS else AccountThrottle()]

    @kit.operation("Change one's own password", request=serializers.SetPasswordSerializer)
    def set_password(self, request: Request) -> Any:
        """The token stays; a letter has a link that undoes it."""
        passwords.replace_password(self.user, self.validated()["new_password"])

    @kit.operation("Ask for a reset link", request=serializers.ResetPasswordSerializer)
    def reset_password(self, request: Request) -> Any:
        """Sent by e-mail. The answer is the same whether or not the address is known."""
        passwords.request_password_reset(self.validated()["email"], "resources/password_reset")

    @kit.operation("Set a password by the link", request=serializers.ConfirmResetSerializer)
    def reset_password_confirm(self, request: Request) -> Any:
        """Once, within an hour. The token is taken back."""
        body = self.validated()
        passwords.reset_password(body["uid"], body["token"], body["new_password"])


# resources


class ResourceListView(StaffOrReadOnlyView):
    request_serializer = serializers.CreateResourceSerializer
    response_serializer = serializers.ResourceSerializer

    @kit.operation("List resources", many=True)
    def get(self, request: Request) -> Any:
        return resource_status.list_resources_with_availability(self.venue)

    @kit.operation("Create a resource", status=201)
    def post(self, request: Request) -> Any:
        return self.get_resource(
            resources.create_resource(self.venue, self.user, **self.validated()).pk
        )


class ResourceView(StaffOrReadOnlyView):
    request_serializer = serializers.CreateResourceSerializer
    response_serializer = serializers.ResourceSerializer

    @kit.operation("Show a resource")
    def get(self, request: Request, pk: int) -> Any:
        return self.get_resource(pk)

    @kit.operation("Change a resource")
    def patch(self, request: Request, pk: int) -> Any:
        resources.update_resource(self.get_resource(pk), self.user, self.validated())
        return self.get_resource(pk)

    put = patch

    @kit.operation("Retire a resource")
    def delete(self, request: Request, pk: int) -> Any:
        """Listed no more and not to be booked; the bookings that it has stay."""
        resources.retire_resources([self.get_resource(pk).pk], self.user)


# bookings


class BookingListView(ResourcesAPIView):
    request_serializer = serializers.CreateBookingSerializer
    response_serializer = serializers.BookingSerializer

    @kit.operation("List bookings", many=True)
    def get(self, request: Request) -> Any:
        """One's own, or everybody's for staff, by start."""
        rows = queries.list_visible_bookings(self.user).filter(venue__slug=self.contract)
        return rows.order_by("starts_at", "pk")

    @kit.operation("Book", status=201)
    @transaction.atomic
    def post(self, request: Request) -> Any:
        body = self.validated()
        status = body.pop("status", "pending")
        approved = self.is_staff and status == "confirmed"
        body |= {"owner": self.user, "contract": self.contract, "pre_approved": approved}
        actor = Actor.for_new_booking(self.user)
        booking = create_booking(BookingRequest(**body), actor=actor, check=check_new)
        if self.is_staff and not approved and status != get_label(booking):
            set_booking_status(booking.pk, status, self.actor)
        return self.get_own_booking(booking.pk)


TOO_LATE = kit.detail("This booking is over and can no longer be cancelled.", status=400)


class BookingView(ResourcesAPIView):
    """Of its owner and of staff."""

    request_serializer = serializers.CreateBookingSerializer
    response_serializer = serializers.BookingSerializer

    @kit.operation("Show a booking")
    def get(self, request: Request, pk: int) -> Any:
        return self.get_own_booking(pk)

    @kit.operation("Change a booking")
    def patch(self, request: Request, pk: int) -> Any:
        booking = self.get_own_booking(pk)
        body = self.validated(resource=booking.resource_id)
        status, resource = body.pop("status", ""), body.pop("resource", None)
        if status == get_label(booking):
            status = ""  # forms send the status that they were shown
        actor = self.actor_for(booking)
        check = check_not_over if actor.is_staff else partial(check_move, booking.starts_at)
        body["resource"] = resource.pk if resource else None
        revise_booking(booking, actor, BookingChanges(**body), status=status, check=check)
        return self.get_own_booking(pk)

    put = patch

    @kit.operation(
        "Cancel a booking", errors={errors.NotAllowedNow: TOO_LATE, errors.AlreadyBegun: TOO_LATE}
    )
    def delete(self, request: Request, pk: int) -> Any:
        """It is kept; what was cancelled or rejected already stays as it is."""
        booking = self.get_own_booking(pk)
        if get_label(booking) not in ("cancelled", "rejected"):
            cancel_booking(pk, self.actor_for(booking))


def get_label(booking: Any) -> str:
    return STATUS_LABELS[get_effective_status(booking)]


# pictures


class PictureView(ResourcesAPIView):
    request_serializer = serializers.UpdatePictureSerializer
    response_serializer = serializers.PictureSerializer

    @kit.operation("Change the profile picture")
    def patch(self, request: Request) -> Any:
        return pictures.update_picture(self.user, self.validated())

    put = patch


class PictureDeleteView(ResourcesAPIView):
    @kit.operation("Remove the profile picture", response=serializers.PictureRemovedSerializer)
    def delete(self, request: Request) -> Any:
        pictures.remove_picture(self.user)
        return {}
