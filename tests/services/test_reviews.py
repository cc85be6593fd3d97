"""Rules that change under bookings: who is affected and told, and what ends a review."""

from datetime import time, timedelta

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from api import errors
from api.models import Booking, Closure, Delivery, Resource, Review, RulesReview, Venue
from api.models.reviews import Decision
from api.queries.reviews.reviews import list_open_reviews
from api.queries.venues import broken_rules
from api.services.actors import Actor
from api.services.bookings.actions import approve_booking, cancel_booking, reinstate_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.reschedule import reschedule_booking
from api.services.messages import mailer, outbox
from api.services.operations import invariants
from api.services.reviews import decisions, review
from api.services.venues import exceptions, resources, venues

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def open_codes() -> dict[int, str]:
    """The code under which each booking stands in the list, by id."""
    return dict(list_open_reviews().values_list("booking", "code"))


def emails() -> list[tuple[int, str]]:
    rows = Delivery.objects.filter(name="affected").order_by("booking")
    return list(rows.values_list("booking", "to"))


def close(venue, on, **fields):
    return exceptions.create_exception(venue, {"first_on": on, "last_on": on, **fields})


VENUE_CHANGES = [
    ({"opens_at": time(10), "closes_at": time(20)}, "outside_hours"),
    ({"closes_at": time(9, 30)}, "outside_hours"),
    ({"closed_weekdays": list(range(7))}, "outside_hours"),
    ({"slot_rule": "whole", "slot_length": 2 * HOUR}, "not_whole_slots"),
    ({"slot_rule": "grid", "slot_length": 50 * HOUR / 60}, "not_whole_slots"),
    ({"time_zone": "Asia/Tokyo"}, "time_zone_changed"),
]
RESOURCE_CHANGES = [
    ({"opens_at": time(10), "closes_at": time(20)}, "outside_hours"),
    ({"maintenance": True}, "resource_unavailable"),
    ({"is_available": False}, "resource_unavailable"),
    ({"capacity": 3}, "over_capacity"),
]


def check_affected(affected, booking, code, ana):
    """The same in the answer, in the list and in the outbox; the booking itself stays."""
    expected = review.Affected(booking.pk, booking.starts_at, booking.ends_at, code)
    assert list(affected) == [expected]
    assert open_codes() == {booking.pk: code}
    assert emails() == [(booking.pk, ana.email)]
    after = Booking.objects.get(pk=booking.pk)
    assert (after.status, after.version, after.updated_at) == (
        "confirmed",
        1,
        booking.updated_at,
    )
    assert invariants.list_problems() == []


@pytest.mark.parametrize(("change", "code"), VENUE_CHANGES)
def test_a_changed_rule_of_the_venue_puts_the_bookings_that_break_it_under_review(
    change, code, booked, ana, venue
):
    booking = booked(ana, guests=4)
    check_affected(venues.update_venue(venue, change).affected, booking, code, ana)


@pytest.mark.parametrize(("change", "code"), RESOURCE_CHANGES)
def test_a_changed_rule_of_the_resource_does_so_too(change, code, booked, ana, sam, court):
    other = Resource.objects.create(venue=court.venue, name="Court 2", capacity=1)
    booking = booked(ana, guests=4)
    booked(ana, place=other)
    Delivery.objects.all().delete()
    check_affected(resources.update_resource(court, sam, change).affected, booking, code, ana)


def test_a_closure_and_a_retired_resource_do_so_too(booked, ana, sam, venue, court, soon):
    first = booked(ana)
    second = booked(ana, hours=24)
    closure = close(venue, soon.date(), reason="Winter break")
    check_affected(closure.affected, first, "closed", ana)
    assert Review.objects.get().detail == "Closed on that day: Winter break"
    assert [row.id for row in resources.retire_resources([court.pk], sam)] == [first.pk, second.pk]
    unavailable = "resource_unavailable"
    assert open_codes() == {first.pk: unavailable, second.pk: unavailable}
    assert emails() == [(first.pk, ana.email), (second.pk, ana.email)]


