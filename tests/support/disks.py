"""A disk of one's own that can be filled up and emptied."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class Disk:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.filler = path / "filler"

    def fill(self) -> None:
        """To the last page."""
        with self.filler.open("ab", buffering=0) as file:
            for size in (2**20, 2**16, 512):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)):
                        pass

    def empty(self) -> None:
        self.filler.unlink(missing_ok=True)


@contextlib.contextmanager
def mounted(path: Path, megabytes: int) -> Iterator[Disk]:
    """A tmpfs of that size; skips the test where none can be mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a disk")
    path.mkdir()
    size = f"size={megabytes}m,mode=755"
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", path], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip(f"no disk can be mounted here: {mount.stderr.decode().strip()}")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)
