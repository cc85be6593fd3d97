"""Bad input at every path that reads a body: a 4xx problem with a code that names the matter,
nothing written, never a 5xx."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from api.models import Booking, Closure, PrimetimeWindow

pytestmark = pytest.mark.django_db

API = "/api/v1/"
HOUR = timedelta(hours=1)


@pytest.fixture
def rows(venue, court, booked, ana):
    window = PrimetimeWindow.objects.create(
        venue=venue, weekday=0, starts_at="17:00", ends_at="20:00"
    )
    closure = Closure.objects.create(venue=venue, first_on="2031-01-01", last_on="2031-01-01")
    return {
        "window": window.pk,
        "closure": closure.pk,
        "court": court.pk,
        "booking": booked(ana).pk,
        "ana": ana.pk,
    }


WRITES = [
    ("POST", "auth/register/"),
    ("POST", "auth/login/"),
    ("POST", "auth/refresh/"),
    ("POST", "auth/logout/"),
    ("PATCH", "auth/me/"),
    ("POST", "auth/password/"),
    ("POST", "auth/password/reset/"),
    ("POST", "auth/password/reset/confirm/"),
    ("PATCH", "users/{ana}/"),
    ("POST", "venues/"),
    ("PATCH", "venues/club/"),
    ("POST", "venues/club/primetime/"),
    ("PATCH", "venues/club/primetime/{window}/"),
    ("POST", "venues/club/closures/"),
    ("PATCH", "venues/club/closures/{closure}/"),
    ("POST", "resources/"),
    ("PATCH", "resources/{court}/"),
    ("POST", "bookings/"),
    ("PATCH", "bookings/{booking}/"),
    ("POST", "bookings/approve/"),
    ("POST", "bookings/reject/"),
    ("POST", "bookings/{booking}/approve/"),
    ("POST", "bookings/{booking}/reject/"),
    ("POST", "bookings/{booking}/cancel/"),
    ("POST", "bookings/{booking}/check-in/"),
    ("POST", "bookings/{booking}/end/"),
]
BROKEN = {
    "not JSON": b"{",
    "half a string": b'{"a": "',
    "trailing garbage": b"{} x",
    "two documents": b"{}{}",
    "single quotes": b"{'a': 1}",
    "NaN": b'{"a": NaN}',
    "infinity": b'{"a": Infinity}',
    "a lone surrogate": b'{"a": "\\ud800"}',
    "a NUL outside": b'{"a"\0: 1}',
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "bottomless": b"[" * 100_000,
    "only blanks": b"   ",
}
NO_OBJECT = {
    "null": b"null",
    "a list": b"[]",
    "a string": b'"x"',
    "a number": b"5",
    "true": b"true",
}


def everything():
    """Every row of the tables that a request could write."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
            found.append((table, cursor.fetchall()))
    return found


def refused(answer, *statuses):
    assert answer.status_code in statuses, (answer.status_code, answer.content[:500])
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "code", "detail"} <= body.keys()
    assert body["status"] == answer.status_code
    return body


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_what_is_no_json_is_malformed_and_writes_nothing(client_of, ada, rows, method, path):
    client, before = client_of(ada), everything()
    for name, raw in BROKEN.items():
        answer = client.generic(method, API + path.format(**rows), raw, "application/json")
        assert refused(answer, 400)["code"] == "malformed", name
    assert everything() == before


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_what_is_no_object_is_invalid_and_writes_nothing(client_of, ada, rows, method, path):
    client, before = client_of(ada), everything()
    for name, raw in NO_OBJECT.items():
        answer = client.generic(method, API + path.format(**rows), raw, "application/json")
        assert refused(answer, 400)["code"] == "invalid", name
    assert everything() == before


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_another_content_type_is_refused(client_of, ada, rows, method, path):
    client, before = client_of(ada), everything()
    for kind in ("text/plain", "application/x-www-form-urlencoded",
                 "multipart/form-data; boundary=x", "application/xml", "nonsense"):  # fmt: skip
        answer = client.generic(method, API + path.format(**rows), b"a=1", kind)
        assert refused(answer, 415)["code"] == "unsupported_media_type", kind
    assert everything() == before


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
def test_a_body_of_ten_megabytes_is_too_large(client_of, ada, rows, method, path, headers):
    client, before = client_of(ada), everything()
    raw = b'{"title": "' + b"x" * 10_000_000 + b'"}'
    answer = client.generic(
        method, API + path.format(**rows), raw, "application/json", headers=headers
    )
    assert refused(answer, 413)["code"] == "too_large"
    assert everything() == before


