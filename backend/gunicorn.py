"""How REST is served, on a desk as in a container: `gunicorn --config backend/gunicorn.py …`.

The rule: the numbers are here; the environment may say otherwise.
"""

import os
from pathlib import Path

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_PROCESSES") or 2)
threads = int(os.environ.get("WEB_THREADS") or 4)
raw_env = [f"WEB_THREADS={threads}"]  # so that every process says how many it has
# what was begun is finished before the process ends; whoever stops it waits a little longer
graceful_timeout = int(os.environ.get("WEB_GRACEFUL_SECONDS") or 4)
# longer than a proxy keeps a connection, so that it never sends into one just closed
keepalive = 75
loglevel = "warning"
control_socket_disable = True
# its sign of life is a file: on a disk that is slow, a healthy process would look dead
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
