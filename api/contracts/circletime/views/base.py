"""What all views of Circle Time have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import structlog
from django.core.signals import got_request_exception
from rest_framework.request import Request
from rest_framework.response import Response

from api import errors
from api.contracts import kit
from api.contracts.circletime.errors import ERROR_MESSAGES, Broken
from api.contracts.circletime.serializers.fields import parse_id
from api.queries.venues import rooms
from api.rest.exceptions import to_refusal

log = structlog.get_logger("holdfast.circletime")

LATER_NAMES = {
    "start_date": "startDate",
    "end_date": "endDate",
    "min_capacity": "minCapacity",
    "search": "searchQuery",
}


class CircletimeView(kit.ContractView):
    contract = "circletime"
    error_messages = ERROR_MESSAGES
    token_strategy = kit.BodyTokens(rotates=True)
    message: ClassVar[str] = ""  # what the envelope of a success says

    def wrap(self, body: Any) -> Any:
        envelope = {"success": True, "data": body}
        return envelope | {"message": self.message} if self.message else envelope

    def wrap_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        properties = {"success": {"type": "boolean", "enum": [True]}, "data": schema}
        if self.message:
            properties["message"] = {"type": "string", "enum": [self.message]}
        return {"type": "object", "properties": properties, "required": list(properties)}

    def handle_exception(self, exc: Exception) -> Response:
        """A bug has the envelope too; it is logged, and reported as Django would."""
        if to_refusal(exc) is None:
            got_request_exception.send(sender=type(self), request=self.request._request)
            log.exception("unexpected", path=self.request.path)
            exc = Broken()
        return super().handle_exception(exc)

    def query_parameters(self) -> dict[str, Any]:
        """Some parameters have a later name too."""
        query = super().query_parameters()
        second = {name: query.get(later) for name, later in LATER_NAMES.items()}
        return query | {name: query.get(name) or value for name, value in second.items() if value}

    def get_room(self, pk: str) -> Any:
        """Raises `NotFound`."""
        return rooms.get_room(self.venue, parse_id(pk))

    def get_booking(self, pk: str) -> Any:
        """Whoever's it is, for the venue's people; raises `NotFound`."""
        booking = rooms.get_venue_booking(self.venue, parse_id(pk))
        is_stranger = self.request.user.is_authenticated and not self.is_member
        if is_stranger and booking.owner_id != self.caller.person_id:
            raise errors.NotFound("There is no such booking.")
        return booking


class NotFoundView(kit.PublicView, CircletimeView):
    """Any other path; `known_by` are the contracts that would know it, and where."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise errors.NotFound("There is nothing at this address.", **kwargs)
