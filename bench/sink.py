"""An SMTP server that keeps nothing but when each message came.

`python -m bench.sink PORT FILE AWAY`: written for speed, so that what is measured is the sender;
AWAY is the seconds that answers take to come, as from a provider across a network.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import IO

ANSWERS = {
    b"EHLO": b"250-sink\r\n250 8BITMIME\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}
END = b"\r\n.\r\n"


class Session(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, log: IO[str], away: float) -> None:
        self.log, self.away = log, away
        self.waiting, self.in_message = b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._answer(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while True:
            whole, end, rest = self.waiting.partition(END if self.in_message else b"\r\n")
            if not end:
                return
            self.waiting = rest
            self._answer(self._taken(whole) if self.in_message else self._command(whole))

    def _command(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        self.in_message = verb == b"DATA"
        return ANSWERS.get(verb, b"250 ok\r\n")

    def _taken(self, message: bytes) -> bytes:
        self.in_message = False
        head = message.split(b"Message-ID: ", 1)[-1].split(b"\r\n", 1)[0].strip()
        self.log.write(f"{time.time()} {head.decode()}\n")
        self.log.flush()
        return b"250 ok\r\n"

    def _answer(self, answer: bytes) -> None:
        if self.away:
            asyncio.get_running_loop().call_later(self.away, self.transport.write, answer)
        else:
            self.transport.write(answer)


async def main(port: str, file: str, away: str = "0") -> None:
    with Path(file).open("a") as log:  # noqa: ASYNC230 - one line of a bench
        server = await asyncio.get_running_loop().create_server(
            lambda: Session(log, float(away)), "127.0.0.1", int(port)
        )
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
