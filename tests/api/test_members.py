"""The people of a venue: who they are, how one becomes one of them, and what that brings."""

from __future__ import annotations

import re
from functools import partial

import pytest
from django.test import Client
from rest_framework.test import APIClient

from api import errors
from api.models import Delivery, Invitation, Membership, Resource, User, Venue
from api.models.roles import Role
from api.services.accounts import accounts, memberships
from api.services.messages import mailer
from tests.conftest import add_member

pytestmark = pytest.mark.django_db

API = "/api/v1/"
MEMBERS = f"{API}venues/club/members/"
STRONG = "another horse 8 staple"


@pytest.fixture
def other(venue):
    return Venue.objects.create(slug="other", name="The Other")


@pytest.fixture
def eva(person, venue):
    """An admin of the club and of nothing else."""
    user = person("eva", role="")
    add_member(user, venue, Role.ADMIN)
    return user


@pytest.fixture
def oda(person, other):
    """An admin of the other venue."""
    user = person("oda", role="")
    add_member(user, other, Role.ADMIN)
    return user


@pytest.fixture
def zoe(person):
    """Somebody who has an account, and no role anywhere."""
    return person("zoe", role="")


def member(user, venue):
    return Membership.objects.get(user=user, venue=venue)


def shown(row):
    user = row.user
    return {
        "id": row.pk,
        "user": user.pk,
        "email": user.email,
        "name": user.name,
        "role": row.role,
    }


def test_a_known_address_becomes_a_member_at_once(client_of, venue, eva, zoe):
    http = client_of(eva)
    answer = http.post(MEMBERS, {"email": "ZOE@example.com", "role": "staff"})
    assert (answer.status_code, answer.json()) == (201, shown(member(zoe, venue)))
    assert answer.json()["role"] == "staff"
    again = http.post(MEMBERS, {"user": zoe.pk, "role": "customer"})
    assert (again.status_code, again.json()) == (200, shown(member(zoe, venue)))
    assert again.json()["role"] == "customer"
    listed = http.get(MEMBERS).json()["results"]
    assert listed == [shown(member(zoe, venue)), shown(member(eva, venue))]
    assert http.get(f"{API}members/{listed[0]['id']}/").json() == listed[0]
    assert http.get(f"{MEMBERS}{listed[0]['id']}/").json() == listed[0]


def test_rights_begin_and_end_with_the_row(client_of, venue, court, booked, ana, eva, zoe):
    booking, http = booked(ana), client_of(zoe)
    path = f"{API}bookings/{booking.pk}/"
    assert http.get(path).status_code == 404
    made = client_of(eva).post(MEMBERS, {"user": zoe.pk, "role": "staff"}).json()
    assert http.get(path).status_code == 200
    assert http.get(f"{API}venues/club/closures/").status_code == 200
    assert client_of(eva).patch(f"{API}members/{made['id']}/", {"role": "customer"}).json() == {
        **made,
        "role": "customer",
    }
    assert http.get(path).status_code == 404
    client_of(eva).patch(f"{API}members/{made['id']}/", {"role": "staff"})
    assert http.get(path).status_code == 200
    assert client_of(eva).delete(f"{API}members/{made['id']}/").status_code == 204
    assert http.get(path).status_code == 404
    assert http.get(f"{API}venues/club/closures/").status_code == 403


def test_one_reads_ones_own_roles_and_an_admin_those_of_the_own_venue(
    client_of, venue, other, eva, oda, zoe
):
    add_member(zoe, venue, "staff")
    add_member(zoe, other, "customer")
    both = [{"venue": "club", "role": "staff"}, {"venue": "other", "role": "customer"}]
    me = client_of(zoe).get(f"{API}auth/me/").json()
    assert (me["operator"], me["memberships"]) == (False, both)
    seen = client_of(eva).get(f"{API}users/{zoe.pk}/").json()
    assert seen["memberships"] == both[:1]
    assert [one["id"] for one in client_of(oda).get(f"{API}users/").json()["results"]] == [
        zoe.pk,
        oda.pk,
    ]
    assert client_of(oda).get(f"{API}users/{eva.pk}/").status_code == 404
    for method in ("patch", "delete"):
        answer = getattr(client_of(eva), method)(f"{API}users/{zoe.pk}/", {})
        assert answer.status_code == 403
    assert client_of(zoe).get(f"{API}users/").status_code == 403


def test_only_admins_of_the_venue_see_and_make_members(client_of, venue, sam, ana, eva, oda, zoe):
    row = member(eva, venue)
    for user in (ana, sam, oda, zoe):
        http = client_of(user)
        assert http.get(MEMBERS).status_code == 403
        assert http.post(MEMBERS, {"user": zoe.pk, "role": "staff"}).status_code == 403
        expected = 404 if user == oda else 403
        assert http.get(f"{API}members/{row.pk}/").status_code == expected
        assert http.patch(f"{API}members/{row.pk}/", {"role": "staff"}).status_code == expected
        assert http.delete(f"{API}members/{row.pk}/").status_code == expected
    assert client_of().get(MEMBERS).status_code == 401
    assert member(eva, venue).role == "admin"
    assert not zoe.memberships.exists()


