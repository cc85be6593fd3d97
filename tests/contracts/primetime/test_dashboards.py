"""README, "Dashboard" and "Dashboards": both spellings of both."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now

from api.contracts.primetime import labels
from api.lifecycle import BOOKING, Status, TradeStatus
from api.models import Booking, BookingEvent
from api.services.actors import Actor
from api.services.bookings import trades
from api.services.bookings.actions import (
    approve_booking,
    cancel_booking,
    complete_booking,
    reinstate_booking,
    reject_booking,
)
from api.services.bookings.changes import BookingChanges
from api.services.bookings.reschedule import reschedule_booking
from api.services.bookings.sweeps import sweep

from .conftest import PENDING, somebody, stamp

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MINE = ("/reservations/dashboard/", "/reservations/dashboard/user/")
ADMINS = ("/reservations/dashboard/admin/", "/reservations/admin/dashboard/")


def entry(line, action, details, who):
    return {
        "id": line.pk,
        "action": action,
        "action_display": action.capitalize(),
        "performed_by": who and somebody(who),
        "details": details,
        "timestamp": stamp(line.at),
    }


def changes(old, new):
    assert old.keys() == new.keys()
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}


DONE = {"status": ("CONFIRMED", "COMPLETED"), "status_display": ("Confirmed", "Completed")}
GONE = {"status": ("PENDING", "CANCELLED"), "status_display": ("Pending Approval", "Cancelled")}


@pytest.mark.parametrize("path", MINE)
def test_a_person_sees_what_is_ahead_what_waits_and_what_happened(
    call, take, ana, ben, shape, path
):
    later, mine, theirs = take(ana, 17, days=1), take(ana), take(ben, 12)
    trades.offer_trade(requester=ana, mine=mine.pk, theirs=theirs.pk)
    booked, asked = BookingEvent.objects.filter(booking__owner=ana)
    assert call(ana)("GET", path) == (
        200,
        {
            "upcoming_reservations": [shape(mine), shape(later, **PENDING)],
            "pending_trades": {"sent": 1, "received": 0},
            "recent_activity": [
                entry(booked, "CREATED", {"initial_status": "CONFIRMED"}, ana),
                entry(asked, "CREATED", {"initial_status": "PENDING"}, ana),
            ],
        },
    )
    assert call(ben)("GET", path)[1]["pending_trades"] == {"sent": 0, "received": 1}
    assert call(None)("GET", path) == (401, None)


@pytest.mark.parametrize("path", ADMINS)
def test_an_admin_sees_how_much_waits_and_what_is_on_today(call, take, ana, sam, path):
    take(ana, 17)
    due = take(ana, 18)
    Booking.objects.filter(pk=due.pk).update(lapses_at=Now())
    today = take(ana)
    noon = datetime.now(UTC).replace(hour=23, minute=0, second=0, microsecond=0)
    Booking.objects.filter(pk=today.pk).update(
        starts_at=noon, ends_at=noon + timedelta(hours=1), completes_at=noon + timedelta(hours=1)
    )
    status, made = call(sam)("GET", path)
    assert (status, made["pending_approvals"], made["todays_reservations"]) == (200, 1, 1)
    assert [line["action"] for line in made["recent_activity"]] == ["CREATED"] * 3
    assert call(None)("GET", path) == (401, None)
    assert call(ana)("GET", path) == (403, None)


def test_what_the_clock_did_has_a_name_too(call, take, ana, sam):
    """Pages read the person of each line."""
    take(ana)
    Booking.objects.update(starts_at=Now() - 2 * HOUR, ends_at=Now() - HOUR, completes_at=Now())
    sweep(BOOKING.complete, "complete_finished")
    line = call(sam)("GET", ADMINS[0])[1]["recent_activity"][0]
    assert (line["action"], line["performed_by"]) == (
        "UPDATED",
        {"id": 0, "email": "", "first_name": "Holdfast", "last_name": "", "role": "admin"},
    )


def test_every_kind_of_activity_has_its_details(call, take, ana, ben, sam):
    mine, theirs, request, refused, gone = (
        take(ana),
        take(ben, 12),
        take(ana, 17),
        take(ana, 18),
        take(ana, 14),
    )
    actor = Actor.for_booking(ana, mine)
    reschedule_booking(
        mine.pk, actor, BookingChanges(ends_at=mine.ends_at + timedelta(hours=1), title="Long")
    )
    approve_booking(request.pk, Actor.in_venue(sam, request.venue_id))
    reject_booking(refused.pk, Actor.in_venue(sam, refused.venue_id), "Tournament")
    cancel_booking(gone.pk, Actor.for_booking(ana, gone))
    trade = trades.offer_trade(requester=ana, mine=mine.pk, theirs=theirs.pk)
    trades.accept_trade(trade.pk, ben)
    complete_booking(theirs.pk, Actor.in_venue(sam, theirs.venue_id))
    lines = call(sam)("GET", ADMINS[0])[1]["recent_activity"]
    (completed, edited) = (lines[n]["details"] for n in (0, 6))
    told = [(line["action"], line["performed_by"]["id"], line["details"]) for line in lines]
    assert told[:7] == [
        ("UPDATED", sam.pk, completed),
        ("TRADED", ben.pk, {"traded_with": ben.email, "trade_id": trade.pk}),
        ("TRADED", ben.pk, {"traded_with": ana.email, "trade_id": trade.pk}),
        ("CANCELLED", ana.pk, {}),
        ("REJECTED", sam.pk, {"action": "reject", "rejection_reason": "Tournament"}),
        ("APPROVED", sam.pk, {"action": "approve"}),
        ("UPDATED", ana.pk, edited),
    ]
    old, new = completed["old_data"], completed["new_data"]
    assert new == call(sam)("GET", f"/reservations/{theirs.pk}/")[1]
    assert changes(old, new) == {
        **DONE,
        "is_editable": (True, False),
        "can_be_traded": (True, False),
        "updated_at": (lines[1]["timestamp"], new["updated_at"]),
    }
    # before the trade it was hers, with words that nobody reads any more
    old, new = edited["old_data"], edited["new_data"]
    assert (old["id"], old["user"], new["user"]) == (mine.pk, somebody(ana), somebody(ana))
    assert (old["booking_name"], new["booking_name"]) == ("", "")
    assert changes(old, new) == {
        "end_time": ("11:00:00", "12:00:00"),
        "updated_at": (stamp(mine.created_at), lines[6]["timestamp"]),
    }


def test_an_edit_tells_the_whole_reservation_before_and_after(call, take, ana):
    path = f"/reservations/{take(ana, notes='Nets').pk}/"
    before = call(ana)("GET", path)[1]
    change = {"booking_name": "Long", "notes": "Balls", "start_time": "09:30"}
    after = call(ana)("PUT", path, change)[1]
    line = call(ana)("GET", MINE[0])[1]["recent_activity"][0]
    assert (line["action"], line["details"]) == (
        "UPDATED",
        {"old_data": before, "new_data": after},
    )
    assert changes(before, after).keys() == {"booking_name", "notes", "start_time", "updated_at"}


def test_edits_after_each_other_each_tell_what_was_then(call, take, ana):
    path = f"/reservations/{take(ana).pk}/"
    shown = [call(ana)("GET", path)[1]]
    edits = ({"notes": "One"}, {"end_time": "12:00"}, {"notes": "", "booking_name": "B"})
    shown += [call(ana)("PUT", path, edit)[1] for edit in edits]
    lines = call(ana)("GET", MINE[0])[1]["recent_activity"][:3]
    for line, old, new in zip(reversed(lines), shown[:-1], shown[1:], strict=True):
        told = line["details"]
        for got, was in ((told["old_data"], old), (told["new_data"], new)):
            assert {**got, "updated_at": ""} == {**was, "updated_at": ""}


def test_a_move_into_primetime_tells_the_type_and_the_approval_that_it_cost(
    call, take, ana, sam, shape
):
    booking = take(ana, 17)
    approve_booking(booking.pk, Actor.in_venue(sam, booking.venue_id))
    path = f"/reservations/{booking.pk}/"
    approved = call(ana)("GET", path)[1]
    call(ana)("PUT", path, {"start_time": "12:00", "end_time": "13:00"})
    call(ana)("PUT", path, {"start_time": "18:00", "end_time": "19:00"})
    asked_again, into, out = (
        line["details"] for line in call(ana)("GET", MINE[0])[1]["recent_activity"][:3]
    )
    kept = {"approved_by": somebody(sam), "approved_at": approved["approved_at"]}
    types = ("PRIMETIME", "FREE_FOR_ALL")
    assert out["old_data"] == {**approved, "can_be_traded": True}
    assert changes(out["old_data"], out["new_data"])["reservation_type"] == types
    assert changes(into["old_data"], into["new_data"])["reservation_type"] == types[::-1]
    for state in (out["new_data"], into["old_data"], into["new_data"], asked_again["old_data"]):
        assert (state["status"], state | kept) == ("CONFIRMED", state)
    assert asked_again["new_data"] == shape(
        booking, **PENDING, updated_at=asked_again["new_data"]["updated_at"]
    )


def test_an_end_that_is_taken_back_tells_its_reason(call, take, ana, sam):
    booking = take(ana, 17)
    reject_booking(booking.pk, Actor.in_venue(sam, booking.venue_id), "Tournament")
    reinstate_booking(booking.pk, Actor.in_venue(sam, booking.venue_id))
    told = call(ana)("GET", MINE[0])[1]["recent_activity"][0]["details"]
    old, new = told["old_data"], told["new_data"]
    assert (old["status"], old["rejection_reason"]) == ("REJECTED", "Tournament")
    assert (old["approved_by"], new["approved_by"]) == (somebody(sam), None)
    assert (new["status"], new["rejection_reason"]) == ("PENDING", "")


@pytest.mark.parametrize(
    ("move", "deadline", "hour", "action", "change"),
    [
        ("complete", "completes_at", 10, "UPDATED", DONE),
        ("release", "no_show_at", 10, "UPDATED", DONE),
        ("lapse", "lapses_at", 17, "CANCELLED", GONE),
        ("expire", "hold_expires_at", 17, "CANCELLED", GONE),
    ],
)
def test_what_the_clock_did_tells_the_whole_reservation(
    call, take, ana, sam, move, deadline, hour, action, change
):
    booking = take(ana, hour, title="Final", notes="Nets")
    before = call(ana)("GET", f"/reservations/{booking.pk}/")[1]
    held = {"status": "held"} if move == "expire" else {}
    Booking.objects.update(**{deadline: Now()}, **held)
    sweep(getattr(BOOKING, move), "a sweep")
    after = call(ana)("GET", f"/reservations/{booking.pk}/")[1]
    for person, path in ((ana, MINE[0]), (sam, ADMINS[0])):
        line = call(person)("GET", path)[1]["recent_activity"][0]
        old, new = line["details"]["old_data"], line["details"]["new_data"]
        assert (line["action"], line["performed_by"]["first_name"]) == (action, "Holdfast")
        assert (old, new) == (before, after)
        assert changes(old, new).items() >= change.items()


def test_a_line_of_which_nothing_else_is_known_tells_the_reservation_too(call, take, ana):
    booking = take(ana)
    reschedule_booking(booking.pk, Actor.for_booking(ana, booking), BookingChanges(notes="Nets"))
    BookingEvent.objects.filter(verb="edit").update(details={})
    shown = call(ana)("GET", f"/reservations/{booking.pk}/")[1]
    told = call(ana)("GET", MINE[0])[1]["recent_activity"][0]["details"]
    assert told["new_data"] == shown
    assert changes(told["old_data"], shown).keys() == {"updated_at"}


def test_a_dashboard_costs_the_same_however_much_happened(
    call, take, ana, ben, sam, django_assert_max_num_queries
):
    for n in range(5):
        first, second = take(ana, 7 + n), take(ben, 12 + n)
        if second.status == "confirmed":
            trades.accept_trade(
                trades.offer_trade(requester=ana, mine=first.pk, theirs=second.pk).pk, ben
            )
    mine, staff = call(ana), call(sam)
    with django_assert_max_num_queries(7):
        assert len(mine("GET", MINE[0])[1]["recent_activity"]) == 10
    with django_assert_max_num_queries(5):
        assert len(staff("GET", ADMINS[0])[1]["recent_activity"]) == 20


def test_every_status_has_a_word():
    assert set(labels.STATUS_LABELS) == set(Status)
    assert set(labels.STATUS_LABELS.values()) == set(labels.STATUS_DISPLAYS)
    assert set(labels.TRADE_STATUS_LABELS) == set(TradeStatus)


def test_health_is_open_to_anybody(call, db):
    assert call(None)("GET", "/reservations/health/") == (200, {"status": "ok"})