WRONG = [None, True, 1, 1.5, -1, 10**30, 1e300, "x", "", "\0", "a\0b", [], [1], [[]], {}, {"a": 1}]
FIELDS = {
    "auth/register/": ["email", "password", "username", "name", "first_name", "phone"],
    "auth/login/": ["email", "password"],
    "auth/refresh/": ["refresh"],
    "auth/password/": ["current_password", "new_password"],
    "auth/password/reset/": ["email"],
    "auth/password/reset/confirm/": ["uid", "token", "new_password"],
    "bookings/": ["resource", "starts_at", "ends_at", "title", "notes", "guests", "attendees"],
    "guests/bookings/": ["resource", "starts_at", "ends_at", "title", "guests", "name", "email"],
    "bookings/approve/": ["ids"],
    "bookings/reject/": ["ids", "reason"],
    "resources/": ["venue", "name", "floor", "capacity", "amenities", "is_available", "opens_at",
                   "own_slot_length", "price_minor", "image_url"],
    "venues/": ["slug", "name", "time_zone", "currency", "opens_at", "closed_weekdays", "approval",
                "slot_length", "min_notice", "max_advance", "max_open_holds", "admin_email",
                "late_refund_percent", "check_in_required", "max_bookings_ahead",
                "max_hours_a_week", "no_shows_before_pause", "pause_length"],
    "venues/club/primetime/": ["weekday", "starts_at", "ends_at", "is_active"],
    "venues/club/closures/": ["first_on", "last_on", "reason"],
}  # fmt: skip


def good(path, court, soon):
    """A body that would be taken."""
    start = soon + timedelta(days=1)
    return {
        "bookings/": {
            "resource": court.pk,
            "starts_at": start.isoformat(),
            "ends_at": (start + HOUR).isoformat(),
        },
        "guests/bookings/": {
            "resource": court.pk,
            "starts_at": start.isoformat(),
            "ends_at": (start + HOUR).isoformat(),
            "name": "Gus",
            "email": "gus@example.com",
        },
        "resources/": {"venue": "club", "name": "New"},
        "venues/": {"slug": "new", "name": "New"},
        "venues/club/primetime/": {"weekday": 3, "starts_at": "17:00", "ends_at": "18:00"},
        "venues/club/closures/": {"first_on": "2031-02-01", "last_on": "2031-02-01"},
        "bookings/approve/": {"ids": [1]},
        "bookings/reject/": {"ids": [1]},
        "auth/register/": {"email": "new@example.com", "password": "correct horse 9"},
    }.get(path, {})


@pytest.mark.parametrize(
    ("path", "field"), [(path, field) for path, fields in FIELDS.items() for field in fields]
)
def test_a_field_of_another_type_never_fails(client_of, ada, rows, court, soon, path, field):
    """Whatever is put into a field, the answer is a success or a problem, and a problem writes
    nothing. Types that JSON tells apart are not read as each other."""
    client = client_of(ada)
    for value in WRONG:
        before = everything()
        answer = client.post(API + path, good(path, court, soon) | {field: value})
        assert answer.status_code < 500, (value, answer.content)
        if answer.status_code >= 400:
            refused(answer, 400, 401, 404, 409)
            assert everything() == before or "login" in path
    strings = ("title", "notes", "name", "slug", "email", "password", "reason", "uid", "token")
    if field in strings:
        for value in (True, 1, [], {}):
            answer = client.post(API + path, good(path, court, soon) | {field: value})
            assert list(refused(answer, 400)["errors"]).count(field) == 1


def test_names_that_do_not_exist_are_refused_where_they_could_be_a_slip(client_of, ana, rows):
    answer = client_of(ana).patch(f"{API}bookings/{rows['booking']}/", {"start_at": "x"})
    assert refused(answer, 400)["errors"] == {"start_at": ["There is no such field."]}


# instants


