"""README, "Calendar and settings", its settings, and "Primetime management (admin)"."""

import pytest

from api.models import PrimetimeWindow, Venue

pytestmark = pytest.mark.django_db
PATH = "/reservations/admin/settings/"
DEFAULTS = {
    "business_start_time": "07:00:00",
    "business_end_time": "19:00:00",
    "slot_duration_minutes": 60,
    "max_advance_booking_days": 30,
    "allow_same_day_booking": True,
    "admin_email": "",
    "send_confirmation_emails": True,
}


def test_settings_begin_with_their_defaults(call, db, ada):
    assert call(ada)("GET", PATH) == (200, DEFAULTS)


def test_an_admin_changes_settings_and_our_own_api_sees_the_same(call, client_of, site, ada):
    sent = {
        "business_start_time": "08:00:00",
        "business_end_time": "20:00:00",
        "slot_duration_minutes": 30,
        "send_confirmation_emails": False,
    }
    assert call(ada)("PUT", PATH, sent) == (200, DEFAULTS | sent)
    more = {
        "max_advance_booking_days": None,
        "allow_same_day_booking": False,
        "admin_email": "court@example.com",
    }
    assert call(ada)("PUT", PATH, more) == (200, DEFAULTS | sent | more)
    ours = client_of(ada).get("/api/v1/venues/primetime/").json()
    assert (ours["opens_at"], ours["closes_at"]) == ("08:00:00", "20:00:00")
    assert (ours["slot_length"], ours["max_advance"]) == ("00:30:00", None)
    assert (ours["same_day_allowed"], ours["send_confirmation_emails"]) == (False, False)
    client_of(ada).patch("/api/v1/venues/primetime/", {"max_advance": "240:00:00"})
    assert call(ada)("GET", PATH)[1]["max_advance_booking_days"] == 10


TIME = "Time has wrong format. Use one of these formats instead: hh:mm[:ss[.uuuuuu]]."


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"business_start_time": "7"}, {"business_start_time": [TIME]}),
        (
            {"business_end_time": "06:00"},
            {"non_field_errors": ["The end must be after the start."]},
        ),
        (
            {"slot_duration_minutes": 0},
            {"slot_duration_minutes": ["Ensure this value is greater than or equal to 1."]},
        ),
        (
            {"slot_duration_minutes": 1441},
            {"slot_duration_minutes": ["Ensure this value is less than or equal to 1440."]},
        ),
        (
            {"max_advance_booking_days": -1},
            {"max_advance_booking_days": ["Ensure this value is greater than or equal to 0."]},
        ),
        ({"admin_email": "nobody"}, {"admin_email": ["Enter a valid email address."]}),
        (
            {"send_confirmation_emails": "perhaps"},
            {"send_confirmation_emails": ["Must be a valid boolean."]},
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(call, site, ada, sent, said):
    assert call(ada)("PUT", PATH, sent) == (400, said)
    assert call(ada)("GET", PATH) == (200, DEFAULTS)


def test_only_admins_see_and_change_settings(call, site, ana, sam):
    for method, sent in (("GET", None), ("PUT", {"slot_duration_minutes": 30})):
        assert call(None)(method, PATH, sent) == (401, None)
        for user in (ana, sam):
            assert call(user)(method, PATH, sent) == (403, None)
    assert Venue.objects.get().slot_length.seconds == 3600


WINDOWS = "/reservations/admin/primetime/"


def window(row, **other):
    return {
        "id": row.pk,
        "weekday": 0,
        "weekday_display": "Monday",
        "start_time": "17:00:00",
        "end_time": "19:00:00",
        "is_active": True,
        **other,
    }


def test_windows_are_made_read_changed_and_dropped(call, db, sam):
    sent = {"weekday": 6, "start_time": "10:00:00", "end_time": "12:00:00", "is_active": False}
    status, made = call(sam)("POST", WINDOWS, sent)
    row = PrimetimeWindow.objects.get()
    expected = window(row, **sent, weekday_display="Sunday")
    assert (status, made) == (201, expected)
    assert call(sam)("GET", WINDOWS) == (200, [expected])
    path = f"{WINDOWS}{row.pk}/"
    assert call(sam)("GET", path) == (200, expected)
    changed = expected | {"is_active": True, "end_time": "13:00:00"}
    assert call(sam)("PUT", path, {"is_active": True, "end_time": "13:00"}) == (200, changed)
    assert call(sam)("DELETE", path) == (204, None)
    for method, body in (("GET", None), ("PUT", {}), ("DELETE", None)):
        assert call(sam)(method, path, body) == (404, None)
    assert call(sam)("GET", WINDOWS) == (200, [])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"weekday": 0}, {"weekday": ["This field must be unique."]}),
        ({"weekday": 7}, {"weekday": ["Ensure this value is less than or equal to 6."]}),
        ({"weekday": "Monday"}, {"weekday": ["A valid integer is required."]}),
        ({"start_time": "19:00"}, {"non_field_errors": ["The end must be after the start."]}),
        ({"end_time": "late"}, {"end_time": [TIME]}),
        ({"is_active": []}, {"is_active": ["Must be a valid boolean."]}),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(call, site, sam, changed, said):
    site.primetime.exclude(weekday=0).delete()
    sent = {"weekday": 1, "start_time": "17:00:00", "end_time": "19:00:00"} | changed
    assert call(sam)("POST", WINDOWS, sent) == (400, said)
    monday = site.primetime.get()
    assert call(sam)("GET", WINDOWS) == (200, [window(monday)])


def test_a_window_is_not_moved_onto_another_and_keeps_its_order(call, site, sam):
    site.primetime.exclude(weekday__in=(0, 1)).delete()
    monday, tuesday = site.primetime.order_by("weekday")
    path = f"{WINDOWS}{tuesday.pk}/"
    said = {"weekday": ["This field must be unique."]}
    assert call(sam)("PUT", path, {"weekday": 0}) == (400, said)
    said = {"non_field_errors": ["The end must be after the start."]}
    assert call(sam)("PUT", path, {"end_time": "16:00:00"}) == (400, said)
    expected = [window(monday), window(tuesday, weekday=1, weekday_display="Tuesday")]
    assert call(sam)("GET", WINDOWS) == (200, expected)


def test_only_admins_see_and_change_windows(call, site, ana):
    pk = site.primetime.first().pk
    sent = {"weekday": 1, "start_time": "17:00:00", "end_time": "19:00:00"}
    for method, path, body in (
        ("GET", WINDOWS, None),
        ("POST", WINDOWS, sent),
        ("GET", f"{WINDOWS}{pk}/", None),
        ("PUT", f"{WINDOWS}{pk}/", {"is_active": False}),
        ("DELETE", f"{WINDOWS}{pk}/", None),
    ):
        assert call(None)(method, path, body) == (401, None)
        assert call(ana)(method, path, body) == (403, None)
    assert site.primetime.filter(is_active=True).count() == 7
