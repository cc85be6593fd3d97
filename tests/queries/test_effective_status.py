"""What the clock has made of a row is the same in Python, in the ORM and in SQL."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from api import effective_status
from api.lifecycle import BOOKING, TRADE, Status, TradeStatus
from api.models import Booking, Trade

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def assert_alike(table, model):
    """The one row of the model, by each rendering of the rule."""
    row = model.objects.annotate(
        now=Now(), effective=effective_status.build_effective_status_case(table)
    ).get()
    due = effective_status.get_due_transition(table, row, row.now)
    expected = str(due.target) if due else row.status
    columns = [
        effective_status.build_not_due_sql(table),
        effective_status.build_effective_status_sql(table, "t."),
        effective_status.build_any_due_sql(table, model._meta.db_table),
        *(f"({effective_status.build_due_sql(move)}) IS TRUE" for move in table.time_driven),
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)} FROM {model._meta.db_table} t")
        not_due, in_sql, any_due, *each = cursor.fetchone()
    assert row.effective == in_sql == expected
    assert not_due == (not any_due) == (due is None)
    for move, is_due in zip(table.time_driven, each, strict=True):
        assert effective_status.is_due(move, row, row.now) == is_due
        assert model.objects.filter(effective_status.build_due_q(move)).exists() == is_due
    for status in table.blocking:
        stands = model.objects.filter(effective_status.build_current_q(table, status)).exists()
        assert stands == (status == expected)
    return row, expected


def test_every_status_of_a_booking_with_every_deadline_past(booked, ana):
    booking = booked(ana)
    columns = (*("offer_expires_at", "hold_expires_at", "lapses_at", "no_show_at", "completes_at"),)
    for status in Status.values:
        for past in columns:
            times = {c: Now() - HOUR if c == past else Now() + HOUR for c in columns}
            for no_show in (times["no_show_at"], None):
                changes = times | {"no_show_at": no_show, "checked_in_at": Now(), "price_minor": 1}
                Booking.objects.filter(pk=booking.pk).update(status=status, **changes)
                row, expected = assert_alike(BOOKING, Booking)
                assert effective_status.get_effective_status(row) == expected
                assert Booking.objects.blocking().exists() == (expected in BOOKING.blocking)
                for wanted in Status.values:
                    found = effective_status.filter_by_effective_status(
                        Booking.objects.all(), [wanted]
                    )
                    assert found.exists() == (wanted == expected)
                unpaid = (("held", "hold_expires_at"), ("offered", "offer_expires_at"))
                paid = "failed" if (status, past) in unpaid else "none"
                assert effective_status.get_effective_payment_status(row) == paid


def test_every_status_of_a_trade_before_and_after_it_lapses(booked, ana, ben):
    mine, theirs = booked(ana), booked(ben, hours=1)
    trade = Trade.objects.create(
        requester=ana,
        target=ben,
        requester_booking=mine,
        target_booking=theirs,
        lapses_at=mine.starts_at,
    )
    for status in TradeStatus.values:
        for lapses_at in (Now() - HOUR, Now() + HOUR):
            Trade.objects.filter(pk=trade.pk).update(status=status, lapses_at=lapses_at)
            assert_alike(TRADE, Trade)
