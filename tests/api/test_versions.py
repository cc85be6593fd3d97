"""`ETag` and `If-Match`: nobody overwrites what they have not read."""

from datetime import timedelta
from threading import Barrier

import pytest
from django.db.models.functions import Now

from api.models import Booking

API = "/api/v1/bookings/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def read(client_of):
    def get(user, booking):
        answer = client_of(user).get(f"{API}{booking.pk}/")
        assert answer.status_code == 200
        return answer["ETag"]

    return get


def test_every_answer_with_a_booking_has_its_strong_tag(client_of, ana, court, soon):
    client = client_of(ana)
    body = {
        "resource": court.pk,
        "starts_at": soon.isoformat(),
        "ends_at": (soon + timedelta(hours=1)).isoformat(),
    }
    made = client.post(API, body)
    path = f"{API}{made.json()['id']}/"
    assert made["ETag"][:1] + made["ETag"][-1:] == '""'
    assert client.get(path)["ETag"] == made["ETag"]
    changed = client.patch(path, {"title": "Singles"})
    assert changed["ETag"] != made["ETag"]
    assert client.get(path)["ETag"] == changed["ETag"]
    ended = client.post(f"{path}cancel/", {})
    assert ended["ETag"] == client.get(path)["ETag"] != changed["ETag"]
    assert "ETag" not in client.get(API)


def test_a_tag_covers_the_status_that_the_clock_gives(read, ana, booked):
    booking = booked(ana)
    before = read(ana, booking)
    Booking.objects.filter(pk=booking.pk).update(
        starts_at=Now() - timedelta(hours=2), ends_at=Now() - timedelta(hours=1), completes_at=Now()
    )
    assert read(ana, booking) != before


@pytest.mark.parametrize("tag", ['"another"', "W/{0}", "nonsense", '"a", "b"'])
@pytest.mark.parametrize(
    ("method", "verb", "body"),
    [
        ("patch", "", {"title": "x"}),
        ("patch", "", {"title": 7, "nonsense": 1}),
        ("post", "cancel/", {}),
        ("post", "check-in/", {}),
        ("post", "end/", {}),
        ("post", "extend/", {}),
    ],
)
def test_another_version_is_not_changed(client_of, read, ana, booked, method, verb, body, tag):
    """Before any other refusal, also of the body."""
    booking = booked(ana)
    before = Booking.objects.values().get()
    tag = tag.format(read(ana, booking))
    answer = getattr(client_of(ana), method)(
        f"{API}{booking.pk}/{verb}", body, headers={"If-Match": tag}
    )
    assert (answer.status_code, answer.json()["code"]) == (412, "changed")
    assert Booking.objects.values().get() == before


@pytest.mark.parametrize("tag", ["*", " * ", "{0}", '"other", {0}'])
def test_the_version_that_was_read_is_changed(client_of, read, ana, booked, tag):
    booking = booked(ana)
    headers = {"If-Match": tag.format(read(ana, booking))}
    answer = client_of(ana).patch(f"{API}{booking.pk}/", {"title": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (200, "x")


def test_who_may_not_and_who_may_not_see_are_told_so_first(client_of, ana, ben, booked):
    booking, headers = booked(ana), {"If-Match": '"stale"'}
    assert client_of().patch(f"{API}{booking.pk}/", {}, headers=headers).status_code == 401
    assert (
        client_of(ana).post(f"{API}{booking.pk}/approve/", {}, headers=headers).status_code == 403
    )
    assert client_of(ben).post(f"{API}{booking.pk}/cancel/", {}, headers=headers).status_code == 404


def test_a_request_that_is_sent_again_has_its_answer_before_its_version(
    client_of, read, ana, booked
):
    booking = booked(ana)
    headers = {"If-Match": read(ana, booking), "Idempotency-Key": "once"}
    first, again = (
        client_of(ana).patch(f"{API}{booking.pk}/", {"title": "x"}, headers=headers)
        for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (200, 200)
    assert (again["Idempotency-Replayed"], again["ETag"]) == ("true", first["ETag"])


@pytest.mark.django_db(transaction=True)
def test_of_many_who_change_one_version_one_does(client_of, read, ana, booked, at_once):
    """Without the locks around the comparison several pass it: seen with both taken out."""
    booking = booked(ana)
    tag, ready = read(ana, booking), Barrier(6)
    clients = [client_of(ana) for _ in range(6)]

    def change(n):
        ready.wait(10)
        return clients[n].patch(
            f"{API}{booking.pk}/", {"title": f"by {n}"}, headers={"If-Match": tag}
        )

    answers = at_once(*((lambda n=n: change(n)) for n in range(6)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {409, 412}
