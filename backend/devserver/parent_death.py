"""Become another program that ends when whoever started it ends, even by SIGKILL.

The rule: only the standard library, and nothing after the exec. It is run by path
(`python -I -S parent_death.py PARENT SIGNAL UID COMMAND...`), never imported by what it becomes.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def drop_to(uid: int, gid: int) -> None:
    if uid == os.geteuid():
        return
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def end_with(parent: int, signal_number: int) -> None:
    """The kernel forgets this wish when the uid changes, so it is made after that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the process that asked for this one is gone")


def main(parent: str, signal_number: str, owner: str, *command: str) -> None:
    uid, _, gid = owner.partition(":")
    drop_to(int(uid), int(gid))
    end_with(int(parent), int(signal_number))
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
