"""Every way of writing a booking against every other at the same moment, of every kind of what can
be booked: whatever they are, the slot has one owner in the end, and whoever loses is told so and
has changed nothing.

Seen to fail, of every kind, with `ALTER TABLE api_allocation DROP CONSTRAINT
allocation_never_two`."""

from functools import partial
from itertools import combinations_with_replacement

import pytest
from django.db import transaction
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING
from api.models import Allocation, Block, Booking
from api.services.actors import Actor
from api.services.bookings.actions import (
    approve_booking,
    cancel_booking,
    end_booking,
    reject_booking,
)
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import create_booking
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.sweeps import sweep

from . import unguarded
from .unguarded import count_oversold, looking
from .ways import HOUR, owner_of

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 2  # either comes first


TAKING = ("book", "book_longer", "move_in_time", "move_in_place", "reinstate", "set_confirmed",
          "pay_late", "extend", "block")  # fmt: skip
PAIRS = [
    pair
    for pair in combinations_with_replacement(TAKING, 2)
    if pair not in (("extend", "extend"), ("block", "block"))  # in each other's way, and in no way
]
TAKEN = (Booking, Block)
LOST = (errors.SlotTaken, errors.Busy)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_of_two_who_take_a_free_slot_one_gets_it(ways, ana, ben, at_once, one, other):
    for n in range(ROUNDS):
        Booking.objects.all().delete()
        Block.objects.all().delete()
        first, second = getattr(ways, one)(ana), getattr(ways, other)(ben)
        results = at_once(*((first, second) if n % 2 else (second, first)))
        winners = [r for r in results if isinstance(r, TAKEN)]
        losers = [r for r in results if not isinstance(r, TAKEN)]
        assert len(winners) == 1, results
        assert all(isinstance(r, LOST) for r in losers), results
        assert count_oversold() == 0
        (holder,) = list_holders(ways)
        assert holder == winners[0]
        if isinstance(holder, Booking):
            assert holder.events.first().to_status == holder.status


def list_holders(ways):
    """Whoever has something of the slot."""
    rows = Allocation.objects.filter(
        resource__in=ways.kind.resources,
        blocking=True,
        span__overlap=(ways.slot, ways.slot + HOUR),
    )
    return list({row.booking or row.block for row in rows.select_related("booking", "block")})


@pytest.mark.parametrize("other", ["move_in_time", "extend"])
def test_without_the_constraint_two_get_it(ways, ana, ben, at_once, other):
    """The guard is removed here, and the same calls sell the slot twice."""
    with unguarded.schema():
        for _ in range(20):  # who looks before he takes may come too late once
            Booking.objects.all().delete()
            calls = [ways.book(ana), getattr(ways, other)(ben)]
            results = at_once(*map(looking, calls))
            if all(isinstance(r, Booking) for r in results):
                break
        assert all(isinstance(r, Booking) for r in results), results
        assert count_oversold() > 0


# ways to push the one who has it, while another one takes it


PUSHING = {
    "cancel": lambda row, staff: partial(cancel_booking, row.pk, owner_of(row)),
    "reject": lambda row, staff: partial(reject_booking, row.pk, staff),
    "approve": lambda row, staff: partial(approve_booking, row.pk, staff),
    "end": lambda row, staff: partial(end_booking, row.pk, staff),
    "move away": lambda row, staff: partial(
        reschedule_booking,
        row.pk,
        staff,
        BookingChanges(starts_at=row.starts_at + 30 * HOUR, ends_at=row.ends_at + 30 * HOUR),
    ),
    "expire": lambda row, staff: partial(sweep, BOOKING.expire, "expire_holds"),
}


@pytest.mark.parametrize("push", PUSHING)
@pytest.mark.parametrize("take", ["book", "move_in_time", "reinstate"])
def test_whoever_has_the_slot_is_pushed_while_another_takes_it(
    ways, ana, ben, sam, at_once, push, take
):
    status = {"approve": "pending", "end": "checked_in", "expire": "held"}.get(push, "confirmed")
    for _ in range(ROUNDS):
        Booking.objects.all().delete()
        taking = getattr(ways, take)(ben)
        has = ways.book(ana)()
        Booking.objects.filter(pk=has.pk).update(
            status=status,
            checked_in_at=Now(),
            hold_expires_at=Now() if push == "expire" else Now() + HOUR,
        )
        pushing = PUSHING[push](has, Actor.for_booking(sam, has))
        pushed, took = at_once(pushing, taking)
        assert isinstance(pushed, (Booking, int)), pushed
        assert isinstance(took, (Booking, *LOST)), took
        assert count_oversold() == 0
        if push == "expire":  # dead from the start, whoever writes it down
            assert isinstance(took, Booking)
        if push == "approve":  # never away
            assert not isinstance(took, Booking)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cancel", "cancel"),
        ("cancel", "approve"),
        ("approve", "reject"),
        ("approve", "approve"),
        ("reject", "cancel"),
    ],
)
def test_of_two_answers_to_one_request_one_counts(ways, ana, sam, at_once, one, other):
    for _ in range(ROUNDS):
        Booking.objects.all().delete()
        row = ways.book(ana)()
        Booking.objects.filter(pk=row.pk).update(status="pending")
        staff = Actor.for_booking(sam, row)
        results = at_once(PUSHING[one](row, staff), PUSHING[other](row, staff))
        moved = [r for r in results if isinstance(r, Booking)]
        refused = [r for r in results if not isinstance(r, Booking)]
        assert all(isinstance(r, errors.NotAllowedNow) for r in refused)
        told = list(row.events.order_by("id").values_list("verb", flat=True))
        assert len(told) == 1 + len(moved)
        row.refresh_from_db()
        assert row.status == row.events.first().to_status
        # an approval may be taken back, everything else is the end of it
        assert len(moved) == 1 or told[1] == "approve"


def test_two_series_in_opposite_order_end_without_an_overlap(kind, ana, ben, soon, at_once):
    """One waits for the other's first slot, the other for the one's: the database decides."""

    def series(owner, numbers):
        starts = [soon + n * (HOUR + kind.gap) for n in numbers]
        with transaction.atomic():
            return [
                create_booking(
                    kind.request(owner, start, start + HOUR), actor=Actor.for_new_booking(owner)
                )
                for start in starts
            ]

    for _ in range(ROUNDS):
        Booking.objects.all().delete()
        results = at_once(partial(series, ana, range(6)), partial(series, ben, reversed(range(6))))
        lists = [r for r in results if isinstance(r, list)]
        assert all(isinstance(r, (list, *LOST)) for r in results), results
        assert Booking.objects.count() == 6 * len(lists)
        assert len(lists) <= 1
        assert count_oversold() == 0
