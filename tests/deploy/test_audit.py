"""The audit of the lock: what is known fails it, nobody to ask does not. The database of advisories
is a stand-in on loopback that speaks OSV's language."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from backend.devserver import CHECKOUT

LOCK = f"celery[redis]==5.7.0 \\\n    --hash=sha256:{'0' * 64}\n"
AWAY = "No audit, for the database of advisories cannot be asked: "
HOLE = {
    "id": "GHSA-test",
    "summary": "Anybody may run anything.",
    "affected": [
        {
            "package": {"name": "celery", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "5.7.1"}]}],
        }
    ],
}


@pytest.fixture
def advisories():
    """Of each package; its address, to be asked by POST."""
    known: dict[str, list[dict]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            vulns = known.get(question["package"]["name"])
            body = json.dumps({"vulns": vulns} if vulns else {}).encode()
            self.send_response(500 if vulns == [] else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield known, f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


@pytest.fixture
def audit(tmp_path: Path):
    def run(where: str, lock: str = LOCK) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "lock.txt"
        file.write_text(lock)
        return subprocess.run(
            [sys.executable, ".ci/audit.py", file],
            cwd=CHECKOUT,
            env=os.environ | {"OSV_URL": where, "XDG_CACHE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_known_hole_fails_and_is_named(advisories, audit):
    known, where = advisories
    known["celery"] = [HOLE]
    done = audit(where)
    assert done.returncode == 1
    assert done.stderr == "celery 5.7.0: GHSA-test, mended by 5.7.1\n"


def test_without_a_hole_it_passes_and_says_nothing(advisories, audit):
    done = audit(advisories[1])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_nobody_to_ask_is_said_and_fails_nothing(audit):
    done = audit("http://127.0.0.1:9/v1/query")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{AWAY}requests.exceptions.ConnectionError\n"


def test_a_database_that_fails_itself_is_said_and_fails_nothing(advisories, audit):
    known, where = advisories
    known["celery"] = []
    done = audit(where)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(AWAY)


def test_a_lock_that_cannot_be_read_fails(advisories, audit):
    done = audit(advisories[1], "celery>=5\n")
    assert done.returncode == 1
    assert "celery" in done.stderr
