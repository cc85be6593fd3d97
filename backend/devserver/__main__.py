"""Run one Python program with the servers up: `python -m backend.devserver manage.py shell`.

DATA_DIR must be another one than that of a running `make up`, which is locked.
"""

import os
import subprocess
import sys

from backend.devserver import running


def main(arguments: list[str]) -> int:
    with running(fast=True) as found:
        command = [sys.executable, *arguments]
        return subprocess.run(command, env=os.environ | found, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
