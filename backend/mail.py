"""How emails leave: over SMTP in few round trips, or as files for trying Holdfast out.

The rule: what is sent is what Django's own classes would have sent. Django builds any message out
of objects, one for each part and header, which costs more than all else that is done for an e-mail;
ours have one shape, and are written down as they stand.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import secrets
import smtplib
import socket
import time
from collections.abc import Mapping, Sequence
from email.policy import compat32
from email.utils import formatdate
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends import smtp
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import forbid_multi_line_headers, sanitize_address

# messages as bytes

LINE = 76  # of a header that is not folded
TOO_LONG = re.compile(rb"[^\n]{999}")  # a line of text, by RFC 5322
PRINTABLE = re.compile(r"[ -~]*")
NEWLINE = re.compile(r"\r\n|\r|\n")
SECRET = secrets.token_bytes(32)
FOLDED = compat32.clone(linesep="\r\n")
OWN_HEADERS = {"from", "to", "cc", "bcc", "reply-to", "date", "subject", "content-type"}


def as_bytes(message: EmailMessage) -> bytes:
    """The message with CRLF at its ends of lines, as it goes into a file or to a server."""
    parts = _parts(message) if _is_text_and_html(message) else []
    if not parts or any(TOO_LONG.search(part) for part in parts):
        whole: Any = message.message()  # Django's own kind of message, which knows linesep
        return bytes(whole.as_bytes(linesep="\r\n"))
    boundary = _boundary(message.extra_headers)
    headers = {
        "Subject": str(message.subject),
        "From": message.from_email,
        "To": ", ".join(message.to),
        "Date": formatdate(localtime=settings.EMAIL_USE_LOCALTIME),
    } | message.extra_headers
    between = f"\r\n--{boundary}\r\n".encode()
    end = f"\r\n--{boundary}--\r\n".encode()
    return b"".join(
        (
            f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'.encode(),
            b"MIME-Version: 1.0\r\n",
            *[_header(name, str(value)) for name, value in headers.items()],
            between,
            between.join(parts),
            end,
        )
    )


def _boundary(headers: Mapping[str, str]) -> str:
    """What nobody who writes a title or a note can know; another one for every message."""
    told = repr(headers).encode()
    return hashlib.blake2b(told, key=SECRET, digest_size=16).hexdigest()


def _is_text_and_html(message: EmailMessage) -> bool:
    """Both forms of one text to somebody, its id chosen by us: all that Holdfast sends."""
    names = {name.lower() for name in message.extra_headers}
    return (
        type(message) is EmailMultiAlternatives
        and bool(message.to and message.body and message.alternatives)
        and not (message.attachments or message.cc or message.bcc or message.reply_to)
        and message.content_subtype == "plain"
        and (message.encoding or settings.DEFAULT_CHARSET) == "utf-8"
        and "message-id" in names
        and not names & OWN_HEADERS
    )


def _parts(message: Any) -> list[bytes]:
    """The text and its alternatives, each with its headers; none if one is not text."""
    forms = [("text/plain", message.body), *((a.mimetype, a.content) for a in message.alternatives)]
    if not all(kind.startswith("text/") and isinstance(text, str) for kind, text in forms):
        return []
    return [_part(kind, text).encode() for kind, text in forms]


def _part(kind: str, text: str) -> str:
    return (
        f'Content-Type: {kind}; charset="utf-8"\r\nMIME-Version: 1.0\r\n'
        f"Content-Transfer-Encoding: {'7bit' if text.isascii() else '8bit'}\r\n\r\n"
    ) + NEWLINE.sub("\r\n", text)


def _header(name: str, value: str) -> bytes:
    if len(name) + len(value) < LINE - 1 and PRINTABLE.fullmatch(value):
        return f"{name}: {value}\r\n".encode()
    return FOLDED.fold_binary(*forbid_multi_line_headers(name, value, "utf-8"))


# SMTP


class Pipelining(smtplib.SMTP):
    """Says all of an envelope at once to a server that announces that it listens (RFC 2920), and
    the message with it if its length may be said before it (RFC 3030): a message then waits for two
    answers, or for one, and not for four."""

    def sendmail(
        self,
        from_addr: str,
        to_addrs: Any,
        msg: Any,
        mail_options: Sequence[str] = (),
        rcpt_options: Sequence[str] = (),
    ) -> Any:
        self.ehlo_or_helo_if_needed()
        if isinstance(msg, str) or mail_options or rcpt_options or not self.has_extn("pipelining"):
            return super().sendmail(from_addr, to_addrs, msg, mail_options, rcpt_options)
        at_once = self.has_extn("chunking")
        refused = self._envelope(from_addr, to_addrs, msg, at_once=at_once)
        if not at_once:
            self._text(msg)
        return refused

    def _envelope(
        self, sender: str, recipients: Sequence[str], message: bytes, *, at_once: bool
    ) -> dict[str, tuple[int, bytes]]:
        """The recipients that were refused, if the message was taken for the others, or without
        `at_once` is waited for."""
        size = len(message)
        limit = f" SIZE={size}" if self.has_extn("size") else ""
        last, yes = (f"BDAT {size} LAST", 250) if at_once else ("DATA", 354)
        said = [f"MAIL FROM:{_path(sender)}{limit}"]
        said += [*(f"RCPT TO:{_path(recipient)}" for recipient in recipients), last]
        lines = "".join(f"{line}\r\n" for line in said).encode(self.command_encoding)
        self.send(lines + message if at_once else lines)
        first, *each, end = [self.getreply() for _ in said]
        refused = {
            to: answer
            for to, answer in zip(recipients, each, strict=True)
            if answer[0] not in (250, 251)
        }
        error: smtplib.SMTPException | None = None
        if first[0] != 250:
            error = smtplib.SMTPSenderRefused(*first, sender)
        elif len(refused) == len(recipients):
            error = smtplib.SMTPRecipientsRefused(refused)
        elif end[0] != yes:
            error = smtplib.SMTPDataError(*end)
        if error is not None:
            self._give_up(first[0], end[0], *(code for code, _ in refused.values()))
            raise error
        return refused

    def _text(self, message: bytes) -> None:
        stuffed = re.sub(rb"(?m)^\.", b"..", message)
        self.send(stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"))
        taken = self.getreply()
        if taken[0] != 250:
            self._give_up(taken[0])
            raise smtplib.SMTPDataError(*taken)

    def _give_up(self, *codes: int) -> None:
        """Back to where a message may begin. A server that hangs up (421), or waits for the text
        of a message that is not to be sent (354), is not spoken to any more."""
        if {354, 421} & set(codes):
            self.close()
        else:
            self._rset()  # type: ignore[attr-defined]


class PipeliningOverTLS(Pipelining, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte on."""


