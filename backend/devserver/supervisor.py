"""Keeps programs running side by side, each line of their output after their name.

A program that ends is started again; one that is stopped ends with all that it started.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from backend.devserver.processes import spawn

STOP_SECONDS = 6.0
SHORT_LIFE = 10.0
LONGEST_DELAY = 30.0


def print_line(line: str) -> None:
    """Print a line; a terminal that is gone does not matter."""
    with contextlib.suppress(OSError, ValueError):
        print(line, flush=True)


class Program:
    """A program of `up.PROCESSES`."""

    def __init__(self, name: str, command: Sequence[str], **options: Any) -> None:
        self.name, self.command, self.options = name, list(command), options
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = self.due_at = self.delay = 0.0

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        self.process = spawn(
            self.command,
            death_signal=signal.SIGTERM,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **self.options,
        )
        self.started_at = time.monotonic()
        threading.Thread(target=self.forward, args=[self.process.stdout], daemon=True).start()

    def forward(self, output: IO[bytes]) -> None:
        for line in output:
            print_line(f"{self.name:>7} | {line.decode(errors='replace').rstrip()}")

    def restart_if_ended(self) -> None:
        """Start it when it is due; when it has ended, schedule its restart with a growing delay."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.due_at:
                self.start()
        elif self.process.poll() is not None:
            short = now - self.started_at < SHORT_LIFE
            self.delay = min(self.delay * 2 or 1.0, LONGEST_DELAY) if short else 1.0
            self.due_at = now + self.delay
            ended = _describe_exit(self.process.returncode)
            print_line(f"{self.name} {ended}; again in {self.delay:.0f} s")
            self.kill_group()

    def kill_group(self) -> None:
        """Kill what is left of it and of what it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


def _describe_exit(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


class StopRequests:
    """Counts the requests to stop. Before `waits` is set the first one ends this process."""

    def __init__(self) -> None:
        self.count = 0
        self.waits = False
        self.make = _find_make()

    def install(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as `nohup` asks
            signal.signal(signal.SIGHUP, self)

    def __call__(self, *_: object) -> None:
        self.count += 1
        if self.count == 1 and not self.waits:
            sys.exit(0)

    def requested(self) -> bool:
        return self.count > 0 or (self.make is not None and _has_pending_stop(self.make))


def _find_make() -> Path | None:
    parent = Path(f"/proc/{os.getppid()}")
    name = parent / "comm"
    return parent if name.exists() and name.read_text().strip() in ("make", "gmake") else None


def _has_pending_stop(make: Path) -> bool:
    """Tell whether `make` alone got a SIGINT: it blocks the signal and waits for its child."""
    try:
        lines = (make / "status").read_text().splitlines()
    except OSError:
        return True
    masks = {
        line[:6]: int(line[8:], 16) for line in lines if line.startswith("Sig") and "/" not in line
    }
    given_up = masks["SigBlk"] & ~masks["SigCgt"]
    return any(given_up >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGHUP))


def supervise(programs: list[Program], stops: StopRequests, tick: Callable[[], object]) -> None:
    """Run the programs until a stop is requested and all have ended; a second request kills."""
    stops.waits = True
    try:
        while not stops.requested():
            for program in programs:
                program.restart_if_ended()
            tick()
            time.sleep(0.2)
        print_line("Stopping …")
    finally:
        stop_all(programs, hurried=lambda: stops.count > 1)


def stop_all(programs: list[Program], hurried: Callable[[], bool]) -> None:
    running = [program for program in programs if program.is_running]
    for program in running:
        assert program.process is not None
        program.process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    while any(p.is_running for p in running) and time.monotonic() < deadline and not hurried():
        time.sleep(0.05)
    for program in programs:
        program.kill_group()
