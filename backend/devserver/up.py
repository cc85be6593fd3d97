"""Runs all of Holdfast in the foreground until Ctrl-C: `python -m backend.devserver.up`.

The rule: it stops everything it started, and says in one line why it cannot start.
"""

import fcntl
import os
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from tempfile import gettempdir

import environ

from backend.devserver import CHECKOUT, DataDirBusy, ServerError, Servers, started
from backend.devserver.server import is_free, pick_port
from backend.devserver.supervisor import Program, Stops, say, supervise

# name, the variable with its port, what `python -m` runs
PROCESSES: list[tuple[str, str | None, str]] = [
    (
        "web",
        "PORT",
        "gunicorn --config backend/gunicorn.py backend.wsgi:application",
    ),
    ("live", None, "backend.live"),
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
    ("stripe", "STRIPE_PORT", "backend.devserver.local_stripe"),
]

DEFAULTS = {
    "HOST": "127.0.0.1",
    "PORT": "8000",
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore:You're running the worker",  # … as root: that was asked for
}
# what a copy on another port does not share with the first, unless told so
BESIDE_DEFAULTS = {"FLOWER_PORT": "5555", "STRIPE_PORT": "8420"}
EVERYWHERE = "0.0.0.0"  # noqa: S104 - to recognise it, not to bind to it
DEMO_PASSWORD = "holdfast-demo"
EMBEDDED_DEFAULTS = {
    "DEMO": "1",
    "DJANGO_SUPERUSER_EMAIL": "admin@example.com",
    "DJANGO_SUPERUSER_USERNAME": "admin",
    "DJANGO_SUPERUSER_PASSWORD": DEMO_PASSWORD,
}


class CannotStart(Exception):
    """What is in the way, in one line."""


def main() -> int:
    stops = Stops()
    stops.install()
    environ.Env.read_env(CHECKOUT / ".env")
    given = with_ports(_with_defaults(os.environ, DEFAULTS))
    try:
        check_ports(given)
        with started(Servers(given=given)) as servers:
            run(servers, complete(given | servers.environment), stops)
    except (CannotStart, DataDirBusy, ServerError, OSError) as error:
        print(f"Holdfast cannot run: {error}", file=sys.stderr)
        return 1
    return 0


def run(servers: Servers, environment: dict[str, str], stops: Stops) -> None:
    prepare(environment)
    programs = [
        Program(name, command_of(line, environment), env=environment, cwd=CHECKOUT)
        for name, _, line in wanted(environment)
    ]
    announcement = Announcement(environment)

    def tick() -> None:
        restart_dead(servers)
        announcement.tick()

    supervise(programs, stops, tick)


def wanted(environment: Mapping[str, str]) -> list[tuple[str, str | None, str]]:
    """The local Stripe only while there are no keys for the real one."""
    real = bool(environment.get("STRIPE_SECRET_KEY"))
    return [row for row in PROCESSES if not (real and row[0] == "stripe")]


def restart_dead(servers: Servers) -> None:
    """Without its database nothing works: if it does not come back either, all of this ends."""
    for server in servers.embedded:
        if server.pid is None:
            say(f"{server.name} is gone; starting it again")
            server.start()


def with_ports(environment: Mapping[str, str]) -> dict[str, str]:
    """With ports for what stands beside the web: the usual ones if they are free, else any that
    are, so that copies can run side by side."""
    ports = {
        name: port if _reserve(int(port)) else str(pick_port())
        for name, port in BESIDE_DEFAULTS.items()
        if not environment.get(name)
    }
    return _with_defaults(environment, ports)


def _reserve(port: int) -> bool:
    """Whether the port is free and no copy that begins at the same moment means to take it."""
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
    for name, variable, _ in wanted(environment):
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


