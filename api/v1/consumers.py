"""The WebSocket of our own panels: `/api/v1/panels/ws/`, at the room that the token is bound to.

It sends the state at once and at every change, `{"type": "state", "version", "state"}`, and a
heartbeat in between, `{"type": "beat", "version"}`. A version that is not the next one means that
something was missed: read the state again.
"""

from __future__ import annotations

from typing import Any

from api import errors
from api.queries.panels.panels import State
from api.realtime.consumers import RoomConsumer
from api.v1.serializers.panels import render_room_state


class PanelConsumer(RoomConsumer):
    """A browser offers the subprotocols `panel` and its token, which so stays out of the logs."""

    subprotocol = "panel"

    def get_room_id(self) -> int:
        if self.credential.room is None:
            raise errors.NotSignedIn
        return self.credential.room

    async def on_accepted(self, state: State) -> None:
        await self.send_state(state)

    async def send_state(self, state: State) -> None:
        await self.send_json(
            {"type": "state", "version": state["version"], "state": render_room_state(state)}
        )

    async def send_heartbeat(self, version: int) -> None:
        await self.send_json({"type": "beat", "version": version})

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        if isinstance(content, dict) and content.get("type") == "ping":
            await self.send_heartbeat(self.version)
