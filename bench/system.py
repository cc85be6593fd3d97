"""Servers, schema and processes for a measurement, in `.data/bench`, dropped at its end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from backend import devserver
from backend.devserver.server import pick_port


@contextlib.contextmanager
def servers() -> Iterator[None]:
    """PostgreSQL and Valkey as `make up` runs them (durable), with an empty schema, and Django set
    up in this process."""
    with devserver.running(".data/bench") as environment:
        os.environ.update(environment)
        os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
        import django
        from django.core.management import call_command
        from django.db import connection

        django.setup()
        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:  # without the trigger that keeps the audit log
            cursor.execute("SET session_replication_role = replica")
            call_command("flush", interactive=False, verbosity=0)
            cursor.execute("RESET session_replication_role")
        yield


@contextlib.contextmanager
def web(workers: int = 2, threads: int = 4, port: int = 0) -> Iterator[int]:
    """The web server with the settings of `make up`; the port it answers on."""
    port = port or pick_port()
    sizes = {"WEB_PROCESSES": str(workers), "WEB_THREADS": str(threads)}
    with answering([sys.executable, "-m", "backend.web"], port, sizes):
        yield port


@contextlib.contextmanager
def answering(
    command: list[str], port: int, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[int]:
    """A web server from its first answer on; its pid."""
    with _running(command, {"PORT": str(port), **environment}) as pid:
        _answers(port)
        yield pid


@contextlib.contextmanager
def worker(*queues: str, concurrency: int = 2) -> Iterator[int]:
    """A Celery worker as `make up` starts it; its pid."""
    names = ",".join(queues or ("clock", "emails", "default"))
    command = [
        sys.executable, "-m", "celery", "-A", "backend", "worker", f"--queues={names}",
        f"--concurrency={concurrency}", "--without-gossip", "--without-mingle",
    ]  # fmt: skip
    with _running(command, {}) as pid:
        yield pid


@contextlib.contextmanager
def _running(command: list[str], environment: Mapping[str, str]) -> Iterator[int]:
    process = subprocess.Popen(command, env=os.environ | {"LOG_LEVEL": "ERROR"} | environment)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> None:
    until = time.monotonic() + 120  # of a machine that is busy with other things
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/floor/nothing/", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError("The web server did not answer.")
