"""Bookings, what may be done with them, and their history."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api import errors, policy
from api.lifecycle import BOOKING as TABLE
from api.lifecycle import Transition
from api.models import Booking, Guest, KeyCaller, User
from api.queries.accounts.scope import check_staff_of
from api.queries.bookings import bookings as queries
from api.queries.venues.rules import get_resource
from api.queries.venues.services import get_service_rules
from api.rest.keys import BOOKING, MANAGING
from api.rest.permissions import IsStaff, Scope
from api.services.accounts import consents
from api.services.accounts.joining import find_customer
from api.services.actors import Actor
from api.services.bookings.actions import (
    approve_booking,
    cancel_booking,
    check_in_booking,
    end_booking,
    reject_booking,
)
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.extend import extend_booking
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.status_changes import apply_to_bookings
from api.v1.filters import BookingFilterSet
from api.v1.serializers.booking_requests import (
    BookingChangeSerializer,
    BookingIdsSerializer,
    BookingRequestSerializer,
    ExtensionSerializer,
    ReasonSerializer,
)
from api.v1.serializers.bookings import (
    BookingEventSerializer,
    BookingResultsSerializer,
    BookingSerializer,
)
from api.v1.tags import APPROVE, BOOK
from api.v1.versions import ETAG, IF_MATCH, VersionedMixin

from .base import BaseViewSet, named_in_body

CHANGING = [IF_MATCH, ETAG]


@extend_schema(tags=[BOOK])
@extend_schema_view(
    list=extend_schema(
        summary="List bookings",
        description="One's own, newest first; everybody's at the venues where one is staff.",
    ),
    retrieve=extend_schema(
        summary="Read a booking",
        description="One booking. For its owner and staff; to anybody else it does not exist.",
        parameters=[ETAG],
    ),
)
class BookingViewSet(
    VersionedMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, BaseViewSet[Booking]
):
    permission_classes = (IsAuthenticated,)
    scope = Scope.VISIBLE
    serializer_class = BookingSerializer
    filterset_class = BookingFilterSet
    queryset = Booking.objects.none()
    key_scopes = {
        **dict.fromkeys(("create", "partial_update", "cancel", "check_in"), BOOKING),
        **dict.fromkeys(("extend", "end"), BOOKING | MANAGING),
        **dict.fromkeys(("approve", "reject", "approve_many", "reject_many"), MANAGING),
    }

    def get_queryset(self) -> QuerySet[Booking]:
        return queries.list_visible_bookings(self.caller).prefetch_related("allocations")

    def get_object(self) -> Booking:
        return queries.get_visible_booking(self.caller, self.kwargs["pk"])

    @extend_schema(
        parameters=[ETAG], request=BookingRequestSerializer, responses={201: BookingSerializer}
    )
    def create(self, request: Request) -> Response:
        """Book a resource or a service.

        Of any number of people who book the same time at once one gets it. The others get 409
        `slot_taken` with what blocks (`conflicts`) and the nearest free times (`alternatives`).
        Of a `service` the resources are chosen: who is free and has the fewest bookings that day,
        then who has been idle for the longest.
        The venue's rules decide whether it is confirmed at once (`confirmed`), waits for staff
        (`pending`) or for payment (`held`). A venue with a text to agree to wants its id as
        `consent`, once for each version. Keys say for whom: `owner`, or `name` and `email`.
        """
        body = self.get_validated_body(BookingRequestSerializer)
        consent = body.pop("consent", None)
        is_key = isinstance(self.caller, KeyCaller)  # who books for others asks them by itself
        with named_in_body("service" if "service" in body else "resource"):
            owner, actor = self._get_owner(body)
            booking = create_booking(
                BookingRequest(owner=owner, contract="v1", **body),
                actor=actor,
                check=policy.check_booking if is_key else consents.build_check(owner, consent),
            )
        attendees = sorted(set(body.get("attendees", ())))
        serializer = BookingSerializer(booking, context={"attendees": attendees})
        return Response(serializer.data, status=201)

    def _get_owner(self, body: dict[str, Any]) -> tuple[User | Guest, Actor]:
        """Whose booking it is to be, taken out of the body, and who makes it: people book for
        themselves, a key for others, as staff of the venue."""
        whom = {name: body.pop(name) for name in ("owner", "name", "email") if name in body}
        if isinstance(self.caller, KeyCaller):
            venue_id = get_venue_id(body)
            check_staff_of(self.caller, venue_id)
            return find_customer(venue_id, **whom), Actor.in_venue(self.caller, venue_id)
        if whom:
            raise errors.Unfit(errors={name: ["Only keys book for others."] for name in whom})
        return self.user, Actor.for_new_booking(self.user)

    @extend_schema(
        parameters=CHANGING, request=BookingChangeSerializer, responses=BookingSerializer
    )
    def partial_update(self, request: Request, pk: int) -> Response:
        """Move or change a booking.

        Fields that are left out stay. Another time or resource is checked as a new booking would
        be, and where the venue approves bookings it may wait for staff again.
        """
        with self.changing(self.get_object(), TABLE.resubmit.by) as actor:
            changes = self.get_validated_body(BookingChangeSerializer, partial=True)
            with named_in_body("service" if "service" in changes else "resource"):
                reschedule_booking(pk, actor, BookingChanges(**changes))
        return self.retrieve(request)

    @extend_schema(tags=[APPROVE], parameters=CHANGING, request=ReasonSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: int) -> Response:
        """Approve a request.

        The booking is confirmed, or held for payment where it has a price; its owner is told.
        For staff.
        """
        return self._perform(TABLE.approve, lambda actor, _: approve_booking(pk, actor))

    @extend_schema(tags=[APPROVE], parameters=CHANGING, request=ReasonSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: int) -> Response:
        """Reject a request.

        Also a booking that is confirmed already. The slot is free again, and the owner is told
        why. For staff.
        """
        return self._perform(TABLE.reject, lambda actor, why: reject_booking(pk, actor, why))

    @extend_schema(parameters=CHANGING, request=ReasonSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: int) -> Response:
        """Cancel a booking.

        The slot is free again at once, and what was paid is given back by the venue's rules.
        For its owner, before it begins, and for staff.
        """
        return self._perform(TABLE.cancel, lambda actor, why: cancel_booking(pk, actor, why))

    @extend_schema(parameters=CHANGING, request=ReasonSerializer)
    @action(detail=True, methods=["post"], url_path="check-in")
    def check_in(self, request: Request, pk: int) -> Response:
        """Check in.

        From `check_in_opens_at` to `check_in_closes_at`; who does not loses the slot at
        `no_show_at`. A second device that asks again gets the same answer.
        """

        def check_in_once(actor: Actor, _: str) -> None:
            with suppress(errors.AlreadyDone):
                check_in_booking(pk, actor)

        return self._perform(TABLE.check_in, check_in_once)

    @extend_schema(parameters=CHANGING, request=ReasonSerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: int) -> Response:
        """End a booking early.

        The rest of the slot is free for others. For its owner, once checked in, and for staff.
        """
        return self._perform(TABLE.end, lambda actor, _: end_booking(pk, actor))

    @extend_schema(parameters=CHANGING, request=ExtensionSerializer)
    @action(detail=True, methods=["post"])
    def extend(self, request: Request, pk: int) -> Response:
        """Extend a booking.

        It ends later, also once it has begun, if nobody else has the time. What is not paid yet
        costs more; what is paid, or being paid, is 409 `already_paid` unless staff `waive` the
        price of the added time. For its owner and staff.
        """
        with self.changing(self.get_object(), TABLE.resubmit.by) as actor:
            extend_booking(pk, actor, **self.get_validated_body(ExtensionSerializer))
        return self.retrieve(request)

    def _perform(self, move: Transition, act: Callable[[Actor, str], Any]) -> Response:
        """Acts as the caller, with the reason in the body; answers the booking afterwards."""
        with self.changing(self.get_object(), move.by) as actor:
            act(actor, self.get_validated_body(ReasonSerializer).get("reason", ""))
        return Response(self.read_body())

    def read_body(self) -> Any:
        return self.get_serializer(self.get_object()).data

    @extend_schema(responses=BookingEventSerializer(many=True), filters=False)
    @action(detail=True)
    def events(self, request: Request, pk: int) -> Response:
        """Read the history of a booking.

        What was done, when, by which person, job or panel, and why; newest first. For its owner
        and staff.
        """
        history: Any = queries.list_history(
            self.get_object()
        )  # rows of another model than the view's
        page: Any = self.paginate_queryset(history)
        return self.get_paginated_response(BookingEventSerializer(page, many=True).data)

    @extend_schema(
        tags=[APPROVE],
        operation_id="bookings_approve_many_create",
        request=BookingIdsSerializer,
        responses=BookingResultsSerializer,
    )
    @action(detail=False, methods=["post"], url_path="approve", permission_classes=(IsStaff,))
    def approve_many(self, request: Request) -> Response:
        """Approve several requests.

        Each by itself: every id has a result of its own, its new status or why it was refused.
        For staff.
        """
        return self._perform_many(lambda pk, actor, _: approve_booking(pk, actor))

    @extend_schema(
        tags=[APPROVE],
        operation_id="bookings_reject_many_create",
        request=BookingIdsSerializer,
        responses=BookingResultsSerializer,
    )
    @action(detail=False, methods=["post"], url_path="reject", permission_classes=(IsStaff,))
    def reject_many(self, request: Request) -> Response:
        """Reject several requests.

        Each by itself: every id has a result of its own, its new status or why it was refused.
        For staff.
        """
        return self._perform_many(reject_booking)

    def _perform_many(self, act: Callable[[int, Actor, str], Booking]) -> Response:
        body = self.get_validated_body(BookingIdsSerializer)
        reason = body.get("reason", "")
        results = apply_to_bookings(
            body["ids"], self.caller, lambda pk, actor: act(pk, actor, reason)
        )
        return Response({"results": [_render_result(pk, result) for pk, result in results]})


def get_venue_id(body: dict[str, Any]) -> int:
    """The venue of what a body asks for; refuses `NotFound`."""
    if "service" in body:
        return get_service_rules(body["service"]).venue.pk
    return get_resource(body["resource"]).venue_id


def _render_result(pk: int, result: Booking | errors.Refusal) -> dict[str, Any]:
    if isinstance(result, errors.Refusal):
        return {"id": pk, "code": result.code, "detail": result.detail}
    return {"id": pk, "status": result.status}
