"""Clients that hold connections open and say nothing, or next to nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

POST = b"POST /api/v1/bookings/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n"
GET = b"GET /api/v1/bookings/ HTTP/1.1\r\nHost: localhost\r\nX-Filler: " + b"x" * 1000
# what each says at once, and what byte by byte
KINDS = [(b"", b""), (POST, b" " * 500), (b"", GET)]


@contextlib.contextmanager
def connections(port: int, many: int, every: float = 2.0) -> Iterator[list[socket.socket]]:
    """That many open connections, a third of each kind, that send a byte every so many seconds."""
    with contextlib.ExitStack() as stack:
        found = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(many)
        ]
        kinds = [KINDS[number % len(KINDS)] for number in range(many)]
        for connection, (first, _) in zip(found, kinds, strict=True):
            connection.sendall(first)
        over = threading.Event()

        def drip() -> None:
            position = 0
            while not over.wait(every):
                for connection, (_, rest) in zip(found, kinds, strict=True):
                    with contextlib.suppress(OSError):  # it was dropped
                        connection.sendall(rest[position : position + 1])
                position += 1

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            yield found
        finally:
            over.set()
            dripping.join()
