"""Local processes as the nodes of pytest-celery: Valkey, workers and beat without a container.
from tests.support.waiting import eventually

The rule: a node is the real program with the real configuration, started as `make up` starts it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
from pytest_celery import CeleryTestContainer

from backend.devserver import CHECKOUT
from backend.devserver.processes import spawn
from backend.devserver.valkey import Valkey


def move_clocks(shift: Path | str) -> dict[str, str]:
    """The environment of a process whose clocks are so many seconds ahead, or as many as that file
    says."""
    return {"CLOCK_SHIFT": str(shift), "PYTHONPATH": str(CHECKOUT / "tests/clock/site")}


class Local(CeleryTestContainer):
    """What pytest-celery asks of a container, for something that is none."""

    name = "local"  # the base has a property here

    def __init__(self) -> None:
        """Not the base's, which wants a container."""

    @property
    def id(self) -> str:
        return f"{id(self):012x}"

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    @property
    def celeryconfig(self) -> dict[str, Any]:
        return {}

    def reload(self) -> None:
        """There is nothing to fetch anew."""


class Broker(Local):
    """The Valkey of this test run."""

    name = "valkey"

    def __init__(self, server: Valkey) -> None:
        super().__init__()
        self.server = server

    @property
    def celeryconfig(self) -> dict[str, Any]:
        return {"url": self.server.url, "host_url": self.server.url}

    @property
    def status(self) -> str:
        return "running" if self.server.pid else "exited"

    def ready(self) -> bool:
        return self.server.get_problem() is None

    def start(self) -> None:
        self.server.start()

    def stop(self) -> None:
        self.server.stop()

    def kill(self, signal: str | int = "SIGKILL") -> None:
        self.server.kill()

    def restart(self, timeout: float = 10) -> None:
        self.server.stop()
        self.server.start()

    def logs(self) -> str:
        return self.server.log.read_text()

    def teardown(self) -> None:
        self.start()


class Program(Local):
    """One `celery …` process, its output in a file."""

    def __init__(self, name: str, arguments: list[str], log: Path, **environment: str) -> None:
        super().__init__()
        self.name, self.arguments, self.log = name, arguments, log
        if shift := environment.pop("shift", ""):
            environment |= move_clocks(shift)
        self.environment = os.environ | {"LOG_JSON": "1", **environment}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def status(self) -> str:
        return "running" if self.process and self.process.poll() is None else "exited"

    @property
    def children(self) -> list[psutil.Process]:
        """The pool's processes."""
        return list(psutil.Process(self.pid).children())

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = spawn(
                [sys.executable, *self.arguments],
                death_signal=signal.SIGKILL,
                cwd=CHECKOUT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ready(self) -> bool:
        return self.status == "running" and self.ready_prompt in self.logs()

    def kill(self, signal: str | int = "SIGKILL") -> None:
        """With everything it started, as a supervisor or the end of a machine would."""
        number = _number(signal)
        if number == _number("SIGKILL"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)
        else:
            self.process.send_signal(number)
        self.process.wait(30)

    def restart(self, timeout: float = 10) -> None:
        if self.status == "running":
            self.kill()
        self.start()

    def logs(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def teardown(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()


def _number(name: str | int) -> int:
    return signal.Signals[name].value if isinstance(name, str) else name


class Worker(Program):
    ready_prompt = " ready."

    def __init__(self, name: str, log: Path, **environment: str) -> None:
        app = environment.pop("APP", "backend")
        command = f"""-m celery -q -A {app} worker --queues clock,emails,default --concurrency 1
            --hostname {name}@%h --loglevel INFO --without-mingle --without-gossip"""
        super().__init__(name, command.split(), log, **environment)

    def worker_name(self) -> str:
        return self.name

    def worker_queue(self) -> str:
        return "default"

    def log_level(self) -> str:
        return "INFO"


class Beat(Program):
    ready_prompt = "beat: Starting..."

    def __init__(self, name: str, log: Path, **environment: str) -> None:
        command = "-m celery -q -A backend beat --pidfile= --loglevel INFO"
        super().__init__(name, command.split(), log, **environment)
