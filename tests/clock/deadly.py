"""What kills the process that works on it (an e-mail, a task), or halts its main loop. For workers
of tests only (`celery -A tests.clock.deadly worker`, EMAIL_BACKEND=tests.clock.deadly.Backend)."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from celery.worker.control import control_command
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from backend.celery import app


class Backend(EmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        if any("killer" in address for m in email_messages for address in m.to):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().send_messages(email_messages)


@app.task(name="tests.die")
def die(count: str) -> None:
    with Path(count).open("a") as file:
        file.write("x")
    os.kill(os.getpid(), signal.SIGKILL)


@control_command()
def stand_still(state: Any) -> None:
    """In the main loop, as what it waits for without a timeout would."""
    print("standing still", flush=True)
    time.sleep(600)
