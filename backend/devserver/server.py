"""What PostgreSQL and Valkey have in common: start, answer, stop, crash, start again.

The rule: a server is known by its directory. Whatever server still runs in it when we start
is a leftover of ours and is stopped first; whoever calls holds the lock on the data directory.
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

import psutil  # type: ignore[import-untyped]

from backend.devserver.processes import Owner, spawn

START_SECONDS = 60.0
STOP_SECONDS = 8.0


class ServerError(Exception):
    """A server does not start; says which, why, and what its log says."""


class Server:
    """One server in one directory; `start`, `stop` and `kill` it as often as you like."""

    name: ClassVar[str]
    process_name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, data_dir: Path, password: str, *, fast: bool = False) -> None:
        self.directory = data_dir / self.name
        self.mark = _mark(self.directory)
        self.log = data_dir / "logs" / f"{self.name}.log"
        self.port_file = data_dir / f"{self.name}.port"
        self.password, self.fast = password, fast
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process and self.process.poll() is None else None

    def start(self) -> None:
        """Returns when the server answers. Keeps its port over restarts."""
        if self.pid:
            return
        self.stop_leftovers()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.prepare()
        self.port = self.port or self.chosen_port()
        self.process = self.launch()
        self.await_answer()
        self.finish()

    def stop(self) -> None:
        """Orderly, and all written; by force if that takes more than some seconds."""
        if self.process is None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self) -> None:
        """SIGKILL, as a crash would; `start` recovers."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop_leftovers(self) -> None:
        """Ends what a killed predecessor left running in this directory."""
        found = [process for process in psutil.process_iter() if self.runs_here(process)]
        for process in found:
            _signal(process, self.stop_signal)
        _, stubborn = psutil.wait_procs(found, timeout=STOP_SECONDS)
        for process in stubborn:
            _signal(process, signal.SIGKILL)
        psutil.wait_procs(stubborn, timeout=STOP_SECONDS)

    def runs_here(self, process: psutil.Process) -> bool:
        """By the mark in its title: in a container, root may not see another user's directory."""
        try:
            named = process.name() == self.process_name
            return named and any(self.mark in part for part in process.cmdline())
        except psutil.Error:
            return False

    def chosen_port(self) -> int:
        kept = int(self.port_file.read_text()) if self.port_file.exists() else 0
        if kept and is_free(kept):
            return kept
        port = pick_port()
        self.port_file.write_text(f"{port}\n")
        return port

    def await_answer(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + START_SECONDS
        while (problem := self.problem()) is not None:
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
        """Starts it in its own session (Ctrl-C is ours to handle), its output in the log."""
        with self.log.open("ab") as log:
            return spawn(
                command,
                ends_by=self.stop_signal,
                owner=owner,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
                **options,
            )

    # What each kind of server says for itself.
    def prepare(self) -> None: ...

    def launch(self) -> "subprocess.Popen[bytes]":
        raise NotImplementedError

    def problem(self) -> str | None:
        """Why it does not answer yet; None when it does."""
        raise NotImplementedError

    def finish(self) -> None: ...


def _mark(directory: Path) -> str:
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
    """A free port below the range that outgoing connections are given, so it stays ours."""
    candidates = random.sample(range(20000, 32000), 200)
    return next(port for port in candidates if is_free(port))
