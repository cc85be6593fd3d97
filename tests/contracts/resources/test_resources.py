"""Chapters "Resource Endpoints", "Profile Endpoints", "Health Check" and "Useful URLs" of the
README."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from api.models import Booking, Resource
from api.services.actors import Actor
from api.services.bookings.actions import approve_booking, cancel_booking, reject_booking

from .conftest import API

pytestmark = pytest.mark.django_db

PATH = f"{API}/resources/"
PICTURE = f"{API}/profile/picture/"
URL = "https://res.cloudinary.com/demo/image/upload/a.jpg"


def shown(room, **more):
    return {
        "id": room.pk,
        "name": "Conference Room A",
        "description": "",
        "capacity": 10,
        "is_available": True,
        "availability_status": "available",
    } | more


def test_anyone_reads_resources(at_desk, ana, room, court):
    for user in (None, ana):
        assert at_desk(user).get(PATH).json() == [shown(room)]
        assert at_desk(user).get(f"{PATH}{room.pk}/").json() == shown(room)
    for pk in (court.pk, 0, "9" * 30):
        answer = at_desk().get(f"{PATH}{pk}/")
        assert answer.status_code == 404
    assert at_desk().get(f"{PATH}{court.pk}/").json() == {"detail": "Not found."}


def test_only_staff_write_resources(at_desk, ana, sam, room):
    for user, status in ((None, 401), (ana, 403)):
        client = at_desk(user)
        for answer in (
            client.post(PATH, {"name": "B"}),
            client.patch(f"{PATH}{room.pk}/", {"name": "B"}),
            client.put(f"{PATH}{room.pk}/", {"name": "B"}),
            client.delete(f"{PATH}{room.pk}/"),
        ):
            assert answer.status_code == status
    assert at_desk(ana).post(PATH, {"name": "B"}).json() == {
        "detail": "You do not have permission to perform this action."
    }
    assert at_desk().get(PATH).json() == [shown(room)]


def test_staff_make_change_and_delete_resources(at_desk, ana, sam, body):
    client = at_desk(sam)
    made = client.post(PATH, {"name": "B", "description": "Quiet"})
    assert made.status_code == 201
    second = {"name": "B", "description": "Quiet", "capacity": 1, "is_available": True}
    assert made.json() == {"id": made.json()["id"], "availability_status": "available"} | second
    path = f"{PATH}{made.json()['id']}/"
    answer = client.patch(path, {"is_available": False})
    assert answer.json() == made.json() | {
        "is_available": False,
        "availability_status": "unavailable",
    }
    assert client.put(path, {"capacity": 3}).json() == {"name": ["This field is required."]}
    assert client.put(path, {"name": "C", "capacity": 3}).json()["capacity"] == 3
    answer = client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(path).status_code == 404
    answer = at_desk(ana).post(f"{API}/bookings/", body() | {"resource": made.json()["id"]})
    assert (answer.status_code, list(answer.json())) == (400, ["resource"])


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "x" * 256},
        {"name": ["x"]},
        {"name": "a\0b"},
        {"capacity": 0},
        {"capacity": -1},
        {"capacity": 10**20},
        {"capacity": "many"},
        {"is_available": "perhaps"},
        {"description": {}},
    ],
)
def test_bad_resources_are_refused_by_field(at_desk, sam, room, change):
    for answer in (
        at_desk(sam).post(PATH, {"name": "B"} | change),
        at_desk(sam).patch(f"{PATH}{room.pk}/", change),
    ):
        assert (answer.status_code, list(answer.json())) == (400, list(change))
    assert at_desk().get(PATH).json() == [shown(room)]


def test_the_status_of_a_resource_looks_at_everything_ahead(at_desk, ana, sam, room, made):
    """A confirmed booking even next month, else a pending one; what is over or off does not
    count; what is switched off is unavailable whatever is booked."""

    def status():
        return at_desk().get(f"{PATH}{room.pk}/").json()["availability_status"]

    far = made(ana, hours=700)
    assert status() == "pending"
    near = made(ana)
    approve_booking(far.pk, Actor.for_booking(sam, far))
    assert status() == "unavailable"
    cancel_booking(far.pk, Actor.for_booking(sam, far))
    assert status() == "pending"
    reject_booking(near.pk, Actor.for_booking(sam, near))
    assert status() == "available"
    over = made(ana, hours=3)
    approve_booking(over.pk, Actor.for_booking(sam, over))
    Booking.objects.filter(pk=over.pk).update(
        starts_at=Now() - timedelta(hours=2), ends_at=Now() - timedelta(hours=1)
    )
    assert status() == "available"
    Resource.objects.filter(pk=room.pk).update(is_available=False)
    assert status() == "unavailable"


def test_a_request_past_its_time_does_not_count_although_no_sweep_has_run(at_desk, ana, room, made):
    booking = made(ana)
    Booking.objects.filter(pk=booking.pk).update(lapses_at=Now())
    assert at_desk().get(PATH).json() == [shown(room)]


def test_a_list_takes_the_same_statements_for_any_number(
    at_desk, room, django_assert_max_num_queries
):
    for n in range(20):
        Resource.objects.create(venue=room.venue, name=f"R{n}")
    with django_assert_max_num_queries(4):
        assert len(at_desk().get(PATH).json()) == 21


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_picture_is_set_field_by_field(at_desk, ana, method):
    send = getattr(at_desk(ana), method)
    answer = send(PICTURE, {"profile_picture": URL, "cloudinary_public_id": "a/b"})
    ana.profile.refresh_from_db()
    at = ana.profile.updated_at.isoformat().replace("+00:00", "Z")
    expected = {"profile_picture": URL, "cloudinary_public_id": "a/b", "updated_at": at}
    assert (answer.status_code, answer.json()) == (200, expected)
    assert send(PICTURE, {"cloudinary_public_id": "c"}).json()["profile_picture"] == URL
    assert at_desk(ana).get(f"{API}/auth/users/me/").json()["profile_picture"] == URL
    assert send(PICTURE, {"profile_picture": None}).json()["profile_picture"] is None
    for none in (None, ""):
        shown = send(PICTURE, {"cloudinary_public_id": none}).json()
        assert shown["cloudinary_public_id"] is None


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"profile_picture": "ftp://example.com/a.jpg"}, ["Enter a valid URL."]),
        ({"profile_picture": "javascript:alert(1)"}, ["Enter a valid URL."]),
        ({"profile_picture": "a.jpg"}, ["Enter a valid URL."]),
        (
            {"profile_picture": "https://example.com/" + "a" * 481},
            ["Ensure this field has no more than 500 characters."],
        ),
        ({"profile_picture": [URL]}, ["Not a valid string."]),
        ({"profile_picture": URL + "\0"}, None),
        (
            {"cloudinary_public_id": "a" * 256},
            ["Ensure this field has no more than 255 characters."],
        ),
    ],
)
def test_bad_pictures_are_refused(at_desk, ana, change, refusal):
    answer = at_desk(ana).patch(PICTURE, change)
    (field,) = change
    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert refusal is None or answer.json()[field] == refusal
    ana.profile.refresh_from_db()
    assert ana.profile.profile_picture is None


def test_a_url_of_500_characters_is_taken(at_desk, ana):
    url = "https://example.com/" + "a" * 480
    assert at_desk(ana).patch(PICTURE, {"profile_picture": url}).status_code == 200


def test_a_picture_is_removed_whether_or_not_there_is_one(at_desk, ana):
    at_desk(ana).put(PICTURE, {"profile_picture": URL, "cloudinary_public_id": "a"})
    for _ in range(2):
        answer = at_desk(ana).delete(f"{PICTURE}delete/")
        assert (answer.status_code, answer.json()) == (
            200,
            {"message": "Profile picture removed successfully"},
        )
    ana.profile.refresh_from_db()
    assert (ana.profile.profile_picture, ana.profile.cloudinary_public_id) == (None, "")


def test_pictures_are_for_people_who_are_signed_in(at_desk, place):
    for answer in (
        at_desk().put(PICTURE, {"profile_picture": URL}),
        at_desk().patch(PICTURE, {"profile_picture": URL}),
        at_desk().delete(f"{PICTURE}delete/"),
    ):
        assert (answer.status_code, answer.json()) == (
            401,
            {"detail": "Authentication credentials were not provided."},
        )


def test_the_health_check_needs_nobody_and_takes_no_posts(client, place):
    assert client.get("/health/").json()["status"] == "ok"
    assert client.head("/health/").status_code == 200
    assert client.post("/health/").status_code == 405


@pytest.mark.prefix_only
def test_the_root_of_the_api_names_the_two_lists(client):
    """README, Useful URLs: the API root. Relative to where it was asked."""
    for root in ("/resources/api/", "/api/"):
        answer = client.get(root)
        assert (answer.status_code, answer.json()) == (
            200,
            {
                "resources": f"http://testserver{root}resources/",
                "bookings": f"http://testserver{root}bookings/",
            },
        )
