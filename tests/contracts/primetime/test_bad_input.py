"""README, "Frontend error handling": whatever is sent, the answer is one of its statuses."""

import pytest

from api.models import Booking, BookingEvent, PrimetimeWindow, Trade, User, Venue
from api.services.bookings import trades

pytestmark = [pytest.mark.django_db, pytest.mark.odd_bodies]
ODD = (None, True, 7, -1, 2**64, 1.5, "", " ", "a\0b", "x" * 6000, [], [None], {}, {"a": {"b": []}})
FIELDS = {
    "/users/register/": ("email", "password", "first_name", "last_name", "username"),
    "/users/login/": ("email", "password"),
    "/users/{user}/": ("email", "password", "first_name", "role"),
    "/reservations/": ("date", "start_time", "end_time", "notes", "booking_name"),
    "/reservations/{booking}/": ("date", "start_time", "end_time", "notes", "booking_name"),
    "/reservations/{booking}/approve/": ("action", "rejection_reason"),
    "/reservations/admin/settings/": (
        "business_start_time",
        "business_end_time",
        "slot_duration_minutes",
        "max_advance_booking_days",
        "allow_same_day_booking",
        "admin_email",
        "send_confirmation_emails",
    ),
    "/reservations/admin/primetime/": ("weekday", "start_time", "end_time", "is_active"),
    "/reservations/trades/": (
        "requester_reservation_id",
        "target_reservation_id",
        "message",
    ),
    "/reservations/trades/{trade}/": ("action", "response_message"),
}
EDITS = ("/users/{user}/", "/reservations/{booking}/", "/reservations/admin/settings/")
TABLES = (Booking, BookingEvent, PrimetimeWindow, Trade, User, Venue)


def rows():
    kept = {"updated_at", "version"}  # an edit that is empty may count as one
    return [
        [{k: v for k, v in row.items() if k not in kept} for row in table.objects.values()]
        for table in TABLES
    ]


@pytest.fixture
def things(take, ana, ben):
    mine, theirs = take(ana), take(ben, 12)
    trade = trades.offer_trade(requester=ben, mine=theirs.pk, theirs=mine.pk)
    return {"user": ana.pk, "booking": mine.pk, "trade": trade.pk}


@pytest.mark.parametrize("path", FIELDS)
def test_a_body_of_the_wrong_shape_is_refused_and_changes_nothing(call, things, ana, ada, path):
    admin = "admin" in path or "approve" in path
    method = "PUT" if path in EDITS else "POST"
    client, before = call(ada if admin else ana).client, rows()
    for body in (None, True, 7, "text", [], [{}], [1]):
        response = getattr(client, method.lower())(
            "/primetime/api" + path.format(**things), body, format="json"
        )
        empty_edit = body is None and path in EDITS
        assert response.status_code == 400 or empty_edit, (body, response.content)
    assert rows() == before


@pytest.mark.parametrize("path", FIELDS)
def test_no_value_of_any_field_breaks_a_door(call, things, ana, ada, on, path):
    """Some of these values are good; none may end in a failure of ours."""
    admin = "admin" in path or "approve" in path
    method = "PUT" if path in EDITS else "POST"
    good = {
        "email": "new@example.com",
        "password": "pass1234",
        "date": on.isoformat(),
        "start_time": "14:00:00",
        "end_time": "15:00:00",
        "weekday": 3,
        "action": "reject",
        "rejection_reason": "x",
        "requester_reservation_id": things["booking"],
        "target_reservation_id": things["booking"],
    }
    for field in FIELDS[path]:
        for odd in ODD:
            sent = {name: good[name] for name in FIELDS[path] if name in good} | {field: odd}
            status, _ = call(ada if admin else ana)(method, path.format(**things), sent)
            assert 200 <= status < 500, (field, odd, status)


@pytest.mark.parametrize("pk", [0, 2**31, 2**63, 2**200])
def test_an_id_that_nothing_has_is_not_found(call, site, ada, pk):
    for path in (
        f"/users/{pk}/",
        f"/reservations/{pk}/",
        f"/reservations/trades/{pk}/",
        f"/reservations/admin/primetime/{pk}/",
    ):
        assert call(ada)("GET", path)[0] == 404
