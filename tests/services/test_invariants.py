"""What `check_invariants` knows of places: bookings of every kind, and blocks."""

from datetime import timedelta

import pytest
from django.db import connection

from api.models import Allocation, Booking
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.create import create_booking
from api.services.operations import invariants
from api.services.venues.blocks import create_block

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def row(kind, ana, soon):
    return create_booking(kind.request(ana, soon, soon + HOUR), actor=Actor.for_new_booking(ana))


def problems_of(row):
    return [f"booking {row.pk} does not have the places that it shows"]


def test_a_booking_of_any_kind_has_its_places_whatever_becomes_of_it(row, ana):
    assert invariants.list_problems() == []
    cancel_booking(row.pk, Actor.for_booking(ana, row))
    assert invariants.list_problems() == []


def test_a_place_that_is_missing_is_found(row):
    row.allocations.order_by("-id").first().delete()
    assert problems_of(row)[0] in invariants.list_problems()


def test_a_place_that_does_not_follow_the_status_is_found(row):
    row.allocations.update(blocking=False)
    assert invariants.list_problems() == problems_of(row)


def test_a_place_that_is_shorter_than_the_booking_is_found(row, soon):
    row.allocations.update(span=(soon, soon + HOUR / 2))
    assert invariants.list_problems() == problems_of(row)


@pytest.mark.parametrize("kind", ["set of units"], indirect=True)
def test_three_units_of_one_and_one_of_another_are_not_two_of_each(row, kind):
    here = row.allocations.filter(resource=kind.first)
    other = row.allocations.exclude(resource=kind.first).first()
    free = ({1, 2, 3} - set(here.values_list("unit", flat=True))).pop()
    Allocation.objects.filter(pk=other.pk).update(resource=kind.first, unit=free)
    assert invariants.list_problems() == problems_of(row)


@pytest.mark.parametrize("kind", ["units", "service"], indirect=True)
def test_a_block_has_all_of_its_time_or_waits_for_what_a_booking_has(row, kind, sam, soon):
    block = create_block(
        kind.first,
        Actor.in_venue(sam, kind.first.venue_id),
        starts_at=soon - HOUR,
        ends_at=soon + 2 * HOUR,
        force=True,
    )
    assert invariants.list_problems() == []
    waiting = Allocation.objects.filter(block=block, blocking=False)
    unit = waiting.first().unit
    Booking.objects.filter(pk=row.pk).update(version=2)  # nothing that it would follow
    row.allocations.filter(resource=kind.first, unit=unit).update(
        span=(soon + 10 * HOUR, soon + 11 * HOUR)
    )
    assert invariants.list_problems() == problems_of(row)  # which gave its time to the block
    Allocation.objects.filter(block=block, unit=unit).first().delete()
    found = invariants.list_problems()
    assert f"block {block.pk} neither has nor waits for all of its time of unit {unit}" in found


@pytest.mark.parametrize("kind", ["plain"], indirect=True)
def test_a_block_that_waits_for_what_is_free_is_found(row, kind, sam, soon):
    times = {"starts_at": soon, "ends_at": soon + HOUR}
    block = create_block(kind.first, Actor.in_venue(sam, kind.first.venue_id), **times, force=True)
    with connection.cursor() as cursor:  # without the trigger that would give it to the block
        cursor.execute("SET LOCAL session_replication_role = replica")
        row.allocations.update(blocking=False)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    found = invariants.list_problems()
    assert f"block {block.pk} waits for unit 1 of resource {kind.first.pk}, which is free" in found
