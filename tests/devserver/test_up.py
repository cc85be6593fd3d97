"""`python -m backend.devserver.up` as its user knows it: one process to start, one to stop."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from http.client import HTTPConnection
from pathlib import Path
from socket import create_server
from typing import Any

import psutil
import pytest

from backend.devserver import CHECKOUT, Servers, server, supervisor
from backend.devserver.server import pick_port
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

START_SECONDS = 180  # a start is 25 s of processor time, and other tests run beside it
STOP_SECONDS = supervisor.STOP_SECONDS + 2 * server.STOP_SECONDS  # one after the other


class Up:
    """One running `python -m backend.devserver.up`, its output in a file."""

    def __init__(self, data_dir: Path, environment: dict[str, str]) -> None:
        self.data_dir, self.environment = data_dir, environment
        self.log = data_dir.with_suffix(".log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "backend.devserver.up"],
                cwd=CHECKOUT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def health(self) -> dict[str, str] | None:
        assert self.process.poll() is None, self.log.read_text()
        url = f"http://127.0.0.1:{self.environment['PORT']}/health/"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                found: dict[str, str] = json.load(answer)
                return found
        except OSError:
            return None

    def post(self, path: str, body: dict[str, str], access: str = "") -> Any:
        """What the barbershop answers."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {access}"}
        with closing(HTTPConnection("127.0.0.1", int(self.environment["PORT"]))) as line:
            line.request("POST", f"/barbershop/api/{path}", json.dumps(body), headers)
            return json.load(line.getresponse())

    def says(self, text: str) -> bool:
        return text in self.log.read_text()

    def children(self) -> list[psutil.Process]:
        return list(psutil.Process(self.process.pid).children(recursive=True))

    def leaders(self, name: str) -> list[psutil.Process]:
        """The direct child that runs this line of the process table, or this server."""
        direct = psutil.Process(self.process.pid).children()
        return [
            child for child in direct if name in [_ask(child.name, ""), *_ask(child.cmdline, [])]
        ]

    def strays(self) -> list[psutil.Process]:
        """Any process, ours or adopted, that was given our data directory."""
        given = str(self.data_dir)
        found = psutil.process_iter()
        return [each for each in found if _ask(each.environ, {}).get("DATA_DIR") == given]


def _ask(question: Callable[[], Any], otherwise: Any) -> Any:
    """A process may end, or be another user's, while it is asked."""
    try:
        return question()
    except psutil.Error:
        return otherwise


@pytest.fixture(scope="module")
def plain_environment(servers: Servers) -> dict[str, str]:
    """The environment without what the plugin put there for the tests."""
    ours = {*servers.environment, "DJANGO_SETTINGS_MODULE"}
    return {name: value for name, value in os.environ.items() if name not in ours}


@pytest.fixture(scope="module")
def start(plain_environment: dict[str, str]) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def start_in(data_dir: Path, **more: str) -> Up:
        ports = {name: str(pick_port()) for name in ("PORT", "FLOWER_PORT", "STRIPE_PORT")}
        started.append(Up(data_dir, plain_environment | ports | {"DATA_DIR": str(data_dir)} | more))
        return started[-1]

    yield start_in
    for each in started:
        each.process.kill()
        each.process.wait()


@pytest.fixture(scope="module")
def up(start: Callable[..., Up], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = start(tmp_path_factory.mktemp("up") / "data")
    try:
        eventually(lambda: running.health() and running.says("is ready"), START_SECONDS)
        yield running
    finally:
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(STOP_SECONDS) == 0
        assert running.strays() == []


def test_it_says_it_is_ready_when_it_is(up: Up) -> None:
    health = up.health()
    assert health
    assert health["status"] == "ok"
    for address in (f":{up.environment['PORT']}/admin/", f":{up.environment['FLOWER_PORT']}/"):
        assert up.says(address)


def test_flower_is_never_open(up: Up) -> None:
    url = f"http://127.0.0.1:{up.environment['FLOWER_PORT']}/"

    def answer() -> int:
        try:
            with urllib.request.urlopen(url, timeout=5) as found:
                return int(found.status)
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return 0

    eventually(answer, START_SECONDS)
    assert answer() == 401


def test_the_admin_gets_emails_of_requests_where_nobody_else_is_configured(up: Up) -> None:
    """README of the barbershop, chapter "Email System": new reservations (to admin)."""
    start = datetime.now(UTC) + timedelta(days=2)
    times = {"start_time": start.isoformat(), "end_time": (start + timedelta(hours=1)).isoformat()}
    who = {"username": "user@example.com", "password": "holdfast-demo"}
    asked = up.post("reservations/", times, up.post("auth/login/", who)["access"])

    def told() -> bool:
        letters = (up.data_dir / "mail").glob("*.eml")
        found = [message_from_bytes(path.read_bytes(), policy=default) for path in letters]
        subject = f"🔔 New Reservation #{asked['id']} - Action Required"
        return ("admin@example.com", subject) in [(m["To"], m["Subject"]) for m in found]

    eventually(told, START_SECONDS)


@pytest.mark.parametrize("name", ["worker", "beat", "backend.web", "postgres", "valkey-server"])
def test_what_is_killed_comes_back(up: Up, name: str) -> None:
    eventually(lambda: up.leaders(name), START_SECONDS)
    [before] = up.leaders(name)
    before.kill()
    eventually(lambda: up.leaders(name) not in ([], [before]), START_SECONDS)
    eventually(up.health, START_SECONDS)


def test_told_to_stop_it_leaves_nothing(start: Callable[..., Up], tmp_path: Path) -> None:
    up = start(tmp_path / "data", DEMO="0")
    eventually(up.health, START_SECONDS)
    found = up.children()
    assert len(up.strays()) > 5
    up.process.terminate()
    assert up.process.wait(STOP_SECONDS) == 0
    assert psutil.wait_procs(found, timeout=STOP_SECONDS)[1] == []
    assert up.strays() == []
    assert not (up.data_dir / "run.env").exists()


def test_told_to_stop_while_it_starts_it_leaves_nothing(
    start: Callable[..., Up], tmp_path: Path
) -> None:
    up = start(tmp_path / "data")
    eventually(lambda: up.says("prepare"), START_SECONDS)
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(STOP_SECONDS) == 0
    eventually(lambda: not up.strays(), STOP_SECONDS)


def test_killed_itself_it_leaves_nothing(start: Callable[..., Up], tmp_path: Path) -> None:
    up = start(tmp_path / "data", DEMO="0")
    eventually(up.health, START_SECONDS)
    found = up.children()
    up.process.kill()
    up.process.wait()
    assert psutil.wait_procs(found, timeout=STOP_SECONDS)[1] == []


def test_a_taken_port_is_named_before_anything_starts(
    plain_environment: dict[str, str], tmp_path: Path
) -> None:
    with closing(create_server(("127.0.0.1", 0))) as rival:
        port = rival.getsockname()[1]
        given = {"PORT": str(port), "DATA_DIR": str(tmp_path / "data")}
        up = Up(tmp_path / "data", plain_environment | given)
        assert up.process.wait(STOP_SECONDS) == 1
    text = up.log.read_text()
    assert text == (
        f"Holdfast cannot run: port {port} for web is taken by another program; set PORT.\n"
    )
    assert not up.data_dir.exists()
