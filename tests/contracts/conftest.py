"""Every contract test runs twice: at the contract's prefix, and at the bare root of its README.
Every answer is held against the OpenAPI document of its contract."""

import re

import pytest
from django.test.client import RequestFactory

from api.contracts import CONTRACTS
from api.models import User
from api.models.roles import Role
from api.services.venues import venues
from tests.support import openapi

PREFIX = re.compile(rf"^/({'|'.join(CONTRACTS)})/api(?=/)")


@pytest.fixture(params=["prefix", "root"], autouse=True)
def root(request, monkeypatch):
    """Where the contracts are asked: `prefix`, or `root`, where the dispatcher finds the way."""
    if request.param == "root":
        ask = RequestFactory.generic

        def at_the_root(self, method, path, *args, **kwargs):
            return ask(self, method, PREFIX.sub("/api", path), *args, **kwargs)

        monkeypatch.setattr(RequestFactory, "generic", at_the_root)
    return request.param


@pytest.fixture
def sam(request: pytest.FixtureRequest, person) -> User:
    """Staff of the contract's venue (of all, in tests across contracts), which is there before they
    sign in."""
    name = request.path.parent.name
    for contract in [name] if name in CONTRACTS else CONTRACTS:
        venues.get_contract_venue(contract)
    staff: User = person("sam", Role.STAFF)
    return staff


@pytest.fixture(autouse=True)
def _documents_tell(request, root, monkeypatch):
    odd = request.node.get_closest_marker("odd_bodies")
    generic = openapi.checked(RequestFactory.generic, sent_too=not odd)
    monkeypatch.setattr(RequestFactory, "generic", generic)


def pytest_collection_modifyitems(config, items):
    """Paths that another contract answers at the root are asked at the prefix alone."""
    elsewhere = [
        item
        for item in items
        if item.get_closest_marker("prefix_only")
        and getattr(item, "callspec", None)
        and item.callspec.params.get("root") == "root"
    ]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]