@pytest.mark.parametrize(
    ("start", "end", "status", "code"),
    [
        ("{soon}", "{soon}", 400, "ends_before_start"),
        ("{soon+1}", "{soon}", 400, "ends_before_start"),
        ("2020-01-01T00:00:00Z", "2020-01-01T01:00:00Z", 400, "in_the_past"),
        ("{now-1}", "{soon}", 400, "in_the_past"),
        ("{soon+2000}", "{soon+2001}", 400, "too_far_ahead"),
        ("0001-01-01T00:00:00Z", "{soon}", 400, "absurd_time"),
        ("{soon}", "9999-12-31T23:59:59Z", 400, "absurd_time"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.5Z", 400, "absurd_time"),
        ("0001-01-01T00:00:00+14:00", "{soon}", 400, "invalid"),
        ("9999-12-31T23:59:59-14:00", "{soon}", 400, "invalid"),
        ("2030-01-01T00:00:00", "2030-01-01T01:00:00", 400, "invalid"),
        ("2030-01-01", "2030-01-02", 400, "invalid"),
        ("2030-02-30T00:00:00Z", "2030-03-01T00:00:00Z", 400, "invalid"),
        ("2030-01-01T25:00:00Z", "2030-01-02T00:00:00Z", 400, "invalid"),
        ("10000-01-01T00:00:00Z", "{soon}", 400, "invalid"),
        ("-2030-01-01T00:00:00Z", "{soon}", 400, "invalid"),
        ("tomorrow", "{soon}", 400, "invalid"),
        ("1893456000", "{soon}", 400, "invalid"),
        ("٢٠٣٠-01-01T00:00:00Z", "{soon}", 400, "invalid"),
        ("2030-01-01T00:00:00Z\0", "{soon}", 400, "invalid"),
        ("", "", 400, "invalid"),
    ],
)
@pytest.mark.parametrize("verb", ["book", "move"])
def test_times_nobody_books_are_refused(
    client_of, court, ana, rows, soon, start, end, status, code, verb
):
    now = datetime.now(UTC)
    words = {
        "{soon}": soon,
        "{soon+1}": soon + HOUR,
        "{now-1}": now - HOUR,
        "{soon+2000}": soon + 2000 * HOUR,
        "{soon+2001}": soon + 2001 * HOUR,
    }
    times = {
        "starts_at": words[start].isoformat() if start in words else start,
        "ends_at": words[end].isoformat() if end in words else end,
    }
    client, before = client_of(ana), everything()
    if verb == "book":
        answer = client.post(f"{API}bookings/", times | {"resource": court.pk})
    else:
        answer = client.patch(f"{API}bookings/{rows['booking']}/", times)
    assert refused(answer, status)["code"] == code
    assert everything() == before


# ids and paths


@pytest.mark.parametrize("pk", [0, 10**9, 2**31, 2**63 - 1, 2**63, 10**30, "9" * 300])
@pytest.mark.parametrize(
    "path",
    ["bookings/{}/", "bookings/{}/events/", "bookings/{}/cancel/", "resources/{}/", "users/{}/",
     "resources/{}/availability/?start=2030-01-01T00:00:00Z&end=2030-01-02T00:00:00Z",
     "venues/club/primetime/{}/", "venues/club/closures/{}/", "trades/{}/"],
)  # fmt: skip
def test_an_unknown_id_is_not_found(client_of, ada, venue, path, pk):
    client, url = client_of(ada), API + path.format(pk)
    answer = client.post(url, {}) if "cancel" in path else client.get(url)
    assert refused(answer, 404)["code"] == "not_found"
    if path.endswith("{}/") and "users" not in path and "trades" not in path:
        assert refused(client.patch(url, {}), 404)["code"] == "not_found"


@pytest.mark.parametrize("resource", [0, -1, 2**63, 10**30, 10**9])
def test_an_unknown_resource_is_refused(client_of, ana, court, soon, resource):
    body = {
        "resource": resource,
        "starts_at": soon.isoformat(),
        "ends_at": (soon + HOUR).isoformat(),
    }
    body = refused(client_of(ana).post(f"{API}bookings/", body), 400)
    assert body["code"] == ("unfit" if resource == 10**9 else "invalid")
    assert not Booking.objects.exists()


@pytest.mark.parametrize(
    "path",
    ["nothing/", "bookings", "bookings/x/", "bookings/-1/", "bookings/1.5/", "venues/%00/",
     "venues/%ED%A0%80/", "venues/%FF%FE/", "venues/a%20b/", "venues/..%2f/", "%00", "ünknown/",
     "bookings/%D9%A1/", "../../etc/passwd"],
)  # fmt: skip
def test_a_path_that_is_not_there_is_a_problem(client_of, ada, db, path):
    assert refused(client_of(ada).get(API + path), 404)["code"] == "not_found"


def test_somebody_elses_booking_is_as_unknown_as_none(client_of, ben, rows):
    client = client_of(ben)
    own = refused(client.get(f"{API}bookings/{rows['booking']}/"), 404)
    assert own == refused(client.get(f"{API}bookings/999999999/"), 404)


# methods


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "PROPFIND"])
def test_another_method_is_refused_with_those_that_are(client_of, ana, venue, method):
    answer = client_of(ana).generic(method, f"{API}bookings/")
    assert refused(answer, 405)["code"] == "method_not_allowed"
    assert answer["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_head_is_get_without_a_body_and_options_says_what_may_be_done(client_of, ana, venue):
    client = client_of(ana)
    head = client.head(f"{API}bookings/")
    assert (head.status_code, head.content) == (200, b"")
    options = client.options(f"{API}bookings/")
    assert (options.status_code, options["Allow"]) == (200, "GET, POST, HEAD, OPTIONS")
    refused(client_of().options(f"{API}bookings/"), 401)
    head = client_of().head(f"{API}bookings/")
    assert (head.status_code, head.content) == (401, b"")


def test_what_cannot_be_answered_as_asked_is_refused_in_json(client_of, ana, venue):
    answer = client_of(ana).get(f"{API}bookings/", headers={"Accept": "application/xml"})
    assert refused(answer, 406)["code"] == "not_acceptable"


# what is well formed and does not fit


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "venues/", {"slug": "club", "name": "Twice"}, "conflict"),
        ("PATCH", "venues/club/", {"time_zone": "Mars/Olympus"}, "unfit"),
        ("PATCH", "venues/club/", {"slot_length": "00:00:59"}, "unfit"),
        ("PATCH", "venues/club/", {"hold_length": "00:00:00"}, "unfit"),
        ("POST", "venues/club/primetime/",
         {"weekday": 0, "starts_at": "08:00", "ends_at": "09:00"}, "unfit"),
        ("POST", "venues/club/primetime/",
         {"weekday": 2, "starts_at": "09:00", "ends_at": "09:00"}, "unfit"),
        ("PATCH", "venues/club/closures/{closure}/", {"last_on": "2030-01-01"}, "unfit"),
        ("POST", "resources/", {"venue": "nowhere", "name": "X"}, "unfit"),
        ("PATCH", "resources/{court}/", {"opens_at": "09:00"}, "unfit"),
        ("PATCH", "resources/{court}/", {"own_slot_length": "00:00:00"}, "unfit"),
        ("PATCH", "bookings/{booking}/", {"attendees": [10**9]}, "unknown_people"),
        ("PATCH", "bookings/{booking}/", {"guests": 5}, "over_capacity"),
        ("PATCH", "users/{ana}/", {"email": "ada@example.com"}, "email_taken"),
        ("POST", "auth/register/", {"email": "ana@example.com", "password": "correct horse 9"},
         "email_taken"),
        ("POST", "auth/register/", {"email": "x@example.com", "password": "password"},
         "weak_password"),
        ("POST", "auth/password/reset/confirm/",
         {"uid": "MQ", "token": "x", "new_password": "another horse 8"}, "link_refused"),
    ],
)  # fmt: skip
def test_what_fits_the_schema_and_not_the_rules_is_refused(
    client_of, ada, rows, method, path, body, code
):
    client, before = client_of(ada), everything()
    answer = client.generic(
        method,
        API + path.format(**rows),
        client_of()._encode_data(body, "json")[0],
        "application/json",
    )
    by_rows = code in ("conflict", "email_taken")
    assert refused(answer, 409 if by_rows else 400)["code"] == code
    assert everything() == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "auth/password/", {"new_password": "another horse 8"}),
        ("patch", "auth/me/", {"email": "new@example.com"}),
        ("patch", "users/{ana}/", {"email": "new@example.com"}),
    ],
)
def test_a_wrong_current_password_is_400_at_its_field(client_of, ada, rows, method, path, body):
    send, before = getattr(client_of(ada), method), everything()
    answer = send(API + path.format(**rows), body | {"current_password": "wrong"})
    assert list(refused(answer, 400)["errors"]) == ["current_password"]
    assert everything() == before
