"""The base of every view of a contract, and those that any contract may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api import errors
from api.queries.accounts import people
from api.queries.bookings import bookings
from api.rest.base_view import BaseAPIView
from api.rest.permissions import Scope
from api.services.actors import Actor
from api.services.venues import venues

from .errors import ErrorTable, NotOwner
from .operations import Operation, get_declared, get_operation, operation
from .schema import ContractSchema


class ContractView(BaseAPIView):
    """Methods are declared by `@operation`. A contract's base view says which `contract` it is
    and how its errors read."""

    schema = ContractSchema()
    scope = Scope.VENUE
    contract: ClassVar[str]
    error_messages: ClassVar[ErrorTable]
    token_strategy: ClassVar[Any]  # one of `kit.accounts`, where people sign in
    request_serializer: ClassVar[Any] = None
    response_serializer: ClassVar[Any] = None
    operations: ClassVar[Mapping[str, Operation]] = {}  # of methods that a library wrote

    @cached_property
    def venue(self) -> Any:
        """The contract's venue; made from its preset when missing."""
        return venues.get_contract_venue(self.contract)

    def get_venue_id(self) -> int:
        """Without a statement where the caller is one of the venue's people."""
        return self.caller.slugs.get(self.contract) or int(self.venue.pk)

    @cached_property
    def staff_roles(self) -> Mapping[int, str]:
        """The roles of the venue's staff and admins by their ids, for whole lists of people."""
        return people.read_staff_roles(self.venue)

    @property
    def is_member(self) -> bool:
        """Whether the caller is one of the people of the contract's venue."""
        return self.caller.is_member_of(self.get_venue_id())

    @property
    def is_staff(self) -> bool:
        """Whether the caller is staff of the contract's venue."""
        return self.caller.is_staff_of(self.get_venue_id())

    @property
    def is_admin(self) -> bool:
        """Whether the caller is an admin of the contract's venue."""
        return self.caller.is_admin_of(self.get_venue_id())

    @property
    def declared(self) -> Operation:
        """What is declared of the method that is running."""
        return get_declared(self, self.request.method or "")

    def validated(self, serializer: Any = None, **context: Any) -> dict[str, Any]:
        """The body as the operation's serializer (or another) reads it; raises `Invalid`."""
        method = self.request.method or ""
        return self.get_validated_body(
            serializer or self.declared.request_of(self, method),
            partial=self.declared.partial or method == "PATCH",
            context={"view": self, **context},
        )

    def validated_query(self) -> dict[str, Any]:
        """The query string as the operation's serializer reads it; raises `Invalid`."""
        reader = self.declared.query(data=self.query_parameters(), context={"view": self})
        reader.is_valid(raise_exception=True)
        return dict(reader.validated_data)

    def query_parameters(self) -> dict[str, Any]:
        return self.request.query_params.dict()

    def respond(self, result: Any) -> Response:
        """The response that the operation's serializer makes of what a method returned."""
        operation, method = self.declared, self.request.method or ""
        serializer = operation.response_of(self, method)
        if serializer is None:
            return Response(status=204)
        context = {"request": self.request, "view": self}
        body = serializer(result, many=operation.many, context=context).data
        return Response(self.wrap(body), status=operation.status)

    def wrap(self, body: Any) -> Any:
        """The body of a success; for contracts that put an envelope around all of them."""
        return body

    def wrap_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The JSON schema of what `wrap` makes of a body with this one."""
        return schema

    def render_refusal(self, refusal: errors.Refusal) -> Response:
        method = self.request.method or ""
        operation = get_operation(self, method)  # none of OPTIONS, and of what is not allowed
        table = self.error_messages.extended(operation.errors if operation else {})
        return table.response(refusal, method)

    def find_booking(self, pk: int) -> Any:
        """A booking of any venue, with what its serializer needs; raises `NotFound`."""
        return bookings.get_booking_with_relations(pk)

    def get_own_booking(self, pk: int) -> Any:
        """The booking, for its owner and for staff; raises `NotFound`, also to who is none of the
        venue's people, and `NotOwner`."""
        booking = self.find_booking(pk)
        if booking.venue.slug != self.contract:
            raise errors.NotFound
        if self.is_staff or booking.owner_id == self.user.pk:
            return booking
        raise NotOwner if self.is_member else errors.NotFound

    @property
    def actor(self) -> Actor:
        """The caller, in the role that they have in the venue."""
        return Actor.in_venue(self.caller, self.venue.pk)

    def actor_for(self, booking: Any) -> Actor:
        """The caller, in the role that they have towards the booking."""
        return Actor.for_booking(self.user, booking)


class PublicView(ContractView):
    """For anyone, without authentication."""

    authentication_classes: Sequence[Any] = ()
    permission_classes: Sequence[Any] = (AllowAny,)


class HealthView(PublicView):
    @operation("Say that the service is up")
    def get(self, request: Request) -> Any:
        return {}
