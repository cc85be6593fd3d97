"""Emails as files: one `.eml` each under MAIL_DIR, for trying Holdfast out and for reading."""

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


class EmlFileBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(settings.MAIL_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        for number, message in enumerate(email_messages):
            self._write(folder, number, message)
        return len(email_messages)

    def _write(self, folder: Path, number: int, message: EmailMessage) -> None:
        """Under another name first, so that a reader of `*.eml` never sees half a file."""
        to = re.sub(r"[^\w.@+-]", "_", message.to[0] if message.to else "nobody")[:60]
        name = f"{time.time_ns()}-{os.getpid()}-{number}-{to}"
        part = folder / f"{name}.part"
        whole: Any = message.message()  # Django's own kind of message, which knows linesep
        part.write_bytes(whole.as_bytes(linesep="\r\n"))
        part.rename(folder / f"{name}.eml")
