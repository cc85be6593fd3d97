"""Blocks by staff, and what stands under them; fewer units than are booked."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api import errors
from api.models import Allocation, Block, Booking, Resource, Venue
from api.queries.reviews.reviews import list_open_reviews
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.reschedule import reschedule_booking
from api.services.reviews.review import review_changed_venues
from api.services.venues.block_renewal import renew_blocks
from api.services.venues.blocks import create_block, delete_block
from api.services.venues.resources import update_resource
from backend.celery import app

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def bikes(venue):
    return Resource.objects.create(venue=venue, name="Bikes", units=3)


@pytest.fixture
def block(sam, soon):
    def make(place, start=0.0, length=3.0, **more):
        times = {
            "starts_at": soon + start * HOUR,
            "ends_at": soon + (start + length) * HOUR,
        }
        return create_block(place, Actor.in_venue(sam, place.venue_id), **times, **more)

    return make


def under_review():
    return set(list_open_reviews().values_list("booking", flat=True))


def leave(row):
    cancel_booking(row.pk, Actor.for_booking(row.owner, row))


def is_free(book, place, start, length=1.0, **more):
    try:
        leave(book(place, start, length, **more))
    except errors.SlotTaken:
        return False
    return True


def test_nobody_books_what_is_blocked(court, book, block, soon):
    block(court, reason="Paint")
    with pytest.raises(errors.SlotTaken) as refused:
        book(court, 1)
    (conflict,) = refused.value.conflicts
    assert (conflict.starts_at, conflict.ends_at) == (soon, soon + 3 * HOUR)
    assert (conflict.status, conflict.reason) == ("blocked", "Paint")
    assert refused.value.alternatives[0] == (soon - HOUR, soon)
    assert not is_free(book, court, 2.5)
    assert is_free(book, court, 3)
    assert is_free(book, court, -1)


def test_a_buffer_may_not_lie_over_a_block(court, book, block):
    Resource.objects.filter(pk=court.pk).update(buffer_after=HOUR)
    block(court)
    assert not is_free(book, court, -1.5)
    assert is_free(book, court, -2)
    assert is_free(book, court, 3)


def test_a_block_over_bookings_is_refused_with_them(court, book, block):
    row = book(court, 1)
    with pytest.raises(errors.SlotTaken) as refused:
        block(court)
    assert refused.value.conflicts == [row]
    assert not Block.objects.exists()
    assert is_free(book, court, 0)
    assert under_review() == set()


def test_with_force_it_takes_what_is_free_and_the_rest_when_each_leaves(court, book, block):
    first, second = book(court, 0.5), book(court, 2)
    made = block(court, force=True)
    assert [(row.id, row.code) for row in made.affected] == [
        (first.pk, "slot_taken"),
        (second.pk, "slot_taken"),
    ]
    assert under_review() == {first.pk, second.pk}
    assert not is_free(book, court, 0, 0.5)
    assert not is_free(book, court, 1.5, 0.5)
    leave(first)
    assert not is_free(book, court, 0.5)
    later = BookingChanges(starts_at=second.starts_at + 3 * HOUR, ends_at=second.ends_at + 3 * HOUR)
    reschedule_booking(second.pk, Actor.for_booking(second.owner, second), later)
    assert not is_free(book, court, 2)
    assert under_review() == set()
    rows = Allocation.objects.filter(block=made)
    assert set(rows.values_list("blocking", flat=True)) == {True}
    assert sum((r.span.upper - r.span.lower for r in rows), timedelta(0)) == 3 * HOUR


def test_a_hold_that_has_run_out_does_not_stand_in_its_way(court, book, block):
    Resource.objects.update(price_minor=500)
    hold = book(court, 1)
    Booking.objects.filter(pk=hold.pk).update(hold_expires_at=Now())
    block(court)
    assert not is_free(book, court, 1)


def test_a_block_that_is_lifted_frees_its_time_and_the_bookings_leave_review(court, book, block):
    row = book(court, 1)
    made = block(court, force=True)
    assert under_review() == {row.pk}
    delete_block(made)
    assert under_review() == set()
    assert is_free(book, court, 0)
    assert Allocation.objects.filter(blocking=True).get().booking == row


def test_blocks_may_overlap_and_the_second_has_what_the_first_leaves(court, book, block):
    first, _ = block(court, 0, 3), block(court, 2, 3)
    delete_block(first)
    assert is_free(book, court, 0, 2)
    assert not is_free(book, court, 2)
    assert not is_free(book, court, 4)


def test_a_block_takes_all_units(bikes, book, block):
    rows = [book(bikes, 1) for _ in range(2)]
    block(bikes, force=True)
    assert not is_free(book, bikes, 0)
    assert not is_free(book, bikes, 1)
    leave(rows[0])
    assert not is_free(book, bikes, 1)
    leave(rows[1])
    assert Allocation.objects.filter(blocking=False, kind="block").count() == 0


def test_more_units_are_blocked_too(bikes, book, block, sam):
    block(bikes)
    update_resource(bikes, sam, {"units": 5})
    assert not is_free(book, bikes, 1)
    assert is_free(book, bikes, 3, quantity=5)
    update_resource(bikes, sam, {"units": 1})
    assert not is_free(book, bikes, 1)


# fewer units than are booked


def test_those_made_last_are_affected_and_nobody_new_gets_in_until_it_fits(bikes, book, sam, soon):
    rows = [book(bikes, 0, 2), book(bikes), book(bikes, 0, 3)]
    update_resource(bikes, sam, {"units": 2})
    assert [(row.id, row.code) for row in bikes.affected] == [(rows[2].pk, "slot_taken")]
    assert under_review() == {rows[2].pk}
    assert not is_free(book, bikes, 0)
    assert not is_free(book, bikes, 1)  # the first and the last are there
    kept = book(bikes, 2)  # beside the last alone
    assert not is_free(book, bikes, 2)
    assert is_free(book, bikes, 3, quantity=2)
    leave(kept)
    leave(rows[0])
    review_changed_venues()
    assert under_review() == set()
    assert Resource.objects.get(pk=bikes.pk).crowded_until is None
    assert Allocation.objects.filter(blocking=True, unit__gt=2).count() == 0
    assert not is_free(book, bikes, 0)
    assert is_free(book, bikes, 1)


@pytest.mark.django_db(transaction=True)
def test_what_leaves_a_crowded_resource_asks_for_a_look_at_once(bikes, book, sam):
    """Not with the next round of the job: what fits again leaves its review then."""
    rows = [book(bikes) for _ in range(3)]
    update_resource(bikes, sam, {"units": 1})
    app.control.purge()
    leave(rows[2])
    with app.connection_for_read() as broker:
        queue = broker.SimpleQueue("clock")
        tasks = iter(lambda: queue.get(timeout=10).headers["task"], None)
        assert "tasks.clock.review_bookings" in tasks
        queue.close()
    app.control.purge()


def test_fewer_units_that_still_fit_affect_nobody(bikes, book, sam):
    rows = [book(bikes, n) for n in range(3)]
    for unit, row in enumerate(rows, 1):
        Allocation.objects.filter(booking=row).update(unit=unit)
    update_resource(bikes, sam, {"units": 1})
    assert bikes.affected == []
    assert set(Allocation.objects.values_list("unit", flat=True)) == {1}


# blocks without an end


def test_an_endless_block_is_renewed_as_far_as_people_may_book(venue, court, block, book, ana):
    """Fails when nothing renews it: after a year the lunch break can be booked."""
    made = block(court, length=1, rule="FREQ=DAILY")
    assert renew_blocks() == 0
    venue.max_advance = timedelta(days=700)
    venue.save()
    last = made.last_ends_at
    after = {"start": (last - made.ends_at) / HOUR + 24, "length": 1.0}
    booking = book(court, **after)  # before the job came
    assert renew_blocks() == 1
    made.refresh_from_db()
    assert made.last_ends_at > last + timedelta(days=365)
    assert booking.pk in under_review()
    with pytest.raises(errors.SlotTaken):
        book(court, start=after["start"] + 24)
    cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    with pytest.raises(errors.SlotTaken):
        book(court, **after)
    assert renew_blocks() == 0
    ranges = [span.lower for span in made.repeats]
    assert ranges == sorted(set(ranges))
    assert {at.hour for at in ranges} == {made.starts_at.hour}


@pytest.mark.parametrize("rule", ["", "FREQ=DAILY;COUNT=3", "FREQ=DAILY;UNTIL={:%Y%m%d}"])
def test_other_blocks_end(venue, court, block, soon, rule):
    block(court, length=1, rule=rule.format(soon + timedelta(days=9)))
    venue.max_advance = timedelta(days=700)
    venue.save()
    assert renew_blocks() == 0


def test_the_block_of_a_retired_resource_is_not_renewed(venue, court, block):
    block(court, length=1, rule="FREQ=DAILY")
    venue.max_advance = timedelta(days=700)
    venue.save()
    Resource.objects.filter(pk=court.pk).update(retired_at=Now())
    assert renew_blocks() == 0


def test_two_jobs_at_once_renew_it_once(venue, court, block, at_once):
    made = block(court, length=1, rule="FREQ=DAILY")
    Venue.objects.filter(pk=venue.pk).update(max_advance=timedelta(days=500))
    assert sorted(at_once(renew_blocks, renew_blocks)) == [0, 1]
    made.refresh_from_db()
    assert len(made.repeats) == len({span.lower for span in made.repeats}) == 365 + 366
