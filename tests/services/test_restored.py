"""A backup was restored: what was told is not told again, and no number means two things."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from api.models import Booking, Delivery
from api.models.outbox import State
from api.services.operations import restored_backup
from tasks.emails import deliver_due

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def forgotten(booked, ana, venue):
    """Confirmed; its e-mail waits as it did when the backup was taken, and it ended meanwhile."""
    booking = booked(ana)
    Delivery.objects.update(due_at=Now())
    hour = timedelta(hours=1)
    Booking.objects.filter(pk=booking.pk).update(
        starts_at=Now() - 2 * hour,
        ends_at=Now() - hour,
        completes_at=Now() - hour,
        no_show_at=Now() - 2 * hour,
    )
    return booking


def test_what_fell_due_is_done_and_nobody_hears_of_it_again(forgotten):
    call_command("after_restore")
    forgotten.refresh_from_db()
    assert forgotten.status == "no_show"
    rows = list(Delivery.objects.order_by("id").values_list("name", "state", "last_error"))
    assert len(rows) >= 2
    assert {row[1:] for row in rows} == {(State.WITHHELD, restored_backup.WHY)}
    assert deliver_due() == 0
    assert mail.outbox == []


def test_without_it_they_would_hear_twice(forgotten):
    """What the test above would see if the command withheld nothing."""
    call_command("after_restore", "--send")
    assert deliver_due() >= 1


def test_a_new_booking_after_it_has_an_id_and_an_email_of_its_own(booked, ana):
    first = booked(ana)
    deliver_due()
    call_command("after_restore", "--gap", "500")
    second = booked(ana, 5)
    assert second.pk >= first.pk + 500
    deliver_due()
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 2


def test_what_was_sent_stays_sent(booked, ana):
    booked(ana)
    deliver_due()
    call_command("after_restore")
    assert Delivery.objects.get().state == State.SENT


def test_a_call_whose_caller_is_gone_is_made_again(forgotten):
    Delivery.objects.create(
        key="refund:1",
        kind="refund",
        name="refund",
        state=State.SENDING,
        due_at=Now() + timedelta(1),
    )
    assert restored_backup.prepare_restored(send=False, gap=0).calls == 1
    row = Delivery.objects.get(key="refund:1")
    assert row.state == State.WAITING


def test_a_database_that_is_not_whole_is_said_so(forgotten):
    Booking.objects.filter(pk=forgotten.pk).update(status="rejected")
    with pytest.raises(CommandError, match="its history ends with"):
        call_command("after_restore")