@pytest.mark.parametrize("model", [Venue, Resource])
def test_every_field_is_a_rule_or_says_why_it_is_none(model):
    name = model.__name__.upper()
    rules = getattr(broken_rules, f"{name}_RULES")
    others = getattr(broken_rules, f"{name}_OTHERS")
    fields = sorted(field.name for field in model._meta.concrete_fields)
    assert sorted([*rules, *others]) == fields


def test_what_is_no_rule_affects_nobody(booked, ana, venue, sam, court):
    booked(ana)
    changes = {"max_advance": DAY, "min_notice": 30 * DAY, "same_day_allowed": False}
    changes |= {"approval": "always", "hold_length": HOUR, "name": "Another"}
    assert list(venues.update_venue(venue, changes).affected) == []
    other = {"price_minor": 500, "name": "Centre court", "floor": 3}
    assert list(resources.update_resource(court, sam, other).affected) == []
    assert review.review_bookings(venue.pk) == []
    assert Review.objects.count() == 0


def test_what_is_over_cancelled_or_run_out_is_not_affected(booked, ana, venue, soon):
    over, cancelled, held = (booked(ana, hours=hours) for hours in (0, 2, 4))
    running = booked(ana, hours=6)
    rows = Booking.objects.filter
    rows(pk=over.pk).update(starts_at=Now() - 2 * HOUR, ends_at=Now() - HOUR)
    rows(pk=running.pk).update(
        starts_at=Now() - HOUR, ends_at=Now() + HOUR, completes_at=Now() + DAY
    )
    rows(pk=held.pk).update(status="held", hold_expires_at=Now())
    cancel_booking(cancelled.pk, Actor.for_booking(ana, cancelled))
    found = exceptions.create_exception(
        venue, {"first_on": soon.date() - 9 * DAY, "last_on": soon.date()}
    )
    assert [row.id for row in found.affected] == [running.pk]


def test_a_transaction_that_is_rolled_back_was_a_dry_run(booked, ana, venue, soon):
    booking = booked(ana)
    before = list(RulesReview.objects.values())
    with transaction.atomic():
        affected = close(venue, soon.date()).affected
        transaction.set_rollback(True)
    assert [row.id for row in affected] == [booking.pk]
    assert (open_codes(), emails(), Closure.objects.count()) == ({}, [], 0)
    assert list(RulesReview.objects.values()) == before


def test_a_second_change_lists_and_tells_nobody_again(booked, ana, venue, soon):
    first = booked(ana)
    close(venue, soon.date())
    second = booked(ana, hours=24)
    again = close(venue, soon.date() + DAY)
    assert [row.id for row in again.affected] == [second.pk]
    hours = {"opens_at": time(10), "closes_at": time(20)}
    worse = [(row.id, row.code) for row in venues.update_venue(venue, hours).affected]
    assert worse == [(first.pk, "outside_hours"), (second.pk, "outside_hours")]
    assert list(venues.update_venue(venue, hours).affected) == []
    assert open_codes() == {first.pk: "closed", second.pk: "closed"}
    assert emails() == [(first.pk, ana.email), (second.pk, ana.email)]


def test_a_booking_that_fits_again_leaves_by_itself(booked, ana, venue, sam, court, soon):
    booking = booked(ana, guests=4)
    closure = close(venue, soon.date())
    lowered = resources.update_resource(court, sam, {"capacity": 3})
    assert [row.code for row in lowered.affected] == ["over_capacity"]
    assert exceptions.delete_exception(closure) == []
    assert open_codes() == {booking.pk: "over_capacity"}
    assert list(resources.update_resource(court, sam, {"capacity": 4}).affected) == []
    assert open_codes() == {}
    assert Review.objects.get().decision == Decision.FITS
    assert len(emails()) == 1


