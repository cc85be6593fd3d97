"""Whether the process in this container does its work: `healthy.py web|worker|beat|flower`.

The rule: it is asked every few seconds, in every container, so it loads next to nothing.
"""

import base64
import os
import socket
import sys
import time
from pathlib import Path

OLDEST = 30.0  # seconds since a worker or beat showed that its loop turns


def answers(path: str, password: str = "") -> bool:
    """As one of the hosts that it serves: to others it would refuse to talk."""
    host = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    head = f"GET {path} HTTP/1.0\r\nHost: {'localhost' if host in ('', '*') else host}\r\n"
    if password:
        head += f"Authorization: Basic {base64.b64encode(password.encode()).decode()}\r\n"
    head += "\r\n"
    try:
        with socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), timeout=4) as way:
            way.sendall(head.encode())
            return b" 200 " in way.makefile("rb").readline()
    except OSError:
        return False


def shows_life(name: str) -> bool:
    try:
        seen = (Path(os.environ["HEARTBEAT_DIR"]) / name).stat().st_mtime
    except FileNotFoundError:
        return False
    return time.time() - seen < OLDEST


def flower_password() -> str:
    """Its `name:password`; of several the first."""
    if path := os.environ.get("FLOWER_BASIC_AUTH_FILE"):
        return Path(path).read_text().strip().split(",")[0]
    return os.environ.get("FLOWER_BASIC_AUTH", "").split(",")[0]


def healthy(name: str) -> bool:
    if name in ("worker", "beat"):
        return shows_life(name)
    if name == "flower":
        return answers("/healthcheck", flower_password())
    return answers("/health/")


if __name__ == "__main__":
    sys.exit(not healthy(sys.argv[1]))
