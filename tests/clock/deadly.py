"""What kills the process that works on it: an e-mail, and a task. For workers of tests only
(`celery -A tests.clock.deadly worker`, EMAIL_BACKEND=tests.clock.deadly.Backend)."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from django.core.mail import EmailMessage

from backend.celery import app
from backend.mail import SmtpBackend


class Backend(SmtpBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        if any("killer" in address for m in email_messages for address in m.to):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().send_messages(email_messages)


@app.task(name="tests.die")
def die(count: str) -> None:
    with Path(count).open("a") as file:
        file.write("x")
    os.kill(os.getpid(), signal.SIGKILL)
