"""Quotas: what counts, what it refuses, when that ends, and who is exempt."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now

from api import errors
from api.lifecycle import BOOKING
from api.models import Booking, BookingEvent, Delivery, Guest, Membership, Resource, Venue
from api.services.accounts import links
from api.services.actors import Actor
from api.services.bookings import guests, trades
from api.services.bookings.actions import (
    cancel_booking,
    check_in_booking,
    end_booking,
    pay_booking_late,
    reinstate_booking,
)
from api.services.bookings.changes import BookingChanges
from api.services.bookings.create import BookingRequest, create_booking
from api.services.bookings.extend import extend_booking
from api.services.bookings.quotas import lock_usage
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.sweeps import sweep

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GUS = Guest("Gus Example", "gus@example.com")


@pytest.fixture
def quota(venue):
    def allow(**fields):
        for name, value in fields.items():
            setattr(venue, name, value)
        venue.save()

    return allow


@pytest.fixture
def soon(soon):
    """Nine on a Monday (UTC), so that what is some days later is in the same week."""
    return soon + timedelta(days=7 - soon.weekday())


def state():
    rows = list(Booking.objects.order_by("id").values())
    return rows, BookingEvent.objects.count(), Delivery.objects.count()


def refuses(quota, limit, free_at, call):
    before = state()
    with pytest.raises(errors.QuotaReached) as refused:
        call()
    assert refused.value.data == {"quota": quota, "limit": limit, "free_at": free_at}
    assert state() == before
    return refused.value


def move(booking, user, starts_at, length=HOUR, **more):
    changes = BookingChanges(starts_at=starts_at, ends_at=starts_at + length, **more)
    return reschedule_booking(booking.pk, Actor.for_booking(user, booking), changes)


# bookings ahead


def test_bookings_ahead_are_counted_until_the_first_begins(booked, quota, ana, ben, soon):
    quota(max_bookings_ahead=2)
    booked(ana, hours=5)
    booked(ana, hours=1)
    refusal = refuses("max_bookings_ahead", 2, soon + HOUR, lambda: booked(ana))
    assert refusal.detail == (
        "You have as many bookings ahead as one person may here (2)."
        f" Possible again from {soon + HOUR:%Y-%m-%d %H:%M}."
    )
    assert booked(ben).status == "confirmed"


def test_what_has_begun_or_ended_counts_no_more(booked, quota, ana):
    quota(max_bookings_ahead=1)
    first = booked(ana)
    Booking.objects.filter(pk=first.pk).update(starts_at=Now() - HOUR)
    second = booked(ana, hours=1)
    cancel_booking(second.pk, Actor.for_booking(ana, second))
    assert booked(ana, hours=2).status == "confirmed"


def test_a_hold_counts_until_it_runs_out_whether_or_not_it_was_swept(booked, quota, ana, court):
    quota(max_bookings_ahead=1)
    court.price_minor = 500
    court.save()
    held = booked(ana)
    refuses("max_bookings_ahead", 1, held.hold_expires_at, lambda: booked(ana, hours=1))
    Booking.objects.filter(pk=held.pk).update(hold_expires_at=Now())
    assert booked(ana, hours=1).status == "held"


def test_of_more_than_the_limit_so_many_leave_first(booked, quota, ana, soon):
    for hours in (1, 2, 3):
        booked(ana, hours=hours)
    quota(max_bookings_ahead=2)
    refuses("max_bookings_ahead", 2, soon + 2 * HOUR, lambda: booked(ana))


def test_a_booking_that_is_moved_counts_once(booked, quota, ana, soon):
    quota(max_bookings_ahead=1)
    booking = booked(ana)
    assert move(booking, ana, soon + 3 * HOUR).starts_at == soon + 3 * HOUR


def test_what_comes_from_another_venue_begins_to_count(booked, quota, ana, soon):
    elsewhere = Venue.objects.create(slug="hall", name="Hall", max_bookings_ahead=1)
    Membership.objects.get_or_create(user=ana, venue=elsewhere)
    hall = Resource.objects.create(venue=elsewhere, name="Hall", capacity=4)
    booked(ana, place=hall)
    booking = booked(ana)
    refuses(
        "max_bookings_ahead",
        1,
        soon,
        lambda: move(booking, ana, soon + 3 * HOUR, resource=hall.pk),
    )


# hours a week


def test_hours_are_those_of_the_week_and_free_with_the_first_that_has_room(
    booked, quota, ana, soon
):
    quota(max_hours_a_week=3 * HOUR)
    booked(ana, length=2)
    booked(ana, hours=7 * 24, length=2)
    free_at = (soon + 14 * DAY).replace(hour=0)
    refusal = refuses(
        "max_hours_a_week", 3 * HOUR, free_at, lambda: booked(ana, hours=24, length=2)
    )
    assert refusal.detail.startswith(
        "That is longer than one person may book here in a week (3:00 h)."
    )
    assert booked(ana, hours=24, length=1).status == "confirmed"


def test_what_is_longer_than_the_limit_is_never_free(booked, quota, ana):
    quota(max_hours_a_week=HOUR)
    refuses("max_hours_a_week", HOUR, None, lambda: booked(ana, length=2))


def test_weeks_are_those_of_the_venues_clock_and_of_a_night_between_two_each_has_its_part(
    quota, booked, ana, soon
):
    """In Auckland it is Monday from Sunday noon (UTC) on, in summer from eleven."""
    quota(time_zone="Pacific/Auckland", max_hours_a_week=2 * HOUR)
    to_midnight = timedelta(days=6, hours=2)  # from Monday at nine, UTC, and summer in December
    if soon.month in range(4, 9):
        to_midnight += HOUR
    night = to_midnight // HOUR
    assert booked(ana, hours=night - 1, length=3).status == "confirmed"
    free_at = soon + to_midnight + 7 * DAY
    late = night + 24
    refuses("max_hours_a_week", 2 * HOUR, free_at, lambda: booked(ana, hours=late))
    assert booked(ana, hours=night - 24).status == "confirmed"


def test_what_was_used_counts_and_the_rest_of_what_ended_early_does_not(booked, quota, ana, soon):
    quota(max_hours_a_week=3 * HOUR, min_notice=-DAY)
    first = booked(ana, length=2)
    Booking.objects.filter(pk=first.pk).update(status="completed", ended_at=soon + HOUR)
    booked(ana, hours=24, length=2)
    refuses(
        "max_hours_a_week",
        3 * HOUR,
        (soon + 7 * DAY).replace(hour=0),
        lambda: booked(ana, hours=48, length=0.5),
    )


def test_a_move_and_an_extension_may_not_pass_the_hours(booked, quota, ana, soon):
    quota(max_hours_a_week=3 * HOUR)
    booked(ana, length=2)
    later = booked(ana, hours=7 * 24, length=2)
    actor = Actor.for_booking(ana, later)
    its_own_week = (soon + 7 * DAY).replace(hour=0)
    refuses(
        "max_hours_a_week", 3 * HOUR, its_own_week, lambda: move(later, ana, soon + DAY, 2 * HOUR)
    )
    longer = later.ends_at + 2 * HOUR
    refuses(
        "max_hours_a_week",
        3 * HOUR,
        None,
        lambda: extend_booking(later.pk, actor, ends_at=longer),
    )
    assert extend_booking(later.pk, actor, ends_at=later.ends_at + HOUR).ends_at


def test_what_is_over_a_lowered_limit_may_move_and_grow_no_more(booked, quota, ana, soon):
    booking = booked(ana, length=3)
    quota(max_hours_a_week=2 * HOUR)
    assert move(booking, ana, soon + DAY, 3 * HOUR).starts_at == soon + DAY
    refuses("max_hours_a_week", 2 * HOUR, None, lambda: move(booking, ana, soon + DAY, 4 * HOUR))


# open requests


def test_requests_are_counted_until_they_lapse_and_what_is_confirmed_at_once_is_none(
    booked, quota, ana, soon
):
    quota(max_open_requests=1, approval="always")
    booked(ana)
    refuses("max_open_requests", 1, soon, lambda: booked(ana, hours=1))
    quota(approval="never")
    assert booked(ana, hours=1).status == "confirmed"


def test_a_change_that_needs_approval_again_is_a_request(booked, quota, ana, sam, soon):
    quota(max_open_requests=1)
    booking = booked(ana, hours=4)
    quota(approval="always")
    booked(ana)
    refuses("max_open_requests", 1, soon, lambda: move(booking, ana, soon + 6 * HOUR))
    assert move(booking, sam, soon + 6 * HOUR).starts_at == soon + 6 * HOUR


# no-shows


@pytest.fixture
def missed(booked, ana):
    def make(hours, ago):
        booking = booked(ana, hours=hours)
        Booking.objects.filter(pk=booking.pk).update(
            starts_at=Now() - ago, ends_at=Now() - ago + HOUR / 2, no_show_at=Now() - ago
        )
        booking.refresh_from_db()
        return booking

    return make


def test_every_so_many_no_shows_begin_a_pause_at_the_last_of_them(missed, booked, quota, ana):
    missed(1, 3 * DAY)
    second = missed(2, 2 * DAY)
    missed(3, DAY)
    quota(no_shows_before_pause=2, pause_length=3 * DAY)
    until = second.no_show_at + 3 * DAY
    refuses("no_shows_before_pause", 2, until, lambda: booked(ana))
    sweep(BOOKING.release, "release_no_shows")
    assert Booking.objects.filter(status="no_show").count() == 3
    refuses("no_shows_before_pause", 2, until, lambda: booked(ana))
    quota(pause_length=2 * DAY)
    assert booked(ana).status == "confirmed"


def test_a_pause_stops_new_bookings_only(missed, booked, quota, ana, soon):
    booking = booked(ana)
    missed(2, HOUR)
    quota(no_shows_before_pause=1, pause_length=DAY)
    assert move(booking, ana, soon + 5 * HOUR).starts_at == soon + 5 * HOUR


# who is exempt, and who is counted how


def test_staff_are_exempt_for_themselves_and_for_others(booked, quota, ana, sam, soon, court):
    quota(max_bookings_ahead=1, max_hours_a_week=HOUR)
    booked(ana)
    assert booked(sam, hours=1, length=2).status == "confirmed"
    request = BookingRequest(
        owner=ana, resource=court.pk, starts_at=soon + 5 * HOUR, ends_at=soon + 6 * HOUR
    )
    assert create_booking(request, actor=Actor.for_new_booking(sam, ana)).owner == ana
    other = Venue.objects.create(slug="hall", name="Hall", max_bookings_ahead=1)
    Membership.objects.filter(user=sam, venue=other).update(role="customer")
    sam.forget_roles()
    hall = Resource.objects.create(venue=other, name="Hall", capacity=4)
    booked(sam, place=hall)
    refuses("max_bookings_ahead", 1, soon, lambda: booked(sam, hours=1, place=hall))


def test_what_staff_take_back_the_end_of_is_not_refused(booked, quota, ana, sam):
    quota(max_bookings_ahead=1)
    first = booked(ana)
    cancel_booking(first.pk, Actor.for_booking(ana, first))
    booked(ana, hours=1)
    assert reinstate_booking(first.pk, Actor.for_booking(sam, first)).status == "pending"


def test_a_guest_is_counted_by_address_once_confirmed(quota, court, soon):
    def confirm(hours, guest=GUS):
        start = soon + hours * HOUR
        request = BookingRequest(
            owner=guest, resource=court.pk, starts_at=start, ends_at=start + HOUR
        )
        booking = guests.request_booking(request)
        booking.refresh_from_db()
        return lambda: guests.confirm_guest_booking(links.build_guest_token(booking))

    quota(max_bookings_ahead=1)
    first, second = confirm(0), confirm(1, Guest("Gus", "Gus@Example.com"))
    assert first().status == "confirmed"
    refuses("max_bookings_ahead", 1, soon, second)
    assert Booking.objects.filter(status="held").count() == 1
    assert confirm(2, Guest("Gil", "gil@example.com"))().status == "confirmed"


def test_a_guest_with_an_account_is_counted_as_that(quota, booked, court, soon, person):
    gus = person("gus")
    quota(max_bookings_ahead=1)
    booked(gus)
    request = BookingRequest(
        owner=GUS, resource=court.pk, starts_at=soon + HOUR, ends_at=soon + 2 * HOUR
    )
    booking = guests.request_booking(request)  # says nothing of what the address has
    booking.refresh_from_db()
    token = links.build_guest_token(booking)
    refuses("max_bookings_ahead", 1, soon, lambda: guests.confirm_guest_booking(token))


def test_a_payment_that_comes_late_does_not_pass_a_quota(quota, booked, ana, court, soon):
    court.price_minor = 500
    court.save()
    quota(max_bookings_ahead=1)
    late = booked(ana)
    Booking.objects.filter(pk=late.pk).update(hold_expires_at=Now())
    sweep(BOOKING.expire, "expire_holds")
    held = booked(ana, hours=1)

    def pay():
        with transaction.atomic():
            return pay_booking_late(late.pk, Actor.payment("test"))

    refuses("max_bookings_ahead", 1, held.hold_expires_at, pay)


# trades


def test_a_trade_gives_nobody_more_hours_than_one_may_have(quota, booked, ana, ben):
    short, long = booked(ana, hours=1), booked(ben, hours=24, length=3)
    booked(ana, hours=48, length=1)
    trade = trades.offer_trade(requester=ana, mine=short.pk, theirs=long.pk)
    quota(max_hours_a_week=3 * HOUR, max_bookings_ahead=1)
    before = state()
    with pytest.raises(errors.TradeRefused) as refused:
        trades.accept_trade(trade.pk, ben)
    assert refused.value.which == "requester"
    assert state() == before
    quota(max_hours_a_week=4 * HOUR)
    assert trades.accept_trade(trade.pk, ben).status == "accepted"


# what others ask


def test_occurrences_that_are_added_count_for_those_after_them(quota, booked, ana, venue, soon):
    quota(max_bookings_ahead=3)
    booked(ana)
    usage = lock_usage(venue, ana, Actor.for_new_booking(ana), soon)
    found = []
    for n in range(1, 5):
        each = Booking(status="confirmed", starts_at=soon + n * DAY, ends_at=soon + n * DAY + HOUR)
        refusal = usage.find_refusal(each)
        found.append(refusal and refusal.data["free_at"])
        if refusal is None:
            usage.add(each)
    assert found == [None, None, soon, soon]


def test_where_no_quota_counts_nothing_is_asked(venue, ana, sam, soon, quota):
    assert lock_usage(venue, ana, Actor.for_new_booking(ana), soon) is None
    quota(max_bookings_ahead=1)
    assert lock_usage(venue, sam, Actor.clock("test"), soon) is None


def test_checking_in_and_leaving_are_no_bookings(quota, booked, ana, soon):
    quota(max_bookings_ahead=1)
    first = booked(ana)
    Booking.objects.filter(pk=first.pk).update(
        starts_at=Now() - HOUR, check_in_opens_at=Now() - HOUR, check_in_closes_at=Now() + HOUR
    )
    booked(ana, hours=1)
    actor = Actor.for_booking(ana, first)
    assert check_in_booking(first.pk, actor).status == "checked_in"
    assert end_booking(first.pk, actor).status == "completed"
