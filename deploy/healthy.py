"""Whether the process in this container does its work: `healthy.py web|live|worker|beat|flower`.

The rule: it is asked every few seconds, so it needs nothing but Python's own library.
"""

import os
import sys
import time
import urllib.request
from pathlib import Path

OLDEST = 30.0  # seconds since a worker or beat showed that its loop turns


def answers(path: str) -> bool:
    """As one of the hosts that it serves: to others it would refuse to talk."""
    request = urllib.request.Request(f"http://127.0.0.1:{os.environ['PORT']}{path}")
    host = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    if host not in ("", "*"):
        request.add_header("Host", host)
    try:
        with urllib.request.urlopen(request, timeout=4) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def shows_life(name: str) -> bool:
    try:
        seen = (Path(os.environ["HEARTBEAT_DIR"]) / name).stat().st_mtime
    except FileNotFoundError:
        return False
    return time.time() - seen < OLDEST


def healthy(name: str) -> bool:
    if name in ("worker", "beat"):
        return shows_life(name)
    return answers("/healthcheck" if name == "flower" else "/health/")


if __name__ == "__main__":
    sys.exit(not healthy(sys.argv[1]))
