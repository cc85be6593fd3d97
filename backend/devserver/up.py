"""Run all of Holdfast in the foreground until Ctrl-C: `python -m backend.devserver.up`.

It stops everything it started, and says in one line why it cannot start.
"""

import fcntl
import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from tempfile import gettempdir
from urllib.parse import urlsplit

import environ

from backend.devserver import CHECKOUT, DataDirBusy, ServerError, Servers, started
from backend.devserver.reserve import Reserve
from backend.devserver.server import is_free, pick_port
from backend.devserver.server_restarts import ServerRestarts, describe_error
from backend.devserver.supervisor import Program, StopRequests, print_line, stop_all, supervise

# name, the variable with its port, what `python -m` runs
PROCESSES: list[tuple[str, str | None, str]] = [
    ("web", "PORT", "backend.web"),
    (
        "worker",
        None,
        """celery -q -A backend worker --queues clock,emails,default --concurrency 2
        --loglevel WARNING""",
    ),
    ("beat", None, "celery -q -A backend beat --pidfile= --loglevel WARNING"),
    (
        "flower",
        "FLOWER_PORT",
        "celery -q -A backend flower --address=127.0.0.1 --port={FLOWER_PORT} --logging=error",
    ),
    ("stripe", "STRIPE_PORT", "backend.devserver.local_stripe {DATA_DIR}/stripe.state"),
]

DEFAULTS = {
    "HOST": "127.0.0.1",
    "PORT": "8000",
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore:You're running the worker",  # … as root: that was asked for
}
# a copy on another port takes other ones unless told so
PORT_DEFAULTS = {"FLOWER_PORT": "5555", "STRIPE_PORT": "8420"}
# a browser reaches these as `localhost`, the site of FRONTEND_URL and PUBLIC_URL: to a cookie
# `127.0.0.1` is another one
LOCAL_HOSTS = ("127.0.0.1", "0.0.0.0")  # noqa: S104 - to recognise it, not to bind to it
STRIPE_START_SECONDS = 10.0
DEMO_PASSWORD = "holdfast-demo"
EMBEDDED_DEFAULTS = {
    "DEMO": "1",
    "DJANGO_SUPERUSER_EMAIL": "admin@example.com",
    "DJANGO_SUPERUSER_USERNAME": "admin",
    "DJANGO_SUPERUSER_PASSWORD": DEMO_PASSWORD,
}


class CannotStart(Exception):
    """What is in the way and what to do about it, in one line."""


def main() -> int:
    stops = StopRequests()
    stops.install()
    try:
        environ.Env.read_env(CHECKOUT / ".env")
        given = choose_ports(_fill_in(os.environ, DEFAULTS))
        check_ports(given)
        with started(Servers(given=given)) as servers:
            run(servers, add_defaults(given | servers.environment), stops)
    except (CannotStart, DataDirBusy, ServerError, OSError) as error:
        print(f"Holdfast cannot run: {describe_error(error)}", file=sys.stderr)
        return 1
    return 0


def run(servers: Servers, environment: dict[str, str], stops: StopRequests) -> None:
    programs = [
        Program(name, build_command(line, environment), env=environment, cwd=CHECKOUT)
        for name, _, line in list_processes(environment)
    ]
    message = ReadyMessage(environment)
    restarts = [ServerRestarts(server) for server in servers.embedded]

    reserve = Reserve(servers.data_dir)

    def tick() -> None:
        reserve.adjust()
        for restart in restarts:
            restart.start_if_ended()
        message.print_when_ready()

    try:
        start_local_stripe(programs, environment)
        prepare_database(environment)
        supervise(programs, stops, tick)
    finally:
        stop_all(programs, hurried=lambda: stops.count > 1)


def start_local_stripe(programs: list[Program], environment: Mapping[str, str]) -> None:
    """Start it before the others, for the demo's bookings are paid there; if it does not answer,
    the supervisor deals with it later, and the demo has nothing to pay."""
    for program in programs:
        if program.name == "stripe":
            program.start()
            deadline = time.monotonic() + STRIPE_START_SECONDS
            while not _answers(int(environment["STRIPE_PORT"])) and time.monotonic() < deadline:
                time.sleep(0.05)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def list_processes(environment: Mapping[str, str]) -> list[tuple[str, str | None, str]]:
    """Return the rows of PROCESSES to run: the local Stripe only without keys for the real one."""
    real = bool(environment.get("STRIPE_SECRET_KEY"))
    return [row for row in PROCESSES if not (real and row[0] == "stripe")]


