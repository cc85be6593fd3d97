"""Cancelling, approving and changing a series, or what follows from one of its occurrences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.models import Booking, Delivery, Resource, Series, Venue
from api.services.actors import Actor
from api.services.bookings import trades
from api.services.bookings.actions import cancel_booking
from api.services.bookings.changes import BookingChanges
from api.services.bookings.reschedule import reschedule_booking
from api.services.series import no_shows

pytestmark = pytest.mark.django_db
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)
URL = "/api/v1/series/"


def say(at):
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
def series(client_of, ana, body):
    """Books one of Ana's; its id."""

    def make(**more):
        answer = client_of(ana).post(URL, body(**more), format="json")
        assert answer.status_code == 201, answer.json()
        return answer.json()["id"]

    return make


@pytest.fixture
def act(client_of, ana):
    def send(pk, verb="", user=None, **sent):
        client = client_of(user or ana)
        if not verb:
            return client.patch(f"{URL}{pk}/", sent, format="json")
        return client.post(f"{URL}{pk}/{verb}/", sent, format="json")

    return send


def rows_of(pk):
    return list(Booking.objects.filter(series=pk).order_by("recurrence_id"))


def statuses(pk):
    return [row.status for row in rows_of(pk)]


def letters():
    return list(Delivery.objects.order_by("pk").values_list("name", flat=True))


# cancel


def test_all_of_it_is_cancelled_with_one_letter(series, act):
    pk = series()
    answer = act(pk, "cancel", scope="all", reason="Over")
    assert answer.status_code == 200
    assert [each["status"] for each in answer.json()["occurrences"]] == ["cancelled"] * 4
    assert answer.json()["ended_because"] == "cancelled"
    assert statuses(pk) == ["cancelled"] * 4
    assert letters() == ["series_booked", "series_cancelled"]
    assert Delivery.objects.get(name="series_cancelled").payload["reason"] == "Over"
    again = act(pk, "cancel", scope="all")
    assert (again.status_code, again.json()["code"]) == (409, "already_done")


def test_what_follows_is_cancelled_and_the_rule_ends_before_it(series, act, soon):
    pk = series()
    answer = act(pk, "cancel", scope="following", **{"from": say(soon + 2 * WEEK)})
    assert answer.status_code == 200
    assert statuses(pk) == ["confirmed", "confirmed", "cancelled", "cancelled"]
    assert len(answer.json()["occurrences"]) == 4
    assert answer.json()["ended_at"] is None
    assert "UNTIL" in answer.json()["rule"]
    again = act(pk, "cancel", scope="following", **{"from": say(soon + 2 * WEEK)})
    assert (again.status_code, again.json()["code"]) == (409, "already_done")


def test_a_cancelled_one_gets_no_second_letter_and_a_moved_one_goes_too(series, act, ana, soon):
    pk = series()
    first, second, *_ = rows_of(pk)
    cancel_booking(first.pk, Actor.for_new_booking(ana))
    move(second, ana, soon + 3 * HOUR)
    act(pk, "cancel", scope="following", **{"from": say(second.recurrence_id)})
    letter = Delivery.objects.get(name="series_cancelled")
    assert [line[0] for line in letter.payload["lines"]] == [
        (soon + 3 * HOUR).isoformat(),
        *((soon + n * WEEK).isoformat() for n in (2, 3)),
    ]
    assert statuses(pk) == ["cancelled"] * 4


def move(booking, owner, starts_at):
    changes = BookingChanges(starts_at=starts_at, ends_at=starts_at + HOUR)
    reschedule_booking(booking.pk, Actor.for_new_booking(owner), changes)


