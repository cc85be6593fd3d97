"""Room on the disk that is given up when there is none left.

Without any, PostgreSQL lets nobody connect and does not start again, so that reads would end too.
"""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from backend.devserver.supervisor import print_line

LARGEST = 32 * 2**20  # bytes; of a small disk a twelfth: less than what writes are refused at
NOTHING_LEFT = 2 * 2**20
INTERVAL = 1.0  # seconds


class Reserve:
    """A file in the data directory that holds nothing."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "reserve"
        self.due_at = 0.0

    def adjust(self) -> None:
        """Remove it when the disk is full, create it when there is plenty of room."""
        if time.monotonic() < self.due_at:
            return
        self.due_at = time.monotonic() + INTERVAL
        disk = shutil.disk_usage(self.path.parent)
        size = min(LARGEST, disk.total // 12)
        if self.path.exists():
            if disk.free < NOTHING_LEFT:
                self.path.unlink()
                print_line("The disk is full; writes are refused until there is room.")
        elif disk.free > 4 * size:
            with suppress(OSError), self.path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)
