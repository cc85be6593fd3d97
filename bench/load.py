"""A client that costs little: raw HTTP/1.1 over keep-alive connections, requests made before."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Outcome:
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    last: dict[int, float] = field(default_factory=dict)  # seconds until the last of a status
    busy: int = 0  # answers that say to ask again, which were

    @property
    def rate(self) -> float:
        """Answers per second."""
        return sum(self.statuses.values()) / self.seconds

    @property
    def failed(self) -> int:
        return sum(n for status, n in self.statuses.items() if status >= 500)


def post(path: str, body: bytes, token: str) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def get(path: str, token: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    ).encode()


async def _answer(reader: asyncio.StreamReader) -> int:
    """The status; 0 where the server lets nobody in and says when to ask again."""
    head = await reader.readuntil(b"\r\n\r\n")
    status, body = int(head[9:12]), b""
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            body = await reader.readexactly(int(line.split(b":")[1]))
    return 0 if status == 409 and b'"busy"' in body else status


async def _client(
    port: int, requests: Iterator[bytes], since: float, until: float, outcome: Outcome
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for request in requests:
            began = time.perf_counter()
            if began > until:
                return
            status = 0
            while not status:
                writer.write(request)
                try:
                    status = await _answer(reader)
                except asyncio.IncompleteReadError:  # a server that keeps no connection
                    writer.close()
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    continue
                outcome.busy += not status
            now = time.perf_counter()
            outcome.latencies.append(now - began)
            outcome.statuses[status] += 1
            outcome.last[status] = now - since
    finally:
        writer.close()


async def _run(port: int, clients: int, requests: Iterator[bytes], seconds: float) -> Outcome:
    outcome, began = Outcome(), time.perf_counter()
    work = [_client(port, requests, began, began + seconds, outcome) for _ in range(clients)]
    await asyncio.gather(*work)
    outcome.seconds = time.perf_counter() - began
    return outcome


def steady(port: int, clients: int, requests: Iterator[bytes], seconds: float) -> Outcome:
    """That many connections share the requests for that long. Who is told that the server is busy
    asks again: only the answer to that counts, and takes as long as both."""
    return asyncio.run(_run(port, clients, requests, seconds))


def storm(port: int, requests: list[bytes]) -> Outcome:
    """Every request at once, each on a connection of its own that is open already."""
    return asyncio.run(_storm(port, requests))


async def _storm(port: int, requests: list[bytes]) -> Outcome:
    outcome, gate = Outcome(), asyncio.Barrier(len(requests))

    async def one(request: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await gate.wait()
        began = time.perf_counter()
        writer.write(request)
        outcome.statuses[await _answer(reader) or 409] += 1
        outcome.latencies.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one(request) for request in requests))
    outcome.seconds = time.perf_counter() - began
    return outcome
