"""What staff have blocked, and how many units are free: on panels, calendars and in lists."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from api.models import Allocation, Booking, Resource
from api.queries.bookings.blocked_times import list_blocked
from api.queries.panels import panels
from api.queries.venues import rooms
from api.queries.venues.resource_status import list_resources_with_availability
from api.services.actors import Actor
from api.services.venues.blocks import create_block

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def block(sam):
    def make(place, starts_at, length=HOUR, **more):
        actor = Actor.in_venue(sam, place.venue_id)
        return create_block(
            place, actor, starts_at=starts_at, ends_at=starts_at + length, reason="Paint", **more
        )

    return make


@pytest.fixture
def noon(venue):
    """So that the day has hours to go, there."""
    venue.time_zone = f"Etc/GMT{timezone.now().hour - 12:+d}"
    venue.save()
    return timezone.now()


def test_a_blocked_room_says_so_on_its_panel_and_when_it_will_be(court, block, noon):
    block(court, noon + HOUR)
    state = panels.get_state(court.pk)
    starts_at, ends_at = map(panels._format_instant, (noon + HOUR, noon + 2 * HOUR))
    assert (state["status"], state["free_until"]) == ("available", starts_at)
    assert state["blocked"] == [{"starts_at": starts_at, "ends_at": ends_at}]
    assert state["changes_at"] <= starts_at
    assert "Paint" not in str(state)
    block(court, noon - MINUTE)
    state = panels.get_state(court.pk)
    assert (state["status"], state["free_units"], state["free_until"]) == ("blocked", 0, None)


def test_of_several_units_a_panel_says_how_many_are_free(venue, ana, booked, noon):
    bikes = Resource.objects.create(venue=venue, name="Bikes", units=5)
    first, second = (booked(ana, place=bikes, quantity=units) for units in (3, 2))
    for booking, begins in ((first, -5 * MINUTE), (second, 30 * MINUTE)):
        moments = {"starts_at": noon + begins, "ends_at": noon + HOUR, "completes_at": noon + HOUR}
        Booking.objects.filter(pk=booking.pk).update(**moments, check_in_opens_at=None)
    state = panels.get_state(bikes.pk)
    assert (state["status"], state["free_units"], state["room"]["units"]) == ("available", 2, 5)
    assert state["free_until"] == panels._format_instant(noon + 30 * MINUTE)
    Booking.objects.filter(pk=second.pk).update(starts_at=noon - MINUTE)
    state = panels.get_state(bikes.pk)
    assert (state["status"], state["free_units"], state["free_until"]) == ("occupied", 0, None)


def test_a_buffer_is_nobodys_time_on_a_panel(venue, court, ana, booked, noon):
    Resource.objects.filter(pk=court.pk).update(buffer_after=HOUR)
    booking = booked(ana)
    moments = {"starts_at": noon - HOUR, "ends_at": noon - MINUTE}
    Booking.objects.filter(pk=booking.pk).update(**moments, completes_at=noon + HOUR)
    assert Allocation.objects.get(booking=booking).span.upper > noon
    assert panels.get_state(court.pk)["current"] is None


def test_a_room_that_is_blocked_now_is_in_maintenance_and_not_to_be_had(venue, court, block, noon):
    other = Resource.objects.create(venue=venue, name="Court 2")
    block(court, noon - MINUTE)
    block(other, noon + 3 * HOUR)
    found = {room.pk: status for room, status in rooms.search_rooms(venue)}
    assert found == {court.pk: "maintenance", other.pk: "available"}
    listed = {row.pk: row.availability for row in list_resources_with_availability(venue)}
    assert listed == {court.pk: "unavailable", other.pk: "available"}


def test_the_calendar_has_blocks_among_its_bookings_and_their_reason_for_staff(
    venue, court, block, booked, ana, sam, client_of, soon
):
    booked(ana)
    block(court, soon + 2 * HOUR, rule="FREQ=WEEKLY;COUNT=2")
    week = {"start": f"{soon:%Y-%m-%d}", "end": f"{soon + timedelta(days=7):%Y-%m-%d}"}
    for who, reason in ((ana, {}), (sam, {"reason": "Paint"})):
        days = client_of(who).get("/api/v1/venues/club/calendar/", week).json()["days"]
        taken = {day["date"]: day["bookings"] for day in days if day["bookings"]}
        first = f"{soon + 2 * HOUR:%Y-%m-%dT%H:%M:%SZ}"
        assert [row["status"] for row in taken[week["start"]]] == ["confirmed", "blocked"]
        assert taken[week["start"]][1] == {
            "resource": court.pk,
            "starts_at": first,
            "ends_at": f"{soon + 3 * HOUR:%Y-%m-%dT%H:%M:%SZ}",
            "status": "blocked",
            **reason,
        }
        assert [row["status"] for row in taken[week["end"]]] == ["blocked"]


def test_no_statement_is_made_where_nothing_is_blocked(
    venue, court, soon, django_assert_num_queries
):
    court.has_blocks = False
    with django_assert_num_queries(0):
        assert list_blocked([court], soon, soon + HOUR) == []
