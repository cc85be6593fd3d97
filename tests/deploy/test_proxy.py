"""What `deploy/Caddyfile` does with clients that break off, by a real Caddy where there is one."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from backend.devserver import CHECKOUT, Servers
from backend.devserver.server import pick_port
from tests.support.waiting import eventually
from tests.support.web import Site

pytestmark = pytest.mark.slow
CADDY = os.environ.get("CADDY") or shutil.which("caddy")
BROKEN_OFF = b"POST /api/v1/bookings/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n "


@pytest.fixture
def port(servers: Servers, transactional_db: None, tmp_path: Path) -> Iterator[int]:
    """Of the proxy, with one web server behind it and one that is gone."""
    if CADDY is None:
        pytest.skip("there is no caddy; CADDY names one")
    site, port = Site(servers, tmp_path), pick_port()
    text = (CHECKOUT / "deploy/Caddyfile").read_text()
    text = re.sub(r"dynamic a web 8000 {[^}]*}", f"to 127.0.0.1:{site.port} 127.0.0.1:1", text)
    text = text.replace("http://127.0.0.1:2015", f"http://127.0.0.1:{pick_port()}")
    config = tmp_path / "Caddyfile"
    config.write_text(text.replace("tls {$TLS}", ""))
    environment = os.environ | {"SITE_ADDRESS": f"http://localhost:{port}", "HOME": str(tmp_path)}
    try:
        site.start()
        with subprocess.Popen([CADDY, "run", "--config", config], env=environment) as caddy:
            try:
                eventually(lambda: get(port))
                yield port
            finally:
                caddy.terminate()
    finally:
        site.stop()


def get(port: int) -> int | None:
    try:
        line = HTTPConnection("localhost", port, timeout=3)
        line.request("GET", "/api/v1/venues/")
        return line.getresponse().status
    except OSError:
        return None


def test_a_client_that_breaks_off_is_not_taken_for_a_dead_server(port: int) -> None:
    """With `fail_duration` nobody is answered for that long."""
    for _ in range(3):
        with socket.create_connection(("localhost", port)) as client:
            client.sendall(BROKEN_OFF)
        assert get(port) == 200