def choose_ports(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with ports for Flower and Stripe: the usual ones, or any others while
    those are taken, so that copies can run side by side."""
    ports = {
        name: port if _reserve_port(int(port)) else str(pick_port())
        for name, port in PORT_DEFAULTS.items()
        if not environment.get(name)
    }
    return _fill_in(environment, ports)


def _reserve_port(port: int) -> bool:
    """Tell whether the port is free and no copy that starts at the same moment takes it."""
    flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW
    try:
        file = os.open(Path(gettempdir(), f"holdfast-port-{port}"), flags, 0o600)
    except OSError:  # another user's
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until this process ends
    except OSError:
        os.close(file)
        return False
    return is_free(port)


def check_ports(environment: Mapping[str, str]) -> None:
    taken_by: dict[str, str] = {}
    for name, variable, _ in list_processes(environment):
        if variable is None:
            continue
        port = environment[variable]
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise CannotStart(f"{variable}={port} is not a port number.")
        host = environment["HOST"] if variable == "PORT" else "127.0.0.1"
        if port in taken_by or not is_free(int(port), host):
            who = taken_by.get(port, "another program")
            raise CannotStart(f"port {port} for {name} is taken by {who}; set {variable}.")
        taken_by[port] = variable


def add_defaults(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment with the mail directory and, for an embedded database, demo data."""
    mail = Path(environment["DATA_DIR"]) / "mail"
    mail.mkdir(exist_ok=True)
    for part in mail.glob("*.part"):  # nobody writes yet: they are of a process that was killed
        part.unlink(missing_ok=True)
    here = {"HOLDFAST_MAIL_DIR": str(mail), "LOG_JSON": "0" if sys.stdout.isatty() else "1"}
    if environment.get("HOLDFAST_EMBEDDED"):
        here |= EMBEDDED_DEFAULTS
        if not environment.get("TO_EMAIL"):  # nobody would hear of requests
            admin = environment.get("DJANGO_SUPERUSER_EMAIL")
            here["ADMIN_EMAIL"] = admin or EMBEDDED_DEFAULTS["DJANGO_SUPERUSER_EMAIL"]
    if not environment.get("STRIPE_SECRET_KEY"):
        here |= {"STRIPE_LOCAL": "1", "STRIPE_BELIEVE_EVENTS": "1"}
    return _fill_in(environment, here)


def _fill_in(values: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Add defaults for values that are missing or, as in a `.env` of the example, empty."""
    return {**values, **{name: values.get(name) or value for name, value in defaults.items()}}


def prepare_database(environment: Mapping[str, str]) -> None:
    # which says what is missing, if there is no admin yet
    admin = [] if environment.get("DJANGO_SUPERUSER_EMAIL") else ["ensure_superuser"]
    for step in ["prepare --verbosity 0", *admin]:
        print_line(f"  {step.split()[0]} …")
        command = [sys.executable, "manage.py", *step.split()]
        if subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode:
            raise CannotStart(f"`manage.py {step}` failed, see above.")


def build_command(line: str, environment: Mapping[str, str]) -> list[str]:
    parts = [part.format_map(environment) for part in shlex.split(line)]
    return [sys.executable, "-m", *parts]


class ReadyMessage:
    """Says what runs and where, once, as soon as `/health/` answers 200."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.printed = False
        self.ask_at = 0.0
        host, port = environment["HOST"], environment["PORT"]
        local = host in LOCAL_HOSTS
        self.asked_at = f"http://{'127.0.0.1' if local else host}:{port}"
        self.url = f"http://{'localhost' if local else host}:{port}"

    def print_when_ready(self) -> None:
        if self.printed or time.monotonic() < self.ask_at:
            return
        self.printed = self.is_healthy()
        self.ask_at = time.monotonic() + 0.2
        if self.printed:
            print_line(self.build_text())

    def is_healthy(self) -> bool:
        request = urllib.request.Request(f"{self.asked_at}/health/")
        allowed = self.environment.get("ALLOWED_HOSTS", "").split(",")[0].strip(" .*")
        if allowed:
            request.add_header("Host", allowed)
        try:
            with urllib.request.urlopen(request, timeout=2) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def build_text(self) -> str:
        get = self.environment.get
        flower = get("FLOWER_BASIC_AUTH", "").replace(":", " / ", 1)
        rows = {
            "Start here": f"{self.url}/",
            "API docs": f"{self.url}/api/v1/docs/",
            "Admin": f"{self.url}/admin/  {self.describe_login()}",
            "Demo": self.describe_demo(),
            "Door panel": f"{self.url}/panel/",
            "Health": f"{self.url}/health/  and  {self.url}/health/automation/",
            "Flower": f"http://localhost:{get('FLOWER_PORT')}/  ({flower})",
            "Stripe": self.describe_stripe(),
            "PostgreSQL": _describe_server(get("DATABASE_URL", "")),
            "Redis": _describe_server(get("REDIS_URL", "")),
            "Emails": get("HOLDFAST_MAIL_DIR", ""),
            "Data, logs": get("DATA_DIR", ""),
            "Processes": ", ".join(name for name, _, _ in list_processes(self.environment)),
        }
        lines = [f"  {name:<12}{value}" for name, value in rows.items() if value]
        return "\n".join(["", "Holdfast is ready. Ctrl-C stops it.", "", *lines, ""])

    def describe_login(self) -> str:
        email = self.environment.get("DJANGO_SUPERUSER_EMAIL", "")
        demo = self.environment.get("DJANGO_SUPERUSER_PASSWORD") == DEMO_PASSWORD
        return f"({email} / {DEMO_PASSWORD})" if demo else f"({email})" if email else ""

    def describe_demo(self) -> str:
        """Who can sign in; a password of one's own is not shown."""
        if self.environment.get("DEMO") != "1":
            return ""
        password = self.environment.get("DEMO_PASSWORD") or DEMO_PASSWORD
        shown = password if password == DEMO_PASSWORD else "DEMO_PASSWORD"
        return f"user@, staff@ and owner@example.com  ({shown})"

    def describe_stripe(self) -> str:
        if key := self.environment.get("STRIPE_SECRET_KEY", ""):
            return f"stripe.com, {'live' if '_live_' in key else 'test'} keys"
        return f"http://localhost:{self.environment['STRIPE_PORT']}/  (local, no money moves)"


def _describe_server(url: str) -> str:
    """Return host, port and database, without the password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 'default port'}{parts.path}" if url else "by DB_NAME"


if __name__ == "__main__":
    sys.exit(main())
