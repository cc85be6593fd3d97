"""How a refusal reads to this frontend, and the order in which a booking is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from rest_framework.response import Response

from api import errors, policy
from api.documents import Refusals, Schema
from api.policy import Rules
from api.queries.venues import resource_status
from api.rest.base_view import BaseAPIView
from api.rest.exceptions import MethodNotAllowed

from . import answers
from .shapes import EMAIL_TAKEN, USERNAME_TAKEN

Check: TypeAlias = Callable[[Rules, datetime, datetime, datetime, int], None]

# the order of looking


def check_new(rules: Rules, starts: datetime, ends: datetime, now: datetime, guests: int) -> None:
    """A switched-off resource, the notice, the end after the start, then the rest."""
    if not rules.resource.bookable:
        raise errors.ResourceUnavailable
    earliest = now + rules.venue.min_notice
    if starts < earliest - policy.NETWORK_ALLOWANCE:
        raise errors.TooSoon(earliest=earliest, rules=rules)
    policy.check_booking(rules, starts, ends, now, guests)


def check_edit(began: datetime, by_staff: bool) -> Check:
    """Who is not staff and moves the start owes the notice again; staff may put things right."""

    def check(rules: Rules, starts: datetime, ends: datetime, now: datetime, guests: int) -> None:
        if starts != began and not by_staff:
            check_new(rules, starts, ends, now, guests)
            return
        if ends <= now:
            raise errors.InThePast
        policy.check_resource(rules, starts, ends, guests)

    return check


# the words


def _at(field: str, words: str, refusal: errors.Refusal) -> dict[str, Any]:
    return {field: [words or refusal.detail]}


def minute(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def _too_soon(refusal: errors.TooSoon) -> dict[str, Any]:
    rules: Rules = refusal.data["rules"]
    minutes = rules.venue.min_notice // timedelta(minutes=1)
    earliest = minute(refusal.data["earliest"], rules.zone)
    words = f"Bookings must be made at least {minutes} minutes in advance."
    return {"non_field_errors": [f"{words} Earliest available: {earliest}"]}


def _taken(refusal: errors.SlotTaken) -> dict[str, Any]:
    words = "Cannot create booking - this resource is already booked during your selected time. "
    found = None
    if rules := refusal.data.get("rules"):
        zone = rules.zone
        each = (_span(b.starts_at, b.ends_at, zone) for b in refusal.conflicts[:3])
        words += f"Conflicting booking(s): {', '.join(each)}. "
        asked, now, ignore = (refusal.data[name] for name in ("asked", "now", "ignore"))
        found = resource_status.next_free(rules, asked, now, ignore=ignore)
    if found:
        words += f"Suggested available time: {_span(*found, zone)}."
    else:
        words += "Please check the resource availability and try a different time."
    return {"non_field_errors": [words]}


def _span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    return f"{minute(start, zone)} - {end.astimezone(zone):%H:%M}"


# the first that fits; all of these are answered 400
FIELDS: Final[Mapping[type[errors.Refusal], Callable[[Any], dict[str, Any]]]] = {
    errors.UsernameTaken: partial(_at, "username", USERNAME_TAKEN),
    errors.EmailTaken: partial(_at, "email", EMAIL_TAKEN),
    errors.TooSoon: _too_soon,
    errors.EndsBeforeStart: partial(_at, "non_field_errors", "End time must be after start time."),
    errors.InThePast: partial(_at, "non_field_errors", "Cannot book in the past."),
    errors.SlotTaken: _taken,
    errors.ResourceUnavailable: partial(_at, "resource", ""),
    errors.OverCapacity: partial(_at, "guests", ""),
    **{
        kind: partial(_at, "non_field_errors", "")
        for kind in (
            errors.AbsurdTime,
            errors.TooFarAhead,
            errors.SameDayRefused,
            errors.OutsideHours,
            errors.Closed,
            errors.NotWholeSlots,
            errors.NotAllowedNow,
            errors.AlreadyBegun,
        )
    },
}


def body_of(refusal: errors.Refusal, method: str) -> tuple[int, dict[str, Any]]:
    """Status and body of any refusal."""
    for kind, body in FIELDS.items():
        if isinstance(refusal, kind):
            return 400, body(refusal)
    if isinstance(refusal, errors.Invalid):
        return 400, dict(refusal.errors) or {"non_field_errors": [refusal.detail]}
    if isinstance(refusal, errors.NotSignedIn):
        said = refusal.data.get("said", "Authentication credentials were not provided.")
        return 401, {"detail": str(said)}
    if isinstance(refusal, MethodNotAllowed):
        return 405, {"detail": f'Method "{method}" not allowed.'}
    if isinstance(refusal, errors.NotFound):
        return 404, {"detail": "Not found."}
    if isinstance(refusal, errors.Forbidden) and refusal.detail == errors.Forbidden.detail:
        return 403, {"detail": "You do not have permission to perform this action."}
    return refusal.status, {"detail": refusal.detail}


REFUSALS: Final[Refusals] = {
    400: answers.Fields | answers.Said,
    **dict.fromkeys((401, 403, 404, 405, 406, 409, 413, 415, 429, 503), answers.Said),
}


class Desk(BaseAPIView):
    """The base of this frontend's views."""

    schema = Schema()
    refusals = REFUSALS

    def explain(self, refusal: errors.Refusal) -> Response:
        status, body = body_of(refusal, self.request.method or "")
        return Response(body, status=status)