def test_past_and_checked_in_ones_stay(series, act, soon):
    pk = series()
    first, second, *_ = rows_of(pk)
    shift = timedelta(days=10)
    Booking.objects.filter(pk=first.pk).update(
        starts_at=soon - shift, ends_at=soon - shift + HOUR, completes_at=soon
    )
    Booking.objects.filter(pk=second.pk).update(status="checked_in", checked_in_at=soon)
    act(pk, "cancel", scope="all")
    assert statuses(pk) == ["confirmed", "checked_in", "cancelled", "cancelled"]


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"scope": "this"},
        {"scope": "following"},
        {"scope": "following", "from": "2030-01-01T00:00:00Z"},
        {"scope": "all", "from": "2030-01-01T00:00:00Z"},
    ],
)
@pytest.mark.parametrize("verb", ["cancel", "approve", "resume", ""])
def test_the_scope_is_required(series, act, sam, sent, verb):
    pk = series()
    more = {"title": "x"} if not verb else {}
    assert act(pk, verb, user=sam, **sent, **more).status_code == 400
    assert statuses(pk) == ["confirmed"] * 4


def test_others_cancel_nothing_and_staff_do(series, act, ben, sam):
    pk = series()
    assert act(pk, "cancel", user=ben, scope="all").status_code == 404
    assert act(pk, "approve", scope="all").status_code == 403
    assert act(pk, "cancel", user=sam, scope="all").status_code == 200


# approve


def test_requests_are_approved_with_one_letter_and_one_deadline(series, act, sam, court, venue):
    Venue.objects.filter(pk=venue.pk).update(approval="always")
    Resource.objects.filter(pk=court.pk).update(price_minor=500)
    pk = series()
    assert statuses(pk) == ["pending"] * 4
    since = {"from": say(rows_of(pk)[1].recurrence_id)}
    assert act(pk, "approve", user=sam, scope="following", **since).status_code == 200
    assert statuses(pk) == ["pending", "held", "held", "held"]
    assert len({row.hold_expires_at for row in rows_of(pk)[1:]}) == 1
    assert letters()[-1] == "series_approved"
    assert len(letters()) == 2
    again = act(pk, "approve", user=sam, scope="following", **since)
    assert (again.status_code, again.json()["code"]) == (409, "wrong_status")


# change


def test_all_shift_by_the_same_wall_time_and_keep_their_recurrence_ids(series, act, soon):
    pk = series()
    new = soon + 25 * HOUR
    answer = act(pk, scope="all", starts_at=say(new), ends_at=say(new + 2 * HOUR))
    assert answer.status_code == 200, answer.json()
    assert answer.json()["id"] == pk
    rows = rows_of(pk)
    assert [row.starts_at for row in rows] == [new + n * WEEK for n in range(4)]
    assert [row.ends_at - row.starts_at for row in rows] == [2 * HOUR] * 4
    assert [row.recurrence_id for row in rows] == [soon + n * WEEK for n in range(4)]
    assert [each["outcome"] for each in answer.json()["occurrences"]] == ["booked"] * 4
    assert letters() == ["series_booked", "series_changed"]


def test_what_follows_is_a_series_of_its_own(series, act, soon):
    pk = series()
    since = soon + 2 * WEEK
    answer = act(
        pk,
        scope="following",
        **{"from": say(since)},
        starts_at=say(since + HOUR),
        ends_at=say(since + 2 * HOUR),
        title="Later",
    )
    assert answer.status_code == 200, answer.json()
    new = answer.json()["id"]
    assert new != pk
    assert [row.starts_at for row in rows_of(pk)] == [soon, soon + WEEK]
    assert [row.starts_at for row in rows_of(new)] == [since + HOUR, since + WEEK + HOUR]
    assert [row.title for row in rows_of(new)] == ["Later", "Later"]
    assert answer.json()["rule"] == "FREQ=WEEKLY;COUNT=2"
    assert "UNTIL" in Series.objects.get(pk=pk).rule
    assert Booking.objects.count() == 4


def test_a_daily_series_moves_onto_what_its_own_had(series, act, soon):
    pk = series(rule="FREQ=DAILY;COUNT=5")
    day = timedelta(days=1)
    answer = act(pk, scope="all", starts_at=say(soon + day), ends_at=say(soon + day + HOUR))
    assert answer.status_code == 200, answer.json()
    assert [row.starts_at for row in rows_of(pk)] == [soon + (n + 1) * day for n in range(5)]


