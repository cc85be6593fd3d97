"""Speaking to a WebSocket inside the test's own process, over the real channel layer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter

from api.realtime import connections
from api.urls import websockets

PATIENCE = 5.0
application = URLRouter(websockets)


class Socket(ApplicationCommunicator):
    """One client, as Channels' `WebsocketCommunicator` is; that one needs a server of its own.
    `heard()` is the next message, `closed()` the code it was closed with."""

    def __init__(
        self, path: str, headers: Sequence[tuple[str, str]] = (), subprotocols: Sequence[str] = ()
    ) -> None:
        where, _, query = path.partition("?")
        scope = {
            "type": "websocket",
            "path": where,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers],
            "subprotocols": list(subprotocols),
        }
        super().__init__(application, scope)

    async def connect(self) -> str | None:
        """The subprotocol that was chosen."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(PATIENCE)
        assert answer["type"] == "websocket.accept", answer
        return answer["subprotocol"]

    async def say(self, **frame: str | bytes) -> None:
        await self.send_input({"type": "websocket.receive", **frame})

    async def heard(self, **wanted: Any) -> dict[str, Any]:
        """The next message, or the next one that has these values."""
        while True:
            output = await self.receive_output(PATIENCE)
            assert output["type"] == "websocket.send", output
            message: dict[str, Any] = json.loads(output["text"])
            if all(message.get(name) == value for name, value in wanted.items()):
                return message

    async def closed(self) -> int:
        while (output := await self.receive_output(PATIENCE))["type"] != "websocket.close":
            pass
        return int(output["code"])


@asynccontextmanager
async def opened(path: str, **options: Any) -> Any:
    socket = Socket(path, **options)
    await socket.connect()
    try:
        yield socket
    finally:
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await socket.wait(PATIENCE)


def scene(story: Callable[[], Awaitable[None]]) -> None:
    """Plays an async story; what it does in the database happens in the test's own thread."""

    async def played() -> None:
        try:
            await story()
        finally:
            await connections.get_registry().close()

    async_to_sync(played)()


def off_stage(work: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    return sync_to_async(work, thread_sensitive=True)
