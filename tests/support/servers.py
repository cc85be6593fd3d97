"""A pytest plugin: real servers are up before Django reads its settings, and down afterwards.

The rule: two test runs in one checkout never share a data directory.
"""

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.devserver import DataDirBusy, Servers

STASHED = pytest.StashKey[Servers]()


def first_free(base: Path) -> Servers:
    """Servers in `base`, or in the first of its numbered siblings that no other run holds."""
    for number in itertools.count(1):
        place = base if number == 1 else base.with_name(f"{base.name}-{number}")
        try:
            return Servers(place, fast=True)
        except DataDirBusy:
            continue
    raise AssertionError("numbers end never")


@contextlib.contextmanager
def nowhere() -> Iterator[None]:
    """For a process that only hands the tests out to others, each with servers of its own: they
    would inherit what is left in the environment."""
    given = {"SECRET_KEY": "nobody's", "DATABASE_URL": "postgres://nobody@127.0.0.1/nothing"}
    added = given.keys() - os.environ.keys()
    os.environ.update({name: given[name] for name in added})
    yield
    for name in added:
        del os.environ[name]


# A wrapper runs before every plain hook: pytest-django imports the settings in a plain one.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    hands_out = early_config.known_args_namespace.numprocesses
    if hands_out and "PYTEST_XDIST_WORKER" not in os.environ:
        with nowhere():
            return (yield)
    servers = first_free(Path(os.environ.get("TEST_DATA_DIR") or ".data/test"))
    early_config.add_cleanup(servers.stop)
    servers.start()
    os.environ.update(servers.environment)
    early_config.stash[STASHED] = servers
    return (yield)


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Servers:
    """For tests of what happens without a server: `servers.valkey.stop()`, then `start()` it."""
    return pytestconfig.stash[STASHED]
