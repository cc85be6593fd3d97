"""The waitlist, and what is done with an offer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api import errors
from api.lifecycle import BOOKING as TABLE
from api.lifecycle import ActorRole
from api.models import Booking, Venue, WaitlistEntry
from api.queries.bookings import bookings
from api.queries.waitlist.line import get_visible_entry, list_visible_entries
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import Scope
from api.services.accounts import consents
from api.services.actors import Actor
from api.services.waitlist.answers import accept_offer, decline_offer
from api.services.waitlist.entries import WaitlistRequest, join_waitlist, leave_waitlist
from api.v1.filters import WaitlistFilterSet
from api.v1.serializers.bookings import BookingSerializer
from api.v1.serializers.waitlist import THINGS, WaitlistEntrySerializer, WaitlistRequestSerializer
from api.v1.tags import BOOK
from api.v1.versions import ETAG, IF_MATCH, VersionedMixin

from .base import BaseViewSet, named_in_body


@extend_schema(tags=[BOOK])
@extend_schema_view(
    list=extend_schema(
        summary="List the waitlist",
        description="One's own entries, newest first; everybody's at the venues where one is"
        " staff.",
    ),
    retrieve=extend_schema(
        summary="Read an entry of the waitlist",
        description="One, with the position in line and what is on offer. For whose it is, and"
        " staff.",
    ),
    destroy=extend_schema(
        summary="Leave the waitlist",
        description="The entry reads `withdrawn`. While something is on offer that is declined."
        " Once it is decided 409. For whose it is, and staff.",
    ),
)
class WaitlistViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    BaseViewSet[WaitlistEntry],
):
    permission_classes = (IsAuthenticated,)
    scope = Scope.VISIBLE
    takes_keys = False
    serializer_class = WaitlistEntrySerializer
    filterset_class = WaitlistFilterSet
    queryset = WaitlistEntry.objects.none()

    def get_queryset(self) -> QuerySet[WaitlistEntry]:
        return list_visible_entries(self.caller)

    @extend_schema(request=WaitlistRequestSerializer, responses={201: WaitlistEntrySerializer})
    def create(self, request: Request) -> Response:
        """Wait for what is full.

        Whatever is freed within the window is offered to the first in line whom it fits: as a
        booking in status `offered`, kept until `offer_expires_at`, with a letter. Where something
        fits now it is 409 `slot_free`, with `alternatives`.
        """
        body = self.get_validated_body(WaitlistRequestSerializer)
        agree = partial(self._agree, body.pop("consent", None))
        thing = next(name for name in THINGS if name in body)
        with named_in_body(thing):
            entry = join_waitlist(WaitlistRequest(owner=self.user, **body), check_venue=agree)
        found = get_visible_entry(self.caller, entry.pk)
        return Response(self.get_serializer(found).data, status=201)

    def _agree(self, consent: int | None, venue: Venue) -> None:
        if venue.consent_version:
            consents.require_consent(venue, consent, self.user, self.user.email)

    def perform_destroy(self, instance: WaitlistEntry) -> None:
        is_own = instance.owner_id == self.user.pk
        leave_waitlist(instance.pk, Actor(_get_role(is_own=is_own), self.user))


def _get_role(*, is_own: bool) -> ActorRole:
    return ActorRole.OWNER if is_own else ActorRole.STAFF


class _OfferView(VersionedMixin, IdempotentAPIView):
    """Whoever it is offered to answers, also where they are staff."""

    permission_classes = (IsAuthenticated,)
    scope = Scope.SELF
    takes_keys = False

    def _answer(self, pk: int, answer: Callable[[int, Actor], Any]) -> Response:
        booking = self._get_booking()
        if booking.owner_id != self.user.pk:
            raise errors.Forbidden("It is offered to somebody else.")
        with self.changing(booking, TABLE.decline.by | {ActorRole.STAFF}):
            answer(pk, Actor(ActorRole.OWNER, self.user))
        return Response(self.read_body())

    def _get_booking(self) -> Booking:
        return bookings.get_visible_booking(self.caller, self.kwargs["pk"])

    def read_body(self) -> Any:
        return BookingSerializer(self._get_booking()).data


class AcceptOfferView(_OfferView):
    @extend_schema(
        tags=[BOOK],
        parameters=[IF_MATCH, ETAG],
        request=None,
        responses=BookingSerializer,
        operation_id="bookings_accept_create",
    )
    def post(self, request: Request, pk: int) -> Response:
        """Accept what is on offer.

        The booking is confirmed, waits for approval, or is held for payment, as the venue's rules
        give it. For whom it is offered; once decided, or too late, 409.
        """
        return self._answer(pk, accept_offer)


class DeclineOfferView(_OfferView):
    @extend_schema(
        tags=[BOOK],
        parameters=[IF_MATCH, ETAG],
        request=None,
        responses=BookingSerializer,
        operation_id="bookings_decline_create",
    )
    def post(self, request: Request, pk: int) -> Response:
        """Decline what is on offer.

        It goes to the next in line, or is free. For whom it is offered; once decided 409.
        """
        return self._answer(pk, decline_offer)
