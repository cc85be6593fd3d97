"""One system, several faces: what one of them books, frees or ends is so at all the others.

A contract joins by a `Face` of its own in `faces.py`. Every test below then runs over it too.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from rest_framework.test import APIClient

from api.contracts import CONTRACTS
from api.lifecycle import BOOKING, Status
from api.models import Booking, BookingEvent, Resource
from api.services.bookings.sweeps import sweep
from api.services.venues import venues
from tests.contracts.faces import FACES, HOUR, OWN, bearer
from tests.support.past_bookings import meeting

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse 9 battery"
HALF = HOUR / 2
NOT_EXPIRED = Now() + timedelta(days=30)


@pytest.fixture(params=FACES, ids=lambda face: face.name)
def face(request):
    return request.param


@pytest.fixture
def place(face, db):
    """The only place of the contract's venue."""
    venue = venues.get_contract_venue(face.name)
    return Resource.objects.create(venue=venue, name="The only one", capacity=4, **face.place)


@pytest.fixture
def soon(soon):
    """Ten o'clock: every contract's venue is open then, and for eight hours more."""
    return soon.replace(hour=10)


def own_cancel(user, pk):
    answer = OWN.client(user).post(f"/api/v1/bookings/{pk}/cancel/")
    assert answer.status_code == 200, answer.content


def free(place, start, end):
    """The free intervals that anybody is told of, between these two instants."""
    asked = {"start": start.isoformat(), "end": end.isoformat()}
    answer = APIClient().get(f"/api/v1/resources/{place.pk}/availability/", asked)
    assert answer.status_code == 200, answer.content
    return [(one["starts_at"], one["ends_at"]) for one in answer.json()["free"]]


def test_every_contract_has_a_face_here():
    assert [face.name for face in FACES] == list(CONTRACTS)


def test_what_one_face_books_the_other_sees_as_taken(face, place, ana, ben, soon):
    for first, second in ((face, OWN), (OWN, face)):
        first.booked(ana, place, soon)
        assert second.book(ben, place, soon + HALF).status_code == second.refused
        assert first.book(ben, place, soon - HALF).status_code == first.refused
        assert Booking.objects.filter(owner=ben).count() == 0
        second.booked(ben, place, soon + HOUR)
        Booking.objects.update(status="cancelled")
        Booking.objects.filter(owner=ben).update(owner=ana)


def test_what_one_face_books_is_free_for_nobody(face, place, ana, soon):
    before, after = f"{soon:%FT%T}Z", f"{soon + HOUR:%FT%T}Z"
    assert free(place, soon, soon + 2 * HOUR) == [(before, f"{soon + 2 * HOUR:%FT%T}Z")]
    face.booked(ana, place, soon)
    assert free(place, soon, soon + 2 * HOUR) == [(after, f"{soon + 2 * HOUR:%FT%T}Z")]


def test_what_one_face_frees_the_other_can_have(face, place, ana, ben, soon):
    own_cancel(ana, face.booked(ana, place, soon))
    face.booked(ben, place, soon)


def test_a_dead_hold_of_another_face_blocks_nobody(face, place, ana, ben, soon):
    """Without `.blocking()` in what a face looks at, or the ending of what is due in the way of a
    booking, the second person is refused until a sweep has run."""
    face.book(ana, place, soon)
    Booking.objects.update(status="held", hold_expires_at=soon - timedelta(days=30))
    face.booked(ben, place, soon)


# who sees it, and with which word


def test_a_booking_is_on_its_owners_list_at_its_own_door_and_at_ours(face, place, ana, ben, soon):
    for made_by in (face, OWN):
        pk = made_by.booked(ana, place, soon)
        assert face.shown(ana, place, soon) == {pk: face.first}
        assert OWN.shown(ana, place, soon) == {pk: Booking.objects.get().status}
        assert OWN.shown(ben, place, soon) == {}
        Booking.objects.all().delete()


def test_a_list_is_a_persons_and_staff_see_all_and_circle_times_is_a_rooms(
    face, place, ana, ben, sam, soon
):
    pk = face.booked(ana, place, soon)
    assert face.shown(sam, place, soon) == {pk: face.first}
    assert face.shown(ben, place, soon) == ({pk: face.first} if face.name == "circletime" else {})


def test_a_booking_of_one_contract_is_on_no_other_contracts_list(face, place, ana, sam, soon):
    pk = face.booked(ana, place, soon)
    for other in FACES:
        if other is not face and other.name not in ("circletime", "paidrooms"):  # by place
            assert other.shown(ana, place, soon) == {}
            assert other.shown(sam, place, soon) == {}
    everything = APIClient()
    everything.credentials(HTTP_AUTHORIZATION=bearer("paidrooms")(sam))
    found = everything.get("/paidrooms/api/bookings/all/").json()["bookings"]
    assert [row["id"] for row in found] == ([pk] if face.name == "paidrooms" else [])


CANCELLED = {
    "primetime": "CANCELLED",
    "barbershop": "canceled",
    "circletime": "cancelled",
    "resources": "cancelled",
    "paidrooms": "cancelled",
}


