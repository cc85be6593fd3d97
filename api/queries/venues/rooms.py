"""Rooms of a venue with what goes on in them now: one statement more than the rooms, two
where there are blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from api import policy
from api.errors import NotFound, Refusal
from api.models import Block, Booking, Resource, User, Venue
from api.opening_hours import to_instant
from api.policy import Interval, Rules
from api.queries.bookings.availability import filter_free, list_busy_intervals
from api.queries.bookings.blocked_times import list_blocked
from api.queries.bookings.bookings import filter_by_resource
from api.queries.clock import annotate_now, database_now
from api.queries.venues.rules import get_rules

Status = Literal["available", "occupied", "reserved", "maintenance"]
SOON, MICROSECOND = timedelta(minutes=15), timedelta(microseconds=1)
_ANY_TIME = datetime.min.replace(tzinfo=UTC)


def search_rooms(
    venue: Venue,
    *,
    text: str = "",
    building: str = "",
    floor: int | None = None,
    min_capacity: int | None = None,
    amenities: Sequence[str] = (),
) -> list[tuple[Resource, Status]]:
    """Rooms by id with their status: available, occupied, reserved (a meeting begins within 15
    minutes) or maintenance, which is also what staff have blocked."""
    found = _list_rooms(venue).order_by("pk")
    if text:
        found = found.filter(Q(name__icontains=text) | Q(building__icontains=text))
    if building:
        found = found.filter(building__iexact=building)
    if floor is not None:
        found = found.filter(floor=floor)
    if min_capacity is not None:
        found = found.filter(capacity__gte=min_capacity)
    if amenities:
        found = found.filter(amenities__contains=list(amenities))
    return _annotate_status(list(found))


def _list_rooms(venue: Venue) -> QuerySet[Resource]:
    has_blocks = Exists(Block.objects.filter(resource=OuterRef("pk")))
    return Resource.objects.filter(venue=venue, retired_at=None).annotate(has_blocks=has_blocks)


def get_room(venue: Venue, pk: int) -> Resource:
    """Refuses `NotFound`."""
    found = _list_rooms(venue).filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such room.")
    return found


def get_room_with_status(venue: Venue, pk: int) -> tuple[Resource, Status]:
    """Refuses `NotFound`."""
    return _annotate_status([get_room(venue, pk)])[0]


def _annotate_status(rooms: list[Resource]) -> list[tuple[Resource, Status]]:
    rows = (
        Booking.objects.occupying([room.pk for room in rooms], Now(), Now() + SOON + MICROSECOND)
        .filter(ends_at__gt=Now(), starts_at__lte=Now() + SOON)
        .blocking()
        .annotate(begun=ExpressionWrapper(Q(starts_at__lte=Now()), BooleanField()))
        .values_list("place", "begun")
    )
    taken = Counter(rows)  # once for every unit
    blocked = set()
    if any(room.has_blocks for room in rooms):  # type: ignore[attr-defined]  # annotated
        now = database_now()
        blocked = {each.resource_id for each in list_blocked(rooms, now, now + MICROSECOND)}

    def get_status(room: Resource) -> Status:
        occupied = taken[room.pk, True]
        if not room.bookable or (room.pk in blocked and not occupied):
            return "maintenance"
        if occupied >= room.units:
            return "occupied"
        return "reserved" if occupied + taken[room.pk, False] >= room.units else "available"

    return [(room, get_status(room)) for room in rooms]


@dataclass(frozen=True)
class Building:
    """`id` is made of the venue and the name, in any case of letters: the same as long as they
    are. `floors` is how many have a room."""

    id: str
    name: str
    floors: int


def list_buildings(venue: Venue) -> list[Building]:
    """The buildings of the rooms, by name."""
    rows = Resource.objects.filter(venue=venue, retired_at=None).exclude(building="")
    names: dict[str, str] = {}
    floors: dict[str, set[int]] = {}
    for name, floor in rows.order_by("pk").values_list("building", "floor"):
        key = name.casefold()
        names.setdefault(key, name)
        floors.setdefault(key, set()).add(floor)
    return [
        Building(str(uuid5(NAMESPACE_URL, f"{venue.slug}/{key}")), names[key], len(floors[key]))
        for key in sorted(names)
    ]


def list_room_slots(room: Resource, on: date) -> list[tuple[Interval, bool]]:
    """The slots of the room's local date within opening hours, by start, and whether each could be
    booked now by one person."""
    rules, now = get_rules(room.pk)
    slots = list(policy.iter_slots(rules, on))
    if not slots:
        return []
    busy = list_busy_intervals([room], slots[0][0], slots[-1][1])[room.pk]
    free = set(filter_free(slots, busy, _ANY_TIME))
    return [(slot, slot in free and _passes(rules, slot, now)) for slot in slots]


def _passes(rules: Rules, slot: Interval, now: datetime) -> bool:
    try:
        policy.check_booking(rules, *slot, now, 1)
    except Refusal:
        return False
    return True


def list_room_bookings(room: Resource, on: date, without: Sequence[str]) -> QuerySet[Booking]:
    """Bookings that touch the room's local date, by start; those in `without` left out."""
    zone = room.venue.zone
    starts = to_instant(zone, on, time())
    ends = to_instant(zone, on + policy.DAY, time())
    near = Booking.objects.filter(starts_at__gt=starts - policy.MAX_LENGTH)
    rows = filter_by_resource(near.overlapping(starts, ends), room.pk)
    return (
        annotate_now(rows)
        .exclude(status__in=without)
        .select_related("resource", "owner")
        .prefetch_related("attendees")
        .order_by("starts_at", "pk")
    )


def get_venue_booking(venue: Venue, pk: int) -> Booking:
    """Whoever's it is; refuses `NotFound`."""
    rows = Booking.objects.filter(venue=venue, pk=pk).annotate(now=Now())  # type: ignore[no-redef]
    found = rows.select_related("resource", "owner").prefetch_related("attendees").first()
    if found is None:
        raise NotFound("There is no such booking.")
    return found


def get_visible_booking(venue: Venue, pk: int, user: User) -> Booking:
    """The booking, for its owner, the people invited and staff; refuses `NotFound` to others."""
    booking = get_venue_booking(venue, pk)
    invited = {person.pk for person in booking.attendees.all()}
    if user.is_staff_of(venue.pk) or user.pk in {booking.owner_id, *invited}:
        return booking
    raise NotFound("There is no such booking.")
