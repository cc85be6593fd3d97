"""Approval: a request blocks its slot, is answered or lapses, and is asked again when it moves."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING, Status
from api.models import Booking, BookingEvent, Delivery, PrimetimeWindow, Resource, Venue
from api.models.venues import Approval
from api.services.actors import Actor
from api.services.bookings.actions import approve_booking, cancel_booking, reject_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import create_booking
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.revisions import revise_booking
from api.services.bookings.sweeps import sweep
from tests.support.kinds import of_every_kind

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def evening(venue) -> datetime:
    """When primetime begins, in a week; it lasts two hours."""
    Venue.objects.filter(pk=venue.pk).update(approval=Approval.PRIMETIME)
    start = datetime.combine(datetime.now(UTC).date() + timedelta(days=7), time(17), UTC)
    PrimetimeWindow.objects.create(
        venue=venue, weekday=start.weekday(), starts_at=time(17), ends_at=time(19)
    )
    return start


@pytest.fixture
def ask(bookable, evening):
    """A booking that begins so many hours after primetime does."""

    def make(owner, hours=0.0, length=1.0):
        start = evening + hours * HOUR
        request = bookable.request(owner, start, start + length * HOUR)
        return create_booking(request, actor=Actor.for_new_booking(owner))

    return make


def status(booking):
    booking.refresh_from_db()
    return booking.status


def move(booking, start, end):
    actor = Actor.for_booking(booking.owner, booking)
    changes = {"starts_at": start} if booking.service_id else {"starts_at": start, "ends_at": end}
    return reschedule_booking(booking.pk, actor, BookingChanges(**changes))


@of_every_kind
def test_a_request_blocks_its_slot_until_it_is_declined(ask, ana, ben, sam):
    """Seen to be booked over without the exclusion constraint; not of a service, which looks for
    what is free first: of that see `tests/races/test_write_paths.py`."""
    request = ask(ana)
    assert request.status == Status.PENDING
    with pytest.raises(errors.SlotTaken) as refused:
        ask(ben)
    assert refused.value.conflicts == [request]
    reject_booking(request.pk, Actor.in_venue(sam, request.venue_id), "Tournament")
    assert ask(ben).status == Status.PENDING
    request.refresh_from_db()
    assert (request.status, request.rejection_reason) == (Status.REJECTED, "Tournament")


def test_an_approval_records_who_and_when_and_is_emailed(ask, ana, sam):
    request = ask(ana)
    done = approve_booking(request.pk, Actor.in_venue(sam, request.venue_id))
    assert (done.status, done.approved_by_id) == (Status.CONFIRMED, sam.pk)
    assert done.approved_at is not None
    assert BookingEvent.objects.filter(booking=request, verb="approve", actor=sam).count() == 1
    assert Delivery.objects.filter(name="approved", to=ana.email).count() == 1


@pytest.mark.parametrize("who", ["ana", "ben"])
def test_only_staff_answer(ask, ana, ben, who, request):
    asked = ask(ana)
    actor = Actor.for_booking(request.getfixturevalue(who), asked)
    for verb in (approve_booking, reject_booking):
        with pytest.raises(errors.Forbidden):
            verb(asked.pk, actor)
    assert status(asked) == Status.PENDING


@of_every_kind
def test_a_request_that_nobody_answered_lapses_and_blocks_nothing_even_before(ask, ana, ben, sam):
    request = ask(ana)
    Booking.objects.filter(pk=request.pk).update(lapses_at=Now())
    with pytest.raises(errors.AlreadyBegun):
        approve_booking(request.pk, Actor.in_venue(sam, request.venue_id))
    assert ask(ben).status == Status.PENDING  # ends the dead one on its way
    assert status(request) == Status.EXPIRED
    other = ask(ana, hours=-3)
    assert other.status == Status.CONFIRMED
    assert sweep(BOOKING.lapse, "lapse_requests") == 0


@of_every_kind
def test_approving_looks_at_the_place_and_its_dates_again(ask, venue, bookable, ana, sam):
    """Each part's."""
    request, part = ask(ana), Resource.objects.filter(pk=bookable.resources[-1].pk)
    part.update(is_available=False)
    with pytest.raises(errors.ResourceUnavailable):
        approve_booking(request.pk, Actor.in_venue(sam, request.venue_id))
    part.update(is_available=True)
    Venue.objects.update(opens_at=time(8), closes_at=time(12))
    with pytest.raises(errors.OutsideHours):
        approve_booking(request.pk, Actor.in_venue(sam, request.venue_id))
    assert status(request) == Status.PENDING
    assert not Delivery.objects.filter(name="approved").exists()


@of_every_kind
def test_answering_twice_is_refused(ask, ana, sam):
    request = ask(ana)
    approve_booking(request.pk, Actor.in_venue(sam, request.venue_id))
    with pytest.raises(errors.AlreadyDone):
        approve_booking(request.pk, Actor.in_venue(sam, request.venue_id))
    reject_booking(request.pk, Actor.in_venue(sam, request.venue_id), "Rain")
    with pytest.raises(errors.NotAllowedNow) as refused:
        approve_booking(request.pk, Actor.in_venue(sam, request.venue_id))
    assert refused.value.current == Status.REJECTED


@of_every_kind
def test_moving_into_primetime_needs_approval_again(ask, ana, sam, evening):
    booking = ask(ana, hours=-4)
    assert booking.status == Status.CONFIRMED
    moved = move(booking, evening, evening + HOUR)
    assert (moved.status, moved.primetime, moved.approved_at) == (Status.PENDING, True, None)
    assert list(booking.events.values_list("verb", flat=True)) == [
        "resubmit",
        "reschedule",
        "book",
    ]
    assert Delivery.objects.filter(name="pending", booking=booking).count() == 1
    assert not Delivery.objects.filter(name="moved").exists()


