"""What web processes count on a full disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.disks import mounted

COUNT = """
import sys
from backend import metrics_files
metrics_files.use_plain_files()
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest, multiprocess
own = CollectorRegistry()
counter = Counter("asked", "", ["path"], registry=own)
busy = Gauge("busy", "", registry=own, multiprocess_mode="livesum")
for line in sys.stdin:
    for path in line.split():
        counter.labels(path).inc()
    busy.set(2)
    shown = CollectorRegistry()
    multiprocess.MultiProcessCollector(shown)
    found = generate_latest(shown).decode().splitlines()
    print("; ".join(line for line in found if not line.startswith("#")), flush=True)
"""


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COUNT],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def count(process: subprocess.Popen[str], *paths: str) -> list[str]:
    """What is shown of all processes after that."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(" ".join(paths) + "\n")
    process.stdin.flush()
    return process.stdout.readline().strip().split("; ")


def test_processes_add_up_what_they_count(tmp_path: Path) -> None:
    with start(tmp_path) as one, start(tmp_path) as other:
        count(one, "/é", "/é")
        shown = count(other, "/é", "/b")
    assert {'asked_total{path="/é"} 3.0', 'asked_total{path="/b"} 1.0', "busy 4.0"} <= {*shown}


def test_a_full_disk_ends_no_process_and_nothing_is_lost(tmp_path: Path) -> None:
    """With the library's own files the process ends by SIGBUS."""
    many = [f"/{number:0200}" for number in range(100)]  # more than a page of the file
    with mounted(tmp_path / "disk", 1) as disk, start(disk.path) as process:
        assert 'asked_total{path="/a"} 1.0' in count(process, "/a")
        disk.fill()
        assert 'asked_total{path="/a"} 2.0' in count(process, "/a", *many)
        disk.empty()
        shown = count(process, "/a", *many)
        assert 'asked_total{path="/a"} 3.0' in shown
        assert f'asked_total{{path="{many[-1]}"}} 2.0' in shown


def test_a_process_that_starts_on_a_full_disk_counts_once_there_is_room(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", 1) as disk:
        disk.fill()
        with start(disk.path) as process:
            count(process, "/a")
            disk.empty()
            assert 'asked_total{path="/a"} 2.0' in count(process, "/a")
