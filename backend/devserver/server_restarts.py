"""Starts PostgreSQL or Valkey again when it has ended, until it runs.

PostgreSQL stops when its log cannot grow, and does not start before there is room on the disk.
"""

import errno
import time

from backend.devserver.server import Server, ServerError
from backend.devserver.supervisor import LONGEST_DELAY, print_line


class ServerRestarts:
    """Tries with a growing delay, and at once after the server has run. One that runs and does not
    answer yet is left alone."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.due_at = self.delay = 0.0

    def start_if_ended(self) -> None:
        if self.server.pid is not None:
            self.delay = 0.0
            return
        if time.monotonic() < self.due_at:
            return
        print_line(f"{self.server.name} has ended; starting it again")
        try:
            self.server.start()
        except (ServerError, OSError) as error:
            self.delay = min(self.delay * 2 or 1.0, LONGEST_DELAY)
            self.due_at = time.monotonic() + self.delay
            print_line(f"{describe_error(error)}\nAgain in {self.delay:.0f} s.")


def describe_error(error: Exception) -> str:
    """Return the error with its cure, where one is known."""
    if getattr(error, "errno", None) == errno.ENOSPC or "No space left on device" in str(error):
        return "the disk is full; make room, or set DATA_DIR to a directory on another disk."
    if isinstance(error, PermissionError):
        return f"{error.filename} cannot be written; own it, or set DATA_DIR to another directory."
    return str(error)
