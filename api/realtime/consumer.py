"""What every WebSocket door shares: who may come in, and that nobody is left hanging.

A socket is accepted first and closed with a code that says why; before that, a browser is only
told that it failed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar
from urllib.parse import parse_qs

import orjson
import structlog
from channels.db import database_sync_to_async
from django.db import DatabaseError

from api import errors
from api.queries.panels import panels
from api.queries.panels.panels import State
from api.realtime import authentication
from api.realtime.authentication import Credential
from api.realtime.connections import BAD_TOKEN, LIVE_IS_AWAY, UNKNOWN_ROOM, hall
from api.rest.renderers import JSONRenderer

log = structlog.get_logger("holdfast.sockets")

TEXT_ONLY = 1003
NOT_JSON = 1007

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class RoomSocket:
    """One socket at one room. A door says what it calls its room and how it words a state."""

    subprotocol: ClassVar[str] = ""

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scope, self.receive, self.send = scope, receive, send
        self.room, self.version = 0, 0
        self.credential = Credential(0, "")

    @classmethod
    def as_asgi(cls) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
        async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
            await cls(scope, receive, send).run()

        return application

    async def run(self) -> None:
        await self.receive()
        state, code = await self.knock()
        offered = self.scope.get("subprotocols", ())
        chosen = self.subprotocol if self.subprotocol in offered else None
        await self.send({"type": "websocket.accept", "subprotocol": chosen})
        if state is None:
            return await self.close(code)
        try:
            await self.stay(state)
        finally:
            hall().leave(self)

    async def knock(self) -> tuple[State | None, int]:
        """The state from which on the client is told of changes, read before it is let in; or the
        code that its socket is closed with."""
        try:
            return await database_sync_to_async(self.admit)(), 0
        except errors.NotSignedIn:
            return None, BAD_TOKEN
        except errors.NotFound:
            return None, UNKNOWN_ROOM
        except DatabaseError as error:
            log.warning("live_is_away", error=repr(error))
            return None, LIVE_IS_AWAY

    async def stay(self, state: State) -> None:
        await self.greet(state)
        try:
            await hall().enter(self, state)
        except Exception as error:  # the layer's library raises nearly anything
            log.warning("live_is_away", error=repr(error))
            return await self.close(LIVE_IS_AWAY)
        while (message := await self.receive())["type"] != "websocket.disconnect":
            await self.hear(message)
        return None

    def admit(self) -> State:
        """The state of the room asked for; refuses `NotSignedIn` and `NotFound`."""
        self.credential = authentication.of_token(self.token())
        self.room = self.asked_for()
        if self.credential.room not in (None, self.room):
            raise errors.NotSignedIn
        return panels.state(self.room)

    def token(self) -> str:
        """From the query, where a browser can put it, or from a header."""
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))
        headers = dict(self.scope.get("headers", ()))
        bearer = headers.get(b"authorization", b"").decode("latin-1").partition(" ")[2]
        device = headers.get(b"x-device-token", b"").decode("latin-1")
        offered = [p for p in self.scope.get("subprotocols", ()) if p != self.subprotocol]
        found = query.get("token", [""])[0] or device or bearer or "".join(offered[:1])
        return found.strip()

    def asked_for(self) -> int:
        raise NotImplementedError

    async def greet(self, state: State) -> None:
        """What is said first; nothing unless a door says otherwise."""

    async def hear(self, message: dict[str, Any]) -> None:
        """Nothing that a client says changes anything; what is no JSON ends the conversation."""
        if message.get("text") is None:
            return await self.close(TEXT_ONLY)
        try:
            await self.answer(orjson.loads(message["text"]))
        except orjson.JSONDecodeError:
            await self.close(NOT_JSON)

    async def answer(self, message: Any) -> None:
        """What is said to a message of the client; nothing unless a door says otherwise."""

    async def tell(self, state: State) -> None:
        raise NotImplementedError

    async def beat(self, version: int) -> None:
        """A sign of life; doors whose clients do not know it send none."""

    async def say(self, body: dict[str, Any]) -> None:
        await self.send({"type": "websocket.send", "text": JSONRenderer().render(body).decode()})

    async def close(self, code: int) -> None:
        await self.send({"type": "websocket.close", "code": code})


class NoSuchSocket(RoomSocket):
    """At any other address."""

    async def knock(self) -> tuple[State | None, int]:
        return None, UNKNOWN_ROOM
