"""Storms on units and on sets of resources: never more than there are, all of a set or nothing,
nothing left unsold that somebody wanted, and no deadlock."""

import random
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction

from api import errors
from api.models import Allocation, Booking, Resource, Venue
from api.services.actors import Actor
from api.services.bookings import places
from api.services.bookings.actions import cancel_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.reschedule import reschedule_booking
from api.services.conflicts import get_sqlstate
from api.services.venues.block_renewal import renew_blocks
from api.services.venues.blocks import create_block
from api.services.venues.resources import update_resource
from tests.support.kinds import of_every_kind
from tests.support.rivals import Rival

from . import unguarded
from .unguarded import count_oversold, looking, run

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS, ROUNDS = 12, 10
HOUR = timedelta(hours=1)


@pytest.fixture
def crowd(person):
    return [person(f"p{n}") for n in range(CLIENTS)]


@pytest.fixture
def rooms(venue):
    return [
        Resource.objects.create(venue=venue, name=f"Room {n}", units=1 + n // 4) for n in range(5)
    ]


def ask(owner, rooms, start, **more):
    first, *others = rooms
    return partial(
        create_booking,
        BookingRequest(
            owner=owner,
            resource=first.pk,
            others=[room.pk for room in others],
            starts_at=start,
            ends_at=start + HOUR,
            **more,
        ),
        actor=Actor.for_new_booking(owner),
    )


def winners(results):
    assert {type(r) for r in results} <= {Booking, errors.SlotTaken}, results
    return [r for r in results if isinstance(r, Booking)]


def race_for_sets(crowd, rooms, soon, at_once, rng, rounds):
    """What came of asking for three of five rooms in random order, by rounds; undecorated, so that
    a deadlock is not tried again."""
    Resource.objects.update(units=1)
    for resource in rooms:
        resource.refresh_from_db()
    for n in range(rounds):
        start = soon + n * timedelta(days=1)
        calls = [ask(owner, rng.sample(rooms, 3), start) for owner in crowd]
        yield at_once(
            *(partial(call.func.__wrapped__, *call.args, **call.keywords) for call in calls)
        )


def test_of_sets_that_overlap_one_is_sold_whole_and_the_rest_not_at_all(
    crowd, rooms, soon, at_once
):
    for results in race_for_sets(crowd, rooms, soon, at_once, random.Random(1), ROUNDS):
        (winner,) = winners(results)
        assert winner.allocations.count() == 3
    assert Allocation.objects.count() == 3 * ROUNDS
    assert count_oversold() == 0


def test_unsorted_sets_deadlock(crowd, rooms, soon, at_once, monkeypatch):
    """The guard removed: they wait for each other in a circle."""
    rng = random.Random(5)

    def leave_unsorted(values, key):
        return rng.sample(values, len(values))

    monkeypatch.setattr(places, "sorted", leave_unsorted, raising=False)
    for results in race_for_sets(crowd, rooms, soon, at_once, rng, 4 * ROUNDS):
        if "40P01" in {get_sqlstate(each) for each in results if isinstance(each, Exception)}:
            return
    pytest.fail("no deadlock")


def test_of_sets_with_units_as_many_are_sold_as_fit(crowd, rooms, soon, at_once):
    rng = random.Random(2)
    for n in range(ROUNDS):
        start = soon + n * timedelta(days=1)
        wanted = [rng.sample(rooms, 2) for _ in crowd]
        results = at_once(
            *(ask(owner, some, start) for owner, some in zip(crowd, wanted, strict=True))
        )
        won = winners(results)
        taken = Counter(
            Allocation.objects.filter(booking__in=won).values_list("resource", flat=True)
        )
        assert sum(taken.values()) == 2 * len(won)
        left = {room.pk: room.units - taken[room.pk] for room in rooms}
        for some, result in zip(wanted, results, strict=True):
            if not isinstance(result, Booking):  # nobody is refused what is free
                assert min(left[room.pk] for room in some) <= 0
    assert count_oversold() == 0


def test_as_many_are_sold_as_there_are_units(crowd, venue, soon, at_once):
    seats = Resource.objects.create(venue=venue, name="Seats", units=5)
    for n in range(ROUNDS):
        start = soon + n * timedelta(days=1)
        results = at_once(*(ask(owner, [seats], start) for owner in crowd))
        assert len(winners(results)) == 5
    assert count_oversold() == 0


def test_what_the_count_permits_is_sold_in_a_storm_too(crowd, venue, soon, at_once):
    """Bookings of unequal times on three units: whoever is refused, the count has refused."""
    bikes = Resource.objects.create(venue=venue, name="Bikes", units=3)
    rng = random.Random(3)
    for n in range(ROUNDS):
        day = soon + n * timedelta(days=1)
        starts = [day + rng.randint(0, 6) * HOUR / 2 for _ in crowd]
        results = at_once(
            *(ask(owner, [bikes], at) for owner, at in zip(crowd, starts, strict=True))
        )
        won = winners(results)
        for result, start in zip(results, starts, strict=True):
            if isinstance(result, Booking):
                continue
            beside = [w for w in won if w.starts_at < start + HOUR and w.ends_at > start]
            edges = [start, *(w.starts_at for w in beside if w.starts_at > start)]
            most = max(sum(w.starts_at <= e < w.ends_at for w in beside) for e in edges)
            assert most == 3
    assert count_oversold() == 0


def test_moves_cancels_and_bookings_of_units_never_oversell(crowd, venue, soon, at_once):
    bikes = Resource.objects.create(venue=venue, name="Bikes", units=3)
    rng = random.Random(4)
    for n in range(ROUNDS):
        day = soon + n * timedelta(days=1)
        rows = [ask(owner, [bikes], day + 5 * HOUR)() for owner in crowd[:3]]
        calls = [ask(owner, [bikes], day + rng.randint(0, 2) * HOUR / 2) for owner in crowd[3:8]]
        for row in rows[:2]:
            start = day + rng.randint(0, 2) * HOUR / 2
            changes = BookingChanges(starts_at=start, ends_at=start + HOUR)
            actor = Actor.for_booking(row.owner, row)
            calls.append(partial(reschedule_booking, row.pk, actor, changes))
        row = rows[2]
        calls.append(partial(cancel_booking, row.pk, Actor.for_booking(row.owner, row)))
        results = at_once(*calls)
        assert {type(r) for r in results} <= {Booking, errors.SlotTaken, errors.Busy}, results
    assert count_oversold() == 0


@pytest.fixture
def block(bookable, sam):
    """Blocks the last part of it for two hours, whoever has booked it."""
    part = bookable.resources[-1]

    def make(start):
        times = {"starts_at": start, "ends_at": start + 2 * HOUR}
        return create_block(part, Actor.in_venue(sam, part.venue_id), **times, force=True)

    return make


def ask_for(bookable, owner, start):
    request = bookable.request(owner, start, start + HOUR)
    return partial(create_booking, request, actor=Actor.for_new_booking(owner))


@of_every_kind
def test_a_block_and_bookings_at_once_end_with_nothing_free_and_nothing_twice(
    crowd, bookable, block, soon, at_once
):
    """Seen to give a place to both, of nearly every kind in one run, without the constraint."""
    for n in range(ROUNDS // 2):
        start = soon + n * timedelta(days=1)
        starts = [start + k * (HOUR + bookable.gap) for k in range(2)]
        asks = (ask_for(bookable, owner, at) for owner, at in zip(crowd, starts, strict=False))
        made, *results = at_once(partial(block, start), *asks)
        assert count_oversold() == 0
        for row in winners(results):
            cancel_booking(row.pk, Actor.for_booking(row.owner, row))
        spans = Allocation.objects.filter(blocking=True, block=made.pk)
        lengths = (row.span.upper - row.span.lower for row in spans)
        assert sum(lengths, timedelta(0)) == bookable.resources[-1].units * 2 * HOUR


@of_every_kind
def test_who_books_while_a_block_is_written_waits_for_it_and_is_refused(
    crowd, bookable, block, soon
):
    """Seen to get it, of every kind, without the constraint: nothing makes it wait."""
    with transaction.atomic():
        block(soon)
        rival = Rival(ask_for(bookable, crowd[0], soon))
        rival.start()
        rival.wait()
    rival.join(20)
    assert rival.result is errors.SlotTaken
    assert count_oversold() == 0


@of_every_kind
def test_a_block_waits_for_who_is_booking_and_leaves_them_their_place(crowd, bookable, block, soon):
    """Seen to take it too without the constraint, of what has one unit; of several it waits for
    the lock of the numbering."""
    with transaction.atomic():
        ask_for(bookable, crowd[0], soon)()
        rival = Rival(partial(block, soon))
        rival.start()
        rival.wait()
    rival.join(20)
    assert len(rival.result.affected) == 1
    assert count_oversold() == 0


def test_who_read_the_units_before_some_were_taken_away_still_gets_a_free_one(
    crowd, venue, sam, soon
):
    """The booking waits for the lock of the numbering, and tries first what is no more. Seen
    to end in an IntegrityError where the guess is made of the units that were read before it."""
    bikes = Resource.objects.create(venue=venue, name="Bikes", units=6)
    for n, owner in enumerate(crowd[:6]):  # whatever unit is guessed first
        Resource.objects.filter(pk=bikes.pk).update(units=6)
        with transaction.atomic():
            update_resource(Resource.objects.get(pk=bikes.pk), sam, {"units": 1})
            rival = Rival(ask(owner, [bikes], soon + n * timedelta(days=1)))
            rival.start()
            rival.wait()
        rival.join(20)
        assert isinstance(rival.result, Booking), rival.result
        assert rival.result.places == [(bikes.pk, 1)]


@pytest.mark.parametrize("act", ["block", "renew"])
def test_a_block_takes_all_units_that_there_are_when_it_has_their_lock(venue, sam, soon, act):
    """Seen to leave two of five where the units were those that were read before the lock."""
    bikes = Resource.objects.create(venue=venue, name="Bikes", units=3)
    times = {"starts_at": soon, "ends_at": soon + HOUR, "rule": "FREQ=DAILY"}
    write = partial(create_block, bikes, Actor.in_venue(sam, venue.pk), **times)
    if act == "renew":
        write()
        Venue.objects.update(max_advance=timedelta(days=700))
        write = renew_blocks
    with transaction.atomic():
        update_resource(Resource.objects.get(pk=bikes.pk), sam, {"units": 5})
        rival = Rival(write)
        rival.start()
        rival.wait()
    rival.join(60)
    last = Allocation.objects.latest("span").span
    taken = Allocation.objects.filter(blocking=True, span=last).values_list("unit", flat=True)
    assert sorted(taken) == [1, 2, 3, 4, 5]


def test_units_taken_away_while_they_are_booked_leave_no_place_that_nobody_reviews(
    crowd, venue, sam, soon, at_once
):
    """Without `lock_units` in `fit_units` a booking that is being made keeps a unit beyond the
    last, and nobody hears of it."""
    bikes = Resource.objects.create(venue=venue, name="Bikes", units=6)
    for n in range(ROUNDS):
        Resource.objects.filter(pk=bikes.pk).update(units=6, crowded_until=None)
        start = soon + n * timedelta(days=1)
        fewer = partial(update_resource, Resource.objects.get(pk=bikes.pk), sam, {"units": 3})
        shrunk, *results = at_once(fewer, *(ask(owner, [bikes], start) for owner in crowd[:8]))
        won = winners(results)
        beyond = Allocation.objects.filter(booking__in=won, unit__gt=3).values_list(
            "booking", flat=True
        )
        assert 3 <= len(won) <= 6
        assert len(won) - len(beyond) == 3
        assert set(beyond) == {row.id for row in shrunk.affected}
        Booking.objects.all().delete()


def test_without_the_constraint_the_same_storms_oversell(crowd, venue, rooms, soon, at_once):
    """The guard is removed here, and the count finds it."""
    seats = Resource.objects.create(venue=venue, name="Seats", units=2)
    with unguarded.schema():
        at_once(*(looking(ask(owner, [seats], soon)) for owner in crowd))
        assert count_oversold() > 0
        at_once(*(looking(ask(owner, rooms[:3], soon)) for owner in crowd))
        assert run("SELECT count(*) FROM api_booking WHERE several") > 1
    assert count_oversold() == 0
