"""Child processes that end with us, as another user if need be.

The rule: everything we start is started by `spawn`, so a `kill -9` of us leaves nothing running.
"""

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

# A parent-death signal is sent when the *thread* that forked ends: this one lasts as long as we do.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


class Owner(NamedTuple):
    """The user that a program runs as."""

    uid: int
    gid: int

    @classmethod
    def of(cls, path: Path) -> "Owner":
        found = path.stat()
        return cls(found.st_uid, found.st_gid)


def ourselves() -> Owner:
    return Owner(os.geteuid(), os.getegid())


def not_root(preferred: int) -> Owner:
    """Ourselves; if we are root, the preferred user, or else one that may do nothing here."""
    if os.geteuid() != 0:
        return ourselves()
    users = (_user(who) for who in (preferred, "holdfast", "postgres", "nobody"))
    return next(Owner(user.pw_uid, user.pw_gid) for user in users if user and user.pw_uid != 0)


def _user(who: int | str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(who) if isinstance(who, int) else pwd.getpwnam(who)
    except KeyError:
        return None


def spawn(
    command: list[str], *, ends_by: signal.Signals, owner: Owner | None = None, **options: Any
) -> "subprocess.Popen[bytes]":
    """`subprocess.Popen` of a command that gets the signal `ends_by` when this process ends."""
    who = owner or ourselves()
    prefix = [
        sys.executable,
        "-I",
        "-S",
        str(PARENT_DEATH_SIGNAL),
        str(os.getpid()),
        str(int(ends_by)),
    ]
    bound = [*prefix, f"{who.uid}:{who.gid}", *command]
    popen: Any = partial(subprocess.Popen, bound, **options)
    process: subprocess.Popen[bytes] = _spawner.submit(popen).result()
    return process