def test_what_is_cancelled_at_our_door_reads_so_at_its_own(face, place, ana, soon):
    pk = face.booked(ana, place, soon)
    own_cancel(ana, pk)
    hidden = CANCELLED[face.name] in face.hides
    assert face.shown(ana, place, soon) == ({} if hidden else {pk: CANCELLED[face.name]})
    assert OWN.shown(ana, place, soon) == {pk: "cancelled"}


DELETES = {
    "primetime": ("/primetime/api/reservations/{}/", 204),
    "barbershop": ("/barbershop/api/reservations/{}/", 204),
    "circletime": ("/circletime/api/bookings/{}", 200),
    "resources": ("/resources/api/bookings/{}/", 204),
}


def test_what_is_cancelled_at_its_own_door_reads_so_at_ours(face, place, ana, ben, soon):
    if face.name not in DELETES:
        return  # paid rooms have no way of cancelling: a hold runs out by itself
    pk = OWN.booked(ana, place, soon)
    path, status = DELETES[face.name]
    assert face.client(ana).delete(path.format(pk)).status_code == status
    assert OWN.shown(ana, place, soon) == {pk: "cancelled"}
    assert BookingEvent.objects.filter(booking=pk, verb="cancel").count() == 1
    OWN.booked(ben, place, soon)


# what the clock does, it does at every door


def due(deadline, **more):
    """Every booking's deadline moved into the past."""
    Booking.objects.update(**{deadline: Now() - timedelta(seconds=1)}, **more)


COMPLETED = {
    "primetime": "COMPLETED",
    "barbershop": "completed",
    "circletime": "completed",
    "resources": "confirmed",
    "paidrooms": "completed",
}
# a request that nobody answered, a hold that nobody paid
EXPIRED = {
    "primetime": "CANCELLED",
    "barbershop": "canceled",
    "circletime": "cancelled",
    "resources": "cancelled",
    "paidrooms": "expired",
}


def test_what_the_clock_completes_is_completed_at_every_door(face, place, ana, ben, soon):
    pk = face.booked(ana, place, soon)
    Booking.objects.update(status="confirmed")
    due("completes_at", no_show_at=None)
    assert sweep(BOOKING.complete, "complete_finished") == 1
    assert face.shown(ana, place, soon) == {pk: COMPLETED[face.name]}
    assert OWN.shown(ana, place, soon) == {pk: "completed"}
    face.booked(ben, place, soon)


@pytest.mark.parametrize(
    ("status", "deadline", "job"),
    [("held", "hold_expires_at", "expire"), ("pending", "lapses_at", "lapse")],
)
def test_what_the_clock_expires_is_over_at_every_door(
    face, place, ana, ben, soon, status, deadline, job
):
    pk = face.booked(ana, place, soon)
    Booking.objects.update(status=status, hold_expires_at=NOT_EXPIRED)
    due(deadline)
    assert sweep(getattr(BOOKING, job), "expire_holds") == 1
    hidden = EXPIRED[face.name] in face.hides
    assert face.shown(ana, place, soon) == ({} if hidden else {pk: EXPIRED[face.name]})
    assert OWN.shown(ana, place, soon) == {pk: "expired"}
    OWN.booked(ben, place, soon)


def test_every_status_has_a_word_that_the_readme_knows(face, place, ana, soon):
    """All nine at once; what a list hides is shown there by nobody."""
    rows = {
        status: meeting(
            place, ana, soon + timedelta(hours=n - 2), status=status, payment_status="pending"
        ).pk
        for n, status in enumerate(Status.values)
    }
    Booking.objects.update(hold_expires_at=NOT_EXPIRED)
    shown = face.shown(ana, place, soon)
    assert set(shown.values()) <= face.words
    missing = {status for status, pk in rows.items() if pk not in shown}
    assert missing == ({"cancelled", "rejected", "expired"} if face.hides else set())


# one account


def test_one_account_signs_in_everywhere(person):
    ana = person("ana", username="ana")
    for path, body in (
        ("/api/v1/auth/login/", {"email": ana.email}),
        ("/primetime/api/users/login/", {"email": ana.email}),
        ("/barbershop/api/auth/login/", {"username": "ana"}),
        ("/circletime/api/auth/login", {"email": ana.email}),
        ("/resources/api/auth/token/login/", {"username": "ana"}),
        ("/paidrooms/api/login/", {"email": ana.email}),
    ):
        answer = APIClient().post(path, body | {"password": PASSWORD})
        assert answer.status_code == 200, (path, answer.content)


ME = {
    "primetime": "/primetime/api/users/me/",
    "barbershop": "/barbershop/api/auth/me/",
    "circletime": "/circletime/api/auth/me",
    "resources": "/resources/api/auth/users/me/",
    "paidrooms": "/paidrooms/api/bookings/1/",
}


def test_a_new_password_at_one_face_ends_the_sessions_of_all(person):
    ana = person("ana")
    clients = {face.name: face.client(ana) for face in FACES}
    assert {name: clients[name].get(path).status_code for name, path in ME.items()} == {
        **dict.fromkeys(ME, 200),
        "paidrooms": 404,  # signed in: there is no such booking
    }
    change = {"current_password": PASSWORD, "new_password": "Lantern 44 x"}
    assert OWN.client(ana).post("/api/v1/auth/password/", change).status_code == 200
    for name, path in ME.items():
        assert clients[name].get(path).status_code == 401, name