def test_growing_into_primetime_needs_approval_again(ask, ana, evening):
    booking = ask(ana, hours=-1)
    assert booking.status == Status.CONFIRMED
    assert move(booking, evening - HOUR, evening + HOUR / 2).status == Status.PENDING


def test_shrinking_inside_what_was_approved_keeps_the_approval(ask, ana, sam, evening):
    request = ask(ana, length=2)
    approve_booking(request.pk, Actor.in_venue(sam, request.venue_id))
    kept = move(request, evening, evening + HOUR)
    assert (kept.status, kept.approved_by) == (Status.CONFIRMED, sam)
    again = move(request, evening, evening + 2 * HOUR)
    assert (again.status, again.approved_by) == (Status.PENDING, None)


@pytest.mark.parametrize("kind_name", ["set"])
def test_another_part_needs_approval_again_and_one_less_does_not(ask, ana, sam, court, bookable):
    request, staff = ask(ana), Actor.in_venue(sam, court.venue_id)
    approve_booking(request.pk, staff)
    owner = Actor.for_booking(ana, request)
    moved = reschedule_booking(request.pk, owner, BookingChanges(others=[court.pk]))
    assert (moved.status, moved.approved_by) == (Status.PENDING, None)
    approve_booking(request.pk, staff)
    kept = reschedule_booking(request.pk, owner, BookingChanges(others=[]))
    assert (kept.status, kept.approved_by) == (Status.CONFIRMED, sam)


@pytest.mark.parametrize("kind_name", ["units"])
def test_more_units_need_approval_again_and_fewer_do_not(ask, ana, sam):
    request = ask(ana)
    staff, owner = Actor.in_venue(sam, request.venue_id), Actor.for_booking(ana, request)
    approve_booking(request.pk, staff)
    kept = reschedule_booking(request.pk, owner, BookingChanges(quantity=1))
    assert (kept.status, kept.approved_by) == (Status.CONFIRMED, sam)
    moved = reschedule_booking(request.pk, owner, BookingChanges(quantity=3))
    assert (moved.status, moved.approved_by) == (Status.PENDING, None)


def test_moving_out_of_primetime_needs_no_answer_and_a_request_waits_for_none_any_more(
    ask, ana, ben, sam, evening
):
    approved, waiting = ask(ana), ask(ben, hours=1)
    approve_booking(approved.pk, Actor.in_venue(sam, approved.venue_id))
    out = evening - 5 * HOUR
    assert move(approved, out, out + HOUR).status == Status.CONFIRMED
    Delivery.objects.all().delete()
    assert move(waiting, out + HOUR, out + 2 * HOUR).status == Status.CONFIRMED
    assert list(waiting.events.values_list("verb", flat=True)) == ["confirm", "reschedule", "book"]
    assert list(Delivery.objects.values_list("name", "to")) == [("confirmed", ben.email)]


def test_staff_who_move_a_request_and_say_what_becomes_of_it_are_taken_at_their_word(
    ask, ana, sam, evening
):
    """Without the guard it would be confirmed first, and two emails written."""
    request, out = ask(ana), evening - 5 * HOUR
    Delivery.objects.all().delete()
    for status in (Status.PENDING, Status.REJECTED):
        changes = BookingChanges(starts_at=out, ends_at=out + HOUR, notes="?")
        revise_booking(request, Actor.for_booking(sam, request), changes, status=status)
        out += HOUR
        request.refresh_from_db()
        assert request.status == status
    assert list(Delivery.objects.values_list("name", flat=True)) == ["rejected"]


def test_a_request_that_moves_within_primetime_or_costs_something_keeps_waiting(
    ask, ana, ben, evening
):
    inside, priced = ask(ana), ask(ben, hours=1)
    assert move(inside, evening + HOUR / 2, evening + HOUR).status == Status.PENDING
    Resource.objects.update(price_minor=100)
    out = evening - 5 * HOUR
    assert move(priced, out, out + HOUR).status == Status.PENDING  # to be paid once it is approved


def test_staff_answer_many_at_once_each_with_its_own_result(client_of, ask, ana, ben, sam):
    first, second = ask(ana), ask(ben, hours=1)
    cancel_booking(second.pk, Actor.for_booking(ben, second))
    ids = [second.pk, first.pk, 2**62]
    answer = client_of(sam).post("/api/v1/bookings/approve/", {"ids": ids})
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "results": [
                {
                    "id": second.pk,
                    "code": "wrong_status",
                    "detail": "A booking that is cancelled cannot do that.",
                },
                {"id": first.pk, "status": "confirmed"},
                {"id": 2**62, "code": "not_found", "detail": "There is no such booking."},
            ]
        },
    )
    answer = client_of(sam).post(
        "/api/v1/bookings/reject/", {"ids": [first.pk], "reason": "Tournament"}
    )
    assert answer.json() == {"results": [{"id": first.pk, "status": "rejected"}]}
    first.refresh_from_db()
    assert first.rejection_reason == "Tournament"


def test_bulk_answers_are_for_staff(client_of, ask, ana):
    request = ask(ana)
    for user, code in ((None, 401), (ana, 403)):
        for verb in ("approve", "reject"):
            answer = client_of(user).post(f"/api/v1/bookings/{verb}/", {"ids": [request.pk]})
            assert answer.status_code == code
    assert status(request) == Status.PENDING


@pytest.mark.parametrize("ids", [[], ["one"], [0], "1", None])
def test_a_malformed_bulk_answer_changes_nothing(client_of, ask, ana, sam, ids):
    request = ask(ana)
    answer = client_of(sam).post("/api/v1/bookings/approve/", {"ids": ids})
    assert answer.status_code == 400
    assert status(request) == Status.PENDING
