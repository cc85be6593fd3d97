"""REST as a WSGI application; `backend.asgi` runs it in threads."""

import contextlib
import os
import shutil

import psutil
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from backend import checks, tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")


def share_metrics() -> None:
    """Lets the processes of one web server (known by its pid) add up what they count: before
    anything counts. Without a place to write each counts alone."""
    with contextlib.suppress(OSError):
        for other in settings.METRICS_DIR.glob("*"):
            if not psutil.pid_exists(int(other.name)):
                shutil.rmtree(other, ignore_errors=True)
        folder = settings.METRICS_DIR / str(os.getppid())
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.glob("gauge_live*.db"):  # a process that is gone is busy with nothing
            if not psutil.pid_exists(int(file.stem.rpartition("_")[2])):
                file.unlink(missing_ok=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        from backend import metrics_files  # which imports the library: it looks for the place

        metrics_files.use_plain_files()


def shorten_timeouts() -> None:
    """Lets the statements of web wait less for locks than those of workers: before any is made."""
    for database in settings.DATABASES.values():
        database["OPTIONS"]["options"] += settings.WEB_TIMEOUTS


checks.refuse_unsafe_settings()
shorten_timeouts()
share_metrics()
from backend.metrics import THREADS  # noqa: E402 - it looks for the place when it is imported

THREADS.set(settings.WEB_THREADS)
tracing.start("web")
application = get_wsgi_application()
