"""API keys: made by admins of their venues, and what each scope opens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now
from rest_framework.test import APIClient

from api.contracts import CONTRACTS
from api.models import (
    ApiKey,
    AuditEntry,
    Booking,
    BookingEvent,
    Membership,
    Panel,
    Resource,
    Role,
    User,
    Venue,
)
from api.services.accounts.keys import create_key

pytestmark = pytest.mark.django_db
URL = "/api/v1/keys/"
HOUR = timedelta(hours=1)


@pytest.fixture
def other(db):
    """A venue beside the club, with people of its own."""
    return Venue.objects.create(slug="studio", name="The Studio", max_advance=timedelta(days=60))


@pytest.fixture
def alma(db):
    """An admin of the club, and of nothing else."""
    return User.objects.create_user("alma@example.com", "correct horse 9 battery")


@pytest.fixture
def admin(alma, venue, client_of):
    Membership.objects.create(user=alma, venue=venue, role=Role.ADMIN)
    return client_of(alma)


def client_by(secret):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


@pytest.fixture
def key(ada, venue):
    """A client with a key of the club: `key("read")`."""

    def make(*scopes, venues=(venue,), **fields):
        made, secret = create_key(name="Website", venues=venues, scopes=scopes, by=ada, **fields)
        client = client_by(secret)
        client.key = made
        return client

    return make


def times(starts_at, length=HOUR):
    return {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + length).isoformat()}


# making, listing, deleting


def test_secret_is_shown_once_and_stored_hashed(admin, venue):
    body = {"name": "Website", "venues": ["club"], "scopes": ["book", "read", "book"]}
    answer = admin.post(URL, body)
    assert answer.status_code == 201
    made = answer.json()
    secret = made.pop("secret")
    assert made == {
        "id": made["id"],
        "name": "Website",
        "prefix": secret[:12],
        "venues": ["club"],
        "scopes": ["book", "read"],
        "expires_at": None,
        "last_used_at": None,
    }
    assert admin.get(URL).json()["results"] == [made]
    assert admin.get(f"{URL}{made['id']}/").json() == made
    stored = ApiKey.objects.values().get()
    assert secret not in str(stored)
    assert secret not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"venues": []}, "venues"),
        ({"venues": ["nowhere"]}, "venues"),
        ({"venues": "club"}, "venues"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["admin"]}, "scopes"),
        ({"scopes": None}, "scopes"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2035-01-01"}, "expires_at"),
        ({"secret": "hfk_mine"}, "secret"),
    ],
)
def test_body_that_does_not_fit_is_refused(admin, wrong, field):
    body = {"name": "Website", "venues": ["club"], "scopes": ["read"]} | wrong
    answer = admin.post(URL, body)
    assert answer.status_code == 400
    assert any(name.split(".")[0] == field for name in answer.json()["errors"])
    assert not ApiKey.objects.exists()


def test_key_that_ends_by_itself_says_when(admin):
    body = {"name": "W", "venues": ["club"], "scopes": ["read"]}
    answer = admin.post(URL, body | {"expires_at": "2035-01-01T00:00:00+01:00"})
    assert answer.json()["expires_at"] == "2034-12-31T23:00:00Z"


def test_answer_with_the_secret_is_not_kept_for_a_repeated_request(admin):
    body = {"name": "W", "venues": ["club"], "scopes": ["read"]}
    made = [admin.post(URL, body, HTTP_IDEMPOTENCY_KEY="k").json() for _ in range(2)]
    assert made[0]["id"] != made[1]["id"]
    assert made[0]["secret"] != made[1]["secret"]


def test_deleted_key_opens_nothing_and_is_not_listed(admin, key):
    client = key("read")
    assert client.get("/api/v1/bookings/").status_code == 200
    path = f"{URL}{client.key.pk}/"
    assert admin.delete(path, HTTP_IDEMPOTENCY_KEY="k").status_code == 204
    assert admin.delete(path, HTTP_IDEMPOTENCY_KEY="k").status_code == 204  # the same request
    answer = client.get("/api/v1/bookings/")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    assert admin.get(path).status_code == 404
    assert admin.delete(path).status_code == 404
    assert admin.get(URL).json()["results"] == []


def test_key_past_its_end_opens_nothing(key):
    client = key("read")
    ApiKey.objects.update(expires_at=Now() + HOUR)
    assert client.get("/api/v1/bookings/").status_code == 200
    ApiKey.objects.update(expires_at=Now())
    assert client.get("/api/v1/bookings/").status_code == 401


@pytest.mark.parametrize("secret", ["hfk_", "hfk_wrong", "hfk_" + "x" * 43, "hfk_é"])
def test_secret_of_no_key_opens_nothing(venue, secret):
    assert client_by(secret).get("/api/v1/resources/").status_code == 401


def test_only_admins_of_the_venue_make_see_and_delete_its_keys(
    admin, client_of, sam, ana, other, key, venue
):
    mine, theirs = key("read"), key("read", venues=(other,))
    body = {"name": "W", "venues": ["studio"], "scopes": ["read"]}
    assert admin.post(URL, body).status_code == 403
    assert admin.post(URL, body | {"venues": ["club", "studio"]}).status_code == 403
    assert [row["id"] for row in admin.get(URL).json()["results"]] == [mine.key.pk]
    for method in ("get", "delete"):
        assert getattr(admin, method)(f"{URL}{theirs.key.pk}/").status_code == 404
    for who in (sam, ana):
        assert client_of(who).get(URL).status_code == 403
        assert client_of(who).post(URL, body).status_code == 403
    assert client_of(None).get(URL).status_code == 401
    assert theirs.get("/api/v1/bookings/").status_code == 200


def test_key_of_two_venues_shows_and_loses_only_ones_own(admin, ada, client_of, other, venue, key):
    both = key("read", venues=(venue, other))
    path = f"{URL}{both.key.pk}/"
    assert client_of(ada).get(path).json()["venues"] == ["club", "studio"]
    assert admin.get(path).json()["venues"] == ["club"]
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404
    assert client_of(ada).get(path).json()["venues"] == ["studio"]
    assert both.get("/api/v1/analytics/kpi/?start=2030-01-01&end=2030-01-02").status_code == 200
    assert client_of(ada).delete(path).status_code == 204
    assert both.get("/api/v1/bookings/").status_code == 401


def test_last_use_is_written_at_most_once_a_minute(key, django_assert_num_queries):
    client = key("read")
    client.get("/api/v1/reviews/")
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    client.get("/api/v1/reviews/")
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=F("last_used_at") - timedelta(seconds=61))
    client.get("/api/v1/reviews/")
    assert ApiKey.objects.get().last_used_at >= first


# where it works


@pytest.mark.parametrize("contract", CONTRACTS)
def test_no_contract_takes_a_key(contract, key, client_of, ada, venue):
    path = {
        "primetime": "reservations/",
        "barbershop": "reservations/",
        "circletime": "auth/me",
        "resources": "bookings/",
        "paidrooms": "bookings/all/",
    }[contract]
    client = key("read", "book", "manage")
    assert client.get(f"/{contract}/api/{path}").status_code == 401
    client.credentials(
        HTTP_AUTHORIZATION=client._credentials["HTTP_AUTHORIZATION"].replace("Bearer", "Token")
    )
    assert client.get(f"/{contract}/api/{path}").status_code == 401


NEVER = [
    ("get", "venues/club/members/"),
    ("post", "venues/club/members/"),
    ("get", "keys/"),
    ("post", "keys/"),
    ("get", "audit/"),
    ("get", "venues/club/invitations/"),
    ("get", "users/"),
    ("patch", "venues/club/"),
    ("post", "venues/"),
    ("get", "auth/me/"),
    ("patch", "auth/me/"),
    ("delete", "auth/me/"),
    ("get", "auth/me/export/"),
    ("post", "auth/password/"),
    ("get", "dashboard/"),
    ("get", "trades/"),
    ("post", "trades/"),
]


@pytest.mark.parametrize(("method", "path"), NEVER)
def test_no_scope_opens_members_keys_audit_policy_and_accounts(key, ada, method, path):
    client = key("read", "book", "manage")
    answer = getattr(client, method)(f"/api/v1/{path}", {})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    member = Membership.objects.order_by("pk")[0]
    for each in (f"keys/{client.key.pk}/", f"members/{member.pk}/"):
        assert client.delete(f"/api/v1/{each}").status_code == 403
        assert client.get(f"/api/v1/{each}").status_code == 403
    assert ApiKey.objects.filter(revoked_at=None).count() == 1


@pytest.fixture
def operations(ana, booked, court, soon):
    """Each operation with the only scope that opens it, and what it answers then."""
    asked = booked(ana, 5)
    Booking.objects.filter(pk=asked.pk).update(status="pending", lapses_at=asked.starts_at)
    mine, next_one = booked(ana), booked(ana, 2)
    new = {"resource": court.pk, **times(soon + 20 * HOUR), "owner": ana.pk}
    days = "start=2030-01-01&end=2030-01-02"
    return [
        ("read", "get", "bookings/", None, 200),
        ("read", "get", f"bookings/{mine.pk}/", None, 200),
        ("read", "get", f"bookings/{mine.pk}/events/", None, 200),
        ("read", "get", "venues/club/calendar/", None, 200),
        ("read", "get", "venues/club/closures/", None, 200),
        ("read", "get", "reviews/", None, 200),
        ("read", "get", "panels/", None, 200),
        ("read", "get", "dashboard/staff/", None, 200),
        ("read", "get", f"analytics/kpi/?{days}&venue=club", None, 200),
        ("read", "get", f"analytics/kpi/?{days}&format=csv", None, 200),
        ("book", "post", "bookings/", new, 201),
        ("book", "patch", f"bookings/{next_one.pk}/", times(soon + 30 * HOUR), 200),
        ("book", "post", f"bookings/{next_one.pk}/cancel/", {}, 200),
        ("manage", "post", f"bookings/{asked.pk}/approve/", {}, 200),
        ("manage", "post", f"bookings/{asked.pk}/reject/", {}, 200),
        ("manage", "post", "bookings/approve/", {"ids": [asked.pk]}, 200),
        ("manage", "post", "resources/", {"venue": "club", "name": "New"}, 201),
        ("manage", "patch", f"resources/{court.pk}/", {"floor": 3}, 200),
        ("manage", "post", "panels/", {"resource": court.pk}, 201),
        (
            "manage",
            "post",
            "venues/club/closures/",
            {"first_on": "2031-01-01", "last_on": "2031-01-01"},
            201,
        ),
    ]


@pytest.mark.parametrize("scope", ["read", "book", "manage"])
def test_each_scope_opens_its_operations_and_implies_no_other(key, operations, scope):
    client, found, expected = key(scope), {}, {}
    for opened_by, method, path, body, status in operations:
        answer = getattr(client, method)(f"/api/v1/{path}", body)
        found[method, path] = answer.status_code
        expected[method, path] = status if scope == opened_by else 403
    assert found == expected


def test_what_anyone_may_read_every_key_reads_as_anyone(key, court, booked, ana):
    booked(ana)
    anyone, client = APIClient(), key("book")
    for path in ("resources/", f"resources/{court.pk}/", "venues/", "venues/club/"):
        answer = client.get(f"/api/v1/{path}")
        assert answer.status_code == 200
        assert answer.json() == anyone.get(f"/api/v1/{path}").json()


# another venue


def test_key_sees_nothing_of_another_venue(key, ana, other, booked, soon):
    room = Resource.objects.create(venue=other, name="Room", capacity=4)
    theirs = booked(ana, place=room)
    client = key("read", "book", "manage")
    assert client.get("/api/v1/bookings/").json()["results"] == []
    assert client.get(f"/api/v1/bookings/{theirs.pk}/").status_code == 404
    assert client.post(f"/api/v1/bookings/{theirs.pk}/cancel/", {}).status_code == 404
    assert client.patch(f"/api/v1/bookings/{theirs.pk}/", {"title": "x"}).status_code == 404
    new = {"resource": room.pk, **times(soon + 9 * HOUR), "owner": ana.pk}
    assert client.post("/api/v1/bookings/", new).status_code == 403
    assert client.patch(f"/api/v1/resources/{room.pk}/", {"floor": 2}).status_code == 404
    assert client.get("/api/v1/venues/studio/closures/").status_code == 403
    days = "start=2030-01-01&end=2030-01-02"
    assert client.get(f"/api/v1/analytics/kpi/?{days}&venue=studio").status_code == 403
    theirs.refresh_from_db()
    assert (theirs.status, theirs.title) == ("confirmed", "")


# booking for others


def test_key_books_for_one_of_the_venues_people_under_its_own_name(key, ana, court, soon):
    client = key("book")
    body = {"resource": court.pk, **times(soon), "owner": ana.pk, "title": "Lesson"}
    answer = client.post("/api/v1/bookings/", body, HTTP_IDEMPOTENCY_KEY="k")
    assert answer.status_code == 201
    made = answer.json()
    assert made["owner"] == {"id": ana.pk, "name": "Ana Example", "email": "ana@example.com"}
    again = client.post("/api/v1/bookings/", body, HTTP_IDEMPOTENCY_KEY="k")
    assert (again.json(), again["Idempotency-Replayed"]) == (made, "true")
    event = BookingEvent.objects.get()
    assert (event.by, event.actor, event.actor_name) == ("staff", None, "Website")
    [entry] = AuditEntry.objects.filter(object=f"booking:{made['id']}", action="create")
    assert (entry.kind, entry.user_id, entry.key_id) == ("key", None, client.key.pk)


@pytest.mark.parametrize(
    "whom",
    [
        {},
        {"owner": 10**9},
        {"owner": None},
        {"owner": "1"},
        {"name": "Gus"},
        {"email": "gus@example.com"},
        {"name": "Gus", "email": "gus"},
        {"owner": 1, "name": "Gus", "email": "gus@example.com"},
    ],
)
def test_key_says_for_whom_it_books(key, court, soon, whom):
    answer = key("book").post("/api/v1/bookings/", {"resource": court.pk, **times(soon), **whom})
    assert answer.status_code == 400
    assert not Booking.objects.exists()


def test_somebody_who_is_none_of_the_venues_people_is_unknown(key, person, court, soon):
    stranger = person("stella", "")
    body = {"resource": court.pk, **times(soon), "owner": stranger.pk}
    answer = key("book").post("/api/v1/bookings/", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["owner"])


def test_people_book_for_themselves(client_of, ana, ben, sam, court, soon):
    for who in (ana, sam):
        body = {"resource": court.pk, **times(soon), "owner": ben.pk}
        answer = client_of(who).post("/api/v1/bookings/", body)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["owner"])
    assert not Booking.objects.exists()


def test_key_checks_in(key, court, ana, booked):
    booking = booked(ana)
    now = Now()
    Booking.objects.filter(pk=booking.pk).update(
        check_in_opens_at=now - HOUR, check_in_closes_at=now + HOUR, no_show_at=now + HOUR
    )
    answer = key("book").post(f"/api/v1/bookings/{booking.pk}/check-in/", {})
    assert (answer.status_code, answer.json()["status"]) == (200, "checked_in")


# its name in what it leaves


def test_panel_and_refusal_of_a_key_have_no_person(key, court, ana, booked):
    client = key("manage", "book")
    client.post("/api/v1/panels/", {"resource": court.pk})
    assert Panel.objects.get().created_by is None
    booking = booked(ana)
    client.post(f"/api/v1/bookings/{booking.pk}/reject/", {"reason": "Rain"})
    event = BookingEvent.objects.get(verb="reject")
    assert (event.by, event.actor_name) == ("staff", "Website")


def test_audit_log_names_the_key(admin, key, ana, booked, court):
    client = key("read", "manage")
    booking = booked(ana)
    client.get(f"/api/v1/bookings/{booking.pk}/")
    client.patch(f"/api/v1/resources/{court.pk}/", {"floor": 4})
    for query in (f"actor=key:{client.key.pk}", f"actor=key:{client.key.pk}&venue=club"):
        rows = admin.get(f"/api/v1/audit/?{query}").json()["results"]
        who = {"id": client.key.pk, "name": "Website", "kind": "key"}
        assert [(row["action"], row["object"], row["actor"]) for row in rows] == [
            ("update", f"resource:{court.pk}", who),
            ("read", f"booking:{booking.pk}", who),
        ]
    admin.delete(f"{URL}{client.key.pk}/")  # its entries keep their name
    rows = admin.get(f"/api/v1/audit/?object=key:{client.key.pk}").json()["results"]
    assert [row["action"] for row in rows] == ["revoke"]
    assert (
        admin.get(f"/api/v1/audit/?actor=key:{client.key.pk}").json()["results"][0]["actor"] == who
    )


def test_making_and_deleting_a_key_is_in_the_log_of_each_of_its_venues(
    client_of, ada, venue, other
):
    body = {"name": "W", "venues": ["club", "studio"], "scopes": ["read"]}
    made = client_of(ada).post(URL, body).json()
    client_of(ada).delete(f"{URL}{made['id']}/")
    rows = AuditEntry.objects.filter(object=f"key:{made['id']}").order_by("id")
    assert sorted(rows.values_list("action", "venue__slug")) == [
        ("create", "club"),
        ("create", "studio"),
        ("revoke", "club"),
        ("revoke", "studio"),
    ]
    assert rows[0].after["name"] == "W"
    assert rows[0].after["secret_hash"] == "…"


# limits


def test_key_has_a_throttle_of_its_own(key, client_of, ana, monkeypatch):
    from api.rest.throttling import KeyThrottle

    monkeypatch.setattr(KeyThrottle, "rate", "2/min", raising=False)
    one, two = key("read"), key("read")
    assert [one.get("/api/v1/reviews/").status_code for _ in range(3)] == [200, 200, 429]
    assert two.get("/api/v1/reviews/").status_code == 200
    assert client_of(ana).get("/api/v1/bookings/").status_code == 200


def test_keys_are_a_security_scheme_of_the_document(client):
    import yaml

    document = yaml.safe_load(client.get("/api/v1/schema/").content)
    scheme = document["components"]["securitySchemes"]["key"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    paths = document["paths"]
    assert {"key": []} in paths["/api/v1/bookings/"]["post"]["security"]
    assert paths["/api/v1/bookings/"]["post"]["description"].endswith("Keys: `book`.")
    assert paths["/api/v1/keys/"]["post"]["security"] == [{"bearer": []}]
    assert paths["/api/v1/auth/me/"]["get"]["security"] == [{"bearer": []}]
