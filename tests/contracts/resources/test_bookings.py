"""Chapters "Booking Endpoints" and "Booking Validation Logic" of the README."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from api.lifecycle import BOOKING
from api.models import Booking, Resource, Venue
from api.services.actors import Actor
from api.services.bookings.actions import approve_booking
from api.services.bookings.status_changes import set_booking_status
from api.services.bookings.sweeps import sweep
from api.services.venues import resources

from .conftest import API, minute

pytestmark = pytest.mark.django_db

PATH = f"{API}/bookings/"
HOUR = timedelta(hours=1)
REQUIRED = ["This field is required."]
TAKEN = "Cannot create booking - this resource is already booked during your selected time. "


def iso(moment):
    return moment.isoformat().replace("+00:00", "Z")


def database_now():
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0]


def test_a_booking_is_answered_as_in_the_readme(at_desk, person, room, body):
    john = person("john", username="johndoe")
    answer = at_desk(john).post(PATH, body(status="pending", notes="Team meeting"))
    booking = Booking.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": booking.pk,
        "user": john.pk,
        "username": "johndoe",
        "resource": room.pk,
        "resource_name": "Conference Room A",
        "start_time": iso(booking.starts_at),
        "end_time": iso(booking.ends_at),
        "status": "pending",
        "notes": "Team meeting",
        "created_at": iso(booking.created_at),
        "updated_at": iso(booking.updated_at),
    }
    assert at_desk(john).get(f"{PATH}{booking.pk}/").json() == answer.json()


def test_what_is_missing_is_named(at_desk, ana):
    answer = at_desk(ana).post(PATH, {})
    assert (answer.status_code, answer.json()) == (
        400,
        {"resource": REQUIRED, "start_time": REQUIRED, "end_time": REQUIRED},
    )


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"resource": 10**9}, {"resource": ['Invalid pk "1000000000" - object does not exist.']}),
        ({"resource": 10**30}, None),
        ({"resource": -1}, None),
        ({"resource": "x"}, None),
        ({"resource": [1]}, None),
        ({"resource": None}, {"resource": ["This field may not be null."]}),
        ({"start_time": "tomorrow"}, None),
        ({"start_time": 5}, None),
        ({"start_time": "0001-01-01T00:00:00"}, None),
        ({"start_time": "0001-01-01T00:00:00+14:00"}, None),
        ({"start_time": "9999-12-31T23:59:59-14:00"}, None),
        ({"end_time": "9999-12-31T23:59:59Z"}, None),
        ({"end_time": ["2030-01-01T00:00:00Z"]}, None),
        ({"status": "completed"}, {"status": ['"completed" is not a valid choice.']}),
        ({"notes": "a\0b"}, {"notes": ["Null characters are not allowed."]}),
        ({"guests": 0}, None),
        ({"guests": 10**30}, None),
    ],
)
def test_bad_bookings_are_refused(at_desk, ana, body, change, refusal):
    answer = at_desk(ana).post(PATH, body() | change)
    assert answer.status_code == 400
    assert refusal is None or answer.json() == refusal
    assert Booking.objects.count() == 0


@pytest.mark.parametrize("raw", ["[]", "null", "{", '"x"', "", '{"resource": "\\ud800"}'])
def test_bodies_that_are_no_objects_are_refused(at_desk, ana, raw):
    answer = at_desk(ana).post(PATH, raw, content_type="application/json")
    assert answer.status_code == 400


def test_a_resource_that_is_switched_off_is_refused_first(at_desk, ana, room, body):
    Resource.objects.filter(pk=room.pk).update(is_available=False)
    answer = at_desk(ana).post(PATH, body(hours=-1000))
    assert (answer.status_code, answer.json()) == (
        400,
        {"resource": ["This resource is not available for booking."]},
    )


def test_thirty_minutes_ahead_is_allowed_and_less_is_not(at_desk, ana, body):
    """Exactly thirty minutes from the moment of sending: the request's way is not held against
    its sender, a start half a minute earlier is."""
    start = datetime.now(UTC) + timedelta(minutes=29, seconds=30)
    times = {"start_time": iso(start), "end_time": iso(start + HOUR)}
    answer = at_desk(ana).post(PATH, body() | times)
    earliest = {minute(database_now() + timedelta(minutes=30, seconds=s)) for s in (-2, 0)}
    assert answer.status_code == 400
    (words,) = answer.json()["non_field_errors"]
    said = "Bookings must be made at least 30 minutes in advance. Earliest available: "
    assert words in {said + each for each in earliest}
    start = datetime.now(UTC) + timedelta(minutes=30)
    times = {"start_time": iso(start), "end_time": iso(start + HOUR)}
    assert at_desk(ana).post(PATH, body() | times).status_code == 201


def test_the_notice_is_looked_at_before_the_end_and_the_end_before_the_overlap(
    at_desk, ana, ben, made, body
):
    made(ben)
    backwards = body() | {"end_time": body(-2)["start_time"]}
    past = {"start_time": body(-1000)["start_time"], "end_time": body(-1001)["start_time"]}
    (words,) = at_desk(ana).post(PATH, backwards | past).json()["non_field_errors"]
    assert words.startswith("Bookings must be made at least 30 minutes in advance.")
    answer = at_desk(ana).post(PATH, backwards)
    assert answer.json() == {"non_field_errors": ["End time must be after start time."]}
    answer = at_desk(ana).post(PATH, body() | {"end_time": body()["start_time"]})
    assert answer.json() == {"non_field_errors": ["End time must be after start time."]}


def test_an_overlap_names_what_is_in_the_way_and_the_next_free_time(
    at_desk, ana, ben, made, body, soon
):
    made(ben, 0, 0.5)
    made(ben, 0.75, 0.25)
    made(ben, 2, 1)
    answer = at_desk(ana).post(PATH, body(0, 1.5))
    after, end = soon + 3 * HOUR, soon + 4.5 * HOUR
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "non_field_errors": [
                (
                    f"{TAKEN}Conflicting booking(s): {minute(soon)} - {soon + HOUR / 2:%H:%M},"
                    f" {minute(soon + 0.75 * HOUR)} - {soon + HOUR:%H:%M}."
                    f" Suggested available time: {minute(after)} - {end:%H:%M}."
                )
            ]
        },
    )
    assert Booking.objects.filter(owner=ana).count() == 0


def test_three_of_the_bookings_in_the_way_are_named(at_desk, ana, ben, made, body, soon):
    for n in range(4):
        made(ben, n)
    (words,) = at_desk(ana).post(PATH, body(0, 4)).json()["non_field_errors"]
    each = [f"{minute(soon + n * HOUR)} - {soon + (n + 1) * HOUR:%H:%M}" for n in range(3)]
    after = f"{minute(soon + 4 * HOUR)} - {soon + 8 * HOUR:%H:%M}"
    assert words == (
        f"{TAKEN}Conflicting booking(s): {', '.join(each)}. Suggested available time: {after}."
    )


def test_after_twenty_bookings_in_a_row_nothing_is_suggested(at_desk, ana, ben, made, body):
    for n in range(21):
        made(ben, n)
    (words,) = at_desk(ana).post(PATH, body(0)).json()["non_field_errors"]
    assert words.endswith("Please check the resource availability and try a different time.")


def test_times_are_said_in_the_venues_zone(at_desk, ana, ben, place, made, body, soon):
    Venue.objects.filter(pk=place.pk).update(time_zone="Asia/Kolkata")
    made(ben)
    (words,) = at_desk(ana).post(PATH, body()).json()["non_field_errors"]
    assert f"{minute(soon + timedelta(hours=5, minutes=30))} - " in words


def test_neighbours_do_not_overlap(at_desk, ana, ben, made, body):
    made(ben)
    assert at_desk(ana).post(PATH, body(1)).status_code == 201
    assert at_desk(ana).post(PATH, body(-1)).status_code == 201


@pytest.mark.parametrize("status", ["cancelled", "rejected"])
def test_what_is_cancelled_or_rejected_does_not_block_even_the_same_person(
    at_desk, ana, sam, made, body, status
):
    booking = made(ana)
    set_booking_status(booking.pk, status, Actor.for_booking(sam, booking))
    assert at_desk(ana).post(PATH, body()).status_code == 201


def test_more_guests_than_places_are_refused(at_desk, ana, body):
    answer = at_desk(ana).post(PATH, body(guests=11))
    assert (answer.status_code, answer.json()) == (
        400,
        {"guests": ["More guests than the resource has places for."]},
    )
    assert at_desk(ana).post(PATH, body(guests=10)).status_code == 201


def test_owners_cannot_confirm_what_they_make_and_staff_can(at_desk, ana, sam, body):
    answer = at_desk(ana).post(PATH, body(status="confirmed"))
    assert (answer.status_code, answer.json()["status"]) == (201, "pending")
    answer = at_desk(sam).post(PATH, body(2, status="confirmed"))
    assert (answer.status_code, answer.json()["status"]) == (201, "confirmed")


def test_people_list_their_own_by_start_and_staff_list_all(
    at_desk, ana, ben, sam, made, booked, django_assert_max_num_queries
):
    late, early, other = made(ana, 5).pk, made(ana, 1).pk, made(ben, 3).pk
    booked(ana)  # elsewhere
    assert [b["id"] for b in at_desk(ana).get(PATH).json()] == [early, late]
    client = at_desk(sam)
    with django_assert_max_num_queries(3):
        assert [b["id"] for b in client.get(PATH).json()] == [early, other, late]
    assert at_desk().get(PATH).status_code == 401


def test_somebody_elses_booking_is_forbidden(at_desk, ana, ben, sam, made):
    booking = made(ana)
    path = f"{PATH}{booking.pk}/"
    for answer in (
        at_desk(ben).get(path),
        at_desk(ben).patch(path, {"notes": "x"}),
        at_desk(ben).put(path, {}),
        at_desk(ben).delete(path),
    ):
        assert (answer.status_code, answer.json()) == (
            403,
            {"detail": "You can only access your own bookings."},
        )
    assert at_desk(sam).get(path).status_code == 200
    booking.refresh_from_db()
    assert (booking.status, booking.notes) == ("pending", "")


@pytest.mark.parametrize(
    "pk",
    ["0", "9" * 30, *(pytest.param(odd, marks=pytest.mark.prefix_only) for odd in ("x", "-1"))],
)
def test_bookings_that_are_not_there_are_not_found(at_desk, sam, pk, place):
    for method in ("get", "delete"):
        assert getattr(at_desk(sam), method)(f"{PATH}{pk}/").status_code == 404


def test_bookings_of_another_venue_are_not_found(at_desk, ana, booked):
    answer = at_desk(ana).get(f"{PATH}{booked(ana).pk}/")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


def test_deleting_cancels_and_keeps_the_booking(at_desk, ana, ben, made, body):
    booking = made(ana)
    path = f"{PATH}{booking.pk}/"
    for _ in range(2):
        answer = at_desk(ana).delete(path)
        assert (answer.status_code, answer.content) == (204, b"")
    assert at_desk(ana).get(path).json()["status"] == "cancelled"
    assert at_desk(ben).post(PATH, body()).status_code == 201


@pytest.mark.parametrize("swept", [True, False])
def test_a_refused_cancellation_says_so_in_detail(at_desk, ana, sam, made, swept):
    """What is over reads confirmed here, and its sentence knows no other word for it."""
    booking = made(ana)
    path = f"{PATH}{booking.pk}/"
    at_desk(sam).patch(path, {"status": "confirmed"})
    Booking.objects.update(completes_at=Now())
    if swept:
        sweep(BOOKING.complete, "complete_finished")
    shown = at_desk(ana).get(path).json()
    for person in (ana, sam):
        answer = at_desk(person).delete(path)
        assert (answer.status_code, answer.json()) == (
            400,
            {"detail": "This booking is over and can no longer be cancelled."},
        )
        answer = at_desk(person).patch(path, {"notes": "Too late"})
        assert (answer.status_code, answer.json()) == (
            400,
            {"non_field_errors": ["A booking that is over cannot be edited."]},
        )
    assert at_desk(ana).get(path).json() == shown


def test_owners_may_only_cancel(at_desk, ana, made):
    booking = made(ana)
    path = f"{PATH}{booking.pk}/"
    for status in ("confirmed", "rejected"):
        answer = at_desk(ana).patch(path, {"status": status})
        assert (answer.status_code, answer.json()) == (
            403,
            {"detail": "You do not have permission to perform this action."},
        )
        booking.refresh_from_db()
        assert booking.status == "pending"
    assert at_desk(ana).patch(path, {"status": "pending"}).status_code == 200
    assert at_desk(ana).patch(path, {"status": "cancelled"}).json()["status"] == "cancelled"
    assert at_desk(ana).patch(path, {"status": "pending"}).status_code == 403


STATUSES = ("pending", "confirmed", "cancelled", "rejected")


@pytest.mark.parametrize("after", STATUSES)
@pytest.mark.parametrize("before", STATUSES)
def test_staff_set_any_status(at_desk, ana, sam, made, before, after):
    """Chapters "Models", Booking: the four statuses; "Booking Endpoints": PUT/PATCH by an admin;
    the one that it has already changes nothing."""
    path = f"{PATH}{made(ana).pk}/"
    for status in (before, after):
        answer = at_desk(sam).patch(path, {"status": status})
        assert (answer.status_code, answer.json()["status"]) == (200, status)
    whole = {**answer.json(), "status": after}
    assert at_desk(sam).put(path, whole).json() == answer.json()
    assert at_desk(sam).patch(path, {}).json() == answer.json()


def test_an_end_whose_time_is_sold_is_not_taken_back(at_desk, ana, ben, sam, made, body):
    path = f"{PATH}{made(ana).pk}/"
    at_desk(sam).patch(path, {"status": "cancelled"})
    made(ben)
    for status in ("pending", "confirmed", "rejected"):
        answer = at_desk(sam).patch(path, {"status": status})
        assert (answer.status_code, list(answer.json())) == (400, ["non_field_errors"])
        assert answer.json()["non_field_errors"][0].startswith(TAKEN)
    assert at_desk(ana).get(path).json()["status"] == "cancelled"


def test_cancelling_twice_changes_nothing(at_desk, ana, made):
    """Chapter "Booking Endpoints": PATCH, as DELETE does."""
    path = f"{PATH}{made(ana).pk}/"
    first, again = (at_desk(ana).patch(path, {"status": "cancelled"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    answer = at_desk(ana).patch(path, {"notes": "Too late"})
    assert (answer.status_code, answer.json()) == (
        400,
        {"non_field_errors": ["A booking that is cancelled cannot be edited."]},
    )


def test_one_field_alone_is_looked_at_together_with_the_rest(at_desk, ana, ben, made, body, soon):
    booking = made(ana)
    made(ben, 2)
    path = f"{PATH}{booking.pk}/"
    answer = at_desk(ana).patch(path, {"end_time": body(-1)["start_time"]})
    assert (answer.status_code, answer.json()) == (
        400,
        {"non_field_errors": ["End time must be after start time."]},
    )
    answer = at_desk(ana).patch(path, {"end_time": body(3)["start_time"]})
    assert answer.status_code == 400
    assert answer.json()["non_field_errors"][0].startswith(TAKEN)
    answer = at_desk(ana).patch(path, {"end_time": body(2)["start_time"]})
    assert answer.status_code == 200
    assert answer.json()["end_time"] == body(2)["start_time"]
    answer = at_desk(ana).patch(path, {"start_time": body(-100)["start_time"]})
    assert answer.status_code == 400
    booking.refresh_from_db()
    assert (booking.starts_at, booking.ends_at) == (soon, soon + 2 * HOUR)


def test_who_moves_the_start_owes_the_notice_and_staff_do_not(at_desk, ana, sam, made, body):
    booking = made(ana)
    path = f"{PATH}{booking.pk}/"
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10)
    times = {"start_time": iso(start), "end_time": iso(start + HOUR)}
    answer = at_desk(ana).patch(path, times)
    assert answer.status_code == 400
    assert "at least 30 minutes in advance" in answer.json()["non_field_errors"][0]
    answer = at_desk(sam).patch(path, times)
    assert (answer.status_code, answer.json()["start_time"]) == (200, iso(start))
    answer = at_desk(sam).patch(path, body(-1000))
    assert answer.json() == {"non_field_errors": ["Cannot book in the past."]}


def test_a_put_wants_the_whole_booking_and_may_send_it_unchanged(at_desk, ana, sam, made, room):
    booking = made(ana)
    path = f"{PATH}{booking.pk}/"
    assert at_desk(ana).put(path, {"notes": "x"}).json() == {
        "resource": REQUIRED,
        "start_time": REQUIRED,
        "end_time": REQUIRED,
    }
    approve_booking(booking.pk, Actor.for_booking(sam, booking))
    Resource.objects.filter(pk=room.pk).update(is_available=False)
    Booking.objects.filter(pk=booking.pk).update(
        starts_at=Now() - HOUR / 2, ends_at=Now() + HOUR / 2
    )
    for user in (ana, sam):
        shown = at_desk(user).get(path).json()
        answer = at_desk(user).put(path, shown)
        assert (answer.status_code, answer.json()) == (200, shown)


def test_an_owner_who_moves_a_confirmed_booking_asks_again(at_desk, ana, sam, made, body, room):
    booking = made(ana)
    approve_booking(booking.pk, Actor.for_booking(sam, booking))
    path = f"{PATH}{booking.pk}/"
    assert at_desk(sam).patch(path, body(2)).json()["status"] == "confirmed"
    assert at_desk(ana).patch(path, body(4)).json()["status"] == "pending"
    second = Resource.objects.create(venue=room.venue, name="B")
    answer = at_desk(ana).patch(path, {"resource": second.pk})
    assert (answer.status_code, answer.json()["resource_name"]) == (200, "B")


def test_the_emails_have_their_names_and_subjects(at_desk, ana, sam, body, mailbox, settings):
    """Chapter "Email Notifications": on create, update and cancel."""
    settings.ADMIN_EMAIL = "desk@example.com"
    path = f"{PATH}{at_desk(ana).post(PATH, body()).json()['id']}/"
    at_desk(sam).patch(path, {"status": "confirmed"})
    at_desk(ana).patch(path, {"notes": "Bring cake"})
    at_desk(sam).patch(path, body(3))
    at_desk(sam).patch(path, {"status": "rejected"})
    at_desk(sam).patch(path, {"status": "pending"})
    at_desk(ana).delete(path)
    sent = mailbox()
    assert [(m.to[0], m.subject.split(":")[0]) for m in sent] == [
        ("ana@example.com", "Booking Confirmation"),
        ("desk@example.com", "New Booking"),
        ("ana@example.com", "Booking Status Updated to Confirmed"),
        ("ana@example.com", "Booking Updated"),
        ("ana@example.com", "Booking Updated"),
        ("ana@example.com", "Booking Status Updated to Rejected"),
        ("ana@example.com", "Booking Status Updated to Pending"),
        ("ana@example.com", "Booking Cancellation"),
    ]
    phrases = (
        "been confirmed with status: pending",
        "Ana Example (ana@example.com) has booked",
        "status has been updated to confirmed",
        "been updated",
        "been updated",
        "status has been updated to rejected",
        "status has been updated to pending",
        "been cancelled",
    )
    for message, phrase in zip(sent, phrases, strict=True):
        for text in (message.body, message.alternatives[0].content):
            assert phrase in " ".join(text.split())


def test_staff_bring_a_booking_from_one_end_to_another_with_one_email(
    at_desk, ana, sam, body, mailbox
):
    """Chapter "Email Notifications": one of an update; it was a request in between for nobody."""
    path = f"{PATH}{at_desk(ana).post(PATH, body()).json()['id']}/"
    for status in ("cancelled", "rejected", "confirmed"):
        at_desk(sam).patch(path, {"status": status})
    assert [m.subject for m in mailbox() if m.to == ["ana@example.com"]] == [
        "Booking Confirmation",
        "Booking Cancellation",
        "Booking Status Updated to Rejected",
        "Booking Status Updated to Confirmed",
    ]


def test_one_request_of_staff_is_one_email_with_the_status_it_led_to(
    at_desk, sam, body, mailbox, settings
):
    """Chapter "Email Notifications": what is made confirmed, a status with details."""
    settings.ADMIN_EMAIL = ""
    made = at_desk(sam).post(PATH, body() | {"status": "confirmed"}).json()
    at_desk(sam).patch(f"{PATH}{made['id']}/", {"status": "rejected", "notes": "Full"})
    first, second = mailbox()
    assert made["status"] == "confirmed"
    assert first.subject == "Booking Confirmation"
    assert "been confirmed with status: confirmed" in " ".join(first.body.split())
    assert second.subject == "Booking Status Updated to Rejected"


def test_a_rejected_booking_is_deleted_without_a_change(at_desk, ana, sam, body):
    path = f"{PATH}{at_desk(ana).post(PATH, body()).json()['id']}/"
    at_desk(sam).patch(path, {"status": "rejected"})
    for person in (ana, sam):
        assert at_desk(person).delete(path).status_code == 204
        assert at_desk(person).get(path).json()["status"] == "rejected"


def test_without_an_address_for_the_desk_only_the_owner_is_written_to(
    at_desk, ana, body, mailbox, settings
):
    settings.ADMIN_EMAIL = ""
    at_desk(ana).post(PATH, body())
    assert [m.subject for m in mailbox()] == ["Booking Confirmation"]


def test_a_request_that_has_lapsed_is_cancelled_before_its_sweep(at_desk, ana, made):
    booking = made(ana)
    Booking.objects.filter(pk=booking.pk).update(lapses_at=Now())
    path = f"{PATH}{booking.pk}/"
    assert at_desk(ana).get(path).json()["status"] == "cancelled"
    assert at_desk(ana).delete(path).status_code == 204


def test_the_email_of_a_request_that_lapsed_says_cancelled(ana, made, mailbox):
    booking = made(ana)
    mailbox()
    Booking.objects.filter(pk=booking.pk).update(lapses_at=Now())
    sweep(BOOKING.lapse, "lapse_requests")
    (message,) = mailbox()
    assert message.subject == "Booking Status Updated to Cancelled"
    assert "updated to cancelled" in message.body


def test_a_booking_keeps_a_resource_that_was_deleted(at_desk, ana, sam, made, room):
    booking = made(ana)
    path = f"{PATH}{booking.pk}/"
    resources.retire_resources([room.pk], sam)
    shown = at_desk(ana).get(path).json()
    assert at_desk(ana).put(path, shown).status_code == 200
    other = Resource.objects.create(venue=room.venue, name="Old", retired_at=Now())
    assert at_desk(ana).put(path, shown | {"resource": other.pk}).status_code == 400
