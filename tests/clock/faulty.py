"""What misbehaves on purpose: a network that swallows, a mail server that refuses or stalls."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from backend.devserver.server import pick_port


class Proxy:
    """Passes TCP on to a port of this machine, until told to swallow what is under way."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.swallowed: set[socket.socket] = set()
        self.open: set[socket.socket] = set()
        self.passes_new = True
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self, *, new_too: bool = False) -> None:
        """From now on nothing passes on the connections there are; no side is told."""
        self.swallowed |= self.open
        self.passes_new = not new_too

    def heal(self) -> None:
        self.passes_new = True

    def close(self) -> None:
        self.listener.close()
        for each in list(self.open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if not self.passes_new:
                self.swallowed.add(near)  # accepted, never answered
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self.open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if source not in self.swallowed:
                    sink.sendall(data)
        if source not in self.swallowed:
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


class Mailbox:
    """An SMTP server that keeps what it is given; `answer` and `delay` make it misbehave."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.began = 0
        self.busy = 0  # messages that wait for their answer
        self.answer = "250 OK"
        self.delay = 0.0
        self.controller: Controller | None = None
        self.port = 0

    def start(self) -> None:
        self.controller = Controller(
            self, hostname="127.0.0.1", port=self.port or pick_port(), ready_timeout=10
        )
        self.controller.start()
        self.port = self.controller.port

    def stop(self) -> None:
        if self.controller is not None:
            self.controller.stop()
            self.controller = None

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        session.host_name = name
        return [*answers[:-1], "250-PIPELINING", answers[-1]]  # as every provider

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.began += 1
        self.busy += 1
        try:  # it ends with its connection
            until = time.monotonic() + self.delay
            # a test may end the delay
            while self.delay and time.monotonic() < until:  # noqa: ASYNC110 - another thread sets it
                await asyncio.sleep(0.05)
        finally:
            self.busy -= 1
        content: Any = envelope.content
        if self.answer.startswith("250"):
            self.messages.append(message_from_bytes(content))
        return self.answer

    @property
    def ids(self) -> list[str]:
        return [message["Message-ID"] for message in self.messages]

    @property
    def subjects(self) -> list[str]:
        return [message["Subject"] for message in self.messages]


@contextlib.contextmanager
def mailbox() -> Iterator[Mailbox]:
    found = Mailbox()
    found.start()
    try:
        yield found
    finally:
        found.stop()
