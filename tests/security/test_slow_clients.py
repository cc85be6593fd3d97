"""Five hundred clients that say nothing, or next to nothing, cost nobody else an answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from backend.devserver import Servers
from bench import slow
from tests.support.waiting import eventually
from tests.support.web import Site

pytestmark = pytest.mark.slow
MANY = 500
PATIENCE = 20


@pytest.fixture(scope="module")
def site(
    servers: Servers, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    site = Site(servers, tmp_path_factory.mktemp("slow"), REQUEST_READ_TIMEOUT="5")
    try:
        site.start()
        yield site
    finally:
        site.stop()


def get(site: Site) -> int:
    connection = HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE)
    try:
        connection.request("GET", "/api/v1/venues/")
        return connection.getresponse().status
    finally:
        connection.close()


def memory(site: Site) -> int:
    return sum(worker.memory_info().rss for worker in site.workers())


def stands(client: socket.socket) -> bool:
    """Whether the server has not ended this connection; reads what it says."""
    client.setblocking(False)
    try:
        while client.recv(65_536):
            pass
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def test_five_hundred_slow_clients_delay_nobody_and_are_dropped(site: Site, db: None) -> None:
    """A third says nothing, a third sends a body and a third a head byte by byte. Fails without
    the timer of the head or the timeout of the body, for they are not dropped; with gunicorn's
    threads, which wait for them, the first honest client gets no answer."""
    for _ in range(20):
        assert get(site) == 200
    before = memory(site)
    with slow.connections(site.port, MANY, every=0.2) as clients:
        for _ in range(20):
            assert get(site) == 200
        standing = sum(map(stands, clients))
        grown = memory(site) - before
        eventually(lambda: get(site) == 200 and not any(map(stands, clients)))
    assert standing == MANY
    assert grown < MANY * 100_000
