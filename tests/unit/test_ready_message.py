"""What `make up` prints when it is ready: addresses that go with a frontend on the same machine."""

import re

import pytest

from backend.devserver.up import ReadyMessage

ENVIRONMENT = {"PORT": "8000", "FLOWER_PORT": "5555", "STRIPE_PORT": "8420"}


def list_hosts(host: str) -> set[str]:
    text = ReadyMessage(ENVIRONMENT | {"HOST": host}).build_text()
    return set(re.findall(r"http://([^:/]+):", text))


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])  # noqa: S104
def test_every_address_is_on_the_site_of_the_frontend(host):
    """To a cookie `127.0.0.1` is another site than the `localhost` of FRONTEND_URL."""
    assert list_hosts(host) == {"localhost"}


def test_an_address_of_ones_own_is_printed_as_it_is():
    assert list_hosts("192.0.2.7") == {"192.0.2.7", "localhost"}  # the others stay at home


def test_the_demo_is_shown_only_where_there_is_one_and_a_secret_password_never():
    demo = ENVIRONMENT | {"HOST": "127.0.0.1", "DEMO": "1"}
    assert "holdfast-demo" in ReadyMessage(demo).build_text()
    assert "our own" not in ReadyMessage(demo | {"DEMO_PASSWORD": "our own"}).build_text()
    assert "Demo" not in ReadyMessage(ENVIRONMENT | {"HOST": "127.0.0.1"}).build_text()
