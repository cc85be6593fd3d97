"""Who may do what at every path of our own API: anonymous, owner, somebody else, staff, admin."""

from datetime import timedelta

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from api.models import Booking, Closure, PrimetimeWindow, Trade
from api.rest.idempotency import IdempotentAPIView
from api.v1 import urls as api_urls

pytestmark = pytest.mark.django_db

API = "/api/v1/"
PEOPLE = ("anonymous", "owner", "other", "staff", "admin")


@pytest.fixture
def rows(venue, court, booked, ana, ben, soon):
    """One row of each kind, by the name that the table uses."""
    window = PrimetimeWindow.objects.create(
        venue=venue, weekday=0, starts_at="17:00", ends_at="20:00"
    )
    closure = Closure.objects.create(venue=venue, first_on="2031-01-01", last_on="2031-01-01")
    mine, theirs = booked(ana), booked(ben, hours=30)
    trade = Trade.objects.create(
        requester=ana,
        target=ben,
        requester_booking=mine,
        target_booking=theirs,
        lapses_at=mine.starts_at,
    )
    return {
        "window": window.pk,
        "closure": closure.pk,
        "court": court.pk,
        "booking": mine.pk,
        "trade": trade.pk,
        "ana": ana.pk,
        "soon": soon,
    }


def interval(rows, hours):
    start = rows["soon"] + timedelta(hours=hours)
    return {
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=1)).isoformat(),
    }


RANGE = "?start=2030-01-01T00:00:00Z&end=2030-01-02T00:00:00Z"
NEW_VENUE = {"slug": "new", "name": "New"}
NEW_WINDOW = {"weekday": 1, "starts_at": "17:00", "ends_at": "18:00"}
NEW_CLOSURE = {"first_on": "2031-02-01", "last_on": "2031-02-01"}

# method, path, body (or what makes it from the rows), then the status for each of PEOPLE
TABLE = [
    ("GET", "venues/", None, 200, 200, 200, 200, 200),
    ("POST", "venues/", NEW_VENUE, 401, 403, 403, 403, 201),
    ("GET", "venues/club/", None, 200, 200, 200, 200, 200),
    ("PATCH", "venues/club/", {"name": "Club"}, 401, 403, 403, 403, 200),
    ("GET", "venues/club/primetime/", None, 401, 403, 403, 200, 200),
    ("POST", "venues/club/primetime/", NEW_WINDOW, 401, 403, 403, 201, 201),
    ("GET", "venues/club/primetime/{window}/", None, 401, 403, 403, 200, 200),
    ("PATCH", "venues/club/primetime/{window}/", {}, 401, 403, 403, 200, 200),
    ("DELETE", "venues/club/primetime/{window}/", None, 401, 403, 403, 204, 204),
    ("GET", "venues/club/closures/", None, 401, 403, 403, 200, 200),
    ("POST", "venues/club/closures/", NEW_CLOSURE, 401, 403, 403, 201, 201),
    ("GET", "venues/club/closures/{closure}/", None, 401, 403, 403, 200, 200),
    ("PATCH", "venues/club/closures/{closure}/", {}, 401, 403, 403, 200, 200),
    ("DELETE", "venues/club/closures/{closure}/", None, 401, 403, 403, 204, 204),
    ("GET", "venues/club/calendar/", None, 401, 200, 200, 200, 200),
    ("GET", "resources/", None, 200, 200, 200, 200, 200),
    ("POST", "resources/", {"venue": "club", "name": "New"}, 401, 403, 403, 201, 201),
    ("GET", "resources/{court}/", None, 200, 200, 200, 200, 200),
    ("PATCH", "resources/{court}/", {"name": "C"}, 401, 403, 403, 200, 200),
    ("DELETE", "resources/{court}/", None, 401, 403, 403, 204, 204),
    ("GET", "resources/{court}/availability/" + RANGE, None, 200, 200, 200, 200, 200),
    ("GET", "bookings/", None, 401, 200, 200, 200, 200),
    (
        "POST",
        "bookings/",
        lambda rows: interval(rows, 5) | {"resource": rows["court"]},
        *(401, 201, 201, 201, 201),
    ),
    ("GET", "bookings/{booking}/", None, 401, 200, 404, 200, 200),
    ("PATCH", "bookings/{booking}/", {"title": "x"}, 401, 200, 404, 200, 200),
    ("PATCH", "bookings/{booking}/", lambda r: interval(r, 5), 401, 200, 404, 200, 200),
    ("POST", "bookings/{booking}/cancel/", {}, 401, 200, 404, 200, 200),
    ("POST", "bookings/{booking}/approve/", {}, 401, 403, 404, 409, 409),
    ("POST", "bookings/{booking}/reject/", {}, 401, 403, 404, 200, 200),
    ("POST", "bookings/{booking}/check-in/", {}, 401, 409, 404, 409, 409),
    ("POST", "bookings/{booking}/end/", {}, 401, 409, 404, 409, 409),
    ("GET", "bookings/{booking}/events/", None, 401, 200, 404, 200, 200),
    ("POST", "bookings/approve/", lambda r: {"ids": [r["booking"]]}, 401, 403, 403, 200, 200),
    ("POST", "bookings/reject/", lambda r: {"ids": [r["booking"]]}, 401, 403, 403, 200, 200),
    ("GET", "trades/", None, 401, 200, 200, 200, 200),
    ("GET", "trades/{trade}/", None, 401, 200, 200, 404, 404),
    ("GET", "users/", None, 401, 403, 403, 403, 200),
    ("GET", "users/{ana}/", None, 401, 403, 403, 403, 200),
    ("PATCH", "users/{ana}/", {"role": "staff"}, 401, 403, 403, 403, 200),
    ("DELETE", "users/{ana}/", None, 401, 403, 403, 403, 204),
    ("GET", "auth/me/", None, 401, 200, 200, 200, 200),
    ("PATCH", "auth/me/", {"first_name": "A"}, 401, 200, 200, 200, 200),
    ("PATCH", "auth/me/", {"role": "admin"}, 401, 400, 400, 400, 400),
    ("DELETE", "auth/me/", None, 401, 204, 204, 204, 403),
    ("GET", "auth/me/export/", None, 401, 200, 200, 200, 200),
    ("POST", "auth/password/", {}, 401, 400, 400, 400, 400),
    ("POST", "auth/register/", {}, 400, 400, 400, 400, 400),
    ("POST", "auth/login/", {}, 400, 400, 400, 400, 400),
    ("POST", "auth/refresh/", {}, 401, 401, 401, 401, 401),
    ("POST", "auth/logout/", {}, 204, 204, 204, 204, 204),
    ("POST", "auth/password/reset/", {}, 400, 400, 400, 400, 400),
    ("POST", "auth/password/reset/confirm/", {}, 400, 400, 400, 400, 400),
    ("GET", "dashboard/", None, 401, 200, 200, 200, 200),
    ("GET", "dashboard/staff/", None, 401, 403, 403, 200, 200),
    ("GET", "automation/", None, 401, 403, 403, 200, 200),
    ("GET", "schema/", None, 200, 200, 200, 200, 200),
    ("GET", "docs/", None, 200, 200, 200, 200, 200),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]}")
