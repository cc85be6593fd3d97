"""Services: what is booked without naming a resource, of whoever is free."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from api import errors
from api.models import Allocation, Booking, Need, Pool, Resource, Service, ServiceDuration, Venue
from api.queries.bookings.service_slots import list_slots
from api.queries.venues.services import get_service_rules
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.extend import extend_booking
from api.services.bookings.reschedule import reschedule_booking

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
CUT = 45 * MINUTE


@pytest.fixture
def barbers(venue):
    return [Resource.objects.create(venue=venue, name=name) for name in ("Abe", "Bea", "Cid")]


@pytest.fixture
def make_service(venue):
    def make(*pools: tuple[list[Resource], int], durations: Any = ((CUT, 3500),), **fields):
        service = Service.objects.create(venue=venue, name="Cut", **fields)
        for duration, price in durations:
            ServiceDuration.objects.create(service=service, duration=duration, price_minor=price)
        for resources, quantity in pools:
            pool = Pool.objects.create(venue=venue, name="Pool")
            pool.resources.set(resources)
            Need.objects.create(service=service, pool=pool, quantity=quantity)
        return service

    return make


@pytest.fixture
def cut(make_service, barbers):
    return make_service((barbers, 1), durations=((CUT, 0), (HOUR, 0)))


@pytest.fixture
def book(ana):
    def make(service, at, duration=CUT, **more):
        return create_booking(
            BookingRequest(owner=ana, service=service.pk, starts_at=at, duration=duration, **more),
            actor=Actor.for_new_booking(ana),
        )

    return make


def takes(booking: Booking) -> dict[int, int]:
    """Units, by resource."""
    found: dict[int, int] = {}
    for pk in Allocation.objects.filter(booking=booking).values_list("resource", flat=True):
        found[pk] = found.get(pk, 0) + 1
    return found


def slots(service, start, end, duration=CUT, quantity=1):
    return list(list_slots(get_service_rules(service.pk), start, end, duration, quantity=quantity))


# who serves


def test_each_gets_another_barber_and_the_last_is_refused_with_the_nearest_times(
    cut, barbers, book, soon
):
    made = [book(cut, soon) for _ in barbers]
    assert [row.resource_id for row in made] == [row.pk for row in barbers]
    assert made[0].ends_at == soon + CUT
    with pytest.raises(errors.SlotTaken) as refused:
        book(cut, soon + 15 * MINUTE)
    assert {row.pk for row in refused.value.conflicts} == {row.pk for row in made}
    assert refused.value.alternatives[0] == (soon + CUT, soon + 2 * CUT)
    assert Booking.objects.count() == 3


def test_who_has_the_fewest_bookings_that_day_is_next_then_who_is_idle_for_the_longest(
    cut, barbers, book, soon
):
    abe, bea, cid = barbers
    book(cut, soon + HOUR, prefer=[abe.pk])
    book(cut, soon + HOUR, prefer=[cid.pk])
    assert book(cut, soon + 3 * HOUR).resource_id == bea.pk
    later = soon + timedelta(days=1)  # nobody has anything on that day; Bea ended last
    assert book(cut, later).resource_id == abe.pk
    cancelled = book(cut, later + HOUR, prefer=[cid.pk])
    cancel_booking(cancelled.pk, Actor.for_booking(cancelled.owner, cancelled))
    assert book(cut, later + 2 * HOUR).resource_id == cid.pk


def test_a_wish_is_met_where_it_can_be(cut, barbers, book, soon):
    abe, bea, cid = (row.pk for row in barbers)
    assert book(cut, soon, prefer=[cid, bea]).resource_id == cid
    assert book(cut, soon, prefer=[cid, bea]).resource_id == bea
    assert book(cut, soon, prefer=[cid, bea]).resource_id == abe
    with pytest.raises(errors.Unfit):
        book(cut, soon + HOUR, prefer=[2**40])


def test_a_barber_and_a_chair_are_taken_together_and_none_of_them_twice(
    make_service, barbers, book, soon
):
    """Abe can be both, so that he must be kept for what nobody else can do."""
    abe, bea, _ = barbers
    service = make_service(([abe, bea], 1), ([abe], 1))
    row = book(service, soon)
    assert takes(row) == {abe.pk: 1, bea.pk: 1} and row.resource_id == bea.pk and row.several
    with pytest.raises(errors.SlotTaken):
        book(service, soon)


def test_a_class_sells_its_places_by_quantity(make_service, venue, book, soon):
    room = Resource.objects.create(venue=venue, name="Room", units=5)
    annex = Resource.objects.create(venue=venue, name="Annex", units=2)
    service = make_service(([room, annex], 1))
    assert sum(takes(book(service, soon, quantity=6)).values()) == 6
    assert [slot.free for slot in slots(service, soon, soon + MINUTE)] == [1]
    assert slots(service, soon, soon + MINUTE, quantity=2) == []
    with pytest.raises(errors.Unfit) as refused:
        book(service, soon, quantity=8)
    assert "quantity" in refused.value.errors
    with pytest.raises(errors.SlotTaken):
        book(service, soon, quantity=2)


# price, buffers, grid


def test_the_price_is_that_of_the_duration_times_the_quantity_and_stays(
    make_service, venue, book, soon
):
    room = Resource.objects.create(venue=venue, name="Room", units=5, price_minor=99)
    service = make_service(([room], 1), durations=((CUT, 3500), (HOUR, 4000)))
    row = book(service, soon, duration=HOUR, quantity=2)
    assert (row.price_minor, row.status) == (8000, "held")
    ServiceDuration.objects.update(price_minor=1)
    row.refresh_from_db()
    assert row.price_minor == 8000
    (slot,) = slots(service, soon, soon + MINUTE, quantity=3)
    assert (slot.price_minor, slot.free) == (3, 3)


def test_the_larger_buffer_of_resource_and_service_counts(make_service, venue, book, soon):
    chair = Resource.objects.create(
        venue=venue, name="Chair", buffer_before=5 * MINUTE, buffer_after=20 * MINUTE
    )
    service = make_service(([chair], 1), buffer_before=10 * MINUTE, buffer_after=MINUTE)
    row = book(service, soon)
    span = row.allocations.get().span
    assert (span.lower, span.upper) == (soon - 10 * MINUTE, soon + CUT + 20 * MINUTE)
    Service.objects.update(buffer_after=HOUR)
    assert row.allocations.get().span.upper == soon + CUT + 20 * MINUTE


def test_starts_lie_on_the_grid_from_each_opening(make_service, venue, barbers, book, soon):
    Venue.objects.filter(pk=venue.pk).update(slot_step=20 * MINUTE)
    service = make_service((barbers[:1], 1))
    starts = [slot.starts_at - soon for slot in slots(service, soon, soon + HOUR)]
    assert starts == [0 * MINUTE, 20 * MINUTE, 40 * MINUTE]
    with pytest.raises(errors.NotWholeSlots):
        book(service, soon + 15 * MINUTE)
    assert book(service, soon + 20 * MINUTE).pk


def test_a_duration_that_the_service_has_not_is_refused(cut, book, soon):
    for duration in (30 * MINUTE, None):
        with pytest.raises(errors.Unfit) as refused:
            book(cut, soon, duration=duration)
        assert "duration" in refused.value.errors


def test_what_no_resource_may_do_is_refused_by_its_rule(cut, barbers, book, soon):
    Resource.objects.update(maintenance=True)
    with pytest.raises(errors.ResourceUnavailable):
        book(cut, soon)
    assert slots(cut, soon, soon + HOUR) == []
    Resource.objects.filter(pk=barbers[2].pk).update(maintenance=False)
    assert book(cut, soon).resource_id == barbers[2].pk


# moves


def test_a_moved_booking_keeps_its_barber_where_they_are_free(cut, barbers, book, soon):
    abe, bea, cid = (row.pk for row in barbers)
    row, other = book(cut, soon, prefer=[bea]), book(cut, soon + HOUR, prefer=[bea])
    actor = Actor.for_booking(row.owner, row)
    moved = reschedule_booking(row.pk, actor, BookingChanges(starts_at=soon + 2 * HOUR))
    assert (moved.resource_id, moved.ends_at) == (bea, soon + 2 * HOUR + CUT)
    moved = reschedule_booking(row.pk, actor, BookingChanges(starts_at=other.starts_at))
    assert moved.resource_id == abe and takes(moved) == {abe: 1}
    moved = reschedule_booking(row.pk, actor, BookingChanges(duration=HOUR, prefer=[cid]))
    assert (moved.resource_id, moved.ends_at - moved.starts_at) == (cid, HOUR)
    with pytest.raises(errors.Unfit):
        reschedule_booking(row.pk, actor, BookingChanges(duration=2 * HOUR))
    with pytest.raises(errors.NotWholeSlots):
        reschedule_booking(row.pk, actor, BookingChanges(starts_at=soon + 7 * MINUTE))
    moved = reschedule_booking(row.pk, actor, BookingChanges(title="New"))
    assert (moved.title, moved.service_id, takes(moved)) == ("New", cut.pk, {cid: 1})


def test_a_service_is_extended_only_to_one_of_its_durations(cut, book, soon):
    row = book(cut, soon)
    actor = Actor.for_booking(row.owner, row)
    with pytest.raises(errors.Unfit):
        extend_booking(row.pk, actor, ends_at=soon + 50 * MINUTE)
    assert extend_booking(row.pk, actor, ends_at=soon + HOUR).ends_at == soon + HOUR
