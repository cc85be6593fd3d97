"""REST is served from here: gunicorn backend.wsgi:application."""

import contextlib
import os
import shutil

import psutil  # type: ignore[import-untyped]
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from backend import checks, tracing
from backend.handover import HandOver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")


def share_metrics() -> None:
    """Lets the processes of one gunicorn (known by its pid) add up what they count: before
    anything counts. Without a place to write each counts alone."""
    with contextlib.suppress(OSError):
        for other in settings.METRICS_DIR.glob("*"):
            if not psutil.pid_exists(int(other.name)):
                shutil.rmtree(other, ignore_errors=True)
        place = settings.METRICS_DIR / str(os.getppid())
        place.mkdir(parents=True, exist_ok=True)
        for file in place.glob("gauge_live*.db"):  # a process that is gone is busy with nothing
            if not psutil.pid_exists(int(file.stem.rpartition("_")[2])):
                file.unlink(missing_ok=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(place)


checks.refuse_unsafe_settings()
share_metrics()
from backend.metrics import THREADS  # noqa: E402 - it looks for the place when it is imported

THREADS.set(int(os.environ.get("WEB_THREADS") or 1))
tracing.start("web")
application = HandOver(get_wsgi_application(), settings.LIVE_SOCKET)
