"""PostgreSQL and Valkey in one data directory, and the environment that points to them.

What the environment already names is used as it is; what it lacks is created in the data directory
and is the same at the next start.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

from backend.devserver.postgres import Postgres
from backend.devserver.server import Server, ServerError
from backend.devserver.valkey import Valkey

__all__ = ["CHECKOUT", "DataDirBusy", "ServerError", "Servers", "running", "started"]

CHECKOUT = Path(__file__).resolve().parents[2]
# what `manage.py` in another terminal needs too
FROM_ENVIRONMENT = ("DATABASE_URL", "REDIS_URL", "PORT", "STRIPE_PORT")
DATABASE_NAMES = ("DATABASE_URL", "DB_NAME", "DATABASE_NAME")


def _generate_token() -> str:
    return secrets.token_urlsafe(48)


SECRETS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": _generate_token,
    "JWT_ACCESS_SECRET": _generate_token,
    "JWT_REFRESH_SECRET": _generate_token,
    "FLOWER_BASIC_AUTH": lambda: f"admin:{secrets.token_urlsafe(12)}",
    "CLEANUP_SECRET": _generate_token,
    "STRIPE_WEBHOOK_SECRET": lambda: f"whsec_{_generate_token()}",
}
PASSWORDS = {"POSTGRES_PASSWORD": _generate_token, "VALKEY_PASSWORD": _generate_token}


class DataDirBusy(Exception):
    """Another process runs its servers in this data directory."""


class Servers:
    """The servers of one data directory; None where the environment names another server."""

    def __init__(
        self,
        data_dir: Path | str | None = None,
        *,
        fast: bool = False,
        given: Mapping[str, str] = os.environ,
    ) -> None:
        """Lock the directory; nothing is started yet. Raises DataDirBusy.

        `fast` trades durability for speed, for tests. `given` is the environment to start from.
        """
        self.data_dir = (CHECKOUT / (data_dir or given.get("DATA_DIR") or ".data")).resolve()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self.data_dir / "lock")
        secrets = _load_or_create(self.data_dir / "secrets.env", {**SECRETS, **PASSWORDS})
        passwords = {name: secrets.pop(name) for name in PASSWORDS}
        if given.get("STRIPE_SECRET_KEY"):  # the real Stripe signs with a secret of its own
            secrets.pop("STRIPE_WEBHOOK_SECRET")
        self._secrets = {name: given.get(name) or value for name, value in secrets.items()}
        self._given = {name: given[name] for name in FROM_ENVIRONMENT if given.get(name)}
        self.postgres = self.valkey = None
        if not any(given.get(name) for name in DATABASE_NAMES):
            self.postgres = Postgres(self.data_dir, passwords["POSTGRES_PASSWORD"], fast=fast)
        if not given.get("REDIS_URL"):
            self.valkey = Valkey(self.data_dir, passwords["VALKEY_PASSWORD"], fast=fast)

    @property
    def embedded(self) -> list[Server]:
        return [server for server in (self.postgres, self.valkey) if server]

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which a process finds the servers; HOLDFAST_EMBEDDED: it is our database."""
        found = {"DATA_DIR": str(self.data_dir), **self._secrets, **self._given}
        if self.postgres:
            found |= {"HOLDFAST_EMBEDDED": "1", "DATABASE_URL": self.postgres.url()}
        if self.valkey:
            found["REDIS_URL"] = self.valkey.url
        return found

    def start(self) -> None:
        for server in self.embedded:
            server.start()
        _write_file(self.data_dir / "run.env", self.environment)

    def stop(self) -> None:
        """Stop what `start` started and unlock the directory."""
        (self.data_dir / "run.env").unlink(missing_ok=True)
        with contextlib.ExitStack() as steps:
            steps.callback(self._lock.close)
            for server in self.embedded:
                steps.callback(server.stop)


@contextlib.contextmanager
def started(servers: Servers) -> Iterator[Servers]:
    """Run the servers until the block ends, however it ends."""
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()


@contextlib.contextmanager
def running(
    data_dir: Path | str | None = None,
    *,
    fast: bool = False,
    given: Mapping[str, str] = os.environ,
) -> Iterator[dict[str, str]]:
    """Yield the environment of servers that run until the block ends; arguments as of `Servers`."""
    with started(Servers(data_dir, fast=fast, given=given)) as servers:
        yield servers.environment


def _lock(path: Path) -> IO[str]:
    """Hold a lock until the file is closed or this process ends. Raises DataDirBusy."""
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise DataDirBusy(
            f"{path.parent} is in use by process {holder}; stop it, or set DATA_DIR."
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _load_or_create(path: Path, makers: dict[str, Callable[[], str]]) -> dict[str, str]:
    """Return the values in this file, after adding those it lacks."""
    lines = path.read_text().splitlines() if path.exists() else []
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    missing = {name: make() for name, make in makers.items() if name not in found}
    if missing:
        _write_file(path, found | missing)
    return {name: (found | missing)[name] for name in makers}


def _write_file(path: Path, values: Mapping[str, str]) -> None:
    """Write the file atomically, readable by this user alone."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    draft.replace(path)
