"""The web server: `python -m backend.web` serves REST and WebSockets on one port.

A parent keeps the processes running: one that ends is started again, HUP replaces one after
another, TERM lets each finish what it began.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import wait
from socket import socket
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from backend import checks
from backend.http_protocol import BoundedProtocol

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
MAX_FRAME = 16_384  # bytes of a WebSocket's message; panels have little to say


class Config(uvicorn.Config):
    def load_app(self) -> Any:
        """Called in each process. One that cannot load ends the server: the parent would start it
        again for ever. A signal ends it at once, for it has begun nothing yet."""
        threading.Thread(target=_end_with_parent, daemon=True).start()
        try:
            with _ending_at_once():
                return super().load_app()
        except Exception:
            logging.getLogger("uvicorn.error").exception("The application cannot be loaded.")
            sys.exit(STARTUP_FAILURE)


class Parent(Multiprocess):
    """Stops at once. uvicorn's sees that it was told to between two questions to its processes, and
    one that is just starting is slow to answer."""

    def __init__(self, config: Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        for number in STOP_SIGNALS:
            signal.signal(number, self.on_stop)

    def on_stop(self, *_: object) -> None:
        """Close the port first, so that new connections go to another server."""
        self.should_exit.set()
        for listening in self.sockets:
            listening.close()
        for process in self.processes:
            process.process.terminate()
            process.child_conn.close()  # so that a question to it ends when it does


@contextlib.contextmanager
def _ending_at_once() -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_DFL) for number in STOP_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _end_with_parent() -> None:
    """However it ended: a process without one would keep the port."""
    if (parent := multiprocessing.parent_process()) is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def make_config(application: Any = "backend.asgi:application") -> Config:
    return Config(
        application,
        host=os.environ.get("HOST") or "127.0.0.1",
        port=int(os.environ.get("PORT") or 8000),
        workers=int(os.environ.get("WEB_PROCESSES") or 2),
        http=BoundedProtocol,
        interface="asgi3",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Django and DRF read these headers themselves, and know how many proxies there are
        proxy_headers=False,
        # longer than a proxy keeps a connection, so that it never sends into one just closed
        timeout_keep_alive=75,
        # what was begun is finished before the process ends; whoever stops it waits a little longer
        timeout_graceful_shutdown=int(os.environ.get("WEB_GRACEFUL_SECONDS") or 4),
        # of a process that is just starting, too, on a machine that is busy
        timeout_worker_healthcheck=15,
        ws_max_size=MAX_FRAME,
        ws_max_queue=4,
        ws_per_message_deflate=False,
    )


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    checks.refuse_unsafe_settings()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # one for each connection
    config = make_config()
    parent = Parent(config, [config.bind_socket()])
    parent.run()
    failed = any(process.exitcode == STARTUP_FAILURE for process in parent.processes)
    return STARTUP_FAILURE if failed else 0


if __name__ == "__main__":
    sys.exit(main())
