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
    reject_booking,
)
from api.services.bookings.reschedule import BookingChanges, reschedule_booking
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


def test_every_kind_of_activity_has_its_details(call, take, ana, ben, sam, on):
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
    approve_booking(request.pk, Actor.person(sam))
    reject_booking(refused.pk, Actor.person(sam), "Tournament")
    cancel_booking(gone.pk, Actor.for_booking(ana, gone))
    trade = trades.offer_trade(requester=ana, mine=mine.pk, theirs=theirs.pk)
    trades.accept_trade(trade.pk, ben)
    complete_booking(theirs.pk, Actor.person(sam))
    lines = call(sam)("GET", ADMINS[0])[1]["recent_activity"]
    day = on.isoformat()
    told = [(line["action"], line["performed_by"]["id"], line["details"]) for line in lines]
    assert told[:7] == [
        (
            "UPDATED",
            sam.pk,
            {"old_data": {"status": "CONFIRMED"}, "new_data": {"status": "COMPLETED"}},
        ),
        ("TRADED", ben.pk, {"traded_with": ben.email, "trade_id": trade.pk}),
        ("TRADED", ben.pk, {"traded_with": ana.email, "trade_id": trade.pk}),
        ("CANCELLED", ana.pk, {}),
        ("REJECTED", sam.pk, {"action": "reject", "rejection_reason": "Tournament"}),
        ("APPROVED", sam.pk, {"action": "approve"}),
        (
            "UPDATED",
            ana.pk,
            {
                "old_data": {"end_time": "11:00:00", "date": day},
                "new_data": {"end_time": "12:00:00", "date": day},
            },
        ),
    ]


def test_an_edit_tells_its_words_in_this_contracts_fields(call, take, ana, on):
    mine = take(ana)
    path = f"/reservations/{mine.pk}/"
    call(ana)("PUT", path, {"booking_name": "Long", "notes": "Balls", "start_time": "09:30"})
    line = call(ana)("GET", MINE[0])[1]["recent_activity"][0]
    assert (line["action"], line["details"]) == (
        "UPDATED",
        {
            "old_data": {
                "booking_name": "",
                "notes": "",
                "start_time": "10:00:00",
                "date": on.isoformat(),
            },
            "new_data": {
                "booking_name": "Long",
                "notes": "Balls",
                "start_time": "09:30:00",
                "date": on.isoformat(),
            },
        },
    )


def test_a_dashboard_costs_the_same_however_much_happened(
    call, take, ana, ben, sam, django_assert_max_num_queries
):
    for n in range(5):
        first, second = take(ana, 7 + n), take(ben, 12 + n)
        if second.status == "confirmed":
            trades.accept_trade(
                trades.offer_trade(requester=ana, mine=first.pk, theirs=second.pk).pk, ben
            )
    with django_assert_max_num_queries(7):
        assert len(call(ana)("GET", MINE[0])[1]["recent_activity"]) == 10
    with django_assert_max_num_queries(5):
        assert len(call(sam)("GET", ADMINS[0])[1]["recent_activity"]) == 20


def test_every_status_has_a_word():
    assert set(labels.STATUS_LABELS) == set(Status)
    assert set(labels.STATUS_LABELS.values()) == set(labels.STATUS_DISPLAYS)
    assert set(labels.TRADE_STATUS_LABELS) == set(TradeStatus)


def test_health_is_open_to_anybody(call, db):
    assert call(None)("GET", "/reservations/health/") == (200, {"status": "ok"})