@pytest.mark.parametrize("who", PEOPLE)
def test_who_may(row, who, rows, client_of, ana, ben, sam, ada):
    method, path, body, *statuses = row
    user = dict(zip(PEOPLE, (None, ana, ben, sam, ada), strict=True))[who]
    wanted = statuses[PEOPLE.index(who)]
    before = list(Booking.objects.order_by("id").values())
    made = body(rows) if callable(body) else body
    headers = {"Accept": "*/*"}
    answer = client_of(user).generic(
        method,
        API + path.format(**rows),
        b"" if made is None else client_of()._encode_data(made, "json")[0],
        content_type="application/json",
        headers=headers,
    )
    assert answer.status_code == wanted, answer.content
    if wanted >= 400:
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == wanted
        assert list(Booking.objects.order_by("id").values()) == before
    if wanted == 401:
        assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


ELSEWHERE = ("panels/", "analytics/", "webhooks/", "payment/", "waitlist", "feeds", "trades/<int")


def paths(patterns, before=""):
    for pattern in patterns:
        here = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from paths(pattern.url_patterns, here)
        elif isinstance(pattern, URLPattern):
            yield here


def test_no_path_is_missing_from_the_table():
    """Those whose tests are elsewhere are named."""
    ours = {p.removeprefix("api/v1/") for p in paths(get_resolver().url_patterns)
            if p.startswith("api/v1/")}  # fmt: skip
    names = {
        "window": "<int:pk>", "closure": "<int:pk>", "court": "<int:pk>", "booking": "<int:pk>",
        "trade": "<int:pk>", "ana": "<int:pk>",
    }  # fmt: skip
    tried = {row[1].partition("?")[0].format(**names) for row in TABLE}
    tried = {path.replace("venues/club", "venues/<slug:slug>") for path in tried}
    missing = {p for p in ours - tried if not any(word in p for word in ELSEWHERE)}
    assert missing == set()


def declaring_views():
    for pattern in api_urls.urlpatterns:
        view = pattern.callback
        if issubclass(view.cls, IdempotentAPIView):
            yield str(pattern.pattern), view.cls


def test_every_view_says_who_may_call_it():
    """A view that forgets to would let in everybody who is signed in."""
    for route, view in declaring_views():
        own = view.__mro__[: view.__mro__.index(IdempotentAPIView)]
        assert any("permission_classes" in cls.__dict__ for cls in own), route


def test_anonymous_and_others_do_not_see_the_address_of_the_desk(client_of, venue, ana, sam):
    venue.admin_email = "desk@example.com"
    venue.save()
    for user in (None, ana):
        assert "admin_email" not in client_of(user).get(f"{API}venues/club/").json()
    assert client_of(sam).get(f"{API}venues/club/").json()["admin_email"] == "desk@example.com"


def test_what_blocks_is_named_to_staff_alone(client_of, booked, court, ana, ben, sam, soon):
    first = booked(ana, title="Secret plans")
    body = {
        "resource": court.pk,
        "starts_at": soon.isoformat(),
        "ends_at": (soon + timedelta(minutes=30)).isoformat(),
    }
    seen = {
        "starts_at": first.starts_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ends_at": first.ends_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "status": "confirmed",
    }
    refused = client_of(ben).post(f"{API}bookings/", body)
    assert (refused.status_code, refused.json()["conflicts"]) == (409, [seen])
    refused = client_of(sam).post(f"{API}bookings/", body)
    assert refused.json()["conflicts"] == [
        seen | {"id": first.pk, "title": "Secret plans", "owner": "Ana Example"}
    ]