def complete(environment: dict[str, str]) -> dict[str, str]:
    """With what only the embedded database may have by default, and where emails go."""
    mail = Path(environment["DATA_DIR"]) / "mail"
    mail.mkdir(exist_ok=True)
    here = {"HOLDFAST_MAIL_DIR": str(mail), "LOG_JSON": "0" if sys.stdout.isatty() else "1"}
    if environment.get("HOLDFAST_EMBEDDED"):
        here |= EMBEDDED_DEFAULTS
        if not environment.get("TO_EMAIL"):  # else requests would wait for an admin nobody tells
            admin = environment.get("DJANGO_SUPERUSER_EMAIL")
            here["ADMIN_EMAIL"] = admin or EMBEDDED_DEFAULTS["DJANGO_SUPERUSER_EMAIL"]
    if not environment.get("STRIPE_SECRET_KEY"):
        here |= {"STRIPE_LOCAL": "1", "STRIPE_BELIEVE_EVENTS": "1"}
    return _with_defaults(environment, here)


def _with_defaults(values: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """An empty value is no value, as in a `.env` made from the example."""
    return {**values, **{name: values.get(name) or value for name, value in defaults.items()}}


def prepare(environment: Mapping[str, str]) -> None:
    demo = environment.get("DEMO", "").lower() in ("1", "true", "yes", "on")
    for step in [
        "migrate --noinput --verbosity 0",
        "ensure_superuser",
        *(["seed_demo"] if demo else []),
    ]:
        say(f"  {step.split()[0]} …")
        command = [sys.executable, "manage.py", *step.split()]
        if subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode:
            raise CannotStart(f"`manage.py {step}` failed, see above.")


def command_of(line: str, environment: Mapping[str, str]) -> list[str]:
    parts = [part.format_map(environment) for part in shlex.split(line)]
    return [sys.executable, "-m", *parts]


class Announcement:
    """Prints what is where, once, as soon as `/health/` answers 200."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.made = False
        self.ask_at = 0.0
        host = environment["HOST"]
        self.url = f"http://{'127.0.0.1' if host == EVERYWHERE else host}:{environment['PORT']}"

    def tick(self) -> None:
        if not self.made and time.monotonic() >= self.ask_at and self.healthy():
            self.made = True
            say(self.text())
        elif not self.made:
            self.ask_at = time.monotonic() + 0.2

    def healthy(self) -> bool:
        request = urllib.request.Request(f"{self.url}/health/")
        allowed = self.environment.get("ALLOWED_HOSTS", "").split(",")[0].strip(" .*")
        if allowed:
            request.add_header("Host", allowed)
        try:
            with urllib.request.urlopen(request, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def text(self) -> str:
        rows = {
            "API": f"{self.url}/api/v1/",
            "Docs": f"{self.url}/api/v1/docs/",
            "Health": f"{self.url}/health/  and  {self.url}/health/automation/",
            "Admin": f"{self.url}/admin/  {self.login()}",
            "Flower": self.flower(),
            "Stripe": self.stripe(),
            "Emails": self.environment["HOLDFAST_MAIL_DIR"],
            "Data, logs": self.environment["DATA_DIR"],
        }
        lines = [f"  {name:<11}{value}" for name, value in rows.items()]
        return "\n".join(["", "Holdfast is ready. Ctrl-C stops it.", "", *lines, ""])

    def login(self) -> str:
        email = self.environment.get("DJANGO_SUPERUSER_EMAIL", "")
        demo = self.environment.get("DJANGO_SUPERUSER_PASSWORD") == DEMO_PASSWORD
        return f"({email} / {DEMO_PASSWORD})" if demo else f"({email})" if email else ""

    def stripe(self) -> str:
        if key := self.environment.get("STRIPE_SECRET_KEY", ""):
            return f"stripe.com, {'live' if '_live_' in key else 'test'} keys"
        return f"http://127.0.0.1:{self.environment['STRIPE_PORT']}/  (local, no money moves)"

    def flower(self) -> str:
        user, _, password = self.environment["FLOWER_BASIC_AUTH"].partition(":")
        return f"http://127.0.0.1:{self.environment['FLOWER_PORT']}/  ({user} / {password})"


if __name__ == "__main__":
    sys.exit(main())
