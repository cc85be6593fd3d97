"""Keeps programs running side by side, their output behind their names.

The rule: what ends by itself is started again; what we stop is gone with all that it started.
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


def say(line: str) -> None:
    """A line for whoever watches; nobody may be watching any more."""
    with contextlib.suppress(OSError, ValueError):
        print(line, flush=True)


class Program:
    """One line of the process table."""

    def __init__(self, name: str, command: Sequence[str], **options: Any) -> None:
        self.name, self.command, self.options = name, list(command), options
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = self.due_at = self.delay = 0.0

    def start(self) -> None:
        """As leader of a session: a Ctrl-C at the terminal reaches us, and we tell it."""
        self.process = spawn(
            self.command,
            ends_by=signal.SIGTERM,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **self.options,
        )
        self.started_at = time.monotonic()
        threading.Thread(target=self.relay, args=[self.process.stdout], daemon=True).start()

    def relay(self, output: IO[bytes]) -> None:
        for line in output:
            say(f"{self.name:>7} | {line.decode(errors='replace').rstrip()}")

    def tend(self) -> None:
        """Starts it when it is due; notices when it has ended and says when it is due again."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.due_at:
                self.start()
        elif self.process.poll() is not None:
            short = now - self.started_at < SHORT_LIFE
            self.delay = min(self.delay * 2 or 1.0, LONGEST_DELAY) if short else 1.0
            self.due_at = now + self.delay
            say(f"{self.name} {_end(self.process.returncode)}; again in {self.delay:.0f} s")
            self.sweep_up()

    def sweep_up(self) -> None:
        """Whatever is left of it and of what it started ends now."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None


def _end(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


class Stops:
    """Counts the requests to stop. Before `waits` is set the first one ends this program."""

    def __init__(self) -> None:
        self.count = 0
        self.waits = False
        self.make = _parent_if_make()

    def install(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as `nohup` asks
            signal.signal(signal.SIGHUP, self)

    def __call__(self, *_: object) -> None:
        self.count += 1
        if self.count == 1 and not self.waits:
            sys.exit(0)

    def asked(self) -> bool:
        return self.count > 0 or (self.make is not None and _wants_to_end(self.make))


def _parent_if_make() -> Path | None:
    parent = Path(f"/proc/{os.getppid()}")
    name = parent / "comm"
    return parent if name.exists() and name.read_text().strip() in ("make", "gmake") else None


def _wants_to_end(make: Path) -> bool:
    """A SIGINT sent to `make` alone is not passed on: make blocks the signal and waits for us."""
    try:
        lines = (make / "status").read_text().splitlines()
    except OSError:
        return True
    masks = {
        line[:6]: int(line[8:], 16) for line in lines if line.startswith("Sig") and "/" not in line
    }
    given_up = masks["SigBlk"] & ~masks["SigCgt"]
    return any(given_up >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGHUP))


def supervise(programs: list[Program], stops: Stops, tick: Callable[[], object]) -> None:
    """Returns when a stop was asked for and every program is gone. A second request hurries."""
    stops.waits = True
    try:
        while not stops.asked():
            for program in programs:
                program.tend()
            tick()
            time.sleep(0.2)
        say("Stopping …")
    finally:
        stop(programs, hurried=lambda: stops.count > 1)


def stop(programs: list[Program], hurried: Callable[[], bool]) -> None:
    running = [program for program in programs if program.runs]
    for program in running:
        assert program.process is not None
        program.process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    while any(p.runs for p in running) and time.monotonic() < deadline and not hurried():
        time.sleep(0.05)
    for program in programs:
        program.sweep_up()
