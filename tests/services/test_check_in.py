"""Check in, be released, end early: the windows are frozen in the row, the database's clock says
what is due."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api import errors, terms
from api.lifecycle import BOOKING, Status
from api.models import Booking, BookingEvent, Delivery
from api.queries.analytics import no_shows
from api.services.actors import Actor
from api.services.bookings.actions import check_in_booking, end_booking
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.sweeps import sweep

pytestmark = pytest.mark.django_db
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def manned(venue):
    """The club asks for check-in: 10 minutes before to 5 after, released after 20."""
    venue.check_in_required = True
    venue.check_in_opens_before = 10 * MINUTE
    venue.check_in_closes_after = 5 * MINUTE
    venue.no_show_grace = 20 * MINUTE
    venue.save()
    return venue


def at(booking, **deadlines):
    """Moves deadlines so far from the database's now."""
    Booking.objects.filter(pk=booking.pk).update(
        **{column: Now() + ahead for column, ahead in deadlines.items()}
    )
    return booking


def test_the_windows_are_the_venues_frozen_into_the_row(manned, booked, ana, soon):
    booking = booked(ana)
    manned.no_show_grace = manned.check_in_opens_before = timedelta(hours=9)
    manned.save()
    booking.refresh_from_db()
    assert booking.check_in_opens_at == soon - 10 * MINUTE
    assert booking.check_in_closes_at == soon + 5 * MINUTE
    assert booking.no_show_at == soon + 20 * MINUTE


def test_a_booking_made_late_has_the_whole_grace_from_then_on(manned, soon):
    made = terms.calculate_deadlines(manned, soon, soon + 60 * MINUTE, soon + 30 * MINUTE)
    assert made["no_show_at"] == soon + 50 * MINUTE
    assert made["check_in_closes_at"] == soon + 35 * MINUTE


def test_a_reminder_to_check_in_is_due_at_once_inside_its_span_and_never_after_the_start(
    manned, soon
):
    manned.remind_before = 15 * MINUTE
    end = soon + 60 * MINUTE
    made = [
        terms.calculate_deadlines(manned, soon, end, soon + ahead)["remind_at"]
        for ahead in (-20 * MINUTE, -10 * MINUTE, timedelta(0), MINUTE)
    ]
    assert made == [soon - 15 * MINUTE, soon - 10 * MINUTE, None, None]
    manned.check_in_required = False
    assert terms.calculate_deadlines(manned, soon, end, soon - 10 * MINUTE)["remind_at"] is None


@pytest.mark.parametrize(
    ("opens", "closes", "early", "allowed"),
    [
        (-SECOND, MINUTE, False, True),
        (MINUTE, 2 * MINUTE, False, False),
        (MINUTE, 2 * MINUTE, True, True),
        (-MINUTE, timedelta(0), False, False),
        (-MINUTE, timedelta(0), True, False),
    ],
)
def test_check_in_is_open_in_its_window_and_earlier_at_the_door(
    manned, booked, ana, opens, closes, early, allowed
):
    booking = at(booked(ana), check_in_opens_at=opens, check_in_closes_at=closes)
    if allowed:
        done = check_in_booking(booking.pk, Actor.in_venue(ana, booking.venue_id), early=early)
        assert (done.status, done.no_show_at) == (Status.CHECKED_IN, None)
    else:
        with pytest.raises(errors.CheckInClosed) as refused:
            check_in_booking(booking.pk, Actor.in_venue(ana, booking.venue_id), early=early)
        assert refused.value.opens_at < refused.value.closes_at
        booking.refresh_from_db()
        assert (booking.status, booking.checked_in_at) == (Status.CONFIRMED, None)


def test_a_no_show_is_released_and_emailed_and_the_room_is_free(manned, booked, ana, ben):
    booking = at(booked(ana), no_show_at=timedelta(0))
    assert sweep(BOOKING.release, "release_no_shows") == 1
    assert sweep(BOOKING.release, "release_no_shows") == 0
    booking.refresh_from_db()
    assert booking.status == Status.NO_SHOW
    event = BookingEvent.objects.get(verb="release")
    assert (event.by, event.actor_name, event.from_status) == (
        "clock",
        "release_no_shows",
        "confirmed",
    )
    assert Delivery.objects.filter(name="released", to=ana.email).count() == 1
    assert booked(ben).status == Status.CONFIRMED


