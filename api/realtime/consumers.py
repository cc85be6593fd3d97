"""The WebSocket of one room: what our own API and the contracts share."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import orjson
import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import DatabaseError

from api import errors
from api.queries.panels import panels
from api.queries.panels.panels import State
from api.realtime.authentication import Credential, authenticate
from api.realtime.connections import BAD_TOKEN, TRY_AGAIN_LATER, UNKNOWN_ROOM, get_registry
from api.rest.authorization import read_credentials
from api.rest.renderers import JSONRenderer

log = structlog.get_logger("holdfast.realtime")

TEXT_ONLY = 1003
NOT_JSON = 1007


class RoomConsumer(AsyncJsonWebsocketConsumer):
    """A connection that is sent the state of its room at every change.

    A subclass defines which room is meant and how its state is sent.
    """

    subprotocol: str | None = None
    channel_layer_alias = ""  # none of its own: the registry listens for the whole process
    room, version = 0, 0
    credential = Credential(0, "")

    async def __call__(self, *args: Any) -> None:
        try:
            await super().__call__(*args)
        finally:  # `disconnect` is not called when a send fails or the server cancels
            get_registry().unregister(self)

    async def connect(self) -> None:
        """Accept and register the connection, or close it with a code that says why.

        The state is read before the client is let in, so that it is sent whatever changes after.
        """
        try:
            state = await database_sync_to_async(self.authorize)()
        except errors.NotSignedIn:
            return await self.refuse(BAD_TOKEN)
        except errors.NotFound:
            return await self.refuse(UNKNOWN_ROOM)
        except DatabaseError as error:
            log.warning("push_unavailable", error=repr(error))
            return await self.refuse(TRY_AGAIN_LATER)
        await self.accept(self.chosen_subprotocol)
        await self.on_accepted(state)
        try:
            await get_registry().register(self, state)
        except Exception as error:  # the layer's library raises nearly anything
            log.warning("push_unavailable", error=repr(error))
            await self.close(TRY_AGAIN_LATER)
        return None

    async def refuse(self, code: int) -> None:
        """Accept and close: of a refused handshake a browser only learns that it failed."""
        await self.accept(self.chosen_subprotocol)
        await self.close(code)

    @property
    def chosen_subprotocol(self) -> str | None:
        return self.subprotocol if self.subprotocol in self.scope.get("subprotocols", ()) else None

    def authorize(self) -> State:
        """Return the state of the room. Raises `NotSignedIn` and `NotFound`."""
        self.credential = authenticate(self.get_token())
        self.room = self.get_room_id()
        if self.credential.room not in (None, self.room):
            raise errors.NotSignedIn
        return panels.get_state(self.room)

    def get_token(self) -> str:
        """Return the token from the query, a header or the subprotocols: browsers set no header."""
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))
        pairs = self.scope.get("headers", ())
        headers = dict(pairs)
        given = b",".join(value for name, value in pairs if name == b"authorization")
        scheme, token = read_credentials(given.decode("latin-1"))
        bearer = token if scheme in ("bearer", "panel") else ""
        device = headers.get(b"x-device-token", b"").decode("latin-1")
        offered = [p for p in self.scope.get("subprotocols", ()) if p != self.subprotocol]
        found: str = query.get("token", [""])[0] or device or bearer or "".join(offered[:1])
        return found.strip()

    def get_room_id(self) -> int:
        raise NotImplementedError

    async def on_accepted(self, state: State) -> None:
        """Send what the client gets first; nothing by default."""

    async def send_state(self, state: State) -> None:
        raise NotImplementedError

    async def send_heartbeat(self, version: int) -> None:
        """Send nothing: clients that do not know heartbeats get none."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if text_data is None:
            await self.close(TEXT_ONLY)
            return
        try:
            await self.receive_json(orjson.loads(text_data))
        except orjson.JSONDecodeError:
            await self.close(NOT_JSON)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Ignore it: nothing that a client sends changes anything."""

    @classmethod
    async def encode_json(cls, content: Any) -> str:
        text: str = JSONRenderer().render(content).decode()
        return text


class UnknownPathConsumer(RoomConsumer):
    """Any other address."""

    async def connect(self) -> None:
        await self.refuse(UNKNOWN_ROOM)
