"""The people and places of the tests. Three people answer every permission question."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.cache import cache
from django.core.signals import setting_changed
from django.db import connection
from django.db.models.functions import Now
from django.db.models.signals import post_save
from django.dispatch import receiver
from hypothesis import settings
from rest_framework.test import APIClient

from api.models import Booking, Membership, Resource, Role, User, Venue
from api.services.accounts import tokens
from api.services.actors import Actor
from api.services.bookings.create import BookingRequest, create_booking
from tests.support.kinds import KINDS, Kind, make_kind

settings.register_profile("holdfast", deadline=None)  # a slow machine is not a failure
settings.load_profile("holdfast")


# What starts and kills processes, drives a browser or lives through long times: `make test` leaves
# it out, `make test-all` runs it.
SLOW = ("clock/", "devserver/", "e2e/", "faults/test_b_processes.py", "faults/test_c_time.py")
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(HERE).as_posix().startswith(SLOW):
            item.add_marker("slow")


def pytest_configure() -> None:
    """Hashing a password is slow on purpose; tests of other things need not wait for it. Nor for
    a look through all static files, for which each new client takes half of a short test."""
    configured.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    configured.WHITENOISE_AUTOREFRESH = True


@receiver(setting_changed)
def _close_mail_connections(**_: Any) -> None:
    """A connection that is kept is to the server of the settings that were."""
    from api.services.messages import mail_connections

    mail_connections.close_idle(timeout=0)


PASSWORD = "correct horse 9 battery"


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


@pytest.fixture(scope="session")
def hashed() -> str:
    from django.contrib.auth.hashers import make_password

    return make_password(PASSWORD)


@pytest.fixture
def everywhere(db: None) -> Iterator[list[tuple[User, str]]]:
    """People with their role in every venue, those that are made later too: most tests are about
    one venue. What somebody may do in another is asked in tests/security."""
    people: list[tuple[User, str]] = []

    def let_them_in(instance: Venue, created: bool, **_: Any) -> None:
        for user, role in people if created else ():
            add_member(user, instance, role)

    post_save.connect(let_them_in, sender=Venue)
    yield people
    post_save.disconnect(let_them_in, sender=Venue)


def add_member(user: User, venue: Venue, role: str) -> None:
    Membership.objects.create(user=user, venue=venue, role=role)
    user.forget_roles()


@pytest.fixture
def person(everywhere: list[tuple[User, str]], hashed: str) -> Callable[..., User]:
    """An account with a role in every venue; an admin is the operator too. Without a role it is one
    that nobody knows."""

    def make(name: str, role: str = Role.CUSTOMER, **fields: Any) -> User:
        fields.setdefault("email_verified_at", Now())
        fields.setdefault("is_superuser", role == Role.ADMIN)
        user = User.objects.create_user(
            f"{name}@example.com", first_name=name.capitalize(), last_name="Example", **fields
        )
        User.objects.filter(pk=user.pk).update(password=hashed)
        user.password = hashed
        if role:
            everywhere.append((user, role))
            for venue in Venue.objects.all():
                add_member(user, venue, role)
        return user

    return make


@pytest.fixture
def ana(person: Callable[..., User]) -> User:
    """The owner."""
    return person("ana")


@pytest.fixture
def ben(person: Callable[..., User]) -> User:
    """Somebody else."""
    return person("ben")


@pytest.fixture
def sam(person: Callable[..., User], venue: Venue) -> User:
    """Staff."""
    return person("sam", Role.STAFF)


@pytest.fixture
def ada(person: Callable[..., User]) -> User:
    """The admin."""
    return person("ada", Role.ADMIN)


@pytest.fixture
def client_of() -> Callable[..., APIClient]:
    """An HTTP client of our own API, signed in as that person or as nobody."""

    def make(user: User | None = None, contract: str = "v1") -> APIClient:
        client = APIClient()
        if user is not None:
            access = tokens.issue(user, contract).access
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
        return client

    return make


@pytest.fixture
def venue(db: None) -> Venue:
    """Open always, confirmed at once, free of charge."""
    return Venue.objects.create(slug="club", name="The Club", max_advance=timedelta(days=60))


@pytest.fixture
def court(venue: Venue) -> Resource:
    return Resource.objects.create(venue=venue, name="Court 1", capacity=4)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, venue: Venue) -> Kind:
    """Something of each kind that can be booked, once at a time."""
    return make_kind(request.param, venue)


@pytest.fixture
def kind_name() -> str:
    """Of what is booked in tests that are not marked `of_every_kind`."""
    return "plain"


@pytest.fixture
def bookable(kind_name: str, venue: Venue) -> Kind:
    """A resource, or something of each kind in a test that is marked `of_every_kind`."""
    return make_kind(kind_name, venue)


@pytest.fixture
def soon() -> datetime:
    """Nine in the morning (UTC), at least two days ahead: the same hour whenever tests run."""
    now = datetime.now(UTC)
    nine = now.replace(hour=9, minute=0, second=0, microsecond=0)
    return nine + timedelta(days=2 if now < nine else 3)


@pytest.fixture
def booked(court: Resource, soon: datetime) -> Callable[..., Booking]:
    """A booking of that person: `booked(ana, hours=3)` begins three hours after `soon`."""

    def make(
        owner: User, hours: float = 0, length: float = 1, place: Resource | None = None, **more: Any
    ) -> Booking:
        start = soon + timedelta(hours=hours)
        return create_booking(
            BookingRequest(
                owner=owner,
                resource=(place or court).pk,
                starts_at=start,
                ends_at=start + timedelta(hours=length),
                **more,
            ),
            actor=Actor.for_new_booking(owner),
        )

    return make


@pytest.fixture
def at_once(transactional_db: None) -> Callable[..., list[Any]]:
    """Runs calls at the same moment, each in a thread with its own connection; what they return
    or raise, in their order."""

    def run(*calls: Callable[[], Any]) -> list[Any]:
        barrier = threading.Barrier(len(calls))

        def one(call: Callable[[], Any]) -> Any:
            try:
                connection.ensure_connection()
                barrier.wait(60)  # who could not connect keeps nobody waiting for ever
                return call()
            except Exception as error:
                return error
            finally:
                connection.close()

        with ThreadPoolExecutor(len(calls)) as threads:
            return list(threads.map(one, calls))

    return run
