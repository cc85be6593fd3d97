"""The live process: `python -m backend.live`. It listens on no port of its own; the web process
hands it the connections of WebSockets (`backend.handover`)."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from backend import handover

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")

LARGEST_FRAME = 16_384  # bytes; panels have little to say
AT_ONCE = 64  # connections taken in before others get their turn


class Live(uvicorn.Server):
    """Uvicorn without a listening socket: its connections come through the door."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        from django.conf import settings

        await super().startup(sockets=[])
        self.taken_in: set[asyncio.Task[Any]] = set()
        self.door = handover.open_door(settings.LIVE_SOCKET)
        asyncio.get_running_loop().add_reader(self.door, self.take_in)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().remove_reader(self.door)
        self.door.close()
        await super().shutdown(sockets=[])
        from api.realtime.connections import hall

        await hall().close()

    def take_in(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(AT_ONCE):
            try:
                head, handles, _, _ = socket.recv_fds(self.door, handover.LONGEST_HEAD, 1)
            except BlockingIOError:
                return
            for handle in handles:
                connection = socket.socket(fileno=handle)
                connection.setblocking(False)
                task = loop.create_task(self.serve_one(connection, head))
                self.taken_in.add(task)
                task.add_done_callback(self.taken_in.discard)

    async def serve_one(self, connection: socket.socket, head: bytes) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: self.protocol(head), connection)
        except OSError:  # it has gone already
            connection.close()

    def protocol(self, head: bytes) -> asyncio.Protocol:
        """Uvicorn's own, which hears the head before anything else."""
        protocol: Any = self.config.http_protocol_class(
            config=self.config,  # type: ignore[call-arg]
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        begin: Callable[[asyncio.BaseTransport], None] = protocol.connection_made

        def connection_made(transport: asyncio.BaseTransport) -> None:
            begin(transport)
            protocol.data_received(head)

        protocol.connection_made = connection_made
        return protocol  # type: ignore[no-any-return]


def main() -> None:
    config = uvicorn.Config(
        "backend.asgi:application",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ws_max_size=LARGEST_FRAME,
        ws_max_queue=4,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=3,
    )
    config.load()
    Live(config).run()


if __name__ == "__main__":
    main()
