"""Whether the disks that hold this process's data have room left for writes.

PostgreSQL stops when its log cannot grow. So below a floor people's writes are refused and the
clock's jobs wait, and what room is left is for what has begun. Reads go on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings

SMALL_DISK_SHARE = 10  # of a small disk the floor is one part in ten


def is_nearly_full() -> bool:
    """Whether any of these disks has less free than its floor. Takes 2 us."""
    return any(_is_below_floor(path) for path in _list_directories())


def _list_directories() -> Iterator[str | Path]:
    """Where the embedded servers and emails are; in a container there is neither."""
    yield settings.DATA_DIR
    if settings.MAIL_DIR:
        yield settings.MAIL_DIR


def _is_below_floor(path: str | Path) -> bool:
    with suppress(OSError):  # there is no such directory
        disk = os.statvfs(path)
        floor = min(settings.MIN_FREE_BYTES, disk.f_blocks * disk.f_frsize // SMALL_DISK_SHARE)
        return disk.f_bavail * disk.f_frsize < floor
    return False
