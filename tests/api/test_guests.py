"""Guests over HTTP: what is answered, what the link opens at the API and on its page, and that it
leaks nowhere."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client
from rest_framework.test import APIClient

from api.models import Booking, Delivery, IdempotencyKey, User, Venue
from api.services.accounts import links

pytestmark = pytest.mark.django_db

API = "/api/v1/guests/"
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
VERBS = ("", "confirm/", "cancel/", "move/", "payment/")


@pytest.fixture
def body(court, soon):
    return {
        "resource": court.pk,
        "starts_at": soon.isoformat(),
        "ends_at": (soon + timedelta(hours=1)).isoformat(),
        "name": "Gus Example",
        "email": "gus@example.com",
    }


@pytest.fixture
def token(body):
    assert APIClient().post(f"{API}bookings/", body).status_code == 202
    return links.build_guest_token(Booking.objects.get())


def post(token, verb, body=None, **headers):
    return APIClient().post(f"{API}{token}/{verb}/", body or {}, headers=headers)


def test_asking_tells_neither_the_booking_nor_its_link(body):
    answer = APIClient().post(f"{API}bookings/", body)
    assert answer.status_code == 202
    booking = Booking.objects.get()
    assert answer.json() == {
        "detail": "We have sent a letter to this address. Confirm the booking by its link until"
        " then, or the time is free for others again.",
        "expires_at": booking.hold_expires_at.isoformat().replace("+00:00", "Z"),
    }


def test_an_address_with_an_account_answers_alike(body, person, soon):
    person("gus")
    first = APIClient().post(f"{API}bookings/", body)
    other = body | {
        "email": "other@example.com",
        "starts_at": (soon + timedelta(hours=2)).isoformat(),
        "ends_at": (soon + timedelta(hours=3)).isoformat(),
    }
    second = APIClient().post(f"{API}bookings/", other)
    assert (first.status_code, first.json()["detail"]) == (
        second.status_code,
        second.json()["detail"],
    )
    assert first.headers.keys() == second.headers.keys()
    assert list(Booking.objects.values_list("owner", flat=True)) == [None, None]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"name": ""}, 400, "invalid"),
        ({"email": "nobody"}, 400, "invalid"),
        ({"email": None}, 400, "invalid"),
        ({"attendees": [1]}, 400, "invalid"),
        ({"resource": 999999}, 400, "unfit"),
        ({"guests": 99}, 400, "over_capacity"),
    ],
)
def test_what_does_not_fit_is_refused_as_at_bookings(body, change, status, code):
    answer = APIClient().post(f"{API}bookings/", body | change)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Booking.objects.exists()


def test_a_taken_slot_is_409_with_alternatives_and_no_names(body, booked, ana):
    booked(ana, title="Secret")
    answer = APIClient().post(f"{API}bookings/", body)
    found = answer.json()
    assert (answer.status_code, found["code"]) == (409, "slot_taken")
    assert found["alternatives"]
    assert set(found["conflicts"][0]) == {"starts_at", "ends_at", "status"}


def test_a_venue_without_guests_is_400(body, client_of, ada):
    answer = client_of(ada).patch("/api/v1/venues/club/", {"guests": False})
    assert (answer.status_code, answer.json()["guests"]) == (200, False)
    answer = APIClient().post(f"{API}bookings/", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "guests_refused")


def test_the_hold_is_the_venues_and_longer_than_nothing(client_of, ada):
    admin = client_of(ada)
    assert admin.get("/api/v1/venues/club/").status_code == 404
    assert admin.post("/api/v1/venues/", {"slug": "club", "name": "Club"}).json()["guest_hold"] == (
        "00:15:00"
    )
    assert admin.patch("/api/v1/venues/club/", {"guest_hold": "00:00:00"}).status_code == 400
    answer = admin.patch("/api/v1/venues/club/", {"guest_hold": "01:00:00"})
    assert answer.json()["guest_hold"] == "01:00:00"


def test_a_key_counts_per_address_and_e_mail(body, soon):
    client, key = APIClient(), {"Idempotency-Key": "one"}
    first = client.post(f"{API}bookings/", body, headers=key)
    again = client.post(f"{API}bookings/", body, headers=key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again["Idempotency-Replayed"] == "true"
    changed = client.post(f"{API}bookings/", body | {"name": "Other"}, headers=key)
    assert changed.status_code == 422
    other = body | {
        "email": "other@example.com",
        "starts_at": (soon + timedelta(hours=2)).isoformat(),
        "ends_at": (soon + timedelta(hours=3)).isoformat(),
    }
    assert client.post(f"{API}bookings/", other, headers=key).status_code == 202
    assert Booking.objects.count() == 2
    assert "gus" not in str(list(IdempotencyKey.objects.values()))


@pytest.mark.parametrize("email", ["x" * 5000, "\0", "ß" * 300 + "@", 5, None, ["a"]])
def test_a_key_with_an_address_that_is_none_is_400(body, email):
    body["email"] = email
    answer = APIClient().post(f"{API}bookings/", body, headers={"Idempotency-Key": "one"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_a_key_with_a_body_that_cannot_be_read_is_400():
    for text in ('{"email": "\\ud800@x.org"}', "[]", "5", '"x"', "{"):
        answer = APIClient().post(
            f"{API}bookings/",
            text,
            content_type="application/json",
            headers={"Idempotency-Key": "one"},
        )
        assert answer.status_code == 400, text


# the link at the API


def test_it_is_seen_confirmed_moved_and_cancelled_by_the_link(token, soon):
    shown = APIClient().get(f"{API}{token}/").json()
    assert (shown["status"], shown["confirmed_at"]) == ("held", None)
    assert shown["owner"] == {"id": None, "name": "Gus Example", "email": "gus@example.com"}
    confirmed = post(token, "confirm")
    assert (confirmed.status_code, confirmed.json()["status"]) == (200, "confirmed")
    assert confirmed.json()["confirmed_at"] is not None
    again = post(token, "confirm")
    assert (again.status_code, again.json()["code"]) == (409, "already_done")
    at = {"starts_at": soon + timedelta(hours=4), "ends_at": soon + timedelta(hours=5)}
    moved = post(token, "move", {name: moment.isoformat() for name, moment in at.items()})
    assert (moved.status_code, moved.json()["starts_at"]) == (
        200,
        f"{at['starts_at']:%Y-%m-%dT%H:%M:%SZ}",
    )
    assert post(token, "move", {"starts_at": soon.isoformat()}).status_code == 400
    gone = post(token, "cancel", {"reason": "Rain"})
    assert (gone.status_code, gone.json()["status"]) == (200, "cancelled")
    assert APIClient().get(f"{API}{token}/").status_code == 404


def test_a_repeated_confirmation_or_cancellation_gets_the_same_answer(token):
    for verb in ("confirm", "cancel"):
        key = {"Idempotency-Key": verb}
        first, again = post(token, verb, **key), post(token, verb, **key)
        assert (first.status_code, again.status_code) == (200, 200)
        assert first.json() == again.json()


def test_it_signs_nobody_in(token, person):
    gus = person("gus")
    answer = post(token, "confirm")
    assert Booking.objects.get().owner == gus
    assert not answer.cookies
    assert answer.json()["owner"]["id"] is None
    for headers in (
        {"Authorization": f"Bearer {token}"},
        {"Authorization": f"Token {token}"},
        {"Authorization": f"Panel {token}"},
    ):
        assert APIClient().get("/api/v1/auth/me/", headers=headers).status_code == 401
        assert APIClient().get("/api/v1/bookings/", headers=headers).status_code == 401


def test_it_is_nothing_with_every_method_once_it_is_altered_unknown_or_over(token):
    pk, link, signature = token.split(".")
    bad = [f"{int(pk) + 1}.{link}.{signature}", f"{pk}.{link}.{signature[:-1]}x", "x", "1", pk]
    client = APIClient()
    answers = set()
    for each in bad:
        for verb in VERBS:
            for method in METHODS:
                answer = getattr(client, method)(f"{API}{each}/{verb}")
                assert answer.status_code == 404, (each, verb, method)
                assert answer["Referrer-Policy"] == "no-referrer"
                answers.add(answer.content)
    post(token, "cancel")
    for verb in VERBS:
        for method in METHODS:
            answer = getattr(client, method)(f"{API}{token}/{verb}")
            assert answer.status_code == 404, (verb, method)
            answers.add(answer.content)
    assert len(answers - {b""}) == 1
    for each in (*bad, token):
        for method in METHODS:
            assert getattr(Client(), method)(f"/guests/{each}/").status_code == 404


def test_the_payment_begins_once_it_is_confirmed(token):
    answer = post(token, "payment")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_pay")
    assert APIClient().get(f"{API}{token}/payment/").status_code == 404


def test_guests_are_named_to_staff_and_not_to_others(token, client_of, sam, ben):
    booking = Booking.objects.get()
    guest = {"id": None, "name": "Gus Example", "email": "gus@example.com"}
    staff = client_of(sam)
    assert staff.get("/api/v1/bookings/").json()["results"][0]["owner"] == guest
    assert staff.get(f"/api/v1/bookings/{booking.pk}/").json()["owner"] == guest
    events = staff.get(f"/api/v1/bookings/{booking.pk}/events/").json()["results"]
    assert [(line["verb"], line["by"]) for line in events] == [("book", "guest")]
    assert client_of(ben).get("/api/v1/bookings/").json()["results"] == []
    assert client_of(ben).get(f"/api/v1/bookings/{booking.pk}/").status_code == 404
    day = f"?start={booking.starts_at:%Y-%m-%d}&end={booking.starts_at:%Y-%m-%d}"
    (row,) = staff.get(f"/api/v1/venues/club/calendar/{day}").json()["days"][0]["bookings"]
    assert row["owner"] == "Gus Example"
    (row,) = client_of(ben).get(f"/api/v1/venues/club/calendar/{day}").json()["days"][0]["bookings"]
    assert "owner" not in row
    clash = {"resource": booking.resource_id} | {
        name: getattr(booking, name).isoformat() for name in ("starts_at", "ends_at")
    }
    found = staff.post("/api/v1/bookings/", clash).json()
    assert found["conflicts"][0]["owner"] == "Gus Example"


# the page


def test_looking_changes_nothing(token):
    """Mail programs and scanners open links."""
    before = Booking.objects.values().get()
    for client in (Client(), APIClient()):
        for prefix in ("/guests/", API):
            for method in ("get", "head", "options"):
                assert getattr(client, method)(f"{prefix}{token}/").status_code == 200
    for verb in ("confirm", "cancel", "move"):
        assert APIClient().get(f"{API}{token}/{verb}/").status_code == 405
    assert Booking.objects.values().get() == before


def test_the_page_has_nothing_of_others_and_sends_its_address_nowhere(token):
    answer = Client().get(f"/guests/{token}/")
    page = answer.content.decode()
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"] == "noindex"
    assert "no-store" in answer["Cache-Control"]
    assert not answer.cookies
    assert not re.search(r"(?:src|href|action)=\"(?!/[a-z]|[?#])", page)  # ours alone
    assert not re.search(r"https?://|<script", page)


def press(token, action, **fields):
    return Client().post(f"/guests/{token}/", {"action": action} | fields)


def test_the_buttons_of_the_page_do_what_they_say(token, venue, soon):
    Venue.objects.update(time_zone="Europe/Berlin")
    assert "Confirm the booking" in Client().get(f"/guests/{token}/").content.decode()
    for _ in "twice":
        assert press(token, "confirm").status_code == 303
    page = Client().get(f"/guests/{token}/").content.decode()
    assert "It is yours" in page
    assert "Confirm the booking" not in page
    local = soon.astimezone(Venue.objects.get().zone)
    assert f'value="{local:%Y-%m-%dT%H:%M}"' in page
    to = {
        "starts_at": f"{local + timedelta(hours=3):%Y-%m-%dT%H:%M}",
        "ends_at": f"{local + timedelta(hours=4):%Y-%m-%dT%H:%M}",
    }
    assert press(token, "move", **to).status_code == 303
    assert Booking.objects.get().starts_at == soon + timedelta(hours=3)
    refused = press(token, "move", **to | {"ends_at": to["starts_at"]})
    assert refused.status_code == 400
    page = refused.content.decode()
    assert 'role="alert">The end must be after the start.' in page
    assert page.count(f'value="{to["starts_at"]}"') == 2  # what was typed is still there
    unread = press(token, "move", starts_at="soon", ends_at=to["ends_at"])
    assert unread.status_code == 400
    assert "<details open>" in unread.content.decode()
    done = press(token, "cancel", reason="Rain")
    assert "Your booking is cancelled" in done.content.decode()
    assert Booking.objects.get().status == "cancelled"


def test_a_press_of_no_button_changes_nothing(token):
    before = Booking.objects.values().get()
    assert press(token, "").status_code == 200
    assert press(token, "approve").status_code == 200
    assert Booking.objects.values().get() == before


def test_what_is_typed_is_shown_as_text(body):
    words = '<script>alert("x")</script>'
    APIClient().post(f"{API}bookings/", body | {"name": words, "title": words, "notes": words})
    token = links.build_guest_token(Booking.objects.get())
    page = Client().get(f"/guests/{token}/").content.decode()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 3


def test_a_hold_that_ran_out_is_gone_before_any_sweep(token):
    Booking.objects.update(hold_expires_at=Now())
    assert press(token, "confirm").status_code == 404
    assert post(token, "confirm").status_code == 404
    assert Booking.objects.get().status == "held"
    assert User.objects.count() == 0
    assert Delivery.objects.count() == 1
