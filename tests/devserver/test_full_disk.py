"""A small disk that is filled up under `make up`, and emptied again."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from tests.support.disks import Disk, mounted
from tests.support.waiting import eventually

from .test_up import START_SECONDS, STOP_SECONDS, Up, plain_environment, start  # noqa: F401

pytestmark = pytest.mark.slow
MEGABYTES = 220
LOGIN = {"username": "admin", "password": "holdfast-demo"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk", MEGABYTES) as disk:
        yield disk


@pytest.fixture
def up(start: Callable[[Path], Up], disk: Disk, tmp_path: Path) -> Iterator[Up]:  # noqa: F811
    (disk.path / "data").mkdir()
    # its output goes beside, where there is room
    (tmp_path / "data").symlink_to(disk.path / "data")
    running = start(tmp_path / "data")
    try:
        eventually(lambda: running.health() and running.says("is ready"), START_SECONDS)
        yield running
    finally:
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(STOP_SECONDS) == 0


def get_status(up: Up, path: str) -> int:
    with closing(HTTPConnection("127.0.0.1", int(up.environment["PORT"]), timeout=20)) as line:
        line.request("GET", path)
        return line.getresponse().status


def health(up: Up) -> Any:
    return up.health() or {}


def kill_postgres(up: Up) -> None:
    """Until the supervisor has noticed."""
    noticed = up.log.read_text().count("postgres has ended")
    eventually(lambda: up.leaders("postgres"))[0].kill()
    eventually(lambda: up.log.read_text().count("postgres has ended") > noticed)


def test_a_full_disk_ends_nothing_and_all_is_back_when_there_is_room(up: Up, disk: Disk) -> None:
    """With metrics in mapped files web dies of SIGBUS; without the reserve PostgreSQL, once killed,
    is not back before there is room; without the retry of its start `make up` ends."""
    assert "access" in up.post("auth/login/", LOGIN)
    processes = {child.pid for child in up.children() if "backend.web" in str(child.cmdline())}
    disk.fill()
    eventually(lambda: health(up).get("storage") == "full")
    eventually(lambda: not (disk.path / "data" / "reserve").exists())
    for _ in range(20):
        assert "no room" in up.post("auth/login/", LOGIN)["detail"]
        assert get_status(up, "/api/v1/venues/") == 200
        assert get_status(up, "/metrics") == 200
    assert health(up)["status"] == "read_only"

    kill_postgres(up)
    eventually(lambda: get_status(up, "/api/v1/venues/") == 200)

    disk.fill()  # the reserve, too
    kill_postgres(up)
    disk.empty()
    eventually(lambda: health(up).get("status") == "ok")
    assert "access" in up.post("auth/login/", LOGIN)
    assert all(psutil.pid_exists(pid) for pid in processes)
    eventually((disk.path / "data" / "reserve").exists)
