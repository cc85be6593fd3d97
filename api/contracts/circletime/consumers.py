"""The WebSocket of one room: a `room_state_update` at every change, and nothing else."""

from __future__ import annotations

from api import errors
from api.queries.panels.panels import State
from api.queries.venues import rooms
from api.realtime.consumers import RoomConsumer
from api.services.venues import venues

from .serializers.fields import parse_id
from .serializers.panel import StateSerializer


class PanelRoomConsumer(RoomConsumer):
    """4001 for a token that is bad, ends, is another room's panel's, or of somebody who is none of
    the venue's people; 4004 for no such room."""

    def get_room_id(self) -> int:
        room = parse_id(self.scope["url_route"]["kwargs"]["room"])
        if self.credential.room is not None and self.credential.room != room:
            raise errors.NotSignedIn
        venue = venues.get_contract_venue("circletime")
        if not self.credential.opens(venue.pk):
            raise errors.NotSignedIn
        return rooms.get_room(venue, room).pk

    async def send_state(self, state: State) -> None:
        version, data = state["version"], StateSerializer(state).data
        await self.send_json({"type": "room_state_update", "version": version, "data": data})
