"""Many at once for overlapping, unequal times of one thing, of every kind of what can be booked:
exactly one gets it. Counted in SQL.

Each storm is run once more without the exclusion constraint, where it must find what it looks
for: a test that cannot fail shows nothing. Of every kind it was seen to fail with `ALTER TABLE
api_allocation DROP CONSTRAINT allocation_never_two`.
"""

import random
from datetime import timedelta
from functools import partial

import pytest

from api import errors
from api.lifecycle import Status
from api.models import Booking, BookingEvent, Delivery
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.reschedule import reschedule_booking
from tests.support.kinds import KINDS, make_kind

from . import unguarded
from .unguarded import count_oversold, looking

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS, ROUNDS = 12, 6
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def crowd(person):
    return [person(f"p{n}") for n in range(CLIENTS)]


def around(moment, rng):
    """An interval of some length that holds the moment."""
    return (
        moment - rng.randint(1, 90) * MINUTE,
        moment + rng.randint(1, 90) * MINUTE,
    )


def somewhere(moment, rng):
    """An interval of some length within two hours of the moment."""
    start = moment + rng.randint(-120, 120) * MINUTE
    return start, start + rng.randint(5, 60) * MINUTE


def ask(owner, kind, start, end):
    return partial(
        create_booking, kind.request(owner, start, end), actor=Actor.for_new_booking(owner)
    )


def asks(crowd, kind, moment, shape, rng):
    for owner in crowd:
        yield ask(owner, kind, *shape(moment, rng))


def test_a_storm_on_one_moment_has_exactly_one_winner_a_round(crowd, kind, soon, at_once):
    rng = random.Random(1)
    for n in range(ROUNDS):
        moment = soon + timedelta(days=n)
        results = at_once(*asks(crowd, kind, moment, around, rng))
        winners = [r for r in results if isinstance(r, Booking)]
        losers = [r for r in results if not isinstance(r, Booking)]
        assert len(winners) == 1, results
        assert {type(r) for r in losers} == {errors.SlotTaken}
        assert Booking.objects.filter(starts_at__lte=moment, ends_at__gt=moment).count() == 1
    assert count_oversold() == 0
    # what losers began is gone: one line of history and one e-mail for each winner
    assert Booking.objects.count() == ROUNDS
    assert BookingEvent.objects.count() == Delivery.objects.count() == ROUNDS


def test_a_storm_all_over_an_afternoon_never_sells_a_minute_twice(crowd, kind, soon, at_once):
    rng = random.Random(2)
    for n in range(ROUNDS):
        results = at_once(*asks(crowd, kind, soon + timedelta(days=n), somewhere, rng))
        refused = [r for r in results if not isinstance(r, Booking)]
        assert all(isinstance(r, errors.SlotTaken) for r in refused), refused
    assert count_oversold() == 0
    assert Booking.objects.count() > ROUNDS


def test_a_storm_on_a_dead_hold_has_exactly_one_winner(crowd, kind, soon, at_once, person):
    """Everybody finds the slot taken by a hold that has run out, and one of them gets it."""
    rng, late = random.Random(3), person("late")
    kind.charge(500)
    for n in range(ROUNDS):
        moment = soon + timedelta(days=n)
        hold = ask(late, kind, moment - MINUTE, moment + MINUTE)()
        Booking.objects.filter(pk=hold.pk).update(hold_expires_at="2020-01-01T00:00:00Z")
        results = at_once(*asks(crowd, kind, moment, around, rng))
        assert sum(isinstance(r, Booking) for r in results) == 1, results
        hold.refresh_from_db()
        assert hold.status == Status.EXPIRED
    assert count_oversold() == 0


def test_a_storm_of_moves_into_one_moment_has_exactly_one_winner(crowd, kind, soon, at_once):
    rng = random.Random(4)
    far = soon + timedelta(days=20)
    rows = [
        ask(owner, kind, far + 2 * n * HOUR, far + (2 * n + 1) * HOUR)()
        for n, owner in enumerate(crowd)
    ]
    for n in range(ROUNDS // 2):
        moment = soon + timedelta(days=n)
        calls = []
        for row in rows:
            start, end = around(moment, rng)
            actor = Actor.for_booking(row.owner, row)
            calls.append(partial(reschedule_booking, row.pk, actor, kind.move(start, end)))
        results = at_once(*calls)
        others = [r for r in results if not isinstance(r, Booking)]
        assert len(others) == CLIENTS - 1, results
        assert {type(r) for r in others} <= {errors.SlotTaken, errors.Busy}
    assert count_oversold() == 0


@pytest.mark.parametrize("shape", [around, somewhere])
def test_without_the_constraint_the_same_storm_sells_twice(crowd, kind, soon, at_once, shape):
    """The guard is removed here, and the count finds it."""
    rng = random.Random(1)
    with unguarded.schema():
        for n in range(3):
            moment = soon + timedelta(days=n)
            at_once(*map(looking, asks(crowd, kind, moment, shape, rng)))
        assert count_oversold() > 0
    assert count_oversold() == 0
    assert not Booking.objects.exists()


@pytest.mark.parametrize("name", KINDS)
def test_of_fifty_as_many_win_as_there_is_room_for(person, venue, soon, at_once, name):
    """Three at a time, whatever they consist of."""
    kind, people = make_kind(name, venue, fits=3), [person(f"p{n}") for n in range(50)]
    for n in range(3):
        start = soon + n * timedelta(days=1)
        results = at_once(*(ask(owner, kind, start, start + HOUR) for owner in people))
        refused = [r for r in results if not isinstance(r, Booking)]
        assert {type(r) for r in refused} == {errors.SlotTaken}, results
        assert len(refused) == 47
    assert count_oversold() == 0


def test_nobody_holds_more_than_allowed_by_asking_many_times_at_once(
    crowd, court, venue, soon, at_once
):
    """Without the lock on the person's holds, more than two get through."""
    court.price_minor = 500
    court.save()
    venue.max_open_holds = 2
    venue.save()
    eager = crowd[0]
    results = at_once(
        *[
            partial(
                create_booking,
                BookingRequest(
                    owner=eager,
                    resource=court.pk,
                    starts_at=soon + n * timedelta(hours=1),
                    ends_at=soon + (n + 1) * timedelta(hours=1),
                ),
                actor=Actor.for_new_booking(eager),
            )
            for n in range(8)
        ]
    )
    assert sum(isinstance(r, Booking) for r in results) == 2
    assert sum(isinstance(r, errors.TooManyHolds) for r in results) == 6