def test_nobody_reads_by_an_id_who_the_people_of_another_venue_are(client_of, venue, eva, oda):
    answer = client_of(eva).post(MEMBERS, {"user": oda.pk})
    assert (answer.status_code, answer.json()["errors"]) == (
        400,
        {"user": [f"Unknown person: {oda.pk}."]},
    )
    nobody = client_of(eva).post(MEMBERS, {"user": 2**62})
    assert nobody.json()["errors"] == {"user": [f"Unknown person: {2**62}."]}
    for body in ({}, {"user": oda.pk, "email": oda.email}, {"email": oda.email, "role": "owner"}):
        assert client_of(eva).post(MEMBERS, body).status_code == 400


def test_the_last_admin_stays_one_but_for_an_operator(client_of, venue, eva, zoe, ada):
    Membership.objects.filter(user=ada).delete()
    path = f"{API}members/{member(eva, venue).pk}/"
    for answer in (
        client_of(eva).patch(path, {"role": "staff"}),
        client_of(eva).delete(path),
        client_of(eva).post(MEMBERS, {"user": eva.pk, "role": "customer"}),
        client_of(eva).delete(f"{API}auth/me/"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    add_member(zoe, venue, "admin")
    assert client_of(eva).patch(path, {"role": "staff"}).status_code == 200
    last = f"{API}members/{member(zoe, venue).pk}/"
    assert client_of(zoe).delete(last).status_code == 409
    assert client_of(ada).delete(last).status_code == 204


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_demote_each_other_at_once_one_stays(venue, person, at_once):
    """Without the lock on the venue's admins both see the other, and none is left."""
    one, two = (person(name, role="") for name in ("one", "two"))
    for _ in range(5):
        Membership.objects.all().delete()
        for user in (one, two):
            add_member(user, venue, "admin")
        results = at_once(
            *(
                partial(memberships.set_role, member(whom, venue), "staff", by=by)
                for whom, by in ((one, two), (two, one))
            )
        )
        # the second is told so, or no admin any more when it comes to ask
        refusals = (errors.LastAdmin, errors.Forbidden)
        assert sum(isinstance(result, refusals) for result in results) == 1
        assert Membership.objects.filter(role="admin").count() == 1


def test_whoever_books_becomes_a_customer_and_leaves_as_they_like(client_of, court, zoe, soon):
    http = client_of(zoe)
    body = {
        "resource": court.pk,
        "starts_at": soon.isoformat(),
        "ends_at": soon.replace(hour=10).isoformat(),
    }
    assert http.post(f"{API}bookings/", body).status_code == 201
    row = zoe.memberships.get()
    assert (row.venue, row.role) == (court.venue, "customer")
    assert http.get(f"{API}members/{row.pk}/").json() == shown(row)
    assert http.patch(f"{API}members/{row.pk}/", {"role": "admin"}).status_code == 403
    assert http.delete(f"{API}members/{row.pk}/").status_code == 204
    assert http.get(f"{API}bookings/").json()["results"][0]["resource"] == court.pk


def test_a_venue_for_invited_people_takes_bookings_of_its_members_only(
    client_of, venue, court, eva, zoe, soon
):
    http = client_of(eva)
    assert http.patch(f"{API}venues/club/", {"joining": "whoever"}).status_code == 400
    assert http.patch(f"{API}venues/club/", {"joining": "invited"}).status_code == 200
    body = {
        "resource": court.pk,
        "starts_at": soon.isoformat(),
        "ends_at": soon.replace(hour=10).isoformat(),
    }
    answer = client_of(zoe).post(f"{API}bookings/", body)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert not zoe.memberships.exists()
    http.post(MEMBERS, {"user": zoe.pk})
    assert client_of(zoe).post(f"{API}bookings/", body).status_code == 201


def test_attendees_are_people_of_the_venue(client_of, court, ana, ben, oda, soon):
    """Who exists elsewhere is refused as who does not exist, before any rule is asked."""
    body = {"resource": court.pk, "starts_at": soon.isoformat()}
    body["ends_at"] = soon.replace(hour=10).isoformat()
    for pk in (oda.pk, 2**62):
        for times in ({}, {"starts_at": "2001-01-01T00:00:00Z"}):
            answer = client_of(ana).post(f"{API}bookings/", body | times | {"attendees": [pk]})
            assert (answer.status_code, answer.json()["errors"]) == (
                400,
                {"attendees": [f"Unknown people: [{pk}]."]},
            )
    made = client_of(ana).post(f"{API}bookings/", body | {"attendees": [ben.pk]})
    assert (made.status_code, made.json()["attendees"]) == (201, [ben.pk])
    path = f"{API}bookings/{made.json()['id']}/"
    assert client_of(ana).patch(path, {"attendees": [oda.pk]}).status_code == 400
    ben.memberships.all().delete()
    kept = client_of(ana).patch(path, {"attendees": [ben.pk, ana.pk]})
    assert (kept.status_code, kept.json()["attendees"]) == (200, [ana.pk, ben.pk])


def test_staff_move_a_booking_among_their_own_venues(client_of, booked, other, ana, person, venue):
    kim = person("kim", role="")
    add_member(kim, venue, "staff")
    booking, hall = booked(ana), Resource.objects.create(venue=other, name="Hall")
    path = f"{API}bookings/{booking.pk}/"
    assert client_of(kim).patch(path, {"resource": hall.pk}).status_code == 403
    add_member(kim, other, "staff")
    assert client_of(kim).patch(path, {"resource": hall.pk}).status_code == 200


# inviting


def letter():
    row = Delivery.objects.get(name="invitation")
    message = mailer.compose(row, None)
    return message, re.search(r"/account/join/\S+/", str(message.body))[0]


def test_an_unknown_address_is_invited_and_joins_by_the_link_of_its_letter(client_of, venue, eva):
    answer = client_of(eva).post(MEMBERS, {"email": "new@example.com", "role": "staff"})
    assert (answer.status_code, answer.json()) == (
        202,
        {"detail": "They are invited by letter.", "email": "new@example.com", "role": "staff"},
    )
    message, path = letter()
    assert (message.to, message.subject) == (["new@example.com"], "You are invited to The Club")
    page = Client().get(path)
    assert (page.status_code, page["Referrer-Policy"]) == (200, "no-referrer")
    assert 'name="password"' in page.content.decode()
    assert not User.objects.filter(email="new@example.com").exists()
    assert Client().post(path, {"password": "short"}).status_code == 400
    assert Client().post(path, {"password": STRONG, "first_name": "Nia"}).status_code == 200
    made = User.objects.get(email="new@example.com")
    assert (made.first_name, made.roles) == ("Nia", {venue.pk: "staff"})
    assert made.email_verified_at
    assert Client().get(path).status_code == 404
    assert Client().get("/account/join/1.abc.def/").status_code == 404


def test_an_invited_address_joins_once_it_is_verified_and_not_before(client_of, venue, eva):
    client_of(eva).post(MEMBERS, {"email": "new@example.com", "role": "customer"})
    client_of(eva).post(MEMBERS, {"email": "New@example.com", "role": "staff"})
    body = {"email": "new@example.com", "password": STRONG}
    assert APIClient().post(f"{API}auth/register/", body).status_code == 201
    APIClient().post(f"{API}auth/login/", body)
    made = User.objects.get(email="new@example.com")
    assert made.roles == {}
    User.objects.filter(pk=made.pk).update(email_verified_at="2026-01-01T00:00:00Z")
    APIClient().post(f"{API}auth/login/", body)
    assert User.objects.get(pk=made.pk).roles == {venue.pk: "staff"}
    assert not Invitation.objects.exists()


def test_an_invitation_is_listed_and_taken_back(client_of, venue, eva, oda):
    client_of(eva).post(MEMBERS, {"email": "new@example.com", "role": "staff"})
    path = f"{API}venues/club/invitations/"
    [one] = client_of(eva).get(path).json()["results"]
    assert (one["email"], one["role"]) == ("new@example.com", "staff")
    assert client_of(oda).get(path).status_code == 403
    _, link = letter()
    assert client_of(eva).delete(f"{path}{one['id']}/").status_code == 204
    assert Client().get(link).status_code == 404
    accounts.register(email="new@example.com", password=STRONG, verified=True)
    assert User.objects.get(email="new@example.com").roles == {}


def test_a_venue_is_handed_over(client_of, venue, eva, zoe, sam):
    add_member(zoe, venue, "customer")
    path = f"{MEMBERS}{member(zoe, venue).pk}/hand-over/"
    assert client_of(sam).post(path).status_code == 403
    answer = client_of(eva).post(path)
    assert (answer.status_code, answer.json()["role"]) == (200, "admin")
    assert member(eva, venue).role == "staff"
    assert client_of(eva).get(MEMBERS).status_code == 403


def test_only_the_operator_makes_venues(client_of, ada, eva):
    body = {"slug": "third", "name": "Third"}
    assert client_of(eva).post(f"{API}venues/", body).status_code == 403
    assert client_of(ada).post(f"{API}venues/", body).status_code == 201
    path = f"{API}venues/third/"
    assert client_of(eva).patch(path, {"name": "Mine"}).status_code == 404