def test_a_moved_one_keeps_its_place_and_a_cancelled_one_stays(series, act, ana, soon):
    pk = series()
    first, second, third, _ = rows_of(pk)
    cancel_booking(first.pk, Actor.for_new_booking(ana))
    move(third, ana, soon + 2 * WEEK + 5 * HOUR)
    at = second.starts_at + HOUR  # of the first one affected
    answer = act(pk, scope="all", starts_at=say(at), ends_at=say(at + HOUR), title="New")
    assert answer.status_code == 200, answer.json()
    rows = rows_of(pk)
    assert [row.starts_at - soon for row in rows] == [
        0 * HOUR,
        WEEK + HOUR,
        2 * WEEK + 5 * HOUR,
        3 * WEEK + HOUR,
    ]
    assert [row.title for row in rows] == ["", "New", "New", "New"]
    assert [each["outcome"] for each in answer.json()["occurrences"]] == [
        "booked", "booked", "moved", "booked"
    ]  # fmt: skip


def test_a_change_is_refused_whole_or_leaves_out_what_is_taken(series, act, booked, ben, soon):
    pk = series()
    booked(ben, 7 * 24 + 1)
    sent = {"scope": "all", "starts_at": say(soon + HOUR), "ends_at": say(soon + 2 * HOUR)}
    answer = act(pk, **sent)
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert [each["outcome"] for each in answer.json()["occurrences"]] == [
        "would_book", "taken", "would_book", "would_book"
    ]  # fmt: skip
    assert [row.starts_at for row in rows_of(pk)] == [soon + n * WEEK for n in range(4)]
    dry = act(pk, dry_run=True, on_conflict="skip", **sent)
    assert dry.json()["id"] is None
    assert rows_of(pk)[0].starts_at == soon
    done = act(pk, on_conflict="skip", **sent)
    assert done.status_code == 200
    assert [row.starts_at - soon for row in rows_of(pk)] == [
        HOUR, WEEK, 2 * WEEK + HOUR, 3 * WEEK + HOUR
    ]  # fmt: skip
    assert [each["starts_at"] for each in done.json()["occurrences"]] == [
        say(row.starts_at) for row in rows_of(pk)
    ]


def test_another_resource(series, act, venue, ben, booked):
    pk = series()
    other = Resource.objects.create(venue=venue, name="Court 2", capacity=4)
    answer = act(pk, scope="all", resource=other.pk)
    assert answer.status_code == 200, answer.json()
    assert {row.resource_id for row in rows_of(pk)} == {other.pk}
    booked(ben)  # the first is free again
    assert act(pk, scope="all", resource=10**9).status_code == 400


def test_texts_and_people(series, act, ben, sam):
    pk = series()
    answer = act(pk, scope="all", notes="Bring balls", attendees=[ben.pk], guests=3)
    assert answer.status_code == 200, answer.json()
    assert {row.notes for row in rows_of(pk)} == {"Bring balls"}
    assert {row.guests for row in rows_of(pk)} == {3}
    assert {row.attendees.get().pk for row in rows_of(pk)} == {ben.pk}
    assert act(pk, user=ben, scope="all", title="x").status_code == 404
    assert act(pk, scope="all", guests=99).status_code == 400


def test_a_change_that_needs_approval_makes_requests(series, act, venue, soon):
    pk = series()
    Venue.objects.filter(pk=venue.pk).update(approval="always", admin_email="desk@example.com")
    answer = act(pk, scope="all", starts_at=say(soon + HOUR), ends_at=say(soon + 2 * HOUR))
    assert answer.status_code == 200, answer.json()
    assert statuses(pk) == ["pending"] * 4
    assert letters() == ["series_booked", "series_changed", "series_waiting"]


# what is later


