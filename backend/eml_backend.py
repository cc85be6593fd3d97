"""The email backend that writes files, for trying Holdfast out and for reading."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

ABANDONED_AFTER = 60  # seconds: nobody writes one file for that long


class EmlFileBackend(BaseEmailBackend):
    """Writes each email as one `.eml` file into MAIL_DIR."""

    def open(self) -> bool:
        """Create the folder, and remove what a process that was killed left half written."""
        folder = Path(settings.MAIL_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob("*.part"):
            try:
                if time.time() - part.stat().st_mtime > ABANDONED_AFTER:
                    part.unlink()
            except FileNotFoundError:  # another process removed or finished it
                continue
        return True

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for number, message in enumerate(email_messages):
            _write(message, number)
        return len(email_messages)


def _write(message: EmailMessage, number: int) -> None:
    """Under another name first, so that a reader of `*.eml` never sees half a file."""
    to = re.sub(r"[^\w.@+-]", "_", message.to[0] if message.to else "nobody")[:60]
    name = f"{time.time_ns()}-{os.getpid()}-{number}-{to}"
    part = Path(settings.MAIL_DIR, f"{name}.part")
    built: Any = message.message()  # Django's own kind of message, whose as_bytes knows linesep
    try:
        part.write_bytes(built.as_bytes(linesep="\r\n"))
        part.rename(part.with_name(f"{name}.eml"))
    finally:
        part.unlink(missing_ok=True)
