"""What PostgreSQL and Valkey have in common: start, wait until ready, stop, kill, start again.

The caller holds the lock on the data directory, so a server that still runs there at the start is a
leftover of a killed process, and is stopped first.
"""

import contextlib
import hashlib
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, ClassVar

import psutil

from backend.devserver.processes import Owner, spawn

START_SECONDS = 60.0
STOP_SECONDS = 8.0


class ServerError(Exception):
    """A server does not start; the message says which, why, and the end of its log."""


class Server:
    """A server in a directory of its own; may be started, stopped and killed repeatedly."""

    name: ClassVar[str]
    process_name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, data_dir: Path, password: str, *, fast: bool = False) -> None:
        self.directory = data_dir / self.name
        self.tag = _make_tag(self.directory)
        self.log = data_dir / "logs" / f"{self.name}.log"
        self.port_file = data_dir / f"{self.name}.port"
        self.password, self.fast = password, fast
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process and self.process.poll() is None else None

    def start(self) -> None:
        """Start it and wait until it answers; the port stays the same over restarts."""
        if self.pid:
            return
        self.stop_leftovers()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.prepare()
        self.port = self.port or self.choose_port()
        self.process = self.launch()
        self.wait_until_ready()
        self.after_start()

    def stop(self) -> None:
        """Shut down cleanly, or kill it after STOP_SECONDS."""
        if self.process is None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self) -> None:
        """Kill it as a crash would; `start` recovers."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop_leftovers(self) -> None:
        """Stop a server that a killed process left running in this directory."""
        found = [process for process in psutil.process_iter() if self.is_leftover(process)]
        for process in found:
            _signal(process, self.stop_signal)
        _, stubborn = psutil.wait_procs(found, timeout=STOP_SECONDS)
        for process in stubborn:
            _signal(process, signal.SIGKILL)
        psutil.wait_procs(stubborn, timeout=STOP_SECONDS)

    def is_leftover(self, process: psutil.Process) -> bool:
        """Compare the tag in its title: in a container root may not see others' directories."""
        try:
            is_ours = process.name() == self.process_name
            return is_ours and any(self.tag in part for part in process.cmdline())
        except psutil.Error:
            return False

    def choose_port(self) -> int:
        last = int(self.port_file.read_text()) if self.port_file.exists() else 0
        if last and is_free(last):
            return last
        port = pick_port()
        self.port_file.write_text(f"{port}\n")
        return port

    def wait_until_ready(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + START_SECONDS
        while (problem := self.get_problem()) is not None:
            if self.process.poll() is not None:
                raise ServerError(f"{self.name} ended while starting.\n{self.log_tail()}")
            if "authentication" in problem or time.monotonic() > deadline:
                raise ServerError(f"{self.name} does not answer: {problem}\n{self.log_tail()}")
            time.sleep(0.02)

    def log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([f"The end of {self.log}:", *lines[-12:]])

    def run(
        self, command: list[str], owner: Owner | None = None, **options: Any
    ) -> "subprocess.Popen[bytes]":
        """Start a command, its output in the log, in a session that Ctrl-C does not reach."""
        with self.log.open("ab") as log:
            return spawn(
                command,
                death_signal=self.stop_signal,
                owner=owner,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
                **options,
            )

    def prepare(self) -> None: ...

    def launch(self) -> "subprocess.Popen[bytes]":
        raise NotImplementedError

    def get_problem(self) -> str | None:
        """Return why it does not answer yet, or None when it does."""
        raise NotImplementedError

    def after_start(self) -> None: ...


def _make_tag(directory: Path) -> str:
    path = os.fsencode(directory.absolute())
    return f"holdfast-{hashlib.blake2s(path, digest_size=6).hexdigest()}"


def _signal(process: psutil.Process, number: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def pick_port() -> int:
    """Return a free port below the range that outgoing connections get, so that it stays free."""
    candidates = random.sample(range(20000, 32000), 200)
    return next(port for port in candidates if is_free(port))
