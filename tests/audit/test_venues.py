"""Each venue's admins read what was done there, and nothing of another venue."""

import pytest

from api.models import AuditEntry, Membership, Resource, Role, User, Venue

pytestmark = pytest.mark.django_db
URL = "/api/v1/audit/"


@pytest.fixture
def other(db):
    return Venue.objects.create(slug="studio", name="The Studio")


@pytest.fixture
def account(db, client_of):
    """Somebody with these roles by venue, and their client."""

    def make(name, **roles):
        user = User.objects.create_user(f"{name}@example.com", "correct horse 9 battery")
        for slug, role in roles.items():
            venue = Venue.objects.get(slug=slug)
            Membership.objects.create(user=user, venue=venue, role=role)
        return user, client_of(user)

    return make


@pytest.fixture
def room(other):
    return Resource.objects.create(venue=other, name="Room")


def objects(client, query=""):
    answer = client.get(URL + query)
    assert answer.status_code == 200
    return [(row["actor"]["kind"], row["object"]) for row in answer.json()["results"]]


def test_admin_reads_the_entries_of_the_own_venue(account, venue, other, court, room):
    both, of_both = account("bo", club=Role.STAFF, studio=Role.ADMIN)
    of_both.patch(f"/api/v1/resources/{court.pk}/", {"floor": 2})
    of_both.patch(f"/api/v1/resources/{room.pk}/", {"floor": 3})
    _, club = account("alma", club=Role.ADMIN)
    assert objects(club) == [("staff", f"resource:{court.pk}")]
    assert objects(of_both) == [("admin", f"resource:{room.pk}")]
    assert objects(club, f"?actor={both.pk}") == [("staff", f"resource:{court.pk}")]
    assert objects(club, f"?object=resource:{room.pk}") == []
    text = club.get(f"{URL}?format=csv").getvalue().decode()
    assert f"resource:{court.pk}" in text
    assert f"resource:{room.pk}" not in text
    assert "studio" not in text


def test_log_of_another_venue_is_refused(account, ada, client_of, venue, other):
    _, club = account("alma", club=Role.ADMIN, studio=Role.STAFF)
    for query in ("?venue=studio", "?venue=studio&format=csv"):
        answer = club.get(URL + query)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert club.get(f"{URL}?venue=club").status_code == 200
    assert club.get(f"{URL}?venue=nowhere").status_code == 404
    assert client_of(ada).get(f"{URL}?venue=studio").status_code == 200


def test_staff_are_customers_elsewhere(account, venue, other, court, soon):
    """What they do there as anybody may is not recorded."""
    _, client = account("sue", studio=Role.STAFF, club=Role.CUSTOMER)
    body = {
        "resource": court.pk,
        "starts_at": soon.isoformat(),
        "ends_at": soon.replace(hour=10).isoformat(),
    }
    made = client.post("/api/v1/bookings/", body)
    assert made.status_code == 201
    assert client.get(f"/api/v1/bookings/{made.json()['id']}/").status_code == 200
    assert not AuditEntry.objects.exists()


def test_what_belongs_to_no_venue_is_read_by_operators(account, ada, client_of, venue):
    sue, client = account("sue", club=Role.STAFF)
    client.patch("/api/v1/auth/me/", {"department": "Reception"})
    _, club = account("alma", club=Role.ADMIN)
    assert objects(club) == []
    assert objects(client_of(ada)) == [("staff", f"user:{sue.pk}")]


def test_rights_end_with_the_membership(account, venue, court):
    user, club = account("alma", club=Role.ADMIN)
    club.patch(f"/api/v1/resources/{court.pk}/", {"floor": 2})
    assert len(objects(club)) == 1
    Membership.objects.filter(user=user).update(role=Role.STAFF)
    assert club.get(URL).status_code == 403


def test_look_at_the_members_is_recorded(account, venue):
    user, club = account("alma", club=Role.ADMIN)
    account("cora", club=Role.CUSTOMER)
    assert club.get("/api/v1/venues/club/members/").status_code == 200
    entry = AuditEntry.objects.get()
    assert (entry.user_id, entry.venue_id, entry.action) == (user.pk, venue.pk, "read")
    assert (entry.object, entry.after["rows"]) == ("venues/club/members", 2)


def test_change_of_a_member_is_recorded(account, venue):
    _, club = account("alma", club=Role.ADMIN)
    cora, _ = account("cora", club=Role.CUSTOMER)
    member = Membership.objects.get(user=cora)
    path = f"/api/v1/members/{member.pk}/"
    assert club.patch(path, {"role": "staff"}).status_code == 200
    assert club.delete(path).status_code == 204
    changed, removed = AuditEntry.objects.filter(object=f"member:{member.pk}").order_by("id")
    assert (changed.before, changed.after) == ({"role": "customer"}, {"role": "staff"})
    assert (removed.action, removed.before["user_id"]) == ("delete", cora.pk)
