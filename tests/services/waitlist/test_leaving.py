"""Who leaves the line, or waited in vain."""

from __future__ import annotations

import pytest
from django.db.models.functions import Now

from api import errors
from api.lifecycle import WAITLIST
from api.models import (
    WaitlistEntry,
)
from api.queries.waitlist.line import list_visible_entries
from api.services.bookings.actions import (
    cancel_booking,
)
from api.services.bookings.sweeps import sweep
from api.services.waitlist.entries import leave_waitlist

from .lines import by, offer_of, positions, statuses

pytestmark = pytest.mark.django_db


def test_who_leaves_is_out_of_the_line(waits, booked, ana, ben, people, sam):
    taken = booked(ana)
    first, second = waits(ben), waits(people[0])
    leave_waitlist(first.pk, by(ben))
    assert statuses(first) == ["withdrawn"]
    assert positions(sam) == [None, 1]
    with pytest.raises(errors.NotAllowedNow):
        leave_waitlist(first.pk, by(ben))
    cancel_booking(taken.pk, by(ana))
    assert statuses(first, second) == ["withdrawn", "offered"]


def test_leaving_while_something_is_on_offer_declines_it(waits, booked, ana, ben, people):
    taken = booked(ana)
    first, second = waits(ben), waits(people[0])
    cancel_booking(taken.pk, by(ana))
    leave_waitlist(first.pk, by(ben))
    assert statuses(first, second) == ["declined", "offered"]
    assert offer_of(first).status == "cancelled"


def test_a_window_that_passes_lapses(waits, booked, ana, ben, people, sam):
    taken = booked(ana)
    first, second = waits(ben), waits(people[0])
    WaitlistEntry.objects.filter(pk=first.pk).update(lapses_at=Now())
    assert [row.effective for row in list_visible_entries(ben)] == ["lapsed"]
    assert positions(sam) == [None, 1]
    with pytest.raises(errors.NotAllowedNow):
        leave_waitlist(first.pk, by(ben))
    cancel_booking(taken.pk, by(ana))
    assert statuses(first, second) == ["waiting", "offered"]  # its sweep has not come yet
    assert sweep(WAITLIST.lapse, "lapse_waitlist") == 1
    assert statuses(first) == ["lapsed"]
    waits(ben)