def test_an_edit_takes_a_booking_out_that_fits_by_it(booked, ana, venue, sam, court, soon):
    moved, smaller, longer = (booked(ana, hours=hours, guests=4) for hours in (0, 2, 4))
    resources.update_resource(court, sam, {"capacity": 3})
    close(venue, soon.date())
    assert open_codes() == dict.fromkeys((moved.pk, smaller.pk, longer.pk), "closed")
    owner = Actor.for_booking(ana, moved)
    away = BookingChanges(starts_at=soon + DAY, ends_at=soon + DAY + HOUR, guests=3)
    reschedule_booking(moved.pk, owner, away)
    reschedule_booking(longer.pk, owner, BookingChanges(title="Another"))
    assert set(open_codes()) == {smaller.pk, longer.pk}
    Closure.objects.all().delete()
    review.review_bookings(venue.pk)
    reschedule_booking(smaller.pk, owner, BookingChanges(guests=2))
    assert open_codes() == {longer.pk: "over_capacity"}


def test_what_is_over_or_cancelled_is_not_listed_and_does_not_come_back(
    booked, ana, sam, venue, court, soon
):
    over, cancelled = booked(ana), booked(ana, hours=2)
    closure = close(venue, soon.date())
    Booking.objects.filter(pk=over.pk).update(
        completes_at=Now(), ends_at=Now(), starts_at=Now() - HOUR
    )
    cancel_booking(cancelled.pk, Actor.in_venue(sam, cancelled.venue_id))
    assert open_codes() == {}
    exceptions.delete_exception(closure)
    reinstate_booking(cancelled.pk, Actor.in_venue(sam, cancelled.venue_id))
    assert open_codes() == {}


def test_a_changed_clock_is_left_only_by_a_decision(booked, ana, sam, venue, soon):
    booking = booked(ana)
    venues.update_venue(venue, {"time_zone": "Asia/Tokyo"})
    venues.update_venue(venue, {"name": "Another"})
    assert [row.code for row in venues.update_venue(venue, {"time_zone": "UTC"}).affected] == [
        "time_zone_changed"
    ]
    assert open_codes() == {booking.pk: "time_zone_changed"}
    assert len(emails()) == 1
    row = Review.objects.get()
    decisions.keep_reviewed_booking(row.pk, Actor.for_booking(sam, row.booking), "They know")
    assert open_codes() == {}
    assert review.review_bookings(venue.pk) == []


def test_a_clock_that_shows_the_same_changes_nothing(booked, ana, venue):
    booked(ana)
    assert list(venues.update_venue(venue, {"time_zone": "Africa/Abidjan"}).affected) == []


# decisions


@pytest.fixture
def closed(booked, ana, venue, soon):
    """A booking in a closure, and its open review."""
    booking = booked(ana, title="Practice")
    close(venue, soon.date())
    return booking, Review.objects.get()


def test_a_booking_is_kept_for_as_long_as_it_breaks_the_same_rules(closed, venue, sam, ana, soon):
    booking, row = closed
    staff = Actor.for_booking(sam, row.booking)
    decisions.keep_reviewed_booking(row.pk, staff, "They have a key")
    assert open_codes() == {}
    assert review.review_bookings(venue.pk) == []
    event = booking.events.get(verb="keep")
    assert (event.actor, event.details) == (sam, {"reason": "They have a key", "rule": "closed"})
    hours = {"opens_at": time(10), "closes_at": time(20)}
    assert [row.code for row in venues.update_venue(venue, hours).affected] == ["outside_hours"]
    venues.update_venue(venue, {"opens_at": time(0), "closes_at": time(0)})
    assert open_codes() == {}
    exceptions.delete_exception(Closure.objects.get())
    assert [row.code for row in close(venue, soon.date()).affected] == ["closed"]


def test_what_is_kept_through_a_maintenance_is_not_kept_in_a_retired_room(booked, ana, sam, court):
    booking = booked(ana)
    resources.update_resource(court, sam, {"maintenance": True})
    row = Review.objects.get()
    assert row.detail == "This resource is not available for booking: maintenance"
    decisions.keep_reviewed_booking(
        row.pk, Actor.for_booking(sam, row.booking), "It is repaired by then"
    )
    assert [row.id for row in resources.retire_resources([court.pk], sam)] == [booking.pk]
    assert open_codes() == {booking.pk: "resource_unavailable"}