@pytest.fixture
def later(series, venue, soon):
    """One of which all but the first is beyond the limit."""
    Venue.objects.filter(pk=venue.pk).update(max_advance=timedelta(days=30))
    pk = series(rule="FREQ=MONTHLY;COUNT=6", starts_at=say(soon), ends_at=say(soon + HOUR))
    row = Series.objects.get(pk=pk)
    assert row.later_from is not None
    return row


def list_remarks(answer):
    return [each["recurrence_id"] for each in answer.json()["occurrences"]]


def test_what_is_later_is_cancelled_from_any_of_them(later, act, client_of, ana):
    remarks = list_remarks(client_of(ana).get(f"{URL}{later.pk}/"))
    answer = act(later.pk, "cancel", scope="following", **{"from": remarks[3]})
    assert answer.status_code == 200
    assert list_remarks(answer) == remarks[:3]
    assert statuses(later.pk) == ["confirmed"]


def test_what_follows_may_be_later_all_of_it(later, act, client_of, ana):
    remarks = list_remarks(client_of(ana).get(f"{URL}{later.pk}/"))
    zone = later.zone
    first = datetime.fromisoformat(remarks[2]).astimezone(zone) + timedelta(days=1)
    times = {"starts_at": first.isoformat(), "ends_at": (first + HOUR).isoformat()}
    sent = {"scope": "following", "title": "Other", "from": remarks[2], **times}
    dry = act(later.pk, dry_run=True, **sent)
    answer = act(later.pk, **sent)
    assert answer.status_code == 200, answer.json()
    assert {each["outcome"] for each in answer.json()["occurrences"]} == {"later"}
    assert list_remarks(answer) == remarks[2:]
    assert dry.json()["occurrences"] == answer.json()["occurrences"]
    assert answer.json()["occurrences"][0]["starts_at"] == say(first.astimezone(UTC))
    assert answer.json()["title"] == "Other"


# quotas


def test_what_moves_into_the_week_of_one_that_stays_there_counts_with_it(series, act, venue, soon):
    """A day later Sunday's comes into the week in which Saturday's has all that is allowed since a
    limit was lowered. Where the earlier one was let through, the dry run promised both, and what
    was done was refused."""
    sunday = soon + timedelta(days=6 - soon.weekday())
    times = {"starts_at": say(sunday), "ends_at": say(sunday + HOUR)}
    pk = series(**times, rule="FREQ=DAILY;INTERVAL=6;COUNT=2")
    Venue.objects.filter(pk=venue.pk).update(max_hours_a_week=HOUR)
    day = timedelta(days=1)
    sent = {"scope": "all", "starts_at": say(sunday + day), "ends_at": say(sunday + day + HOUR)}
    dry = act(pk, **sent, dry_run=True, on_conflict="skip").json()["occurrences"]
    assert [each["outcome"] for each in dry] == ["refused", "would_book"]
    assert act(pk, **sent).json()["code"] == "quota_reached"
    assert act(pk, **sent, on_conflict="skip").status_code == 200
    assert [row.starts_at for row in rows_of(pk)] == [sunday, sunday + 7 * day]


def test_a_change_that_makes_requests_is_held_to_their_number(series, act, venue, soon):
    """As a booking that is moved by itself is; a second look at what is written says the same."""
    pk = series()
    Venue.objects.filter(pk=venue.pk).update(approval="always", max_open_requests=3)
    sent = {
        "scope": "all",
        "starts_at": say(soon + HOUR),
        "ends_at": say(soon + 2 * HOUR),
        "on_conflict": "skip",
    }
    dry = act(pk, **sent, dry_run=True).json()["occurrences"]
    assert [each["outcome"] for each in dry] == [*["would_book"] * 3, "refused"]
    assert dry[-1]["code"] == "quota_reached"
    assert statuses(pk) == ["confirmed"] * 4
    done = act(pk, **sent).json()["occurrences"]
    assert statuses(pk) == [*["pending"] * 3, "confirmed"]
    assert [each["starts_at"] for each in done[:3]] == [each["starts_at"] for each in dry[:3]]


