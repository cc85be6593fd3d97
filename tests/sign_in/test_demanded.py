"""A venue that demands a second factor: without one staff and admins have a customer's rights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from api.models import Booking, Resource, Role, User, Venue
from api.services.accounts import tokens
from api.services.accounts.methods import Method
from tests.conftest import PASSWORD
from tests.sign_in.conftest import App, sign_in

ClientOf = Callable[..., APIClient]
FULL = [Method.PASSWORD, Method.CODE, Method.SECOND_FACTOR]


def bearer(user: User, *methods: str, contract: str = "v1") -> APIClient:
    client = APIClient()
    pair = tokens.issue(user, contract, methods=methods)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
    return client


@pytest.fixture
def demanding(venue: Venue) -> Venue:
    venue.second_factor_required = True
    venue.save()
    return venue


@pytest.fixture
def staff(person: Callable[..., User]) -> User:
    return person("sam", Role.STAFF)


@pytest.fixture
def manager(person: Callable[..., User]) -> User:
    return person("mia", Role.ADMIN, is_superuser=False)


@pytest.fixture
def operator(person: Callable[..., User]) -> User:
    return person("oda", "", is_superuser=True)


def count_visible(client: APIClient) -> int:
    return len(client.get("/api/v1/bookings/").json()["results"])


def test_staff_without_one_see_their_own_bookings_only(
    demanding: Venue, booked: Callable[..., Booking], ana: User, staff: User
) -> None:
    booked(ana)
    booked(staff, 2)
    assert count_visible(bearer(staff, Method.PASSWORD)) == 1
    assert count_visible(bearer(staff, *FULL)) == 2


def test_staff_keep_their_rights_in_other_venues(
    venue: Venue, booked: Callable[..., Booking], ana: User, staff: User
) -> None:
    Venue.objects.create(slug="other", name="Other", second_factor_required=True)
    booked(ana)
    assert count_visible(bearer(staff, Method.PASSWORD)) == 1


def test_admin_without_one_changes_nothing(demanding: Venue, manager: User) -> None:
    path, body = "/api/v1/venues/club/", {"second_factor_required": False}
    assert bearer(manager, Method.PASSWORD).patch(path, body).status_code in (403, 404)
    assert Venue.objects.get(slug="club").second_factor_required
    assert bearer(manager, *FULL).patch(path, body).status_code == 200


def test_operator_without_one_is_nobody_special_while_any_venue_demands(
    demanding: Venue, operator: User
) -> None:
    Venue.objects.create(slug="other", name="Other")
    paths = ("/api/v1/automation/",)
    for path in paths:
        assert bearer(operator, Method.PASSWORD).get(path).status_code == 403
        assert bearer(operator, *FULL).get(path).status_code == 200
    Venue.objects.update(second_factor_required=False)
    for path in paths:
        assert bearer(operator, Method.PASSWORD).get(path).status_code == 200


def test_instance_may_demand_it_for_every_venue(
    venue: Venue, booked: Callable[..., Booking], ana: User, staff: User, settings: Any
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    booked(ana)
    assert count_visible(bearer(staff, Method.PASSWORD)) == 0
    assert count_visible(bearer(staff, *FULL)) == 1


def test_customers_book_as_ever(demanding: Venue, court: Resource, soon: Any, ana: User) -> None:
    body = {
        "resource": court.pk,
        "starts_at": soon.isoformat(),
        "ends_at": soon.replace(hour=10).isoformat(),
    }
    assert bearer(ana, Method.PASSWORD).post("/api/v1/bookings/", body).status_code == 201


@pytest.mark.parametrize(
    ("contract", "path"),
    [
        ("primetime", "/primetime/api/admin/users/"),
        ("paidrooms", "/paidrooms/api/admin/bookings/"),
    ],
)
def test_password_sign_in_of_contract_carries_customers_rights(
    staff: User, manager: User, client_of: ClientOf, contract: str, path: str
) -> None:
    from api.services.venues.venues import get_contract_venue

    place = get_contract_venue(contract)
    before = bearer(manager, Method.PASSWORD, contract=contract).get(path).status_code
    place.second_factor_required = True
    place.save()
    after = bearer(manager, Method.PASSWORD, contract=contract).get(path).status_code
    assert (before, after) in {(200, 403), (404, 404)}
    assert bearer(manager, *FULL, contract=contract).get(path).status_code == before


def test_token_without_end_carries_customers_rights(
    manager: User, booked: Callable[..., Booking], client_of: ClientOf
) -> None:
    from rest_framework.authtoken.models import Token

    from api.services.venues.venues import get_contract_venue

    place = get_contract_venue("resources")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=manager).key}")
    body = {"name": "Room"}
    path = "/resources/api/resources/"
    assert client.post(path, body).status_code in (201, 400)
    place.second_factor_required = True
    place.save()
    assert client.post(path, body).status_code == 403


# the admin site


def test_staff_site_sends_whoever_lacks_one_to_set_it_up(demanding: Venue, staff: User) -> None:
    client = Client()
    sign_in(client, staff, PASSWORD)
    response = client.get("/admin/", follow=True)
    assert [to for to, _ in response.redirect_chain] == ["/admin/login/?next=/admin/", "/account/"]
    page = response.content.decode()
    assert "demands a second factor" in page
    assert "/account/2fa/" in page


def test_staff_site_opens_once_one_was_shown(demanding: Venue, staff: User) -> None:
    app, client = App(staff), Client()
    sign_in(client, staff, PASSWORD)
    client.post("/account/2fa/authenticate/", {"code": app.code()})
    assert client.get("/admin/").status_code == 200


def test_staff_site_asks_whoever_has_one_and_has_not_shown_it(
    demanding: Venue, staff: User
) -> None:
    client = Client()
    sign_in(client, staff, PASSWORD)
    app = App(staff)  # set up elsewhere since
    asked, _ = client.get("/admin/", follow=True).redirect_chain[-1]
    assert asked == "/account/2fa/reauthenticate/?next=%2Fadmin%2F"
    back = client.post(asked, {"code": app.code()})
    assert back["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_customers_are_still_refused_by_the_staff_site(demanding: Venue, ana: User) -> None:
    client = Client()
    sign_in(client, ana, PASSWORD)
    assert client.get("/admin/")["Location"].startswith("/admin/login/")


def test_row_that_calls_nothing_has_its_real_role(demanding: Venue, staff: User) -> None:
    row = User.objects.get(pk=staff.pk)
    assert row.roles == {demanding.pk: Role.STAFF}
    row.set_second_factor(False)
    assert row.roles == {demanding.pk: Role.CUSTOMER}
    row.set_second_factor(True)
    assert row.roles == {demanding.pk: Role.STAFF}