def test_a_booking_whose_clock_changed_is_affected_by_other_rules_too(
    booked, ana, sam, venue, court, soon
):
    booking = booked(ana)
    venues.update_venue(venue, {"time_zone": "Asia/Tokyo"})
    assert [row.code for row in close(venue, soon.date()).affected] == ["closed"]
    assert [row.id for row in resources.retire_resources([court.pk], sam)] == [booking.pk]
    assert open_codes() == {booking.pk: "time_zone_changed"}
    assert len(emails()) == 1


def test_a_request_that_is_kept_can_be_approved(closed, booked, venue, sam, ana, soon):
    booking, row = closed
    Booking.objects.filter(pk=booking.pk).update(status="pending", lapses_at=F("starts_at"))
    with pytest.raises(errors.Closed):
        approve_booking(booking.pk, Actor.in_venue(sam, booking.venue_id))
    decisions.keep_reviewed_booking(row.pk, Actor.for_booking(sam, row.booking), "They have a key")
    assert approve_booking(booking.pk, Actor.in_venue(sam, booking.venue_id)).status == "confirmed"


def test_a_booking_is_moved_to_where_it_fits(closed, sam, ana, soon):
    booking, row = closed
    staff = Actor.for_booking(sam, row.booking)
    for starts_at in (soon, soon + HOUR):
        changes = BookingChanges(starts_at=starts_at, ends_at=starts_at + HOUR)
        with pytest.raises(errors.Closed):
            decisions.move_reviewed_booking(row.pk, staff, changes, "Closed")
    assert open_codes() == {booking.pk: "closed"}
    changes = BookingChanges(starts_at=soon + DAY, ends_at=soon + DAY + HOUR)
    decisions.move_reviewed_booking(row.pk, staff, changes, "Closed")
    booking.refresh_from_db()
    assert (booking.starts_at, booking.status) == (soon + DAY, "confirmed")
    assert booking.events.get(verb="reschedule").details["reason"] == "Closed"
    row.refresh_from_db()
    assert (row.decision, row.reason, row.decided_by) == ("move", "Closed", sam)
    assert open_codes() == {}


def test_a_booking_is_cancelled_and_its_owner_told_why(closed, sam, ana):
    booking, row = closed
    decisions.cancel_reviewed_booking(row.pk, Actor.for_booking(sam, row.booking), "The roof leaks")
    booking.refresh_from_db()
    assert booking.status == "cancelled"
    assert Delivery.objects.get(name="cancelled").payload["reason"] == "The roof leaks"


def decide(row, sam, soon):
    staff = Actor.for_booking(sam, row.booking)
    changes = BookingChanges(starts_at=soon + DAY, ends_at=soon + DAY + HOUR)
    return (
        lambda: decisions.keep_reviewed_booking(row.pk, staff, "a"),
        lambda: decisions.move_reviewed_booking(row.pk, staff, changes, "b"),
        lambda: decisions.cancel_reviewed_booking(row.pk, staff, "c"),
    )


@pytest.mark.parametrize("first", range(3))
def test_a_second_decision_is_refused_and_changes_nothing(first, closed, sam, soon):
    _, row = closed
    decide(row, sam, soon)[first]()
    before = Booking.objects.values().get(), Review.objects.values().get()
    for second in decide(row, sam, soon):
        with pytest.raises(errors.AlreadyDone):
            second()
    assert (Booking.objects.values().get(), Review.objects.values().get()) == before


def test_only_staff_decide(closed, ana, sam, soon):
    _, row = closed
    for attempt in decide(row, ana, soon):
        with pytest.raises(errors.Forbidden):
            attempt()


