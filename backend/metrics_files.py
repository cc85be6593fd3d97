"""The files in which web processes add up what they count.

prometheus_client maps them into memory: on a full disk the first write into a page of which the
disk has nothing ends the process by SIGBUS. Here they are written to, for some us a value.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

HEADER = 8  # bytes; the first four say how much of the file is used
LENGTH, PAIR = struct.Struct("i"), struct.Struct("dd")


def use_plain_files() -> None:
    """The library looks its class up when the first metric of a process is made."""
    values.MmapedDict = PlainFile  # type: ignore[assignment, attr-defined]


class PlainFile:
    """A dictionary of values with their timestamps, and the file in the format of `MmapedDict`,
    which other processes read. What there is no room for is in no sum until there is."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        self.filename = filename
        self.descriptor = -1
        self.values: dict[str, tuple[float, float]] = {}
        self.positions: dict[str, int] = {}
        self.used = HEADER
        with suppress(OSError):
            self._open()

    def read_value(self, key: str) -> tuple[float, float]:
        if key not in self.values:
            self.write_value(key, 0.0, 0.0)
        return self.values[key]

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        self.values[key] = value, timestamp
        with suppress(OSError):
            self._store(key, PAIR.pack(value, timestamp))

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _open(self) -> None:
        """Goes on with what an earlier process of this number left there. A file without a header,
        which no reader understands, is not left behind."""
        self.descriptor = os.open(self.filename, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if os.fstat(self.descriptor).st_size < HEADER:
                self._write(LENGTH.pack(HEADER) + bytes(4), 0)
        except OSError:
            Path(self.filename).unlink()
            self.close()
            raise
        rows: Any = MmapedDict.read_all_values_from_file(self.filename)
        for key, value, timestamp, self.positions[key] in rows:
            self.values.setdefault(key, (value, timestamp))
            self.used = self.positions[key] + PAIR.size

    def _store(self, key: str, pair: bytes) -> None:
        if self.descriptor < 0:
            self._open()
        if key in self.positions:
            self._write(pair, self.positions[key])
            return
        name = key.encode()
        padding = b" " * (8 - (len(name) + LENGTH.size) % 8)
        entry = LENGTH.pack(len(name)) + name + padding + pair
        self._write(entry, self.used)
        # only now does anybody read it
        self._write(LENGTH.pack(self.used + len(entry)), 0)
        self.used += len(entry)
        self.positions[key] = self.used - PAIR.size

    def _write(self, content: bytes, position: int) -> None:
        if os.pwrite(self.descriptor, content, position) < len(content):
            raise OSError("The disk is full.")
