"""What bookings take, by name: a room, several units of a resource, a barber and a chair."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Case, Count, Min, Value, When

from api.models import Allocation, Booking
from api.models.allocations import Kind

JOINED = " + "


def list_part_names(bookings: Iterable[Booking]) -> dict[int, list[str]]:
    """By the id of the booking, its first resource first: one statement, none where each takes one
    resource alone."""
    bookings = list(bookings)
    names = {row.pk: [_name(row.resource.name, row.quantity)] for row in bookings}
    if several := [row.pk for row in bookings if row.several or row.service_id]:
        names |= _read_names(several)
    return names


def get_place_text(booking: Booking) -> str:
    """All of it in one line."""
    return JOINED.join(list_part_names([booking])[booking.pk])


def _read_names(ids: list[int]) -> dict[int, list[str]]:
    first = Case(When(kind=Kind.BOOKING, then=Value(0)), default=Value(1))
    rows = (
        Allocation.objects.filter(booking__in=ids)
        .order_by()
        .values_list("booking", "resource__name", "resource")
        .annotate(units=Count("pk"), after=Min(first), at=Min("pk"))
        .order_by("booking", "after", "at")
    )
    found: dict[int, list[str]] = defaultdict(list)
    for pk, name, _, units, *_ in rows:
        found[pk].append(_name(name, units))
    return found


def _name(name: str, units: int) -> str:
    return f"{units} × {name}" if units > 1 else name
