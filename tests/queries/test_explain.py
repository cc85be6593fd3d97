"""What availability says of a time and what a booking there is answered never disagree."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import errors
from api.models import (
    Closure,
    Hours,
    HoursException,
    Need,
    Pool,
    Resource,
    Service,
    ServiceDuration,
    Venue,
)
from api.queries.bookings.explain import explain_times
from api.queries.venues.rules import get_rules
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking
from api.services.bookings.create import BookingRequest, create_booking
from api.services.venues.blocks import create_block

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
durations = st.sampled_from([timedelta(0), 15 * MINUTE, HOUR])


def book(owner, place, start, length, **more):
    return create_booking(
        BookingRequest(
            owner=owner, resource=place.pk, starts_at=start, ends_at=start + length, **more
        ),
        actor=Actor.for_new_booking(owner),
    )


def book_any_kind(draw, owner, place, start):
    """Some of it alone, beside another resource, or as what a service has chosen."""
    another = Resource.objects.create(venue=place.venue, name="Another", units=place.units)
    kind = draw(st.sampled_from(["alone", "units", "set", "service"]))
    if kind == "alone":
        return book(owner, place, start, 2 * HOUR)
    if kind == "units":
        return book(owner, place, start, 2 * HOUR, quantity=draw(st.integers(1, place.units)))
    if kind == "set":
        return book(owner, another, start, 2 * HOUR, others=[place.pk])
    service = Service.objects.create(venue=place.venue, name="Cut", buffer_after=draw(durations))
    ServiceDuration.objects.create(service=service, duration=2 * HOUR)
    pool = Pool.objects.create(venue=place.venue, name="Pool")
    pool.resources.set([place, another])
    Need.objects.create(service=service, pool=pool, quantity=draw(st.integers(1, 2)))
    return create_booking(
        BookingRequest(owner=owner, service=service.pk, starts_at=start, prefer=[place.pk]),
        actor=Actor.for_new_booking(owner),
    )


def read(place, first, days=3):
    rules, now = get_rules(place.pk)
    return explain_times(rules, first, first + timedelta(days=days), now)


def arrange(draw, ana, sam, venue):
    """A place of a venue with some rules and bookings, and the day to look from."""
    Venue.objects.filter(pk=venue.pk).update(
        time_zone=draw(st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"])),
        opens_at=draw(st.sampled_from([time(0), time(8), time(20)])),
        closes_at=draw(st.sampled_from([time(0), time(18), time(4)])),
        min_notice=draw(st.sampled_from([timedelta(0), timedelta(hours=20)])),
        max_advance=draw(st.sampled_from([None, timedelta(days=3), timedelta(hours=60)])),
        same_day_allowed=draw(st.booleans()),
    )
    place = Resource.objects.create(
        venue=venue,
        name="Place",
        units=draw(st.integers(1, 3)),
        buffer_before=draw(durations),
        buffer_after=draw(durations),
    )
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if draw(st.booleans()):
        on = today.date() + timedelta(days=draw(st.integers(0, 4)))
        Closure.objects.create(venue=venue, first_on=on, last_on=on, reason="Closed")
    if draw(st.booleans()):  # a week of its own, with a break
        Hours.objects.bulk_create(
            Hours(venue=venue, resource=place, weekday=n, opens_at=opens, closes_at=closes)
            for n in draw(st.sets(st.integers(0, 6)))
            for opens, closes in ((time(9), time(12, 30)), (time(13), time(2)))
        )
    if draw(st.booleans()):
        on = today.date() + timedelta(days=draw(st.integers(0, 4)))
        hours = draw(st.sampled_from([[], [["10:00", "15:00"]], [["22:00", "03:00"]]]))
        HoursException.objects.create(
            venue=venue, resource=place, first_on=on, last_on=on, hours=hours
        )
    first = today + draw(st.integers(0, 24)) * HOUR
    made = []
    for _ in range(draw(st.integers(0, 6))):
        try:
            with transaction.atomic():
                start = first + draw(st.integers(0, 140)) * HOUR / 2
                made.append(book_any_kind(draw, ana, place, start))
        except errors.Refusal:
            continue
    if draw(st.booleans()):  # over whatever is there, some of which then leaves
        start = today + timedelta(days=1) + draw(st.integers(0, 40)) * HOUR
        staff = Actor.in_venue(sam, place.venue_id)
        create_block(place, staff, starts_at=start, ends_at=start + 3 * HOUR, force=True)
        for row in made[::2]:
            cancel_booking(row.pk, Actor.for_booking(ana, row))
    return place, first


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_what_is_explained_is_what_a_booking_is_answered(ana, sam, venue, data):
    """A guess within one row of `refused` gets its code, one within `free` its booking."""
    with transaction.atomic():
        place, first = arrange(data.draw, ana, sam, venue)
        free, refused = read(place, first)
        rows = sorted([*((r[0], r[1]) for r in free), *((r[0], r[1]) for r in refused)])
        assert rows[0][0] == first
        assert rows[-1][1] == first + timedelta(days=3)
        assert all(one[1] == other[0] for one, other in pairwise(rows))
        for row in refused:
            length = row.ends_at - row.starts_at
            margin = min(length / 4, 5 * timedelta(seconds=1))  # of the clock that goes on
            with pytest.raises(errors.Refusal) as answer, transaction.atomic():
                book(ana, place, row.starts_at + margin, min(length - 2 * margin, 20 * HOUR))
            assert answer.value.code == row.refusal.code, row
        for row in free:
            margin = 10 * timedelta(seconds=1)
            start, length = row.starts_at + margin, row.ends_at - row.starts_at - 2 * margin
            if length <= timedelta(0):
                continue
            taken = 0
            with transaction.atomic():
                for _ in range(row.units):
                    book(ana, place, start, length)
                    taken += 1
                with pytest.raises(errors.SlotTaken), transaction.atomic():
                    book(ana, place, start, length)
                transaction.set_rollback(True)
            assert taken == row.units
            with transaction.atomic():
                assert book(ana, place, start, length, quantity=row.units)
                transaction.set_rollback(True)
        transaction.set_rollback(True)


def test_a_row_says_when_its_rule_refuses_no_more(venue, ana, soon):
    Venue.objects.filter(pk=venue.pk).update(opens_at=time(8), closes_at=time(18))
    place = Resource.objects.create(venue=venue, name="Place")
    book(ana, place, soon + 8 * HOUR, HOUR)
    midnight = soon.replace(hour=0)
    Closure.objects.create(
        venue=venue,
        first_on=(midnight + timedelta(days=1)).date(),
        last_on=(midnight + 48 * HOUR).date(),
    )
    free, refused = read(place, midnight, days=4)
    at = [midnight + n * HOUR for n in range(97)]
    assert [(r.starts_at, r.ends_at, r.refusal.code, r.free_at) for r in refused] == [
        (at[0], at[8], "outside_hours", at[8]),
        (at[17], at[18], "slot_taken", at[18]),
        (at[18], at[24], "outside_hours", at[80]),
        (at[24], at[72], "closed", at[72]),
        (at[72], at[80], "outside_hours", at[80]),
        (at[90], at[96], "outside_hours", None),
    ]
    assert [(r.starts_at, r.ends_at) for r in free] == [(at[8], at[17]), (at[80], at[90])]


def test_over_http_units_and_reasons_are_shown(client_of, venue, ana, soon):
    place = Resource.objects.create(venue=venue, name="Bikes", units=3)
    book(ana, place, soon, HOUR)
    query = f"start={soon.isoformat().replace('+00:00', 'Z')}"
    query += f"&end={(soon + 2 * HOUR).isoformat().replace('+00:00', 'Z')}"
    path = f"/api/v1/resources/{place.pk}/availability/?{query}"
    body = client_of().get(f"{path}&explain=1").json()
    assert [row["units"] for row in body["free"]] == [2, 3]
    assert body["refused"] == []
    assert "refused" not in client_of().get(path).json()
    long = client_of().get(f"{path}&duration=02:00:00").json()
    assert len(long["free"]) == 2  # a booking lies across
    Resource.objects.filter(pk=place.pk).update(maintenance=True)
    body = client_of().get(f"{path}&explain=1").json()
    assert body["free"] == []
    assert [row["code"] for row in body["refused"]] == ["resource_unavailable"]


def test_a_time_too_short_for_a_length_says_what_it_runs_into(ana, venue, court, soon):
    """The rows cover the range without gaps, whatever length is asked for; where the range itself
    ends, a longer time may lie across."""
    Venue.objects.filter(pk=venue.pk).update(opens_at=time(8), closes_at=time(17))
    book(ana, court, soon + HOUR, HOUR)
    book(ana, court, soon + 6 * HOUR, HOUR)
    rules, now = get_rules(court.pk)
    since, until = soon - 2 * HOUR, soon + 12 * HOUR
    free, refused = explain_times(rules, since, until, now, at_least=3 * HOUR)
    hours = [((row.starts_at - soon) // HOUR, (row.ends_at - soon) // HOUR) for row in free]
    assert hours == [(2, 6)]
    codes = [
        ((row.starts_at - soon) // HOUR, row.refusal.code, row.free_at and (row.free_at - soon))
        for row in refused
    ]
    assert codes == [
        (-2, "outside_hours", -HOUR),
        (-1, "slot_taken", 2 * HOUR),
        (1, "slot_taken", 2 * HOUR),
        (6, "slot_taken", 7 * HOUR),
        (7, "outside_hours", None),
        (8, "outside_hours", None),
    ]
    for row in (refused[1], refused[4]):
        with pytest.raises(errors.Refusal) as answer:
            book(ana, court, row.starts_at, 3 * HOUR)
        assert answer.value.code == row.refusal.code
    free, _ = explain_times(rules, soon - HOUR, soon + HOUR, now, at_least=3 * HOUR)
    assert len(free) == 1
