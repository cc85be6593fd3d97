"""README, "V1 Endpoint Summary" 3.2 to 3.5: the reservation lifecycle and check-in."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now

from api.lifecycle import Status
from api.models import Booking, BookingEvent, Delivery
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking, check_in_booking, end_booking
from api.services.bookings.sweeps import sweep

pytestmark = pytest.mark.django_db
API = "/circletime/api"
TAKEN = "Room is already booked for the requested time slot."


def asked(room, start, length=60, **more):
    return {
        "roomId": str(room.pk),
        "title": "Standup",
        "startTime": start.isoformat(),
        "endTime": (start + timedelta(minutes=length)).isoformat(),
    } | more


def test_a_booking_is_confirmed_at_once(as_, ana, ben, room, soon, z):
    body = asked(room, soon, description="Daily", attendeeIds=[str(ben.pk)])
    answer = as_(ana).post(f"{API}/bookings", body)
    made = Booking.objects.get()
    assert (answer.status_code, answer.json()) == (
        201,
        {
            "success": True,
            "data": {
                "id": str(made.pk),
                "roomId": str(room.pk),
                "roomName": "Aquarium",
                "title": "Standup",
                "description": "Daily",
                "organizer": {
                    "id": str(ana.pk),
                    "name": "Ana Example",
                    "email": "ana@example.com",
                },
                "attendees": [
                    {"id": str(ben.pk), "name": "Ben Example", "email": "ben@example.com"}
                ],
                "startTime": z(soon),
                "endTime": z(soon + timedelta(hours=1)),
                "status": "confirmed",
                "checkedIn": False,
                "checkedInAt": None,
            },
        },
    )
    assert (made.contract, made.guests) == ("circletime", 2)
    assert made.no_show_at == soon + timedelta(minutes=15)
    assert made.check_in_opens_at == soon - timedelta(minutes=15)
    assert made.check_in_closes_at == soon + timedelta(minutes=15)


def test_an_overlap_is_a_conflict_and_changes_nothing(as_, ana, ben, room, soon):
    assert as_(ana).post(f"{API}/bookings/", asked(room, soon)).status_code == 201
    answer = as_(ben).post(f"{API}/bookings/", asked(room, soon + timedelta(minutes=59)))
    assert (answer.status_code, answer.json()) == (
        409,
        {"success": False, "message": TAKEN, "code": "conflict"},
    )
    assert Booking.objects.count() == 1
    after = asked(room, soon + timedelta(minutes=60))
    assert as_(ben).post(f"{API}/bookings/", after).status_code == 201


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"title": None}, "title: This field may not be null."),
        ({"title": ""}, "title: This field may not be blank."),
        ({"title": "x" * 256}, "title: Ensure this field has no more than 255 characters."),
        ({"title": "a\0b"}, "title: Null characters are not allowed."),
        ({"title": 7}, "title: Not a valid string."),
        ({"startTime": "soon"}, "startTime: "),
        ({"startTime": 1.5e300}, "startTime: "),
        ({"attendeeIds": "1"}, "attendeeIds: "),
        ({"attendeeIds": ["999999"]}, "attendeeIds: Unknown person: 999999."),
        ({"attendeeIds": ["me"]}, "attendeeIds: Unknown person: me."),
        ({"attendeeIds": [str(2**70)]}, f"attendeeIds: Unknown person: {2**70}."),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_booked(as_, ana, room, soon, change, sentence):
    answer = as_(ana).post(f"{API}/bookings", asked(room, soon) | change)
    body = answer.json()
    assert (answer.status_code, body["code"], body["success"]) == (400, "validation_error", False)
    assert body["message"] == "Missing or invalid fields"
    assert body["errors"][0].startswith(sentence), body
    assert not Booking.objects.exists()


@pytest.mark.parametrize("field", ["roomId", "title", "startTime", "endTime"])
def test_a_missing_field_is_named(as_, ana, room, soon, field):
    body = asked(room, soon)
    del body[field]
    answer = as_(ana).post(f"{API}/bookings", body)
    assert (answer.status_code, answer.json()["errors"]) == (
        400,
        [f"{field}: This field is required."],
    )


@pytest.mark.parametrize("length", [0, -30])
def test_an_end_that_is_not_after_the_start_is_a_mistake(as_, ana, room, soon, length):
    answer = as_(ana).post(f"{API}/bookings", asked(room, soon, length))
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "success": False,
            "message": "endTime must be after startTime",
            "code": "validation_error",
        },
    )
    assert not Booking.objects.exists()


@pytest.mark.parametrize("year", ["0001", "1800", "9999"])
def test_absurd_times_are_mistakes(as_, ana, room, soon, year):
    times = {"startTime": f"{year}-01-01T00:00:00Z", "endTime": f"{year}-12-31T23:59:59+14:00"}
    answer = as_(ana).post(f"{API}/bookings", asked(room, soon) | times)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


@pytest.mark.parametrize("which", ["999999", "abc", str(2**70)])
def test_an_unknown_room_cannot_be_booked(as_, ana, room, soon, which):
    answer = as_(ana).post(f"{API}/bookings", asked(room, soon) | {"roomId": which})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_room_in_maintenance_is_a_conflict(as_, ana, room, soon):
    room.maintenance = True
    room.save()
    answer = as_(ana).post(f"{API}/bookings", asked(room, soon))
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize("body", ["[]", '"x"', "null", "{", "", '{"title": "\\ud800"}'])
def test_a_body_that_is_no_object_is_a_mistake(as_, ana, body):
    answer = as_(ana).post(f"{API}/bookings", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


def test_more_people_than_places_is_counted_not_refused(as_, ana, person, room, soon):
    crowd = [str(person(f"p{number}").pk) for number in range(9)]
    answer = as_(ana).post(f"{API}/bookings", asked(room, soon, attendeeIds=crowd))
    assert answer.status_code == 201
    assert Booking.objects.get().guests == 10


# 3.3 cancel


@pytest.mark.parametrize(("who", "status"), [("ana", 200), ("ben", 403), ("sam", 200), (None, 401)])
def test_the_organizer_and_admins_cancel(as_, request, ana, met, who, status):
    booking = met(ana, 120)
    user = request.getfixturevalue(who) if who else None
    answer = as_(user).delete(f"{API}/bookings/{booking.pk}")
    booking.refresh_from_db()
    assert answer.status_code == status
    if status == 200:
        assert answer.json() == {"success": True, "data": {"cancelled": True}}
        assert booking.status == Status.CANCELLED
    else:
        code = {401: "unauthorized", 403: "forbidden"}[status]
        assert answer.json()["code"] == code
        assert booking.status == Status.CONFIRMED


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.COMPLETED, Status.NO_SHOW])
def test_what_is_over_cannot_be_cancelled(as_, ana, met, status):
    booking = met(ana, 120)
    Booking.objects.filter(pk=booking.pk).update(status=status)
    answer = as_(ana).delete(f"{API}/bookings/{booking.pk}/")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert Booking.objects.get().status == status


@pytest.mark.parametrize("which", ["999999", "abc"])
def test_an_unknown_booking_is_not_found(as_, ana, room, which):
    client = as_(ana)
    for answer in (
        client.delete(f"{API}/bookings/{which}"),
        client.post(f"{API}/bookings/{which}/checkin"),
        client.post(f"{API}/bookings/{which}/end"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# 3.4 check in


@pytest.mark.parametrize("who", ["ana", "ben", "sam"])
def test_anyone_signed_in_checks_in_once(as_, request, ana, met, z, who):
    booking = met(ana, 10)
    client = as_(request.getfixturevalue(who))
    answer = client.post(f"{API}/bookings/{booking.pk}/checkin")
    booking.refresh_from_db()
    assert (answer.status_code, answer.json()) == (
        200,
        {"success": True, "data": {"checkedIn": True, "checkedInAt": z(booking.checked_in_at)}},
    )
    assert booking.status == Status.CHECKED_IN
    again = client.post(f"{API}/bookings/{booking.pk}/checkin")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    event = BookingEvent.objects.get(verb="check_in")
    assert event.actor == request.getfixturevalue(who)


def test_nobody_does_not_check_in(as_, ana, met):
    booking = met(ana, 10)
    assert as_(None).post(f"{API}/bookings/{booking.pk}/checkin").status_code == 401
    booking.refresh_from_db()
    assert booking.status == Status.CONFIRMED


def test_before_its_window_check_in_is_a_conflict(as_, ana, met):
    booking = met(ana, 16)
    answer = as_(ana).post(f"{API}/bookings/{booking.pk}/checkin")
    assert (answer.status_code, answer.json()) == (
        409,
        {
            "success": False,
            "message": "Check-in is not open for this booking now.",
            "code": "conflict",
        },
    )


def test_after_its_window_check_in_is_a_conflict_before_any_sweep_has_run(as_, ana, met):
    booking = met(ana, -5)
    Booking.objects.filter(pk=booking.pk).update(check_in_closes_at=Now(), no_show_at=Now())
    answer = as_(ana).post(f"{API}/bookings/{booking.pk}/checkin")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    booking.refresh_from_db()
    assert (booking.status, booking.checked_in_at) == (Status.CONFIRMED, None)


# 3.5 end early


def test_an_early_end_frees_the_rest_and_says_how_many_minutes(as_, ana, ben, room, met, now, z):
    booking = met(ana, 0, 60)
    check_in_booking(booking.pk, Actor.for_booking(ana, booking))
    answer = as_(ben).post(f"{API}/bookings/{booking.pk}/end")
    assert (answer.status_code, answer.json()) == (
        200,
        {"success": True, "data": {"ended": True, "freedMinutes": 59}},
    )
    booking.refresh_from_db()
    assert booking.status == Status.COMPLETED
    listed = as_(ana).get(f"{API}/rooms/{room.pk}/bookings?date={now.date()}").json()["data"]
    assert (listed[0]["status"], listed[0]["endTime"]) == ("completed", z(booking.ended_at))
    rest = asked(room, booking.ended_at, 30)
    assert as_(ben).post(f"{API}/bookings", rest).status_code == 201


@pytest.mark.parametrize("before", ["confirmed", "ended", "cancelled", "over"])
def test_what_is_not_active_cannot_be_ended(as_, ana, met, before):
    booking = met(ana, 0)
    actor = Actor.in_venue(ana, booking.venue_id)
    if before in ("ended", "over"):
        check_in_booking(booking.pk, actor)
    if before == "ended":
        end_booking(booking.pk, actor)
    if before == "over":
        hour = timedelta(hours=1)
        Booking.objects.filter(pk=booking.pk).update(starts_at=Now() - hour, ends_at=Now())
    if before == "cancelled":
        cancel_booking(booking.pk, Actor.for_booking(ana, booking))
    status = Booking.objects.get().status
    answer = as_(ana).post(f"{API}/bookings/{booking.pk}/end")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert Booking.objects.get().status == status


# the statuses, and the emails of the TODO table


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("held", "pending"),
        ("pending", "pending"),
        ("confirmed", "confirmed"),
        ("checked_in", "confirmed"),
        ("completed", "completed"),
        ("cancelled", "cancelled"),
        ("rejected", "cancelled"),
        ("expired", "cancelled"),
        ("no_show", "no_show"),
    ],
)
def test_every_status_has_a_word_here(status, word):
    from api.contracts.circletime.serializers import STATUS_LABELS

    assert STATUS_LABELS[Status(status)] == word
    assert set(STATUS_LABELS) == set(Status)


def test_the_organizer_is_written_to_at_every_turn(as_, ana, met):
    from api.lifecycle import BOOKING
    from api.services.messages import mailer, reminders

    client = as_(ana)
    missed = met(ana, 10, 30, title="Standup")
    reminders.queue_due()
    Booking.objects.filter(pk=missed.pk).update(no_show_at=Now())
    sweep(BOOKING.release, "release_no_shows")
    ended = met(ana, 60, 30, title="Review")
    Booking.objects.filter(pk=ended.pk).update(check_in_opens_at=Now())
    client.post(f"{API}/bookings/{ended.pk}/checkin")
    client.post(f"{API}/bookings/{ended.pk}/end")
    called_off = met(ana, 120, 30, title="Retro")
    client.delete(f"{API}/bookings/{called_off.pk}")
    sent = []
    for row in Delivery.objects.order_by("id"):
        booking = Booking.objects.select_related("venue", "resource", "owner").get(
            pk=row.booking_id
        )
        if row.name == "reminder":
            booking.status = "confirmed"  # as it was when it was queued
        message = mailer.compose(row, booking)
        assert message.to == ["ana@example.com"]
        sent.append(message.subject)
    assert sent == [
        "Booking Confirmed: Standup",
        "Reminder: Check in to Standup",
        "Booking Released: Standup (No Check-in)",
        "Booking Confirmed: Review",
        "Meeting Ended Early: Review",
        "Booking Confirmed: Retro",
        "Booking Cancelled: Retro",
    ]


def test_a_meeting_ended_before_it_began_frees_all_that_was_left(as_, ana, room, met, z):
    booking = met(ana, 10, 60)
    check_in_booking(booking.pk, Actor.for_booking(ana, booking))
    answer = as_(ana).post(f"{API}/bookings/{booking.pk}/end")
    assert answer.json()["data"] == {"ended": True, "freedMinutes": 69}


def test_a_status_is_read_as_the_clock_has_made_it_before_its_sweep(as_, ana, room, met, now):
    booking = met(ana, 0)
    Booking.objects.filter(pk=booking.pk).update(no_show_at=Now(), check_in_closes_at=Now())
    path = f"{API}/rooms/{room.pk}/bookings?date={now.date()}"
    assert as_(ana).get(path).json()["data"][0]["status"] == "no_show"


def test_years_ahead_may_be_booked(as_, ana, room):
    far = datetime(2199, 6, 1, 10, tzinfo=UTC)
    assert as_(ana).post(f"{API}/bookings", asked(room, far, 30)).status_code == 201


@pytest.mark.parametrize("on", ["20301201", "2030-W49-2", "2030-1-5"])
def test_a_date_is_written_in_one_way(as_, ana, room, on):
    assert as_(ana).get(f"{API}/rooms/{room.pk}/bookings?date={on}").status_code == 400
