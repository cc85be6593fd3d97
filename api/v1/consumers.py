"""The WebSocket of our own panels: `/api/v1/panels/ws/`, at the room that the token is bound to.

It sends the state at once and at every change, `{"type": "state", "version", "state"}`, and a sign
of life in between, `{"type": "beat", "version"}`. A version that is not the next one means that
something was missed: read the state again.
"""

from __future__ import annotations

from typing import Any

from api import errors
from api.queries.panels.panels import State
from api.realtime.consumer import RoomSocket
from api.v1.serializers.panels import render_room_state


class PanelSocket(RoomSocket):
    """A browser offers the subprotocols `panel` and its token, which so stays out of the logs."""

    subprotocol = "panel"

    def asked_for(self) -> int:
        if self.credential.room is None:
            raise errors.NotSignedIn
        return self.credential.room

    async def greet(self, state: State) -> None:
        await self.tell(state)

    async def tell(self, state: State) -> None:
        await self.say(
            {"type": "state", "version": state["version"], "state": render_room_state(state)}
        )

    async def beat(self, version: int) -> None:
        await self.say({"type": "beat", "version": version})

    async def answer(self, message: Any) -> None:
        if isinstance(message, dict) and message.get("type") == "ping":
            await self.beat(self.version)
