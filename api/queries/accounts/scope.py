"""Whose rows somebody may work with: those of the venues where they are staff, or admins.

One table says of each model how its rows hang on a venue. It fails closed: of a model that is not
in it nobody gets any but the operator.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from api import errors
from api.models import (
    Allocation,
    ApiKey,
    AuditEntry,
    Block,
    Booking,
    BookingEvent,
    Caller,
    Closure,
    ConsentText,
    Delivery,
    Dispute,
    Hours,
    HoursException,
    Invitation,
    Membership,
    Need,
    Panel,
    Payment,
    Pool,
    PrimetimeWindow,
    Refund,
    Resource,
    Review,
    Series,
    Service,
    ServiceDuration,
    Trade,
    User,
    Venue,
    WaitlistEntry,
)

Row = TypeVar("Row", bound=Model)
VENUE_PATHS: Mapping[type[Model], str] = {
    Venue: "pk",
    Closure: "venue",
    Hours: "venue",
    HoursException: "venue",
    Allocation: "resource__venue",
    Block: "resource__venue",
    ConsentText: "venue",
    PrimetimeWindow: "venue",
    Membership: "venue",
    Invitation: "venue",
    Resource: "venue",
    Pool: "venue",
    Service: "venue",
    ServiceDuration: "service__venue",
    Need: "service__venue",
    Panel: "resource__venue",
    Booking: "venue",
    Series: "venue",
    BookingEvent: "booking__venue",
    Review: "booking__venue",
    Trade: "requester_booking__venue",
    Payment: "booking__venue",
    Refund: "payment__booking__venue",
    Dispute: "payment__booking__venue",
    Delivery: "booking__venue",
    AuditEntry: "venue",
    WaitlistEntry: "venue",
}


def limit_to_staff(rows: QuerySet[Row], caller: Caller) -> QuerySet[Row]:
    """Those at venues where the caller is staff; all of them for an operator."""
    return limit_to_venues(rows, caller.list_staff_venues())


def limit_to_admin(rows: QuerySet[Row], caller: Caller) -> QuerySet[Row]:
    """Those at venues where the caller is an admin; all of them for an operator."""
    return limit_to_venues(rows, caller.list_admin_venues())


def limit_to_visible(rows: QuerySet[Booking], caller: Caller) -> QuerySet[Booking]:
    """The caller's own bookings, and those at venues where they are staff."""
    venues = caller.list_staff_venues()
    if venues is None:
        return rows
    own = Q(owner=caller.person_id) if caller.person_id is not None else Q(pk__in=[])
    return rows.filter(own | Q(venue__in=venues))


def limit_to_venues(rows: QuerySet[Row], venues: Collection[int] | None) -> QuerySet[Row]:
    """Those of the venues; None is every venue."""
    if venues is None:
        return rows
    if rows.model is ApiKey:
        return rows.filter(venue_ids__overlap=list(venues))
    if rows.model is User:
        return rows.filter(pk__in=Membership.objects.filter(venue__in=venues).values("user"))
    path: Any = VENUE_PATHS.get(rows.model)
    return rows.filter(**{f"{path}__in": venues}) if path else rows.none()


def check_staff_of(caller: Caller, venue_id: int) -> None:
    """Refuses `Forbidden`."""
    if not caller.is_staff_of(venue_id):
        raise errors.Forbidden


def check_admin_of(caller: Caller, venue_id: int) -> None:
    """Refuses `Forbidden`."""
    if not caller.is_admin_of(venue_id):
        raise errors.Forbidden
