"""Child processes that end with this one, even when it is killed; as another user if need be."""

import os
import pwd
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

PARENT_DEATH_SIGNAL = Path(__file__).with_name("parent_death.py")

# The signal is sent when the *thread* that forked ends, so one that lasts does all the forking.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


class Owner(NamedTuple):
    """The user that a program runs as."""

    uid: int
    gid: int

    @classmethod
    def of(cls, path: Path) -> "Owner":
        found = path.stat()
        return cls(found.st_uid, found.st_gid)


def get_current_user() -> Owner:
    return Owner(os.geteuid(), os.getegid())


def get_unprivileged_user(preferred: int) -> Owner:
    """Return the current user, or for root the preferred user or one without any rights."""
    if os.geteuid() != 0:
        return get_current_user()
    users = (_find_user(who) for who in (preferred, "holdfast", "postgres", "nobody"))
    return next(Owner(user.pw_uid, user.pw_gid) for user in users if user and user.pw_uid != 0)


def _find_user(who: int | str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(who) if isinstance(who, int) else pwd.getpwnam(who)
    except KeyError:
        return None


def spawn(
    command: list[str], *, death_signal: signal.Signals, owner: Owner | None = None, **options: Any
) -> "subprocess.Popen[bytes]":
    """Start a command that gets `death_signal` when this process ends."""
    who = owner or get_current_user()
    prefix = [
        sys.executable,
        "-I",
        "-S",
        str(PARENT_DEATH_SIGNAL),
        str(os.getpid()),
        str(int(death_signal)),
    ]
    bound = [*prefix, f"{who.uid}:{who.gid}", *command]
    popen: Any = partial(subprocess.Popen, bound, **options)
    process: subprocess.Popen[bytes] = _spawner.submit(popen).result()
    return process
