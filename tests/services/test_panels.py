"""Panels are paired once, bound to one room, and can be shut out."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models.functions import Now

from api import errors
from api.lifecycle import Status
from api.models import Booking, Delivery, Panel
from api.models.venues import Approval
from api.services.actors import Actor
from api.services.bookings.actions import check_in_booking
from api.services.bookings.create import BookingRequest, create_booking
from api.services.panels import panels

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def made(court, sam):
    return panels.create(court, "Door", sam)


def test_a_token_and_a_code_are_shown_once_and_kept_as_hashes(made):
    assert made.token.startswith("hfp_")
    assert len(made.token) > 40
    assert made.code.isdecimal()
    assert len(made.code) == 6
    [row] = Panel.objects.values_list("token_hash", "code_hash")
    assert all(len(kept) == 64 for kept in row)
    assert made.token not in str(row)
    assert panels.authenticate(made.token) == made.panel


def test_a_code_gets_one_device_a_token_of_its_own(made):
    paired = panels.pair(made.code)
    assert paired.panel == made.panel
    assert panels.authenticate(paired.token) == made.panel
    assert panels.authenticate(made.token) is None
    with pytest.raises(panels.CodeRefused):
        panels.pair(made.code)
    assert panels.authenticate(paired.token) == made.panel


def test_a_code_that_is_ten_minutes_old_is_worth_nothing(made):
    Panel.objects.update(code_expires_at=Now())
    with pytest.raises(panels.CodeRefused):
        panels.pair(made.code)
    assert panels.authenticate(made.token) == made.panel


def test_a_revoked_panel_is_shut_out_with_its_code(made):
    panels.revoke(made.panel.pk)
    assert panels.authenticate(made.token) is None
    with pytest.raises(panels.CodeRefused):
        panels.pair(made.code)
    with pytest.raises(errors.NotFound):
        panels.revoke(made.panel.pk)


def test_who_guesses_codes_is_slowed_down_and_nobody_else_is(made):
    wrong = f"{(int(made.code) + 1) % 1_000_000:06d}"
    for _ in range(settings.FAILED_LOGINS_ALLOWED):
        with pytest.raises(panels.CodeRefused):
            panels.pair(wrong, "192.0.2.7")
    with pytest.raises(errors.TooManyAttempts):
        panels.pair(made.code, "192.0.2.7")
    assert panels.pair(made.code, "192.0.2.8").panel == made.panel


def test_when_a_panel_was_seen_is_noted_once_a_minute(made, django_assert_num_queries):
    panels.authenticate(made.token)
    made.panel.refresh_from_db()
    assert made.panel.last_seen_at is not None
    with django_assert_num_queries(1):
        panels.authenticate(made.token)


@pytest.mark.parametrize("token", ["", "hfp_", "x" * 5000, "a\0b", "\udcff"])
def test_any_other_token_opens_nothing(made, token):
    assert panels.authenticate(token) is None


# at the door


def test_a_panel_books_its_room_from_now_on_for_whoever_stands_there(made, court, sam):
    booking = panels.book(made.panel, 30)
    assert booking.status == Status.CHECKED_IN
    assert booking.ends_at - booking.starts_at == 30 * MINUTE
    assert (booking.owner, booking.resource, booking.contract) == (sam, court, "panel")
    events = booking.events.values_list("verb", "by", "actor_name")
    assert list(events) == [("check_in", "panel", "Door"), ("book", "panel", "Door")]
    assert not Delivery.objects.exists()
    with pytest.raises(errors.SlotTaken):
        panels.book(made.panel, 15)
    assert Booking.objects.count() == 1


@pytest.mark.parametrize("what", ["approval", "price", "maintenance", "gone"])
def test_a_room_that_is_not_confirmed_at_once_is_not_given_out(made, court, venue, sam, what):
    if what == "approval":
        venue.approval = Approval.ALWAYS
        venue.save()
    if what == "gone":
        sam.is_active = False
        sam.save()
    court.price_minor = 500 if what == "price" else 0
    court.maintenance = what == "maintenance"
    court.save()
    made.panel.refresh_from_db()
    with pytest.raises(errors.ResourceUnavailable if what == "maintenance" else errors.Forbidden):
        panels.book(made.panel, 30)
    assert not Booking.objects.exists()


def test_a_panel_acts_in_its_own_room_only(made, venue, ana, soon):
    from api.models import Resource

    elsewhere = Resource.objects.create(venue=venue, name="Court 2")
    booking = create_booking(
        BookingRequest(
            owner=ana, resource=elsewhere.pk, starts_at=soon, ends_at=soon + 60 * MINUTE
        ),
        actor=Actor.for_new_booking(ana),
    )
    for verb in (panels.check_in, panels.end):
        with pytest.raises(errors.Forbidden):
            verb(made.panel, booking.pk)
        with pytest.raises(errors.NotFound):
            verb(made.panel, 10**9)
    booking.refresh_from_db()
    assert booking.status == Status.CONFIRMED


def test_a_panel_checks_in_early_and_ends(made, booked, ana):
    booking = booked(ana)
    assert panels.check_in(made.panel, booking.pk).status == Status.CHECKED_IN
    with pytest.raises(errors.AlreadyDone):
        check_in_booking(booking.pk, Actor.in_venue(ana, booking.venue_id))
    assert panels.end(made.panel, booking.pk).status == Status.COMPLETED
