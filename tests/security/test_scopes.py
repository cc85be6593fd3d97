"""Every view says whose rows it answers, and one that does not answers none."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLResolver, get_resolver
from rest_framework.test import APIRequestFactory

from api.contracts import CONTRACTS
from api.contracts.kit import ContractView
from api.models import Booking, Caller, Job, Membership, Nobody, Resource, User, Venue
from api.queries.accounts.scope import VENUE_PATHS, limit_to_admin, limit_to_staff
from api.rest.base_view import BaseAPIView
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import IsAdmin, IsOperator, IsStaff, ReadOnlyOrRole, Scope
from tests.conftest import add_member

BOUNDED = {
    *(Scope.STAFF, Scope.STAFF_WRITES, Scope.ADMIN, Scope.ADMIN_WRITES),
    *(Scope.VENUE, Scope.VISIBLE, Scope.OPERATOR),
}


def list_views(patterns: Any = None, prefix: str = "/") -> Any:
    for pattern in patterns or get_resolver().url_patterns:
        here = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from list_views(pattern.url_patterns, here)
            continue
        view: Any = pattern.callback
        cls = getattr(view, "view_class", None) or getattr(view, "cls", None)
        if isinstance(cls, type) and issubclass(cls, BaseAPIView):
            yield here, cls, getattr(view, "initkwargs", {})


VIEWS = list(list_views())


def test_every_view_says_whose_rows_it_answers():
    assert len(VIEWS) > 150
    assert [path for path, cls, _ in VIEWS if cls.scope is None] == []
    contracts = {cls.contract for _, cls, _ in VIEWS if issubclass(cls, ContractView)}
    assert contracts == set(CONTRACTS)
    assert {cls.scope for _, cls, _ in VIEWS if issubclass(cls, ContractView)} == {Scope.VENUE}


def test_what_asks_for_a_role_limits_its_rows_by_it():
    asking = (IsStaff, IsAdmin, IsOperator, ReadOnlyOrRole)
    loose = [
        path
        for path, cls, options in VIEWS
        for permission in options.get("permission_classes", cls.permission_classes)
        if issubclass(permission, asking) and cls.scope not in BOUNDED
    ]
    assert loose == []


def test_a_view_that_does_not_say_it_answers_nothing():
    class Forgetful(IdempotentAPIView):
        authentication_classes = ()
        permission_classes = ()

        def get(self, request: Any) -> Any:
            raise AssertionError("it was reached")

    with pytest.raises(ImproperlyConfigured, match="Forgetful"):
        Forgetful.as_view()(APIRequestFactory().get("/"))


@pytest.mark.django_db
def test_rows_of_a_model_that_hangs_on_no_venue_are_the_operators_alone(venue, court, person):
    Job.objects.create(name="x")
    kim, boss = person("kim", role=""), person("boss", role="", is_superuser=True)
    add_member(kim, venue, "admin")
    assert Job not in VENUE_PATHS
    for limit in (limit_to_staff, limit_to_admin):
        assert not limit(Job.objects.all(), kim)
        assert limit(Job.objects.all(), boss)
        assert not limit(Resource.objects.all(), Nobody())


@pytest.mark.django_db
def test_every_model_of_the_table_is_limited_along_its_path(venue, court, booked, ana, person):
    booked(ana)
    other = Venue.objects.create(slug="other", name="Other")
    kim, eva = person("kim", role=""), person("eva", role="")
    add_member(kim, other, "staff")
    add_member(eva, venue, "staff")
    for model in VENUE_PATHS:
        rows = model._default_manager.all()
        assert set(limit_to_staff(rows, eva)) | set(limit_to_staff(rows, kim)) == set(rows), model
        if model not in (Venue, Membership):
            assert not limit_to_staff(rows, kim), model
    assert ana in limit_to_staff(User.objects.all(), eva)
    assert set(limit_to_staff(User.objects.all(), kim)) == set(
        User.objects.filter(memberships__venue=other)
    )
    assert Booking.objects.exists()


def test_a_caller_who_has_a_role_has_it_in_that_venue_alone():
    class Key(Caller):
        """As an API key will be: no person."""

        roles = {7: "staff"}
        is_operator = False
        person_id = None

    key = Key()
    assert (key.is_member_of(7), key.is_staff_of(7), key.is_admin_of(7)) == (True, True, False)
    assert (key.is_member_of(8), key.is_staff_of(8)) == (False, False)
    assert (key.list_staff_venues(), key.list_admin_venues()) == ({7}, frozenset())
