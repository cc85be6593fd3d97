"""What staff have blocked now reads as not available wherever the status of a room is shown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api.queries.clock import database_now
from api.queries.venues.resource_status import list_resources_with_availability
from api.queries.venues.rooms import get_room_with_status
from api.services.actors import Actor
from api.services.venues.blocks import create_block, delete_block

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("hours", [-0.5, 1])
def test_a_room_is_not_available_while_it_is_blocked(court, venue, sam, hours):
    starts_at = database_now() + hours * HOUR
    block = create_block(
        court, Actor.in_venue(sam, venue.pk), starts_at=starts_at, ends_at=starts_at + HOUR
    )

    def read():
        availability = list_resources_with_availability(venue).get(pk=court.pk).availability
        return get_room_with_status(venue, court.pk)[1], availability

    blocked = ("maintenance", "unavailable")
    assert read() == (blocked if hours < 0 else ("available", "available"))
    delete_block(block)
    assert read() == ("available", "available")
