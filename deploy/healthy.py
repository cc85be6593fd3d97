"""Whether the process in this container does its work: `healthy.py web|live|worker|beat|flower`.

The rule: it is asked every few seconds, so it needs nothing but Python's own library.
"""

import os
import runpy
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


def takes_in(door: str) -> bool:
    """As the web process asks it. The module alone: its package would load all of Django."""
    handover = runpy.run_path("backend/handover.py")
    return bool(handover["answers"](Path(door)))


def healthy(name: str) -> bool:
    if name in ("worker", "beat"):
        return shows_life(name)
    if name == "live" and os.environ.get("LIVE_SOCKET"):
        return takes_in(os.environ["LIVE_SOCKET"])
    return answers("/healthcheck" if name == "flower" else "/health/")


if __name__ == "__main__":
    sys.exit(not healthy(sys.argv[1]))
