"""Runs a WSGI application in threads behind an ASGI server. A request's body is read first,
bounded in size and time, so that no thread waits for a client.

Writes get half of the threads: whatever they wait for in the database, reads go on. `/health/` has
a thread of its own.
"""

from __future__ import annotations

import asyncio
import io
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import orjson

SMALL_BODY = 65_536  # bytes
LARGE_BODIES = 32  # requests with larger ones, or of unknown size, that a process holds at once
MAX_DRAINED = 64_000_000  # bytes of a body too large that are read, so that the client sees why
PART = 262_144  # bytes of a response that are sent at once
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
WAIT, MAX_WAIT = 1.1, 10.0  # seconds in which a write gets a thread
ADMITTED = "holdfast.admitted"

T = TypeVar("T")
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class WSGIThreads:
    """The application as ASGI. `timeout`: seconds in which a body must be here. `max_body`: a
    longer one is drained; the application sees its length and refuses it with its own error."""

    def __init__(
        self,
        application: Callable[..., Iterable[bytes]],
        *,
        threads: int,
        timeout: float,
        max_body: int,
        is_contended: Callable[[], bool] = bool,
    ) -> None:
        self.application, self.timeout, self.max_body = application, timeout, max_body
        self.pool = ThreadPoolExecutor(threads, "request")
        self.health_pool = ThreadPoolExecutor(1, "health")
        self.writes = WriteGate(max(1, threads // 2), is_contended)
        self.large = asyncio.Semaphore(LARGE_BODIES)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        expected = _get_expected_size(scope["headers"])
        large = expected is None or expected > SMALL_BODY
        if large and self.large.locked():
            return await _refuse(send, 503, "unavailable", "Too many large requests at once.")
        async with self.large if large else nullcontext():
            try:
                async with asyncio.timeout(self.timeout):
                    body, size = await self._read(receive) if expected != 0 else (b"", 0)
            except TimeoutError:
                return await _refuse(send, 408, "request_timeout", "The body came too slowly.")
            except ConnectionError:
                return None
            environ = make_environ(scope, body, max(size, expected or 0))
            response = await self._respond(environ)
        await send(response.start)
        part, more = response.first
        while True:
            await send({"type": "http.response.body", "body": part, "more_body": more})
            if not more:
                return None
            part, more = await _run_in(self.pool, response.read_part)

    async def _respond(self, environ: dict[str, Any]) -> _Response:
        """What the application answers. It refuses a write itself that the gate did not let in."""
        if environ["PATH_INFO"].startswith("/health/"):
            return await _run_in(self.health_pool, _Response, self.application, environ)
        if environ["REQUEST_METHOD"] in SAFE_METHODS:
            return await _run_in(self.pool, _Response, self.application, environ)
        admitted = environ[ADMITTED] = await self.writes.enter()
        try:
            return await _run_in(self.pool, _Response, self.application, environ)
        finally:
            if admitted:
                self.writes.leave()

    async def _read(self, receive: Receive) -> tuple[bytes, int]:
        """The body, empty if it is too large, and its size as far as it was read. Raises
        `ConnectionError` when the client has gone."""
        body, size, more = bytearray(), 0, True
        while more and size < MAX_DRAINED:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError
            size += len(message["body"])
            more = message["more_body"]
            if size <= self.max_body:
                body += message["body"]
            else:
                body.clear()
        return bytes(body), size


async def _run_in(pool: ThreadPoolExecutor, function: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)


class WriteGate:
    """Lets so many writes in at once, in the order in which they came.

    The others wait: as long as it takes while writes go on, up to MAX_WAIT; no longer than WAIT
    while `is_contended` says that those inside wait for locks in vain."""

    def __init__(self, places: int, is_contended: Callable[[], bool]) -> None:
        self.places, self.is_contended = asyncio.Semaphore(places), is_contended

    async def enter(self) -> bool:
        """Whether it was let in; then `leave` has to follow."""
        if not self.places.locked():
            return await self.places.acquire()
        entering = asyncio.ensure_future(self.places.acquire())
        until = time.monotonic() + MAX_WAIT
        while not entering.done() and time.monotonic() < until:
            await asyncio.wait((entering,), timeout=WAIT)
            if self.is_contended():
                break
        return not entering.cancel()

    def leave(self) -> None:
        self.places.release()


def _get_expected_size(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The length of the body by its head; None when it has none."""
    found = dict(headers)
    return None if b"transfer-encoding" in found else int(found.get(b"content-length", 0))


def make_environ(scope: dict[str, Any], body: bytes, size: int) -> dict[str, Any]:
    """The request as PEP 3333 describes it. Headers with an underscore are left out: they would
    read like those that only a proxy may set."""
    (server, port), client = scope["server"], scope["client"] or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server,
        "SERVER_PORT": str(port),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, raw in scope["headers"]:
        if b"_" in name:
            continue
        key, value = name.decode("latin-1").upper().replace("-", "_"), raw.decode("latin-1")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        between = "; " if key == "HTTP_COOKIE" else ","  # a proxy may have split it (RFC 9113)
        environ[key] = f"{environ[key]}{between}{value}" if key in environ else value
    if size:
        environ["CONTENT_LENGTH"] = str(size)
    return environ


class _Response:
    """What the application answers; made, and read part by part, in threads. Nothing of ours
    streams from the database, so any thread may read on."""

    def __init__(
        self, application: Callable[..., Iterable[bytes]], environ: dict[str, Any]
    ) -> None:
        self.start: dict[str, Any] = {}
        self.body = application(environ, self.start_response)
        self.chunks = iter(self.body)
        self.first = self.read_part()

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> None:
        encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        self.start = {
            "type": "http.response.start",
            "status": int(status[:3]),
            "headers": encoded,
        }

    def read_part(self) -> tuple[bytes, bool]:
        """The next bytes, and whether there may be more."""
        part, more = [], False
        try:
            for chunk in self.chunks:
                part.append(chunk)
                if sum(map(len, part)) >= PART:
                    more = True
                    break
        finally:
            if not more:
                getattr(self.body, "close", bool)()
        return b"".join(part), more


async def _refuse(send: Send, status: int, code: str, detail: str) -> None:
    """A problem of RFC 9457, and the end of the connection."""
    title = code.replace("_", " ").capitalize()
    problem = {"type": "about:blank", "title": title, "status": status, "code": code}
    body = orjson.dumps(problem | {"detail": detail})
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"retry-after", b"5"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
