"""An SMTP server that keeps nothing but when each message came.

`python -m bench.sink PORT FILE AWAY`: written for speed, so that what is measured is the sender;
AWAY is the seconds that answers take to come, as from a provider across a network. Commands that
came together are answered together (RFC 2920), as every provider does, and a message may come with
them (RFC 3030), as to Postfix, Exim, Exchange and Gmail.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import IO

ANSWERS = {
    b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}
END = b"\r\n.\r\n"


class Session(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, log: IO[str], away: float) -> None:
        self.log, self.away = log, away
        self.waiting, self.in_message, self.chunk = b"", False, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._answer(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        answers = []
        while self.waiting:
            whole = self._whole()
            if whole is None:
                break
            if self.in_message:
                answers.append(self._taken(whole))
            else:
                answers += self._command(whole)
        if answers:
            self._answer(b"".join(answers))

    def _whole(self) -> bytes | None:
        """The next command or message, if all of it is there."""
        if self.chunk:
            whole, rest = self.waiting[: self.chunk], self.waiting[self.chunk :]
            if len(whole) < self.chunk:
                return None
        else:
            whole, end, rest = self.waiting.partition(END if self.in_message else b"\r\n")
            if not end:
                return None
        self.waiting = rest
        return whole

    def _command(self, line: bytes) -> list[bytes]:
        verb = line[:4].upper()
        self.in_message = verb in (b"DATA", b"BDAT")
        if verb == b"BDAT":
            self.chunk = int(line.split()[1])
            return []
        return [ANSWERS.get(verb, b"250 ok\r\n")]

    def _taken(self, message: bytes) -> bytes:
        self.in_message, self.chunk = False, 0
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
    with Path(file).open("a") as log:  # noqa: ASYNC230
        server = await asyncio.get_running_loop().create_server(
            lambda: Session(log, float(away)), "127.0.0.1", int(port)
        )
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
