"""`bookings/{id}/extend/` over HTTP, and the networks of a venue's panels."""

from datetime import timedelta

import pytest

from api.models import Booking, Venue

pytestmark = pytest.mark.django_db
API = "/api/v1/"
HOUR = timedelta(hours=1)


@pytest.fixture
def extend(client_of, booked, ana):
    """Extends a booking of Ana's as that person; answers the booking too."""

    def ask(user, by=HOUR, booking=None, **more):
        booking = booking or booked(ana)
        body = {"ends_at": (booking.ends_at + by).isoformat()} | more
        return booking, client_of(user).post(f"{API}bookings/{booking.pk}/extend/", body)

    return ask


def test_the_booking_is_answered_with_its_later_end(extend, client_of, ana):
    booking, answer = extend(ana)
    shown = client_of(ana).get(f"{API}bookings/{booking.pk}/").json()
    assert (answer.status_code, answer.json()) == (200, shown)
    assert shown["ends_at"] == f"{booking.ends_at + HOUR:%FT%TZ}"
    assert shown["version"] == booking.version + 1


@pytest.mark.parametrize("by", [timedelta(0), -HOUR / 2, -2 * HOUR])
def test_an_end_that_is_not_later_is_a_mistake(extend, ana, by):
    booking, answer = extend(ana, by)
    assert (answer.status_code, answer.json()["errors"]) == (
        400,
        {"ends_at": ["Must be later than the end that it has."]},
    )
    assert Booking.objects.get().ends_at == booking.ends_at


@pytest.mark.parametrize("body", [{}, {"ends_at": "soon"}, {"ends_at": "2030-01-01T10:00:00"}])
def test_an_end_has_an_offset(client_of, booked, ana, body):
    answer = client_of(ana).post(f"{API}bookings/{booked(ana).pk}/extend/", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["ends_at"])


def test_it_is_its_owners_and_the_staffs(extend, ana, ben, sam):
    booking, answer = extend(ben)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert extend(None, booking=booking)[1].status_code == 401
    assert Booking.objects.get().ends_at == booking.ends_at
    assert extend(sam, booking=booking)[1].status_code == 200


def test_a_taken_time_is_a_conflict(extend, booked, ana, ben):
    other = booked(ben, hours=1)
    _, answer = extend(ana)
    conflict = {
        "starts_at": f"{other.starts_at:%FT%TZ}",
        "ends_at": f"{other.ends_at:%FT%TZ}",
        "status": "confirmed",
    }
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["conflicts"]) == (
        409,
        "slot_taken",
        [conflict],
    )


def test_what_is_paid_is_extended_when_staff_waive_the_price(extend, court, booked, ana, sam):
    court.price_minor = 500
    court.save()
    booking = booked(ana)
    _, longer = extend(ana, booking=booking)
    assert (longer.status_code, longer.json()["price_minor"]) == (200, 1000)
    Booking.objects.update(status="confirmed", payment_status="succeeded")
    booking.refresh_from_db()
    for user, more in ((ana, {}), (ana, {"waive": True}), (sam, {}), (sam, {"waive": False})):
        answer = extend(user, booking=booking, **more)[1]
        assert (answer.status_code, answer.json()["code"]) == (409, "already_paid")
    _, answer = extend(sam, booking=booking, waive=True)
    assert (answer.status_code, answer.json()["price_minor"]) == (200, 1000)


def test_the_same_key_extends_once(extend, client_of, booked, ana):
    booking = booked(ana)
    body = {"ends_at": (booking.ends_at + HOUR).isoformat()}
    path, headers = f"{API}bookings/{booking.pk}/extend/", {"Idempotency-Key": "k"}
    first, second = (client_of(ana).post(path, body, headers=headers) for _ in range(2))
    assert (first.status_code, first.json()) == (200, second.json())
    assert Booking.objects.get().version == booking.version + 1


# networks whose panels need no token


def test_admins_say_which_networks_need_no_token_and_staff_may_read_it(
    client_of, venue, ana, sam, ada
):
    path, networks = f"{API}venues/club/", ["192.0.2.0/24", "2001:db8::/32", "192.0.2.7"]
    assert client_of(sam).get(path).json()["panel_networks"] == []
    assert client_of(sam).patch(path, {"panel_networks": networks}).status_code == 403
    changed = client_of(ada).patch(path, {"panel_networks": networks})
    assert (changed.status_code, changed.json()["panel_networks"]) == (200, networks)
    assert client_of(sam).get(path).json()["panel_networks"] == networks
    for user in (None, ana):
        assert "panel_networks" not in client_of(user).get(path).json()


@pytest.mark.parametrize(
    ("network", "status"),
    [
        *((other, 400) for other in ("", "office", 7, None)),
        *((other, 400) for other in ("192.0.2.0/33", "192.0.2.7/24", "0.0.0.0/0", "::/0", "a:b")),
    ],
)
def test_what_is_no_network_is_named(client_of, venue, ada, network, status):
    answer = client_of(ada).patch(f"{API}venues/club/", {"panel_networks": [network]})
    assert answer.status_code == status
    assert [name.partition(".")[0] for name in answer.json()["errors"]] == ["panel_networks"]
    assert Venue.objects.get(slug="club").panel_networks == []