SIMPLE = re.compile(r"[\w.+-]+@[A-Za-z0-9.-]+", re.ASCII)


def _path(address: str) -> str:
    return f"<{address}>" if SIMPLE.fullmatch(address) else _quoted(address)


@functools.lru_cache(64)  # the sender is always the same
def _quoted(address: str) -> str:
    if "\r" in address or "\n" in address:
        raise ValueError(f"An address has one line, and not {address!r}.")
    return smtplib.quoteaddr(address)


def _address(address: str) -> str:
    return address if SIMPLE.fullmatch(address) else _written(address)


@functools.lru_cache(64)
def _written(address: str) -> str:
    return sanitize_address(address, "utf-8")


class SmtpBackend(smtp.EmailBackend):
    """Django's, with connections that pipeline and messages that cost little to write down."""

    @property
    def connection_class(self) -> type[Pipelining]:
        return PipeliningOverTLS if self.use_ssl else Pipelining

    def open(self) -> bool | None:
        opened = super().open()
        if opened:  # the last part of a message does not wait for the answer to the one before
            sock: socket.socket = self.connection.sock  # type: ignore[union-attr, assignment]
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def _send(self, email_message: EmailMessage) -> bool:
        recipients = [_address(address) for address in email_message.recipients()]
        if not recipients:
            return False
        try:
            self.connection.sendmail(  # type: ignore[union-attr]
                _address(email_message.from_email), recipients, as_bytes(email_message)
            )
        except smtplib.SMTPException:
            if not self.fail_silently:
                raise
            return False
        return True


# files


class EmlFileBackend(BaseEmailBackend):
    """One `.eml` each under MAIL_DIR, for trying Holdfast out and for reading."""

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
        part.write_bytes(as_bytes(message))
        part.rename(folder / f"{name}.eml")
