"""Connections to the SMTP server or provider, kept open between batches.

Opening one over SMTP costs a handshake, with TLS and a sign-in several. A batch therefore takes one
that an earlier batch left open, if the server still answers on it.
"""

from __future__ import annotations

import contextlib
import smtplib
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from django.core.mail import get_connection
from django.core.mail.message import EmailMessage
from django.db import connection as database

IDLE_TIMEOUT = 30.0  # seconds without an email, after which a connection is closed

# (backend, when it was last used), the latest at the right; shared by the threads of this process
_idle: deque[tuple[Any, float]] = deque()


class MailConnection:
    """One thread's connection during a batch, opened when the first email needs it: settings that
    the backend refuses are then the outcome of that email, and not the end of the batch."""

    backend: Any = None

    def send(self, message: EmailMessage) -> None:
        """Send one email. Raises whatever the backend does; the next email then gets a new
        connection."""
        assert not database.in_atomic_block, "no network call inside a transaction"  # noqa: S101 - a law, not a check of input
        try:
            self.backend = self.backend or _take_idle() or _open()
            self.backend.send_messages([message])
        except Exception:
            self.discard()
            raise

    def discard(self) -> None:
        backend, self.backend = self.backend, None
        if backend is not None:
            _close(backend)

    def release(self) -> None:
        """Leave the connection open for the next batch."""
        if self.backend is not None:
            _idle.append((self.backend, time.monotonic()))
            self.backend = None


@contextlib.contextmanager
def use_connection() -> Iterator[MailConnection]:
    connection = MailConnection()
    try:
        yield connection
    finally:
        connection.release()


def close_idle(timeout: float = IDLE_TIMEOUT) -> None:
    """Close what nobody has used for that many seconds."""
    with contextlib.suppress(IndexError):  # none is left, or another thread took the last
        while _idle[0][1] <= time.monotonic() - timeout:
            _close(_idle.popleft()[0])


def _take_idle() -> Any:
    """An open connection that still works, or None."""
    close_idle()
    with contextlib.suppress(IndexError):
        while True:
            backend, _ = _idle.pop()
            if _is_alive(backend):
                return backend
            _close(backend)


def _open() -> Any:
    backend = get_connection()
    try:
        backend.open()
    except Exception:
        _close(backend)  # a TLS handshake or a sign-in that failed leaves a socket behind
        raise
    return backend


def _is_alive(backend: Any) -> bool:
    """Whether the server at the other end of an SMTP connection is still there. Other backends
    hold at most an HTTP session, which opens itself again."""
    smtp = getattr(backend, "connection", None)
    if not isinstance(smtp, smtplib.SMTP):
        return True
    try:
        return smtp.noop()[0] == 250
    except OSError:  # smtplib's errors are such
        return False


def _close(backend: Any) -> None:
    with contextlib.suppress(OSError):
        backend.close()
