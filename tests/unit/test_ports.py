"""Which ports `make up` takes for what stands beside the web."""

from __future__ import annotations

from contextlib import closing
from socket import create_server

import pytest

from backend.devserver import up
from backend.devserver.server import is_free, pick_port


@pytest.fixture
def usual(monkeypatch):
    """Ports that no copy on this machine has."""
    ports = {name: str(pick_port()) for name in up.PORT_DEFAULTS}
    monkeypatch.setattr(up, "PORT_DEFAULTS", ports)
    return ports


def test_of_two_copies_that_begin_at_once_one_has_the_usual_ports(usual):
    first, second = (up.choose_ports({"PORT": port}) for port in ("8001", "8002"))
    chosen = [copy[name] for copy in (first, second) for name in usual]
    assert chosen[:2] == list(usual.values())
    assert len(set(chosen)) == 4
    assert all(is_free(int(port)) for port in chosen)


def test_a_copy_with_configured_ports_keeps_them(usual):
    told = {"PORT": "8001", "FLOWER_PORT": "7001", "STRIPE_PORT": "7002"}
    assert up.choose_ports(told) == told


def test_the_usual_ports_are_taken_unless_another_program_has_them(monkeypatch):
    free = str(pick_port())
    with closing(create_server(("127.0.0.1", 0))) as rival:
        taken = str(rival.getsockname()[1])
        monkeypatch.setattr(up, "PORT_DEFAULTS", {"FLOWER_PORT": free, "STRIPE_PORT": taken})
        found = up.choose_ports({"PORT": up.DEFAULTS["PORT"]})
    assert found["FLOWER_PORT"] == free
    assert found["STRIPE_PORT"] != taken
