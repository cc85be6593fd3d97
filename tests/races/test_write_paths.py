"""Every way of writing a booking against every other at the same moment: whatever they are, the
slot has one owner in the end, and whoever loses is told so and has changed nothing."""

from datetime import timedelta
from functools import partial
from itertools import combinations_with_replacement

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING, Status
from api.models import Booking, Resource
from api.services.actors import Actor
from api.services.bookings.actions import (
    approve_booking,
    cancel_booking,
    end_booking,
    pay_booking_late,
    reinstate_booking,
    reject_booking,
)
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.extend import extend_booking
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.status_changes import set_booking_status
from api.services.bookings.sweeps import sweep

from . import unguarded
from .unguarded import looking, overlaps

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
ROUNDS = 3


def owner_of(booking):
    return Actor.for_booking(booking.owner, booking)


# ways to take a slot that is free: each readies a booking and answers what takes the slot


class Ways:
    def __init__(self, court, slot, sam):
        self.court, self.slot, self.staff = court, slot, Actor.in_venue(sam, court.venue_id)
        self.elsewhere = slot + timedelta(days=3)

    def _booking(self, owner, place, start):
        self.elsewhere += HOUR
        return create_booking(
            BookingRequest(owner=owner, resource=place.pk, starts_at=start, ends_at=start + HOUR),
            actor=Actor.for_new_booking(owner),
        )

    def book(self, owner):
        return partial(self._booking, owner, self.court, self.slot)

    def book_longer(self, owner):
        return partial(
            create_booking,
            BookingRequest(
                owner=owner,
                resource=self.court.pk,
                starts_at=self.slot - HOUR / 2,
                ends_at=self.slot + HOUR / 2,
            ),
            actor=Actor.for_new_booking(owner),
        )

    def move_in_time(self, owner):
        row = self._booking(owner, self.court, self.elsewhere)
        end = self.slot + HOUR
        return partial(
            reschedule_booking,
            row.pk,
            owner_of(row),
            BookingChanges(starts_at=self.slot, ends_at=end),
        )

    def move_in_place(self, owner):
        annex = Resource.objects.create(venue=self.court.venue, name="Annex", capacity=4)
        row = self._booking(owner, annex, self.slot)
        return partial(
            reschedule_booking, row.pk, owner_of(row), BookingChanges(resource=self.court.pk)
        )

    def extend(self, owner):
        row = self._booking(owner, self.court, self.slot - HOUR)
        return partial(extend_booking, row.pk, owner_of(row), by=HOUR)

    def reinstate(self, owner):
        row = self._booking(owner, self.court, self.slot)
        cancel_booking(row.pk, owner_of(row))
        return partial(reinstate_booking, row.pk, self.staff)

    def set_confirmed(self, owner):
        row = self._booking(owner, self.court, self.slot)
        cancel_booking(row.pk, owner_of(row))
        return partial(set_booking_status, row.pk, Status.CONFIRMED, self.staff)

    def pay_late(self, owner):
        row = self._booking(owner, self.court, self.slot)
        Booking.objects.filter(pk=row.pk).update(
            status=Status.EXPIRED, hold_expires_at=Now(), price_minor=500
        )

        def paid():
            with transaction.atomic():
                return pay_booking_late(row.pk, Actor.payment("test"))

        return paid


TAKING = ("book", "book_longer", "move_in_time", "move_in_place", "reinstate", "set_confirmed",
          "pay_late", "extend")  # fmt: skip
PAIRS = [pair for pair in combinations_with_replacement(TAKING, 2) if pair != ("extend", "extend")]
LOST = (errors.SlotTaken, errors.Busy)


@pytest.fixture
def ways(court, soon, sam):
    return Ways(court, soon, sam)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_of_two_who_take_a_free_slot_one_gets_it(ways, ana, ben, at_once, one, other):
    for n in range(ROUNDS):
        Booking.objects.all().delete()
        first, second = getattr(ways, one)(ana), getattr(ways, other)(ben)
        results = at_once(*((first, second) if n % 2 else (second, first)))
        winners = [r for r in results if isinstance(r, Booking)]
        losers = [r for r in results if not isinstance(r, Booking)]
        assert len(winners) == 1, results
        assert all(isinstance(r, LOST) for r in losers), results
        assert overlaps() == 0
        (holder,) = (
            Booking.objects.filter(resource=ways.court)
            .blocking()
            .overlapping(ways.slot, ways.slot + HOUR)
        )
        assert holder.pk == winners[0].pk
        assert holder.events.first().to_status == holder.status


@pytest.mark.parametrize("other", ["move_in_time", "extend"])
def test_without_the_constraint_two_get_it(ways, ana, ben, at_once, other):
    """The guard is removed here, and the same calls sell the slot twice."""
    with unguarded.schema():
        calls = [ways.book(ana), getattr(ways, other)(ben)]
        results = at_once(*map(looking, calls))
        assert all(isinstance(r, Booking) for r in results), results
        assert overlaps() == 1


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
        assert overlaps() == 0
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


