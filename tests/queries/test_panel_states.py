"""The state of a room: few statements, none while cached, and never older than the last change."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db.models.functions import Now

from api import errors
from api.lifecycle import Status
from api.models import Booking, Resource
from api.queries.panels import panels
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking, check_in_booking, end_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.reschedule import reschedule_booking
from backend.cache import increment_all

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def in_(booked, soon):
    """A booking that begins in so many minutes: `in_(ana, 20)`."""

    def make(owner, minutes, length=30, place=None):
        booking = booked(owner, hours=len(Booking.objects.all()), place=place)
        span = {"starts_at": minutes, "ends_at": minutes + length, "completes_at": minutes + length}
        moments = {column: Now() + ahead * MINUTE for column, ahead in span.items()}
        Booking.objects.filter(pk=booking.pk).update(**moments, check_in_opens_at=None)
        return booking

    return make


def forget(room):
    """What an announced change does."""
    increment_all([panels.get_version_key(room.pk)])


def test_thirty_rooms_take_two_statements_and_none_when_cached(
    venue, ana, in_, django_assert_num_queries
):
    places = [Resource.objects.create(venue=venue, name=f"R{n}") for n in range(30)]
    for place in places:
        in_(ana, -5, place=place)
        forget(place)
    ids = [place.pk for place in places]
    with django_assert_num_queries(2):
        fresh = panels.list_states(ids)
    with django_assert_num_queries(0):
        assert panels.list_states(ids) == fresh
    assert {state["status"] for state in fresh.values()} == {"occupied"}


def test_an_unknown_or_retired_room_has_no_state(court):
    assert panels.list_states([court.pk, 10**9]).keys() == {court.pk}
    Resource.objects.update(retired_at=Now())
    with pytest.raises(errors.NotFound):
        panels.get_state(court.pk)


@pytest.mark.parametrize("change", ["book", "check_in", "end", "cancel", "reschedule"])
def test_a_change_shows_at_once_though_the_state_was_cached(
    court, ana, in_, booked, change, django_capture_on_commit_callbacks
):
    booking = None if change == "book" else in_(ana, 5)
    actor = Actor.in_venue(ana, court.venue_id)
    forget(court)
    before = panels.get_state(court.pk)
    with django_capture_on_commit_callbacks(execute=True):
        if change == "book":
            in_(ana, 5)
        elif change == "reschedule":
            later = booking.starts_at + timedelta(days=9)
            reschedule_booking(
                booking.pk,
                Actor.for_booking(ana, booking),
                BookingChanges(starts_at=later, ends_at=later + 30 * MINUTE),
            )
        elif change == "cancel":
            cancel_booking(booking.pk, Actor.for_booking(ana, booking))
        else:
            check_in_booking(booking.pk, actor, early=True) if change == "check_in" else None
            if change == "end":
                check_in_booking(booking.pk, actor, early=True)
                end_booking(booking.pk, actor)
    after = panels.get_state(court.pk)
    assert after["version"] > before["version"]
    assert panels.compute_fingerprint(after) != panels.compute_fingerprint(before)


def test_the_last_quarter_of_the_day_changes_where_something_begins_and_not_all_the_time(
    booked, ana, soon, court
):
    """Otherwise every look is a change, and every panel is told all the time until midnight."""
    court.venue.time_zone = "UTC"
    midnight = soon.replace(hour=0) + timedelta(days=1)
    early = booked(ana, hours=15 + 5 / 60)  # 00:05, which 23:50 announces
    rows = list(panels._list_meetings([court.pk], soon, midnight + panels.UPCOMING_WINDOW))
    assert rows == [early]
    seen = [
        panels._build_state(court, rows, midnight - left * MINUTE)[0] for left in (16, 11, 9, 2)
    ]
    assert [state["next"] is not None for state in seen] == [False, False, True, True]
    assert [state["status"] for state in seen] == ["available"] * 2 + ["upcoming"] * 2
    before, after = map(
        panels._format_instant, (early.starts_at - panels.UPCOMING_WINDOW, midnight)
    )
    assert [state["changes_at"] for state in seen] == [before, before, after, after]
    assert panels.compute_fingerprint(seen[0]) == panels.compute_fingerprint(seen[1])
    assert panels.compute_fingerprint(seen[2]) == panels.compute_fingerprint(seen[3])


def test_a_moved_booking_changes_both_rooms(
    court, venue, ana, booked, django_capture_on_commit_callbacks
):
    other = Resource.objects.create(venue=venue, name="Court 2")
    booking = booked(ana)
    for place in (court, other):
        forget(place)
    before = panels.list_states([court.pk, other.pk])
    with django_capture_on_commit_callbacks(execute=True):
        reschedule_booking(
            booking.pk, Actor.for_booking(ana, booking), BookingChanges(resource=other.pk)
        )
    after = panels.list_states([court.pk, other.pk])
    for place in (court, other):
        assert after[place.pk]["version"] == before[place.pk]["version"] + 1


def test_a_state_read_before_a_change_is_not_kept_as_the_one_after(court, ana, in_, monkeypatch):
    """The reader is overtaken between reading the version and writing the cache. With the state
    cached under the room alone, the last line reads "available" for as long as it is cached."""
    forget(court)
    read = panels._read_states

    def overtaken(rooms):
        found = read(rooms)
        in_(ana, -5)
        forget(court)
        return found

    monkeypatch.setattr(panels, "_read_states", overtaken)
    assert panels.get_state(court.pk)["status"] == "available"
    monkeypatch.undo()
    assert panels.get_state(court.pk)["status"] == "occupied"


@pytest.mark.parametrize(
    ("minutes", "status", "left"),
    [(40, "available", 25), (10, "upcoming", 10), (-10, "occupied", 20)],
)
def test_a_state_lasts_until_time_alone_changes_it(court, ana, in_, minutes, status, left):
    in_(ana, minutes)
    [(state, lasts)] = panels._read_states([court.pk]).values()
    assert state["status"] == status
    changes_in = panels.datetime.fromisoformat(state["changes_at"]) - panels.datetime.fromisoformat(
        state["at"]
    )
    assert changes_in <= left * MINUTE
    assert lasts == min(changes_in, panels.CACHE_TIMEOUT)


def test_a_state_is_not_cached_beyond_its_next_change(court, ana, in_):
    in_(ana, -10)
    Booking.objects.update(ends_at=Now() + timedelta(milliseconds=900))
    forget(court)
    panels.get_state(court.pk)
    assert cache.get(f"room:{court.pk}:state:1") is None


def test_what_is_dead_is_not_shown_and_what_blocks_is(court, ana, in_):
    hold = in_(ana, -5)
    Booking.objects.filter(pk=hold.pk).update(
        status=Status.HELD, hold_expires_at=Now() + 5 * MINUTE
    )
    assert panels.get_state(court.pk)["status"] == "occupied"
    Booking.objects.filter(pk=hold.pk).update(hold_expires_at=Now())
    assert panels.get_state(court.pk)["status"] == "available"


def test_without_redis_the_state_is_read_from_the_rows_every_time(
    court, ana, in_, servers, django_assert_num_queries
):
    forget(court)
    assert panels.get_state(court.pk)["version"] == 1
    servers.valkey.stop()
    try:
        with django_assert_num_queries(2):
            state = panels.get_state(court.pk)
        assert (state["status"], state["version"]) == ("available", 0)
        in_(ana, -5)
        assert panels.get_state(court.pk)["status"] == "occupied"
    finally:
        servers.valkey.start()
