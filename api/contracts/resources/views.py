"""This frontend's views: djoser's for people, ours for the rest. Nobody confirms themselves."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from djoser import views as djoser
from djoser.serializers import SendEmailResetSerializer
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.documents import Told, takes
from api.errors import Forbidden, NotFound
from api.queries.bookings import bookings as queries
from api.queries.venues import resource_status
from api.replies import Created, Empty, Reply
from api.rest.permissions import StaffWrites
from api.rest.throttling import AccountThrottle, AddressThrottle, AnonymousThrottle
from api.services.accounts import erasure, passwords, pictures
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.reschedule import BookingChanges
from api.services.bookings.revisions import revise_booking
from api.services.bookings.status_changes import set_booking_status
from api.services.venues import resources, venues

from . import answers, shapes
from .errors import Desk, check_edit, check_new


class Tokens(TokenAuthentication):
    def authenticate_credentials(self, key: str) -> tuple[Any, Any]:
        if "\0" in key:
            raise AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(key)


class Signed(Desk):
    authentication_classes = (Tokens,)
    permission_classes = (IsAuthenticated,)


class Public(Desk):
    """Anyone reads, staff write."""

    authentication_classes = (Tokens,)
    permission_classes = (StaffWrites,)
    throttle_classes = (AnonymousThrottle,)


class Root(Public):
    """Where the two lists are."""

    def get(self, request: Request) -> Reply[answers.Lists]:
        def address(name: str) -> str:
            return request.build_absolute_uri(f"{name}/")

        return Reply({"resources": address("resources"), "bookings": address("bookings")})


# people


class SignIn(Desk, djoser.TokenCreateView):  # type: ignore[misc]
    told: ClassVar[Told] = {"POST": (shapes.SignIn, Reply[answers.Token])}
    authentication_classes = ()
    throttle_classes = (AddressThrottle,)


class SignOut(Desk, djoser.TokenDestroyView):  # type: ignore[misc]
    told: ClassVar[Told] = {"POST": (None, Empty)}
    authentication_classes = (Tokens,)


class People(Desk, djoser.UserViewSet):  # type: ignore[misc]
    told: ClassVar[Told] = {
        "GET list": (None, Reply[list[answers.Person]]),
        "POST create": (shapes.Registration, Created[answers.Registered]),
        "GET retrieve": (None, Reply[answers.Person]),
        "GET me": (None, Reply[answers.Person]),
        "PUT me": (shapes.Me, Reply[answers.Person]),
        "PATCH me": (shapes.Me, Reply[answers.Person]),
        "DELETE me": (shapes.Leaving, Empty),
        "POST set_password": (shapes.NewPassword, Empty),
        "POST reset_password": (SendEmailResetSerializer, Empty),
        "POST reset_password_confirm": (shapes.ResetByLink, Empty),
    }
    authentication_classes = (Tokens,)
    queryset = djoser.UserViewSet.queryset.filter(erased_at=None).select_related("profile")
    metadata_class = None  # it would look for the person of a path that names none

    def me(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.get_object = self.get_instance
        verbs = {"PUT": "update", "PATCH": "partial_update", "DELETE": "destroy"}
        verb = getattr(self, verbs.get(request.method or "", "retrieve"))
        return verb(request, *args, **kwargs)  # type: ignore[no-any-return]

    def get_throttles(self) -> list[Any]:
        return [AddressThrottle() if self.action in ANONYMOUS else AccountThrottle()]

    def reset_password(self, request: Request) -> Response:
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        passwords.request_password_reset(body.validated_data["email"], "resources/password_reset")
        return Response(status=204)

    def reset_password_confirm(self, request: Request) -> Response:
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        passwords.set_password(body.user, body.validated_data["new_password"])
        return Response(status=204)

    @transaction.atomic
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().destroy(request, *args, **kwargs)  # type: ignore[no-any-return]

    def perform_destroy(self, instance: Any) -> None:
        erasure.erase_account(instance)


ANONYMOUS = ("create", "reset_password", "reset_password_confirm")


# resources


class Resources(Public):
    def get(self, request: Request) -> Reply[list[answers.Resource]]:
        return Reply([shapes.resource(place) for place in _places()])

    @takes(shapes.Place)
    def post(self, request: Request) -> Created[answers.Resource]:
        venue = venues.of_contract(shapes.SLUG)
        place = resources.add(venue, self.user, **self.read(shapes.Place))
        return Created(shapes.resource(_place(place.pk)))


class OneResource(Public):
    def get(self, request: Request, pk: int) -> Reply[answers.Resource]:
        return Reply(shapes.resource(_place(pk)))

    @takes(shapes.Place(partial=True))
    def patch(self, request: Request, pk: int, partial: bool = True) -> Reply[answers.Resource]:
        resources.change(_place(pk), self.user, self.read(shapes.Place, partial=partial))
        return Reply(shapes.resource(_place(pk)))

    @takes(shapes.Place)
    def put(self, request: Request, pk: int) -> Reply[answers.Resource]:
        return self.patch(request, pk, partial=False)

    def delete(self, request: Request, pk: int) -> Empty:
        resources.retire([_place(pk).pk], self.user)
        return Empty()


# bookings


class Bookings(Signed):
    def get(self, request: Request) -> Reply[list[answers.Booking]]:
        return Reply([shapes.booking(row) for row in _bookings(self.user)])

    @transaction.atomic
    @takes(shapes.BookingEdit)
    def post(self, request: Request) -> Created[answers.Booking]:
        asked = self.read(shapes.BookingEdit)
        status = asked.pop("status", "pending")
        agreed = self.user.is_staff and status == "confirmed"
        row = create_booking(
            BookingRequest(owner=self.user, contract=shapes.SLUG, pre_approved=agreed, **asked),
            actor=Actor.for_new_booking(self.user),
            check=check_new,
        )
        if self.user.is_staff and not agreed and status != shapes.word(row):
            row = set_booking_status(row.pk, status, Actor.person(self.user))
        return Created(shapes.booking(_booking(self.user, row.pk)))


class OneBooking(Signed):
    def get(self, request: Request, pk: int) -> Reply[answers.Booking]:
        return Reply(shapes.booking(_booking(self.user, pk)))

    @takes(shapes.BookingEdit(partial=True))
    def patch(self, request: Request, pk: int, partial: bool = True) -> Reply[answers.Booking]:
        row = _booking(self.user, pk)
        context = {"resource": row.resource_id}
        asked = self.read(shapes.BookingEdit, partial=partial, context=context)
        status, place = asked.pop("status", ""), asked.pop("resource", None)
        if status == shapes.word(row):
            status = ""  # forms send the status that they were shown
        actor = Actor.for_booking(self.user, row)
        changes = BookingChanges(resource=place.pk if place else None, **asked)
        check = check_edit(row.starts_at, actor.is_staff)
        revise_booking(row, actor, changes, status=status, check=check)
        return Reply(shapes.booking(_booking(self.user, pk)))

    @takes(shapes.BookingEdit)
    def put(self, request: Request, pk: int) -> Reply[answers.Booking]:
        return self.patch(request, pk, partial=False)

    def delete(self, request: Request, pk: int) -> Empty:
        """Cancelled, and kept; what was cancelled or rejected already stays as it is."""
        row = _booking(self.user, pk)
        if shapes.word(row) not in ("cancelled", "rejected"):
            cancel_booking(pk, Actor.for_booking(self.user, row))
        return Empty()


# pictures


class Picture(Signed):
    @takes(shapes.Picture)
    def patch(self, request: Request) -> Reply[answers.Picture]:
        profile = pictures.update_picture(self.user, self.read(shapes.Picture))
        return Reply(shapes.picture(profile))

    @takes(shapes.Picture)
    def put(self, request: Request) -> Reply[answers.Picture]:
        return self.patch(request)


class PictureGone(Signed):
    def delete(self, request: Request) -> Reply[answers.Message]:
        pictures.remove_picture(self.user)
        return Reply({"message": "Profile picture removed successfully"})


def _places() -> Any:
    return resource_status.resources(venues.of_contract(shapes.SLUG))


def _place(pk: int) -> Any:
    place = _places().filter(pk=pk).first()
    if place is None:
        raise NotFound
    return place


def _bookings(user: Any) -> Any:
    return queries.visible_to(user).filter(venue__slug=shapes.SLUG).order_by("starts_at", "pk")


def _booking(user: Any, pk: int) -> Any:
    row = queries.with_everything(pk)
    if row.venue.slug != shapes.SLUG:
        raise NotFound
    if row.owner_id != user.pk and not user.is_staff:
        raise Forbidden("You can only access your own bookings.")
    return row
