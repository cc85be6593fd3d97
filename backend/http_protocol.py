"""Uvicorn's HTTP/1.1 with the bounds that it lacks, so that nobody who is silent or slow costs
others anything: on heads, on responses that nobody takes, and on how many connections wait."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 65_536  # also of trailers, and of whatever else is no body
SEND_TIMEOUT = 30.0  # seconds in which a client takes the next part of a response
MAX_WAITING = 1_000  # connections of one process with no complete request
LAST_REQUEST_TIMEOUT = 1.0  # seconds in which a process that ends still reads a first request

_TOO_LARGE = b"HTTP/1.1 431 \r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Its request's body has bounds of its own, in `backend.wsgi_threads`."""

    # those without a complete request, the longest waiting first
    waiting: ClassVar[dict[BoundedProtocol, None]] = {}
    head_timer: asyncio.TimerHandle | None = None
    send_timer: asyncio.TimerHandle | None = None
    ending = False  # this process takes no further request
    unparsed = 0  # bytes since the last that were a whole head or of a body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._start_waiting()
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self.waiting.pop(self, None)
        self._stop_head_timer()
        self._stop_send_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # also what is left of a body that was answered before it was whole
        if self.head_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._start_head_timer()
        self.unparsed += len(data)
        super().data_received(data)
        if self.unparsed > HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_headers_complete(self) -> None:
        self.unparsed = 0
        self._stop_head_timer()
        super().on_headers_complete()
        if self.ending:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self.unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.unparsed = 0
        self.waiting.pop(self, None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._start_send_timer()
        elif self.cycle.response_complete:  # else a pipelined request is next
            self._start_waiting()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_send_timer()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_send_timer()

    def shutdown(self) -> None:
        """Uvicorn closes what has no request yet, also a connection whose first one is under way:
        its client would have no response from a process that was only replaced."""
        self.ending = True
        if not self.cycle:
            self._stop_head_timer()
            self.head_timer = self.loop.call_later(LAST_REQUEST_TIMEOUT, self.transport.abort)
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """Closing alone would wait for a client that does not take its response."""
        self.transport.abort()

    def _start_waiting(self) -> None:
        self.waiting.pop(self, None)
        self.waiting[self] = None
        if len(self.waiting) > MAX_WAITING:
            next(iter(self.waiting)).transport.abort()

    def _start_head_timer(self) -> None:
        """It runs from the first byte, or from the connection, to the end of the head."""
        self.head_timer = self.loop.call_later(settings.REQUEST_READ_TIMEOUT, self.transport.abort)

    def _stop_head_timer(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _start_send_timer(self) -> None:
        self._stop_send_timer()
        self.send_timer = self.loop.call_later(SEND_TIMEOUT, self.transport.abort)

    def _stop_send_timer(self) -> None:
        if self.send_timer is not None:
            self.send_timer.cancel()
            self.send_timer = None
