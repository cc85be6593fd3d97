"""Exec a program that gets a signal when its parent ends, even by SIGKILL.

Run by path with the standard library alone: `python -IS parent_death.py PARENT SIGNAL UID:GID
COMMAND...`.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def drop_privileges(uid: int, gid: int) -> None:
    if uid == os.geteuid():
        return
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def set_parent_death_signal(parent: int, signal_number: int) -> None:
    """Ask the kernel for the signal; call this after changing the uid, which resets it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the process that asked for this one is gone")


def main(parent: str, signal_number: str, owner: str, *command: str) -> None:
    uid, _, gid = owner.partition(":")
    drop_privileges(int(uid), int(gid))
    set_parent_death_signal(int(parent), int(signal_number))
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