def test_another_resource_beside_the_first_asks_for_approval_again(series, act, venue, court, sam):
    """As of one booking; the times are the same, and were all that was looked at."""
    Venue.objects.filter(pk=venue.pk).update(approval="always")
    pk = series()
    act(pk, "approve", user=sam, scope="all")
    assert statuses(pk) == ["confirmed"] * 4
    hall = Resource.objects.create(venue=venue, name="Hall")
    assert act(pk, scope="all", resources=[court.pk, hall.pk]).status_code == 200
    assert statuses(pk) == ["pending"] * 4


# what was traded away


@pytest.fixture
def traded(series, ben, ana, booked):
    """A series of Ana's, the second of which is Ben's now."""
    pk = series()
    given, got = rows_of(pk)[1], booked(ben, hours=30)
    trade = trades.offer_trade(requester=ana, mine=given.pk, theirs=got.pk)
    trades.accept_trade(trade.pk, ben)
    Delivery.objects.all().delete()
    return pk


def test_what_was_traded_away_is_shown_as_taken(traded, client_of, ana, ben):
    """Its status is the business of who has it now, and of staff where they look at it."""
    found = client_of(ana).get(f"{URL}{traded}/").json()["occurrences"]
    assert [each["outcome"] for each in found] == ["booked", "taken", "booked", "booked"]
    assert not {"booking", "status", "code", "conflicts"} & found[1].keys()
    assert client_of(ben).get(f"{URL}{traded}/").status_code == 404
    [theirs] = client_of(ben).get(f"/api/v1/bookings/?series={traded}").json()["results"]
    assert theirs["id"] == rows_of(traded)[1].pk


@pytest.mark.parametrize("scope", ["all", "following"])
def test_what_was_traded_away_stays_under_every_change(traded, act, ben, soon, sam, scope):
    """Ana's cancelling and moving are not Ben's, and neither is what staff do with her series."""
    before = Booking.objects.filter(owner=ben, series=traded).values().get()
    first = rows_of(traded)[0 if scope == "all" else 1]
    since = {} if scope == "all" else {"from": say(first.recurrence_id)}
    start = first.starts_at + (WEEK if scope == "following" else 0 * WEEK) + 3 * HOUR
    sent = {"scope": scope, **since, "starts_at": say(start), "ends_at": say(start + HOUR)}
    answer = act(traded, **sent, title="Moved")
    assert answer.status_code == 200, answer.json()
    changed = answer.json()["id"]
    moved = Booking.objects.filter(series=changed).exclude(owner=ben)
    assert {row.starts_at.hour for row in moved} == {soon.hour + 3}
    assert act(changed, "cancel", sam, scope="all").status_code == 200
    after = Booking.objects.filter(owner=ben, series=changed).values().get()
    assert {**after, "series_id": traded} == before
    assert not Delivery.objects.filter(to=ben.email).exists()


def test_a_traded_one_is_no_no_show_of_the_series(traded, venue, ben):
    Venue.objects.filter(pk=venue.pk).update(series_no_show_limit=1, check_in_required=True)
    ben_has = Booking.objects.get(owner=ben, series=traded)
    Booking.objects.filter(pk=ben_has.pk).update(status="no_show")
    assert no_shows.count_no_shows(Series.objects.get(pk=traded)) == 0


# what it costs


@pytest.mark.parametrize("sent", [{}, {"attendees": []}, {"title": "Ours"}])
def test_many_are_changed_by_as_many_statements_as_few(series, act, soon, court, sent):
    """Buffers, history and attendees were asked for and written one by one: 2,949 statements for
    366 occurrences."""

    def count(times):
        other = Resource.objects.create(venue=court.venue, name=f"Of {times}", capacity=4)
        pk = series(resource=other.pk, rule=f"FREQ=DAILY;COUNT={times}")
        start = {"starts_at": say(soon + HOUR), "ends_at": say(soon + 2 * HOUR)}
        with CaptureQueriesContext(connection) as queries:
            assert act(pk, scope="all", **start, **sent).status_code == 200
        return len(queries)

    count(2)  # what is looked up once
    assert count(5) == count(50)
