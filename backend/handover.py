"""WebSockets share the port with REST: the web process hands the connection of an upgrade request
over to the live process, as a file descriptor together with the head of the request.

The rule: once handed over, nothing that the web process does can reach the connection any more.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

LONGEST_HEAD = 60_000
PATIENCE = 1.0  # seconds that a full queue of the live process is waited for

HEALTH = b"GET /health/ HTTP/1.1\r\nHost: live\r\nConnection: close\r\n\r\n"
BODY = b'{"success":false,"message":"Live updates are away.","code":"unavailable"}'


@contextlib.contextmanager
def address(path: Path) -> Iterator[str]:
    """The path as a socket address; a longer one than the system takes goes by its folder."""
    if len(os.fsencode(path)) < 100 or not Path("/proc/self/fd").exists():
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def open_door(path: Path) -> socket.socket:
    """Where the live process takes connections in. Only its own user may knock."""
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    door.setblocking(False)
    before = os.umask(0o177)
    try:
        with address(path) as place:
            door.bind(place)
    finally:
        os.umask(before)
    return door


def give(path: Path, connection: socket.socket, head: bytes) -> None:
    """Sends the connection through the door. Raises `OSError` when nobody is behind it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
        way.settimeout(PATIENCE)
        with address(path) as place:
            way.connect(place)
        socket.send_fds(way, [head], [connection.fileno()])


def forget(connection: socket.socket) -> None:
    """Puts a dead end in place of the connection: whatever the server still writes to it, shuts
    down or closes is no longer the client's."""
    ours, other = socket.socketpair()
    with ours, other:
        os.dup2(ours.fileno(), connection.fileno(), inheritable=False)


def answers(path: Path) -> bool:
    """Whether the live process takes a connection in and answers on it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(PATIENCE)
        try:
            give(path, theirs, HEALTH)
            return ours.recv(12) == b"HTTP/1.1 200"
        except OSError:
            return False


def head_of(environ: dict[str, Any]) -> bytes:
    """The head of the request, put together again."""
    target = environ.get("RAW_URI") or environ["PATH_INFO"]
    lines = [f"{environ['REQUEST_METHOD']} {target} HTTP/1.1"]
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            lines.append(f"{name[5:].replace('_', '-').title()}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class HandOver:
    """WSGI in front of the application: upgrade requests leave here, all others pass."""

    def __init__(self, application: Callable[..., Iterable[bytes]], path: Path) -> None:
        self.application, self.path = application, path

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        connection = environ.get("gunicorn.socket")
        if connection is None or environ.get("HTTP_UPGRADE", "").lower() != "websocket":
            return self.application(environ, start_response)
        head = head_of(environ)
        try:
            if len(head) > LONGEST_HEAD:
                raise OSError("the head is too long")
            give(self.path, connection, head)
        except OSError:
            answer = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]
            start_response("503 Service Unavailable", [*answer, ("Retry-After", "5")])
            return [BODY]
        forget(connection)
        start_response("101 Switching Protocols", [("Connection", "close")])
        return []
