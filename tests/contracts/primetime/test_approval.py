"""README, "API Endpoints", "Admin approval"."""

import pytest
from django.db.models.functions import Now

from api.models import Booking, Delivery, Resource, Venue
from api.services.actors import Actor
from api.services.bookings.actions import approve_booking, cancel_booking

from .conftest import APPROVED, PENDING, somebody, stamp

pytestmark = pytest.mark.django_db
APPROVE = {"action": "approve"}
REJECT = {"action": "reject", "rejection_reason": "Tournament"}


def test_approving_confirms_and_names_who_approved(call, take, ana, sam, shape):
    request = take(ana, 17)
    status, made = call(sam)("POST", f"/reservations/{request.pk}/approve/", APPROVE)
    expected = shape(request, approved_by=somebody(sam), **APPROVED)
    request.refresh_from_db()
    assert (status, made) == (200, expected | {"approved_at": stamp(request.approved_at)})
    assert request.approved_at is not None


def test_rejecting_gives_the_slot_back_and_says_why(call, take, ana, ben, sam, shape):
    request = take(ana, 17)
    status, made = call(sam)("POST", f"/reservations/{request.pk}/approve/", REJECT)
    expected = shape(
        request,
        approved_by=somebody(sam),
        rejection_reason="Tournament",
        is_editable=False,
        **PENDING | {"status": "REJECTED", "status_display": "Rejected"},
    )
    assert (status, made) == (200, expected)
    take(ben, 17)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (
            {"action": "reject"},
            {"non_field_errors": ["Rejection reason is required when rejecting"]},
        ),
        (
            {"action": "reject", "rejection_reason": "  "},
            {"non_field_errors": ["Rejection reason is required when rejecting"]},
        ),
        ({"action": "maybe"}, {"action": ['"maybe" is not a valid choice.']}),
        ({"action": None}, {"action": ["This field may not be null."]}),
        ({}, {"action": ["This field is required."]}),
    ],
)
def test_an_answer_without_its_parts_is_refused(call, take, ana, sam, shape, sent, said):
    request = take(ana, 17)
    before = shape(request)
    assert call(sam)("POST", f"/reservations/{request.pk}/approve/", sent) == (400, said)
    assert shape(request) == before


def test_only_admins_answer(call, take, ana, ben, sam, shape):
    request = take(ana, 17)
    path, before = f"/reservations/{request.pk}/approve/", shape(request)
    assert call(None)("POST", path, APPROVE) == (401, None)
    for user in (ana, ben):
        assert call(user)("POST", path, APPROVE) == (403, None)
    assert call(sam)("POST", f"/reservations/{2**62}/approve/", APPROVE) == (404, None)
    assert shape(request) == before


def test_what_is_answered_cancelled_or_begun_is_not_approved(call, take, ana, sam):
    cancelled, approved, begun = take(ana, 17), take(ana, 18), take(ana, 17, days=1)
    cancel_booking(cancelled.pk, Actor.for_booking(ana, cancelled))
    approve_booking(approved.pk, Actor.in_venue(sam, approved.venue_id))
    Booking.objects.filter(pk=begun.pk).update(lapses_at=Now())
    for booking, said in (
        (cancelled, "A booking that is cancelled cannot do that."),
        (approved, "That has already been done."),
        (begun, "It has already begun, it can no longer be approved."),
    ):
        path = f"/reservations/{booking.pk}/approve/"
        assert call(sam)("POST", path, APPROVE) == (400, {"error": said})


def test_approving_looks_at_the_place_again(call, take, ana, sam):
    request = take(ana, 17)
    Resource.objects.update(maintenance=True)
    said = {"non_field_errors": ["This resource is not available for booking."]}
    assert call(sam)("POST", f"/reservations/{request.pk}/approve/", APPROVE) == (400, said)
    request.refresh_from_db()
    assert request.status == "pending"


def emails():
    return sorted(Delivery.objects.values_list("name", "to"))


def test_a_waiting_request_is_told_to_its_owner_and_to_the_admin(call, take, ana, settings):
    settings.ADMIN_EMAIL = "house@example.com"
    take(ana, 17)
    assert emails() == [("pending", ana.email), ("request_waiting", "house@example.com")]
    Venue.objects.update(admin_email="court@example.com")
    take(ana, 18)
    assert ("request_waiting", "court@example.com") in emails()


def test_answers_are_emailed_also_where_confirmations_are_switched_off(call, take, ana, sam):
    Venue.objects.update(send_confirmation_emails=False, admin_email="court@example.com")
    take(ana, 10)
    first, second = take(ana, 17), take(ana, 18)
    assert emails() == [("request_waiting", "court@example.com")] * 2
    call(sam)("POST", f"/reservations/{first.pk}/approve/", APPROVE)
    call(sam)("POST", f"/reservations/{second.pk}/approve/", REJECT)
    assert {("approved", ana.email), ("rejected", ana.email)} <= set(emails())
    assert Delivery.objects.get(name="rejected").payload["reason"] == "Tournament"


def test_a_request_answered_at_once_is_told_of_all_the_same(call, take, ana, sam, site, mailbox):
    """It was withheld when the answer was quicker than the worker."""
    request = take(ana, 17)
    answer = {"action": "approve"}
    assert call(sam)("POST", f"/reservations/{request.pk}/approve/", answer)[0] == 200
    told = [message.subject for message in mailbox() if message.to == ["ana@example.com"]]
    assert told == ["Reservation Pending Approval", "Reservation Approved"]
