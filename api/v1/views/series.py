"""Series: a booking that comes again by a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api import errors
from api.effective_status import get_effective_status
from api.models import KeyCaller, Series, User, Venue
from api.queries.accounts.scope import check_staff_of
from api.queries.series.occurrences import OccurrenceOutcome, list_bookings, list_outcomes
from api.queries.series.series import get_visible_series, list_visible_series
from api.rest.exceptions import build_conflict
from api.rest.keys import BOOKING, MANAGING
from api.rest.permissions import Scope
from api.services.accounts import consents
from api.services.accounts.joining import find_customer
from api.services.actors import Actor
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest
from api.services.series import dry_runs
from api.services.series.actions import approve_series, cancel_series
from api.services.series.create import SeriesRequest, SeriesResult, create_series
from api.services.series.edit import edit_series
from api.services.series.no_shows import resume_series
from api.v1.filters import SeriesFilterSet
from api.v1.serializers.series import (
    SeriesChangeSerializer,
    SeriesRequestSerializer,
    SeriesScopeSerializer,
    SeriesSerializer,
    render_interval,
)
from api.v1.tags import APPROVE, BOOK

from .base import BaseViewSet, named_in_body
from .bookings import get_venue_id

OWN = ("rule", "exdates", "rdates", "on_conflict")


@extend_schema(tags=[BOOK])
@extend_schema_view(
    list=extend_schema(
        summary="List series",
        description="One's own, newest first; everybody's at the venues where one is staff.",
    ),
    retrieve=extend_schema(
        summary="Read a series",
        description="With all its occurrences, cancelled ones too. For its owner and staff; to"
        " anybody else it does not exist.",
    ),
)
class SeriesViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BaseViewSet[Series]):
    permission_classes = (IsAuthenticated,)
    scope = Scope.VISIBLE
    serializer_class = SeriesSerializer
    filterset_class = SeriesFilterSet
    queryset = Series.objects.none()
    key_scopes = {
        **dict.fromkeys(("create", "partial_update", "cancel"), BOOKING),
        **dict.fromkeys(("approve", "resume"), MANAGING),
    }

    def get_queryset(self) -> QuerySet[Series]:
        return list_visible_series(self.caller)

    def get_object(self) -> Series:
        return get_visible_series(self.caller, self.kwargs["pk"])

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        bookings = list_bookings(page)
        rows = [self._render(row, list_outcomes(row, bookings[row.pk])) for row in page]
        return self.get_paginated_response(rows)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self._render_now(self.get_object()))

    @extend_schema(
        request=SeriesRequestSerializer,
        responses={200: SeriesSerializer, 201: SeriesSerializer},
    )
    def create(self, request: Request) -> Response:
        """Book a series.

        A booking that comes again by a rule, in the venue's wall time; each occurrence is a booking
        of its own. `outcome` says what has become of each: those beyond the venue's `max_advance`
        are `later`, and booked once they are near enough. With `dry_run` nothing is booked: the
        answer says what would be, and its `token` has just that done.
        """
        body = self.get_validated_body(SeriesRequestSerializer)
        consent = body.pop("consent", None)
        is_dry, token = body.pop("dry_run", False), body.pop("token", None)
        sent = {k: v for k, v in dict(request.data).items() if k not in ("dry_run", "token")}
        caller = self.get_key_scope(request)
        dry_run = dry_runs.read_token(token, caller, sent) if token is not None else None
        own = {name: body.pop(name) for name in OWN if name in body}
        with named_in_body("service" if "service" in body else "resource"):
            owner, actor = self._get_owner(body)
            wanted = BookingRequest(owner=owner, contract="v1", **body)

            def require_consent(venue: Venue) -> None:
                if venue.consent_version and not isinstance(self.caller, KeyCaller):
                    consents.require_consent(venue, consent, owner, owner.email)

            with self._rendering_occurrences():
                result = create_series(
                    SeriesRequest(wanted, dry_run=dry_run, **own),
                    actor,
                    consent=require_consent,
                    dry_run=is_dry,
                )
        answer = self._render_result(result)
        if not is_dry:
            return Response(answer, status=201)
        token = dry_runs.build_token(caller, sent, result.outcomes)
        return Response(answer | {"id": None, "token": token})

    def _get_owner(self, body: dict[str, Any]) -> tuple[User, Actor]:
        """Whose series it is to be: people book for themselves, a key for others."""
        whom = body.pop("owner", None)
        if isinstance(self.caller, KeyCaller):
            venue_id = get_venue_id(body)
            check_staff_of(self.caller, venue_id)
            found = find_customer(venue_id, whom)
            if isinstance(found, User):
                return found, Actor.in_venue(self.caller, venue_id)
        if whom:
            raise errors.Unfit(errors={"owner": ["Only keys book for others."]})
        return self.user, Actor.for_new_booking(self.user)

    @extend_schema(request=SeriesChangeSerializer, responses=SeriesSerializer)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change a series.

        All of it, or what follows `from` one of its occurrences, which is a series of its own then:
        its id is answered. The times are those of the first one affected, and all shift by the same
        wall time. Occurrences that were moved by themselves keep their place; what is past or
        checked in stays. One letter is written. For its owner and staff.
        """
        actor = Actor.for_series(self.caller, self.get_object())
        body = self.get_validated_body(SeriesChangeSerializer, partial=True)
        options = {name: body.pop(name) for name in ("since", "on_conflict", "dry_run")
                   if name in body}  # fmt: skip
        del body["scope"]
        with (
            named_in_body("service" if "service" in body else "resource"),
            self._rendering_occurrences(),
        ):
            result = edit_series(pk, actor, BookingChanges(**body), **options)
        if options.get("dry_run"):
            return Response(self._render_result(result) | {"id": None})
        return Response(self._render_now(get_visible_series(self.caller, result.series.pk)))

    @extend_schema(request=SeriesScopeSerializer, responses=SeriesSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: int) -> Response:
        """Cancel a series.

        All of it, or what follows `from` one of its occurrences, those that were moved too; what is
        past or checked in stays. One letter is written. For its owner and staff.
        """
        return self._perform(
            lambda actor, body: cancel_series(pk, actor, body["since"], body.get("reason", ""))
        )

    @extend_schema(tags=[APPROVE], request=SeriesScopeSerializer, responses=SeriesSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: int) -> Response:
        """Approve the requests of a series.

        All of them, or what follows `from` one of its occurrences: they are confirmed, or held for
        payment until one deadline. One letter is written. For staff.
        """
        return self._perform(lambda actor, body: approve_series(pk, actor, body["since"]))

    @extend_schema(tags=[APPROVE], request=SeriesScopeSerializer, responses=SeriesSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: int) -> Response:
        """Resume a series.

        One that was ended because nobody came too often (`series_no_show_limit` of the venue): what
        was cancelled by that and is still free is booked again. One letter is written. For staff.
        """
        return self._perform(lambda actor, body: resume_series(pk, actor, body["since"]))

    def _perform(self, act: Callable[[Actor, dict[str, Any]], Any]) -> Response:
        """Acts as the caller; answers the series afterwards."""
        actor = Actor.for_series(self.caller, self.get_object())
        act(actor, self.get_validated_body(SeriesScopeSerializer))
        return Response(self._render_now(self.get_object()))

    # what all of them answer

    def _render_now(self, series: Series) -> dict[str, Any]:
        bookings = list_bookings([series])[series.pk]
        return self._render(series, list_outcomes(series, bookings))

    def _render_result(self, result: SeriesResult) -> dict[str, Any]:
        return self._render(result.series, result.outcomes)

    def _render(self, series: Series, outcomes: Sequence[OccurrenceOutcome]) -> dict[str, Any]:
        return {**SeriesSerializer(series).data, "occurrences": self._render_all(outcomes)}

    def _render_all(self, outcomes: Sequence[OccurrenceOutcome]) -> Any:
        return [self._render_occurrence(each) for each in outcomes]

    def _render_occurrence(self, each: OccurrenceOutcome) -> dict[str, Any]:
        found: dict[str, Any] = {
            **render_interval(each.interval),
            "recurrence_id": each.recurrence_id,
            "outcome": each.outcome.value,
        }
        if each.code:
            found["code"] = each.code
        if each.booking and not each.booking._state.adding:
            found |= {"booking": each.booking.pk, "status": get_effective_status(each.booking)}
        if each.conflicts:
            found["conflicts"] = [
                build_conflict(row, self.caller.is_staff_of(row.venue_id)) for row in each.conflicts
            ]
        if each.alternatives:
            found["alternatives"] = [render_interval(pair) for pair in each.alternatives]
        return found

    @contextmanager
    def _rendering_occurrences(self) -> Iterator[None]:
        """What is refused says so of each occurrence, as this caller may see it."""
        try:
            yield
        except errors.Refusal as refusal:
            if outcomes := refusal.data.get("occurrences"):
                refusal.data = {**refusal.data, "occurrences": self._render_all(outcomes)}
            raise
