"""An SMTP server that keeps nothing but when each message came.

`python -m bench.sink PORT FILE AWAY`: written for speed, so that what is measured is the sender;
AWAY is the seconds that each answer takes to come, as from a provider across a network.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import IO


async def serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: IO[str], away: float
) -> None:
    await asyncio.sleep(away)
    writer.write(b"220 sink\r\n")
    while line := await reader.readline():
        await asyncio.sleep(away)
        verb = line[:4].upper()
        if verb == b"DATA":
            writer.write(b"354 go on\r\n")
            message = await reader.readuntil(b"\r\n.\r\n")
            await asyncio.sleep(away)
            head = message.split(b"Message-ID: ", 1)[-1].split(b"\r\n", 1)[0].strip()
            log.write(f"{time.time()} {head.decode()}\n")
            log.flush()
        writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
        if verb == b"QUIT":
            break
    writer.close()


async def main(port: str, file: str, away: str = "0") -> None:
    with Path(file).open("a") as log:  # noqa: ASYNC230
        server = await asyncio.start_server(
            lambda r, w: serve(r, w, log, float(away)), "127.0.0.1", int(port), limit=10_000_000
        )
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
