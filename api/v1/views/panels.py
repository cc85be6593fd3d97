"""Panels: paired by staff, and what they read and do at their door. The page they show."""

from __future__ import annotations

import contextlib
from typing import Any

from django.http import HttpResponse
from django.views.generic import TemplateView
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api import errors
from api.models import Panel
from api.queries.panels import panels as queries
from api.rest.authentication import PanelAuthentication
from api.rest.idempotency import IdempotentAPIView
from api.rest.pagination import CursorPages
from api.rest.permissions import IsPanel, IsStaff
from api.rest.throttling import AddressThrottle
from api.services.panels import panels
from api.v1.serializers import panels as shapes


class Panels(IdempotentAPIView, GenericAPIView[Panel]):
    permission_classes = (IsStaff,)
    idempotent = False  # the answer holds secrets and is kept nowhere
    serializer_class = shapes.PanelShape
    pagination_class = CursorPages
    queryset = Panel.objects.none()

    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(queries.list_panels())
        return self.get_paginated_response(shapes.PanelShape(page, many=True).data)

    @extend_schema(request=shapes.NewPanel, responses={201: shapes.NewPanelShape})
    def post(self, request: Request) -> Response:
        """The token and the code are shown here and never again."""
        made = panels.create(created_by=self.user, **self.read(shapes.NewPanel))
        body = shapes.PanelShape(made.panel).data
        once = {"token": made.token, "code": made.code}
        return Response({**body, **once, "code_expires_at": made.panel.code_expires_at}, status=201)


class OnePanel(IdempotentAPIView):
    permission_classes = (IsStaff,)

    @extend_schema(responses=shapes.PanelShape)
    def get(self, request: Request, pk: int) -> Response:
        return Response(shapes.PanelShape(queries.get_panel(pk)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Revoked: its token opens nothing any more, an open socket is closed within seconds."""
        panels.revoke(pk)
        return Response(status=204)


class Pair(IdempotentAPIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (AddressThrottle,)
    idempotent = False

    @extend_schema(request=shapes.Pairing, responses=shapes.Paired, auth=[])
    def post(self, request: Request) -> Response:
        """A token for whoever brings the code that staff were shown; once."""
        code = self.read(shapes.Pairing)["code"]
        made = panels.pair(code, AddressThrottle().get_ident(request))
        return Response({"token": made.token, "panel": shapes.PanelShape(made.panel).data})


class AtTheDoor(IdempotentAPIView):
    """Called with `Authorization: Panel <token>`; answers the state of the room afterwards."""

    authentication_classes = (PanelAuthentication,)
    permission_classes = (IsPanel,)

    @property
    def panel(self) -> Panel:
        return self.request.auth  # type: ignore[return-value]

    def _scope(self, request: Request) -> str:
        return f"panel:{self.panel.pk}"

    def state(self, status: int = 200) -> Response:
        return Response(
            shapes.state_shape(queries.get_state(self.panel.resource_id)), status=status
        )


class State(AtTheDoor):
    @extend_schema(responses=shapes.StateShape)
    def get(self, request: Request) -> Response:
        return self.state()


class CheckIn(AtTheDoor):
    @extend_schema(request=shapes.WhichBooking, responses=shapes.StateShape)
    def post(self, request: Request) -> Response:
        """At the door one may be early. A second tap gets the same answer."""
        with contextlib.suppress(errors.AlreadyDone):
            panels.check_in(self.panel, self.read(shapes.WhichBooking)["booking"])
        return self.state()


class End(AtTheDoor):
    @extend_schema(request=shapes.WhichBooking, responses=shapes.StateShape)
    def post(self, request: Request) -> Response:
        panels.end(self.panel, self.read(shapes.WhichBooking)["booking"])
        return self.state()


class Book(AtTheDoor):
    @extend_schema(request=shapes.DoorBooking, responses={201: shapes.StateShape})
    def post(self, request: Request) -> Response:
        """From now on, checked in."""
        panels.book(self.panel, self.read(shapes.DoorBooking)["minutes"])
        return self.state(201)


class Page(TemplateView):
    """What a tablet beside the door shows. It holds nothing itself: no person, no token."""

    template_name = "panel/panel.html"

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response = super().render_to_response(context, **kwargs)
        response["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
            " connect-src 'self' ws: wss:; manifest-src 'self'; base-uri 'none'; form-action 'none'"
        )
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "no-cache"
        return response