def test_two_series_in_opposite_order_end_without_an_overlap(court, ana, ben, soon, at_once):
    """One waits for the other's first slot, the other for the one's: the database decides."""

    def series(owner, hours):
        with transaction.atomic():
            return [
                create_booking(
                    BookingRequest(
                        owner=owner,
                        resource=court.pk,
                        starts_at=soon + n * HOUR,
                        ends_at=soon + (n + 1) * HOUR,
                    ),
                    actor=Actor.for_new_booking(owner),
                )
                for n in hours
            ]

    for _ in range(3):
        Booking.objects.all().delete()
        results = at_once(partial(series, ana, range(6)), partial(series, ben, reversed(range(6))))
        lists = [r for r in results if isinstance(r, list)]
        assert all(isinstance(r, (list, *LOST)) for r in results), results
        assert Booking.objects.count() == 6 * len(lists)
        assert len(lists) <= 1
        assert overlaps() == 0


# what the database says when it breaks a tie


def test_a_row_that_somebody_else_holds_too_long_is_refused_as_busy(ways, ana, at_once):
    row = ways.book(ana)()

    def impatient():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout TO '50ms'")
        return cancel_booking(row.pk, owner_of(row))

    with transaction.atomic():
        Booking.objects.select_for_update().get(pk=row.pk)
        (result,) = at_once(impatient)
    assert isinstance(result, errors.Busy)
    row.refresh_from_db()
    assert row.status == Status.CONFIRMED


@pytest.mark.parametrize("sqlstate", ["40P01", "40001"])
@pytest.mark.parametrize("verb", ["book", "cancel", "reschedule", "reinstate", "extend"])
def test_a_tie_that_is_broken_against_us_once_is_tried_again(ways, ana, sqlstate, verb):
    with unguarded.schema():
        call, event = ready(ways, ana, verb)
        with unguarded.fault(sqlstate, 1, event):
            assert isinstance(call(), Booking)


@pytest.mark.parametrize(("sqlstate", "times"), [("40P01", 2), ("40001", 2), ("55P03", 1)])
@pytest.mark.parametrize("verb", ["book", "cancel", "reschedule", "reinstate", "extend"])
def test_a_tie_that_is_broken_against_us_again_is_refused_as_busy(ways, ana, sqlstate, times, verb):
    """A lock that was waited for in vain is not waited for a second time."""
    with unguarded.schema():
        call, event = ready(ways, ana, verb)
        before = list(Booking.objects.order_by("id").values())
        with unguarded.fault(sqlstate, times, event), pytest.raises(errors.Busy):
            call()
        assert list(Booking.objects.order_by("id").values()) == before


@pytest.mark.parametrize("verb", ["reschedule", "reinstate", "extend"])
def test_a_constraint_that_refuses_a_move_is_tried_again_and_then_a_taken_slot(ways, ana, verb):
    with unguarded.schema():
        call, event = ready(ways, ana, verb)
        with unguarded.fault("23P01", 2, event), pytest.raises(errors.SlotTaken):
            call()
        with unguarded.fault("23P01", 1, event):
            assert isinstance(call(), Booking)


def ready(ways, owner, verb):
    """What says the verb, and the statement it meets the table with."""
    if verb == "book":
        return ways.book(owner), "INSERT"
    if verb == "cancel":
        row = ways.book(owner)()
        return partial(cancel_booking, row.pk, owner_of(row)), "UPDATE"
    return getattr(ways, "move_in_time" if verb == "reschedule" else verb)(owner), "UPDATE"


@pytest.mark.parametrize("sqlstate", ["40P01", "40001", "55P03", "23P01"])
@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k"}])
def test_over_http_a_tie_is_409_and_never_500(client_of, ways, ana, court, soon, sqlstate, key):
    body = {
        "resource": court.pk,
        "starts_at": soon.isoformat(),
        "ends_at": (soon + HOUR).isoformat(),
    }
    code = "slot_taken" if sqlstate == "23P01" else "busy"
    client = client_of(ana)
    with unguarded.schema():
        with unguarded.fault(sqlstate, 9, "INSERT"):
            answer = client.post("/api/v1/bookings/", body, headers=key)
        assert (answer.status_code, answer.json()["code"]) == (409, code), answer.content
        assert answer["Content-Type"] == "application/problem+json"
        if code == "busy":
            assert answer["Retry-After"] == "1"
        assert not Booking.objects.exists()
        made = client.post("/api/v1/bookings/", body, headers=key)
        assert made.status_code == 201  # a refusal is not kept for the key
        path = f"/api/v1/bookings/{made.json()['id']}/"
        later = {"starts_at": (soon + HOUR).isoformat(), "ends_at": (soon + 2 * HOUR).isoformat()}
        with unguarded.fault(sqlstate, 9, "UPDATE"):
            moved = client.patch(path, later, headers={k: f"{v}2" for k, v in key.items()})
        assert (moved.status_code, moved.json()["code"]) == (409, code), moved.content
        assert client.get(path).json() == made.json()
