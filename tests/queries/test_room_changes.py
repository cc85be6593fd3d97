"""What time alone changes at a door is announced, once."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models.functions import Now

from api.models import Allocation, Booking, Panel, Resource
from api.queries.clock import database_now
from api.queries.panels import panels
from api.queries.panels.room_changes import list_rooms_changed_since
from api.services.actors import Actor
from api.services.venues.blocks import create_block
from tasks.clock import push_panels

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def door(court):
    return Panel.objects.create(resource=court, name="Door", paired_at=Now())


@pytest.fixture
def at():
    """Moves one instant of that booking to so many seconds from now."""

    def move(booking, **seconds):
        moments = {name: Now() + ahead * SECOND for name, ahead in seconds.items()}
        Booking.objects.filter(pk=booking.pk).update(**moments)

    return move


@pytest.mark.parametrize(
    ("moments", "seen"),
    [
        ({"starts_at": -2, "ends_at": 600}, True),
        ({"starts_at": -600, "ends_at": -2}, True),
        ({"starts_at": 15 * 60 - 2, "ends_at": 3600}, True),
        ({"starts_at": 300, "ends_at": 600, "check_in_opens_at": -2}, True),
        ({"starts_at": -300, "ends_at": 600, "no_show_at": -2}, True),
        ({"starts_at": -300, "ends_at": 600}, False),
        ({"starts_at": 300, "ends_at": 600}, False),
    ],
)
def test_a_room_has_turned_when_an_instant_of_its_booking_has_passed(
    door, booked, ana, at, moments, seen
):
    at(booked(ana), **moments)
    assert list_rooms_changed_since("push_panels") == ({door.resource_id} if seen else set())


def test_a_turn_is_announced_once_to_rooms_with_a_living_panel(door, venue, booked, ana, at):
    other = Resource.objects.create(venue=venue, name="No panel")
    for place in (door.resource, other):
        at(booked(ana, place=place), starts_at=-2, ends_at=600)
    before = cache.get(panels.get_version_key(door.resource_id), 0)
    assert push_panels() == 1
    assert cache.get(panels.get_version_key(door.resource_id)) == before + 1
    assert push_panels() == 0
    Panel.objects.update(revoked_at=Now())
    assert list_rooms_changed_since("never ran") == set()


def test_without_redis_nothing_is_announced_and_nothing_fails(door, booked, ana, at, servers):
    at(booked(ana), starts_at=-2, ends_at=600)
    servers.valkey.stop()
    try:
        assert push_panels() == 0
    finally:
        servers.valkey.start()


@pytest.mark.usefixtures("door")
def test_a_block_that_begins_or_ends_is_seen(court, sam):
    now = database_now()
    actor = Actor.in_venue(sam, court.venue_id)
    times = {"starts_at": now - 600 * SECOND, "ends_at": now + 600 * SECOND, "reason": "Paint"}
    block = create_block(court, actor, **times)
    assert list_rooms_changed_since("push_panels") == set()
    for edges in ((now - SECOND, block.ends_at), (block.starts_at, now - SECOND)):
        span = DateTimeTZRange(*edges)
        Allocation.objects.filter(block=block).update(span=span)
        assert list_rooms_changed_since("push_panels") == {court.pk}