def test_a_no_show_that_ended_unseen_is_still_one(manned, booked, ana):
    """The clock was away for a day: release comes before completion."""
    booking = booked(ana)
    day = timedelta(days=1)
    at(booking, starts_at=-day, ends_at=-day + MINUTE, no_show_at=-day, completes_at=-day)
    sweep(BOOKING.complete, "complete_finished")
    sweep(BOOKING.release, "release_no_shows")
    booking.refresh_from_db()
    assert booking.status == Status.NO_SHOW


def test_who_checked_in_is_never_released(manned, booked, ana):
    booking = at(booked(ana), check_in_opens_at=-MINUTE, no_show_at=MINUTE)
    check_in_booking(booking.pk, Actor.in_venue(ana, booking.venue_id))
    assert sweep(BOOKING.release, "release_no_shows") == 0
    booking.refresh_from_db()
    assert (booking.status, booking.no_show_at) == (Status.CHECKED_IN, None)


def test_an_early_end_frees_only_what_is_left(manned, booked, court, ana, ben):
    booking = at(
        booked(ana), starts_at=-30 * MINUTE, ends_at=30 * MINUTE, check_in_opens_at=-MINUTE
    )
    at(booking, check_in_closes_at=MINUTE, no_show_at=MINUTE, completes_at=30 * MINUTE)
    check_in_booking(booking.pk, Actor.in_venue(ana, booking.venue_id))
    done = end_booking(booking.pk, Actor.in_venue(ben, booking.venue_id))
    assert done.starts_at < done.ended_at < done.ends_at
    assert Delivery.objects.filter(name="ended", to=ana.email).count() == 1
    again = create_booking(
        BookingRequest(
            owner=ben, resource=court.pk, starts_at=done.ended_at + MINUTE, ends_at=done.ends_at
        ),
        actor=Actor.for_new_booking(ben),
    )
    assert again.status == Status.CONFIRMED


@pytest.mark.parametrize("checked_in", [False, True])
def test_what_has_not_been_checked_in_or_is_over_has_no_early_end(manned, booked, ana, checked_in):
    booking = at(booked(ana), check_in_opens_at=-MINUTE)
    if checked_in:
        check_in_booking(booking.pk, Actor.in_venue(ana, booking.venue_id))
        at(booking, starts_at=-60 * MINUTE, ends_at=timedelta(0))
    with pytest.raises(errors.NotAllowedNow):
        end_booking(booking.pk, Actor.in_venue(ana, booking.venue_id))
    booking.refresh_from_db()
    assert booking.ended_at is None


# repeated no-shows


def test_people_who_did_not_come_twice_or_more_are_listed_most_frequent_first(
    booked, ana, ben, sam
):
    def missed(who, times, days=1, status=Status.NO_SHOW):
        for _ in range(times):
            booking = booked(who, hours=Booking.objects.count())
            ago = timedelta(days=days, minutes=Booking.objects.count())
            Booking.objects.filter(pk=booking.pk).update(
                status=status, starts_at=Now() - ago, ends_at=Now() - ago + MINUTE
            )

    missed(ana, 2)
    missed(ben, 3)
    missed(sam, 1)
    missed(sam, 4, status=Status.CANCELLED)
    missed(sam, 2, days=91)
    found = no_shows.list_repeated(sam)
    assert [(row["person"], row["times"]) for row in found] == [(ben, 3), (ana, 2)]
    latest = Booking.objects.filter(owner=ben).order_by("starts_at").last()
    assert found[0]["last_missed_at"] == latest.starts_at


def test_staff_see_them_and_nobody_else(client_of, booked, ana, sam):
    for hour in (0, 1):
        booking = booked(ana, hours=hour)
        at(booking, starts_at=timedelta(hours=hour - 9), ends_at=timedelta(hours=hour - 8))
        Booking.objects.filter(pk=booking.pk).update(status=Status.NO_SHOW)
    seen = client_of(sam).get("/api/v1/dashboard/staff/").json()["repeated_no_shows"]
    assert [(row["person"]["email"], row["times"]) for row in seen] == [("ana@example.com", 2)]
    assert client_of(ana).get("/api/v1/dashboard/staff/").status_code == 403