@pytest.mark.django_db(transaction=True)
def test_of_decisions_at_once_exactly_one_is_made(at_once, closed, sam, soon):
    """Without the condition `decided_at=None` of `_decide` two of them are written."""
    _, row = closed
    results = at_once(*decide(row, sam, soon))
    refused = [result for result in results if isinstance(result, errors.Refusal)]
    assert [refusal.status for refusal in refused] == [409, 409], results


# what nobody thought of


def test_a_rule_changed_past_the_services_is_found_by_the_sweep(booked, ana, court):
    booking = booked(ana)
    Resource.objects.filter(pk=court.pk).update(maintenance=True)
    assert review.review_changed_venues() == 0  # the venue is as new as the change
    RulesReview.objects.update(reviewed_at=Now() - 11 * timedelta(seconds=1))
    assert review.review_changed_venues() == 1
    assert open_codes() == {booking.pk: "resource_unavailable"}
    assert emails() == [(booking.pk, ana.email)]
    RulesReview.objects.update(reviewed_at=Now() - HOUR)
    with CaptureQueriesContext(connection) as asked:
        assert review.review_changed_venues() == 0
    assert len(asked) == 2  # crowded resources, changed venues


def test_a_booking_that_was_being_made_meanwhile_is_found_by_the_sweep(
    booked, ana, venue, court, soon
):
    """It read the rules before the closure was there, and is written after it was reviewed."""
    close(venue, soon.date())
    Closure.objects.filter().update(first_on=soon.date() + 9 * DAY, last_on=soon.date() + 9 * DAY)
    cache.clear()
    booking = booked(ana)
    Closure.objects.filter().update(first_on=soon.date(), last_on=soon.date())
    RulesReview.objects.update(reviewed_at=Now() - 11 * timedelta(seconds=1))
    assert review.review_changed_venues() == 1
    assert open_codes() == {booking.pk: "closed"}


def test_a_venue_that_takes_more_guests_than_places_is_exempt(booked, ana, sam, venue, court):
    venues.update_venue(venue, {"capacity_enforced": False})
    booking = booked(ana, guests=9)
    assert list(resources.update_resource(court, sam, {"capacity": 2}).affected) == []
    assert invariants.list_problems() == []
    enforced = venues.update_venue(venue, {"capacity_enforced": True})
    assert [row.code for row in enforced.affected] == ["over_capacity"]
    assert open_codes() == {booking.pk: "over_capacity"}
    assert invariants.list_problems() == []


def test_a_resource_with_bookings_stays_with_its_venue(booked, ana, sam, court):
    other = Venue.objects.create(slug="other", name="Other")
    booked(ana)
    with pytest.raises(errors.Unfit):
        resources.update_resource(court, sam, {"venue": other})


@pytest.mark.django_db(transaction=True)
def test_the_letter_says_which_rule_and_is_withheld_once_the_booking_fits(
    booked, ana, venue, soon, mailoutbox
):
    first, second = booked(ana), booked(ana, hours=24)
    kept = close(venue, soon.date(), reason="Winter break")
    lifted = close(venue, soon.date() + DAY)
    Delivery.objects.exclude(name="affected").delete()
    exceptions.delete_exception(lifted)
    outbox.deliver(["email"], mailer.send)
    states = dict(Delivery.objects.values_list("booking", "state"))
    assert states == {first.pk: "sent", second.pk: "withheld"}
    [message] = mailoutbox
    assert message.subject.startswith("A change at The Club affects your reservation: ")
    assert "since you booked: Closed on that day: Winter break" in message.body
    assert kept.reason in message.alternatives[0][0]


def test_a_change_costs_the_same_statements_whatever_the_number_of_bookings(
    booked, ana, venue, soon
):
    counts = []
    for day in (1, 2):
        for hour in range(1 + 7 * (day - 1)):
            booked(ana, hours=24 * day + hour)
        with CaptureQueriesContext(connection) as asked:
            affected = close(venue, soon.date() + day * DAY).affected
        counts.append((len(affected), len(asked)))
    assert [count for count, _ in counts] == [1, 8]
    assert counts[0][1] == counts[1][1]
