"""Processor time of a request, in this process and in the database's, and of whole processes: what
a machine that is busy with other things cannot hide."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import psutil
from django.db import connection

from bench.sizes import PLAN, Compared

EACH, ROUNDS = 200, 12


def compared(
    ours: tuple[str, Iterator[bytes]], floor: tuple[str, Iterator[bytes]], token: str
) -> Compared:
    """Seconds a request of each (path, bodies), by turns."""
    application = get_application()
    for path, bodies in (ours, floor):
        for _ in range(5 * EACH):
            post(application, path, next(bodies), token)
    found = Compared([], [])
    for _ in range(PLAN.rounds(ROUNDS)):
        for (path, bodies), times in ((floor, found.floor), (ours, found.ours)):
            before = time.process_time() + get_database_time()
            for _ in range(EACH):
                post(application, path, next(bodies), token)
            times.append((time.process_time() + get_database_time() - before) / EACH)
    return found


def get_application() -> Any:
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def get_database_time() -> float:
    """Seconds that the server process of our connection has worked."""
    assert connection.connection is not None
    pid = connection.connection.info.backend_pid
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def post(application: Any, path: str, body: Any, token: str, status: str = "201") -> None:
    body = body if isinstance(body, bytes) else orjson.dumps(body)
    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
    }
    answer = application(environ, lambda status, headers: statuses.append(status))
    answer.close()
    assert statuses[0].startswith(status), statuses


def below() -> float:
    """Seconds that all processes below this one have worked (servers, workers, stand-ins), those
    that ended included."""
    own = os.times()
    total = own.children_user + own.children_system
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            total += sum(process.cpu_times()[:4])
    return total
