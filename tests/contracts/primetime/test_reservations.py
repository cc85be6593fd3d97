"""README, "API Endpoints", "Reservations"."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db.models.functions import Now

from api.models import Booking, Venue
from api.services.actors import Actor
from api.services.bookings.actions import cancel_booking

from .conftest import PENDING

pytestmark = pytest.mark.django_db


def whole(text):
    return {"non_field_errors": [text]}


def body(on, start="10:00:00", end="11:00:00", **more):
    return {"date": on.isoformat(), "start_time": start, "end_time": end, **more}


def test_outside_primetime_a_reservation_is_confirmed(call, site, ana, on, shape):
    sent = body(on, notes="Bring balls", booking_name="Practice")
    status, made = call(ana)("POST", "/reservations/", sent)
    booking = Booking.objects.get()
    assert (status, made) == (201, shape(booking, notes="Bring balls", booking_name="Practice"))
    assert (booking.owner, booking.contract) == (ana, "primetime")


@pytest.mark.parametrize(
    ("start", "end"), [("17:00:00", "18:00:00"), ("16:30:00", "17:30:00"), ("16:00", "19:00")]
)
def test_touching_primetime_a_reservation_waits_for_approval(
    call, site, ana, on, shape, start, end
):
    status, made = call(ana)("POST", "/reservations/", body(on, start, end))
    assert (status, made) == (201, shape(Booking.objects.get(), **PENDING))


def test_where_the_venue_prefers_only_a_slot_wholly_inside_is_primetime(call, site, ana, on):
    Venue.objects.update(primetime_any_overlap=False)
    made = call(ana)("POST", "/reservations/", body(on, "16:30:00", "17:30:00"))[1]
    assert (made["status"], made["reservation_type"]) == ("CONFIRMED", "FREE_FOR_ALL")
    made = call(ana)("POST", "/reservations/", body(on, "17:30:00", "18:30:00"))[1]
    assert (made["status"], made["reservation_type"]) == ("PENDING", "PRIMETIME")


def test_times_are_the_wall_times_of_the_venue(call, site, ana, on):
    Venue.objects.update(time_zone="Asia/Manila")
    made = call(ana)("POST", "/reservations/", body(on, "10:00:00", "11:30:00"))[1]
    assert (made["start_time"], made["end_time"]) == ("10:00:00", "11:30:00")
    assert Booking.objects.get().starts_at == datetime.combine(on, time(2), UTC)


def test_a_taken_slot_is_refused_and_one_that_was_cancelled_is_free_again(call, take, ana, ben, on):
    mine = take(ana)
    said = whole("The slot is already booked.")
    assert call(ben)("POST", "/reservations/", body(on, "10:30:00", "11:30:00")) == (400, said)
    assert Booking.objects.count() == 1
    assert call(ana)("DELETE", f"/reservations/{mine.pk}/") == (204, None)
    assert call(ben)("POST", "/reservations/", body(on))[0] == 201


DATE = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
TIME = "Time has wrong format. Use one of these formats instead: hh:mm[:ss[.uuuuuu]]."
REQUIRED = ["This field is required."]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"date": "2030-02-30"}, {"date": [DATE]}),
        ({"date": "0001-01-01"}, {"date": ["That is not a date anyone can book."]}),
        ({"date": "9999-12-31"}, {"date": ["That is not a date anyone can book."]}),
        ({"date": 5}, {"date": [DATE]}),
        ({"start_time": "25:00"}, {"start_time": [TIME]}),
        ({"end_time": ["11:00"]}, {"end_time": [TIME]}),
        ({"date": None}, {"date": ["This field may not be null."]}),
        ({"end_time": "10:00:00"}, whole("The end must be after the start.")),
        ({"end_time": "09:00:00"}, whole("The end must be after the start.")),
        ({"end_time": "19:30:00"}, whole("That is outside the opening hours.")),
        ({"start_time": "06:30:00"}, whole("That is outside the opening hours.")),
        ({"date": "2020-01-06"}, whole("The time is already past.")),
        ({"notes": "a\0b"}, {"notes": ["Null characters are not allowed."]}),
        ({"notes": ["a"]}, {"notes": ["Not a valid string."]}),
        (
            {"booking_name": "x" * 256},
            {"booking_name": ["Ensure this field has no more than 255 characters."]},
        ),
    ],
)
def test_a_malformed_reservation_is_refused_and_nothing_is_booked(
    call, site, ana, on, changed, said
):
    sent = body(on) | changed
    assert call(ana)("POST", "/reservations/", sent) == (400, said)
    assert not Booking.objects.exists()


@pytest.mark.parametrize("sent", [[], [1], "text", None, 7])
def test_a_body_that_is_no_object_is_refused(call, site, ana, sent):
    client = call(ana).client
    for path in ("/reservations/", "/reservations/trades/"):
        response = client.post(f"/primetime/api{path}", sent, format="json")
        assert response.status_code == 400
    assert not Booking.objects.exists()


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b'{"date": NaN}', b'{"notes": "\\ud800"}'])
def test_a_body_that_is_no_json_is_refused(call, site, ana, raw):
    response = call(ana).client.post(
        "/primetime/api/reservations/", raw, content_type="application/json"
    )
    said = {"non_field_errors": ["The body is not valid JSON."]}
    assert (response.status_code, response.json()) == (400, said)


def test_yesterday_and_the_day_after_the_last_are_refused(call, site, ana):
    today = datetime.now(UTC).date()
    sent = body(today - timedelta(days=1))
    said = whole("The time is already past.")
    assert call(ana)("POST", "/reservations/", sent) == (400, said)
    sent = body(today + timedelta(days=31))
    said = whole("Bookings are not taken that far ahead.")
    assert call(ana)("POST", "/reservations/", sent) == (400, said)
    assert call(ana)("POST", "/reservations/", body(today + timedelta(days=30)))[0] == 201


def test_a_list_holds_ones_own_newest_first_and_everybodys_for_admins(
    call, take, ana, ben, sam, shape
):
    mine, theirs, later = take(ana, 12), take(ben, 10), take(ana, 8)
    assert call(None)("GET", "/reservations/") == (401, None)
    assert call(ana)("GET", "/reservations/") == (200, [shape(later), shape(mine)])
    everything = [shape(later), shape(theirs), shape(mine)]
    assert call(sam)("GET", "/reservations/") == (200, everything)


def test_a_list_is_filtered_by_date_status_and_for_admins_by_address(call, take, ana, ben, sam, on):
    mine, theirs, next_day = take(ana), take(ben, 17), take(ana, days=1)
    cancel_booking(next_day.pk, Actor.for_booking(ana, next_day))

    def found(user, query):
        status, rows = call(user)("GET", f"/reservations/?{query}")
        assert status == 200
        return [row["id"] for row in rows]

    assert found(sam, f"date={on}") == [theirs.pk, mine.pk]
    assert found(sam, "status=PENDING") == [theirs.pk]
    assert found(sam, "status=CANCELLED") == [next_day.pk]
    assert found(sam, "status=&date=&user=") == [next_day.pk, theirs.pk, mine.pk]
    assert found(sam, "user=BEN@") == [theirs.pk]
    assert found(ana, "user=ben@") == [next_day.pk, mine.pk]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("date=yesterday", {"date": [DATE]}),
        ("status=LOST", {"status": ['"LOST" is not a valid choice.']}),
        ("user=%00", {"user": ["Null characters are not allowed."]}),
    ],
)
def test_a_malformed_filter_is_refused(call, site, sam, query, said):
    assert call(sam)("GET", f"/reservations/?{query}") == (400, said)


def test_a_list_costs_the_same_however_long_it_is(
    call, take, ana, sam, django_assert_max_num_queries
):
    for n in range(10):
        take(ana, 7 + n)
    with django_assert_max_num_queries(5):
        assert len(call(sam)("GET", "/reservations/")[1]) == 10


def test_a_reservation_is_read_by_its_owner_and_by_admins(call, take, booked, ana, ben, sam, shape):
    mine, elsewhere = take(ana), booked(ana)
    path = f"/reservations/{mine.pk}/"
    assert call(None)("GET", path) == (401, None)
    assert call(ben)("GET", path) == (403, None)
    for user in (ana, sam):
        assert call(user)("GET", path) == (200, shape(mine))
    for pk in (elsewhere.pk, 2**62, 2**70):
        assert call(sam)("GET", f"/reservations/{pk}/") == (404, None)


def test_an_edit_takes_any_of_the_fields_and_keeps_the_others(call, take, ana, shape, on):
    mine = take(ana, title="Practice")
    path = f"/reservations/{mine.pk}/"
    assert call(ana)("PUT", path, {"notes": "Bring balls"})[1]["notes"] == "Bring balls"
    moved = call(ana)("PUT", path, {"end_time": "12:00:00"})[1]
    assert (moved["start_time"], moved["end_time"]) == ("10:00:00", "12:00:00")
    day = (on + timedelta(days=1)).isoformat()
    status, moved = call(ana)("PUT", path, {"date": day})
    expected = shape(mine, booking_name="Practice", notes="Bring balls")
    assert (status, moved) == (200, expected)
    assert (moved["date"], moved["start_time"], moved["end_time"]) == (day, "10:00:00", "12:00:00")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"end_time": "09:00:00"}, whole("The end must be after the start.")),
        ({"start_time": "11:00:00"}, whole("The end must be after the start.")),
        ({"start_time": "06:00:00"}, whole("That is outside the opening hours.")),
        ({"start_time": "noon"}, {"start_time": [TIME]}),
        ({"end_time": "13:00:00"}, whole("The slot is already booked.")),
        ({"date": "2020-01-06"}, whole("The time is already past.")),
        ({"date": None}, {"date": ["This field may not be null."]}),
    ],
)
def test_an_edit_meets_the_rules_again_and_changes_nothing_when_refused(
    call, take, ana, ben, shape, sent, said
):
    mine = take(ana)
    take(ben, 12)
    before = shape(mine)
    assert call(ana)("PUT", f"/reservations/{mine.pk}/", sent) == (400, said)
    assert shape(mine) == before


def test_moving_into_primetime_waits_for_approval_again(call, take, ana, shape):
    mine = take(ana)
    sent = {"start_time": "17:00:00", "end_time": "18:00:00"}
    status, moved = call(ana)("PUT", f"/reservations/{mine.pk}/", sent)
    assert (status, moved) == (200, shape(mine, **PENDING))


def test_strangers_edit_and_cancel_nothing_and_admins_may(call, take, ana, ben, sam, shape):
    mine = take(ana)
    path, before = f"/reservations/{mine.pk}/", shape(mine)
    assert call(ben)("PUT", path, {"notes": "mine"}) == (403, None)
    assert call(ben)("DELETE", path) == (403, None)
    assert call(None)("DELETE", path) == (401, None)
    assert call(ana)("DELETE", f"/reservations/{2**62}/") == (404, None)
    assert shape(mine) == before
    assert call(sam)("PUT", path, {"notes": "Court 2"})[0] == 200
    assert call(sam)("DELETE", path) == (204, None)
    mine.refresh_from_db()
    assert (mine.status, mine.notes) == ("cancelled", "Court 2")


def test_what_is_cancelled_or_past_can_neither_be_edited_nor_cancelled(call, take, ana, shape):
    mine, past = take(ana), take(ana, 12)
    cancel_booking(mine.pk, Actor.for_booking(ana, mine))
    day = timedelta(days=1)
    Booking.objects.filter(pk=past.pk).update(starts_at=Now() - 2 * day, ends_at=Now() - day)
    for booking in (mine, past):
        path = f"/reservations/{booking.pk}/"
        edited = {"error": "This reservation cannot be edited: it is past, or closed already."}
        assert call(ana)("PUT", path, {"notes": "late"}) == (400, edited)
        cancelled = {
            "error": "This reservation cannot be cancelled: it is past, or closed already."
        }
        assert call(ana)("DELETE", path) == (400, cancelled)
        assert call(ana)("GET", path)[1]["is_editable"] is False
        booking.refresh_from_db()
        assert booking.notes == ""


def test_what_the_clock_should_have_ended_reads_as_ended_before_its_sweep(call, take, ana):
    request, over = take(ana, 17), take(ana)
    Booking.objects.filter(pk=request.pk).update(lapses_at=Now())
    Booking.objects.filter(pk=over.pk).update(completes_at=Now())
    rows = call(ana)("GET", "/reservations/")[1]
    assert [row["status"] for row in rows] == ["COMPLETED", "CANCELLED"]
    assert [row["is_editable"] for row in rows] == [False, False]
    found = call(ana)("GET", "/reservations/?status=COMPLETED")[1]
    assert [row["id"] for row in found] == [over.pk]


def test_an_unknown_method_is_refused_in_the_contracts_words(call, site, ana):
    said = {"error": "This method is not allowed here."}
    assert call(ana)("DELETE", "/reservations/") == (405, said)
