"""The verbs along the table: who may say them, when, and what they leave behind."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING, Status
from api.models import Booking, BookingEvent, Closure, Delivery, Resource, Venue
from api.services.actors import Actor
from api.services.bookings import actions, transitions
from api.services.bookings.actions import (
    approve_booking,
    cancel_booking,
    check_in_booking,
    end_booking,
    reinstate_booking,
    reject_booking,
)
from api.services.bookings.status_changes import apply_to_bookings, set_booking_status
from api.services.messages import outbox

pytestmark = pytest.mark.django_db

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def action(verb):
    """The service that makes this transition."""
    return getattr(actions, f"{verb}_booking")


def by(user, booking=None):
    return Actor.for_booking(user, booking or Booking(owner=user, venue=Venue.objects.first()))


@pytest.fixture
def asked(venue):
    """The venue answers every request."""
    venue.approval = "always"
    venue.save()
    return venue


@pytest.fixture
def watched(venue):
    """The venue asks for check-in."""
    venue.check_in_required = True
    venue.save()
    return venue


@pytest.fixture
def priced(court):
    court.price_minor = 500
    court.save()
    return court


def state():
    """Everything a refusal must leave alone."""
    return (
        list(Booking.objects.order_by("id").values()),
        BookingEvent.objects.count(),
        Delivery.objects.count(),
    )


def refuses(kind, call, **data):
    before = state()
    with pytest.raises(kind) as refused:
        call()
    assert type(refused.value) is kind
    for name, value in data.items():
        assert getattr(refused.value, name) == value
    assert state() == before


def stand(booking, status, **columns):
    """Puts a row into a status by hand, with what the database asks of it."""
    columns.setdefault("checked_in_at", Now())
    columns.setdefault("offer_expires_at", Now() + HOUR)
    columns.setdefault("hold_expires_at", Now() + HOUR)
    Booking.objects.filter(pk=booking.pk).update(status=status, **columns)


# booking


def test_attendees_are_kept_and_everything_is_written_at_once(booked, ana, ben, sam):
    booking = booked(ana, attendees=[ben, sam], notes="Bring balls", guests=3, contract="v1")
    booking.refresh_from_db()
    assert set(booking.attendees.all()) == {ben, sam}
    assert (booking.notes, booking.guests, booking.contract) == ("Bring balls", 3, "v1")


def test_a_booking_whose_email_cannot_be_queued_is_not_made(booked, ana, monkeypatch):
    """History and outbox are in the transaction of their cause."""
    from api.signals import booking_created as signal

    def broken(**_):
        raise RuntimeError("no")

    signal.connect(broken)
    try:
        with pytest.raises(RuntimeError), transaction.atomic():
            booked(ana)
    finally:
        signal.disconnect(broken)
    assert state() == ([], 0, 0)


def test_nobody_holds_more_slots_than_the_venue_allows(booked, venue, priced, ana, ben):
    venue.max_open_holds = 2
    venue.save()
    first, _ = booked(ana), booked(ana, hours=1)
    refuses(errors.TooManyHolds, lambda: booked(ana, hours=2), limit=2)
    booked(ben, hours=2)
    Booking.objects.filter(pk=first.pk).update(hold_expires_at=Now())  # run out, not yet swept
    booked(ana, hours=3)


def test_an_unknown_or_retired_place_is_not_found(booked, ana, court):
    missing = Resource(pk=court.pk + 1)
    refuses(errors.NotFound, lambda: booked(ana, place=missing))
    Resource.objects.update(retired_at=Now())
    refuses(errors.NotFound, lambda: booked(ana))


def test_rules_that_change_hold_for_the_very_next_booking(booked, ana, venue, court):
    booked(ana)
    Resource.objects.update(maintenance=True)
    refuses(errors.ResourceUnavailable, lambda: booked(ana, hours=2))
    Resource.objects.update(maintenance=False)
    on = (booked(ana, hours=2).starts_at + timedelta(days=3)).date()
    Closure.objects.create(venue=venue, first_on=on, last_on=on)
    refuses(errors.Closed, lambda: booked(ana, hours=74))


# who may


@pytest.mark.parametrize(
    ("verb", "owner", "other", "staff"),
    [
        ("cancel", True, False, True),
        ("approve", False, False, True),
        ("reject", False, False, True),
        ("check_in", True, True, True),
        ("end", True, True, True),
        ("complete", False, False, True),
        ("reinstate", False, False, True),
    ],
)
def test_who_may_say_what(booked, ana, ben, sam, verb, owner, other, staff):
    """Owner, somebody else, staff; a row that stands where the verb may be said."""
    source = getattr(BOOKING, verb).sources[0]
    for user, allowed in ((ana, owner), (ben, other), (sam, staff)):
        booking = booked(ana)
        stand(booking, source, check_in_opens_at=Now() - HOUR, no_show_at=None)
        if verb == "end":
            Booking.objects.filter(pk=booking.pk).update(starts_at=Now())
        booking.refresh_from_db()
        if allowed:
            assert action(verb)(booking.pk, by(user, booking)).status in (
                getattr(BOOKING, verb).target,
            )
        else:
            refuses(
                errors.Forbidden,
                lambda v=verb, b=booking, u=user: action(v)(b.pk, by(u, b)),
            )
        Booking.objects.all().delete()


@pytest.mark.parametrize("verb", ["cancel", "approve", "reject", "check_in", "end", "complete"])
@pytest.mark.parametrize("status", Status.values)
def test_a_verb_moves_only_what_stands_where_the_table_says(booked, ana, sam, verb, status):
    booking = booked(ana)
    stand(booking, status, check_in_opens_at=Now() - HOUR, starts_at=Now())
    move = getattr(BOOKING, verb)
    if verb == "check_in":
        stand(booking, status, check_in_opens_at=Now() - HOUR)
    if verb == "approve":
        stand(booking, status)
        Booking.objects.update(starts_at=booking.starts_at)

    def call():
        return action(verb)(booking.pk, by(sam))

    if status in move.sources:
        assert call().status == move.target
        assert BookingEvent.objects.first().from_status == status
    elif status == move.target:
        refuses(errors.AlreadyDone, call, current=status)
    else:
        refuses(errors.NotAllowedNow, call, current=status)


def test_an_unknown_booking_is_not_found(ana, sam):
    for verb in ("cancel", "approve", "reject", "check_in", "end", "reinstate", "complete"):
        refuses(errors.NotFound, lambda v=verb: action(v)(10**15, by(sam)))


# cancel


def test_a_cancelled_slot_is_free_at_once_and_the_reason_is_written_down(booked, ana, ben):
    booking = booked(ana)
    cancel_booking(booking.pk, by(ana), "Rain")
    event = BookingEvent.objects.first()
    assert (event.verb, event.from_status, event.to_status, event.details) == (
        "cancel",
        "confirmed",
        "cancelled",
        {"reason": "Rain"},
    )
    assert booked(ben).status == Status.CONFIRMED


@pytest.mark.parametrize(
    ("status", "deadline", "after"),
    [
        (Status.OFFERED, "offer_expires_at", Status.EXPIRED),
        (Status.HELD, "hold_expires_at", Status.EXPIRED),
        (Status.PENDING, "lapses_at", Status.EXPIRED),
        (Status.CONFIRMED, "completes_at", Status.COMPLETED),
        (Status.CHECKED_IN, "completes_at", Status.COMPLETED),
    ],
)
def test_what_the_clock_should_have_ended_cannot_be_cancelled(booked, ana, status, deadline, after):
    """Even though no worker runs: a finished booking is not cancelled for its money."""
    booking = booked(ana)
    stand(booking, status, **{deadline: Now()})
    refuses(errors.NotAllowedNow, lambda: cancel_booking(booking.pk, by(ana)), current=str(after))


# approve and reject


def test_an_approved_request_says_by_whom_and_when(booked, ana, sam, asked):
    booking = booked(ana)
    assert booking.status == Status.PENDING
    done = approve_booking(booking.pk, by(sam))
    assert (done.status, done.approved_by, done.hold_expires_at) == (Status.CONFIRMED, sam, None)
    assert done.approved_at is not None


def test_an_approved_request_with_a_price_is_held_for_its_payment(booked, ana, sam, asked, priced):
    booking = booked(ana)
    assert (booking.status, booking.hold_expires_at) == (Status.PENDING, None)
    done = approve_booking(booking.pk, by(sam))
    assert (done.status, done.payment_status) == (Status.HELD, "pending")
    fresh = Booking.objects.annotate(now=Now()).get()
    assert MINUTE * 29 < fresh.hold_expires_at - fresh.now <= MINUTE * 30
    assert list(booking.deliveries.order_by("id").values_list("name", flat=True)) == [
        "pending",
        "approved_to_pay",
    ]


def test_a_paid_request_is_confirmed_when_approved(booked, ana, sam, asked, priced):
    booking = booked(ana)
    Booking.objects.update(payment_status="succeeded")
    assert approve_booking(booking.pk, by(sam)).status == Status.CONFIRMED


def test_a_request_whose_slot_has_begun_can_no_longer_be_approved(booked, ana, sam, asked):
    booking = booked(ana)
    Booking.objects.update(lapses_at=Now())
    refuses(errors.AlreadyBegun, lambda: approve_booking(booking.pk, by(sam)))


def test_an_approval_looks_at_the_place_again(booked, ana, sam, asked, court):
    booking = booked(ana)
    Resource.objects.update(maintenance=True)
    refuses(errors.ResourceUnavailable, lambda: approve_booking(booking.pk, by(sam)))


def test_a_rejection_says_why_and_frees_the_slot(booked, ana, ben, sam, asked):
    booking = booked(ana)
    done = reject_booking(booking.pk, by(sam), "Closed for a match")
    assert (done.status, done.rejection_reason) == (Status.REJECTED, "Closed for a match")
    assert BookingEvent.objects.first().details == {"reason": "Closed for a match"}
    booked(ben)


def test_many_are_answered_one_by_one(booked, ana, sam, asked):
    first, second = booked(ana), booked(ana, hours=1)
    cancel_booking(first.pk, by(ana))
    results = apply_to_bookings([first.pk, second.pk, 10**15], sam, approve_booking)
    assert [pk for pk, _ in results] == [first.pk, second.pk, 10**15]
    assert [getattr(r, "code", "") or r.status for _, r in results] == [
        "wrong_status",
        "confirmed",
        "not_found",
    ]


# check in and end


def test_check_in_is_open_from_before_to_after_the_start(booked, ana, watched):
    booking = booked(ana)
    early = {"opens_at": booking.check_in_opens_at, "closes_at": booking.check_in_closes_at}
    refuses(errors.CheckInClosed, lambda: check_in_booking(booking.pk, by(ana)), **early)
    Booking.objects.update(check_in_opens_at=Now())
    done = check_in_booking(booking.pk, by(ana))
    assert (done.status, done.no_show_at) == (Status.CHECKED_IN, None)
    assert done.checked_in_at is not None


def test_check_in_is_closed_after_its_end_and_after_the_grace(booked, ana, watched):
    booking = booked(ana)
    Booking.objects.update(check_in_opens_at=Now() - HOUR, check_in_closes_at=Now())
    refuses(errors.CheckInClosed, lambda: check_in_booking(booking.pk, by(ana)))
    Booking.objects.update(check_in_closes_at=Now() + HOUR, no_show_at=Now())
    refuses(errors.CheckInClosed, lambda: check_in_booking(booking.pk, by(ana)))


def test_a_panel_may_open_the_door_early(booked, ana, watched):
    booking = booked(ana)
    done = check_in_booking(booking.pk, Actor.panel("Door 1"), early=True)
    assert done.status == Status.CHECKED_IN
    event = BookingEvent.objects.first()
    assert (event.by, event.actor, event.actor_name) == ("panel", None, "Door 1")


def test_what_has_not_begun_cannot_be_ended(booked, ana):
    booking = booked(ana)
    refuses(errors.NotAllowedNow, lambda: end_booking(booking.pk, by(ana)), current="confirmed")


def test_where_check_in_is_asked_for_only_the_checked_in_can_leave(booked, ana, watched):
    booking = booked(ana)
    stand(booking, Status.CONFIRMED, starts_at=Now() - MINUTE, no_show_at=Now() + HOUR)
    refuses(errors.NotAllowedNow, lambda: end_booking(booking.pk, by(ana)))


def test_the_rest_of_a_slot_that_ended_early_is_free(booked, ana, ben, court):
    booking = booked(ana, length=2)
    stand(booking, Status.CHECKED_IN)
    done = end_booking(booking.pk, by(ana))
    assert (done.status, done.ends_at) == (Status.COMPLETED, booking.ends_at)
    assert done.ended_at is not None
    booked(ben, hours=1)


# reinstate


@pytest.mark.parametrize("status", BOOKING.reinstate.sources)
def test_an_end_is_taken_back_while_the_slot_is_free(booked, ana, sam, status):
    booking = booked(ana)
    stand(booking, status, rejection_reason="No", approved_by=sam, approved_at=Now())
    done = reinstate_booking(booking.pk, by(sam))
    assert (done.status, done.rejection_reason, done.checked_in_at) == (Status.PENDING, "", None)
    assert (done.approved_by, done.approved_at) == (None, None)


def test_an_end_is_not_taken_back_over_somebody_elses_booking(booked, ana, ben, sam):
    booking = booked(ana)
    cancel_booking(booking.pk, by(ana))
    rival = booked(ben, hours=0.5)
    refuses(errors.SlotTaken, lambda: reinstate_booking(booking.pk, by(sam)), conflicts=[rival])


def test_an_end_is_taken_back_over_a_hold_that_has_run_out(booked, ana, ben, sam, priced):
    booking = booked(ana)
    cancel_booking(booking.pk, by(ana))
    dead = booked(ben)
    Booking.objects.filter(pk=dead.pk).update(hold_expires_at=Now())
    assert reinstate_booking(booking.pk, by(sam)).status == Status.PENDING
    dead.refresh_from_db()
    assert dead.status == Status.EXPIRED


def test_what_has_begun_is_not_taken_back(booked, ana, sam):
    booking = booked(ana)
    cancel_booking(booking.pk, by(ana))
    Booking.objects.update(starts_at=Now())
    refuses(errors.AlreadyBegun, lambda: reinstate_booking(booking.pk, by(sam)))


# what staff set by hand


@pytest.mark.parametrize(
    ("status", "wanted", "verbs"),
    [
        (Status.PENDING, Status.CONFIRMED, ["approve"]),
        (Status.PENDING, Status.REJECTED, ["reject"]),
        (Status.CONFIRMED, Status.PENDING, ["resubmit"]),
        (Status.CONFIRMED, Status.CANCELLED, ["cancel"]),
        (Status.CONFIRMED, Status.COMPLETED, ["complete"]),
        (Status.CANCELLED, Status.PENDING, ["reinstate"]),
        (Status.CANCELLED, Status.CONFIRMED, ["reinstate", "approve"]),
        (Status.REJECTED, Status.CONFIRMED, ["reinstate", "approve"]),
        (Status.CONFIRMED, Status.CONFIRMED, []),
    ],
)
def test_staff_set_a_status_by_the_verbs_that_lead_there(booked, ana, sam, status, wanted, verbs):
    booking = booked(ana)
    stand(booking, status)
    assert set_booking_status(booking.pk, wanted, by(sam)).status == wanted
    told = list(BookingEvent.objects.order_by("id").values_list("verb", flat=True))
    assert told == ["book", *verbs]


@pytest.mark.parametrize("wanted", [Status.NO_SHOW, Status.EXPIRED, Status.HELD, "nonsense"])
def test_no_verb_of_staff_leads_to_what_only_the_clock_or_money_decides(booked, ana, sam, wanted):
    booking = booked(ana)
    refuses(errors.NotAllowedNow, lambda: set_booking_status(booking.pk, wanted, by(sam)))


def test_an_unpaid_hold_is_not_confirmed_by_setting_its_status(booked, ana, sam, priced):
    booking = booked(ana)
    refuses(errors.NotAllowedNow, lambda: set_booking_status(booking.pk, Status.CONFIRMED, by(sam)))


def test_owners_set_nothing_but_cancelled(booked, ana):
    booking = booked(ana)
    refuses(errors.Forbidden, lambda: set_booking_status(booking.pk, Status.COMPLETED, by(ana)))
    assert set_booking_status(booking.pk, Status.CANCELLED, by(ana)).status == Status.CANCELLED


# the table itself


def test_a_batch_moves_in_a_constant_number_of_statements(
    booked, ana, priced, django_assert_num_queries
):
    """The move with history and emails, trades, money, offers; and the savepoints of a test."""
    ids = [booked(ana, hours=n).pk for n in range(20)]
    for batch in (ids[:2], ids[2:]):
        with django_assert_num_queries(6):
            moved = transitions.apply_transition(BOOKING.expire, batch, Actor.clock("test"))
        assert [row.pk for row in moved] == batch


def test_nothing_leaves_twice_for_one_move(booked, ana):
    booking = booked(ana)
    key = Delivery.objects.get().key
    outbox.put([outbox.Effect(key=key, name="confirmed", booking_id=booking.pk, to="x@y.z")])
    assert Delivery.objects.get().to == ana.email
