"""Whatever is in the way: what a dry run says is what is then done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import errors
from api.models import Allocation, Booking, Resource, Series
from api.models.series import Outcome
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from api.services.series.create import SeriesRequest, create_series

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DONE = {Outcome.WOULD_BOOK: Outcome.BOOKED}


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    others=st.lists(
        st.tuples(st.integers(0, 9), st.integers(-3, 3), st.integers(1, 3)), max_size=8
    ),
    rule=st.sampled_from(
        ["FREQ=DAILY;COUNT=8", "FREQ=DAILY;INTERVAL=2;COUNT=4", "FREQ=WEEKLY;COUNT=12"]
    ),
    mode=st.sampled_from(["refuse", "skip", "nearest"]),
    units=st.integers(1, 2),
    buffer=st.sampled_from([0, 30]),
)
def test_a_dry_run_is_what_is_then_done(
    ana, ben, venue, court, soon, others, rule, mode, units, buffer
):
    for model in (Allocation, Booking, Series):
        model.objects.all().delete()
    Resource.objects.filter(pk=court.pk).update(units=units, buffer_after=timedelta(minutes=buffer))
    for days, hours, length in others:
        start = soon + days * DAY + hours * HOUR
        wanted = BookingRequest(
            owner=ben, resource=court.pk, starts_at=start, ends_at=start + length * HOUR
        )
        try:
            create_booking(wanted, actor=Actor.for_new_booking(ben))
        except errors.SlotTaken:
            continue
    had = Booking.objects.count()
    first = BookingRequest(owner=ana, resource=court.pk, starts_at=soon, ends_at=soon + HOUR)
    request = SeriesRequest(first, rule, on_conflict=mode)
    actor = Actor.for_new_booking(ana)
    dry = create_series(request, actor, dry_run=True).outcomes
    assert Booking.objects.count() == had
    said = [(DONE.get(each.outcome, each.outcome), each.interval) for each in dry]
    try:
        done = create_series(request, actor)
    except errors.OccurrencesTaken:
        assert mode == "refuse"
        assert any(outcome == Outcome.TAKEN for outcome, _ in said)
        assert Booking.objects.count() == had
        return
    assert [(each.outcome, each.interval) for each in done.outcomes] == said
    rows = Booking.objects.filter(series=done.series.pk).order_by("recurrence_id")
    booked = [interval for outcome, interval in said if outcome in ("booked", "moved")]
    assert [(row.starts_at, row.ends_at) for row in rows] == booked
    for each in done.outcomes:
        if each.outcome == Outcome.MOVED:
            assert abs(each.starts_at - each.recurrence_id) <= DAY
