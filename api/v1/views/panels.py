"""Panels: paired by staff, and what they read and do at their door. The page they show."""

from __future__ import annotations

import contextlib
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.views.generic import TemplateView
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from api import errors
from api.models import Panel
from api.queries.accounts.scope import check_staff_of, limit_to_staff
from api.queries.panels import panels as queries
from api.rest.authentication import PanelAuthentication
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import IsPanel, IsStaff, Scope
from api.rest.throttling import AddressThrottle
from api.services.panels import panels
from api.v1.serializers.panels import (
    NewPanelSerializer,
    PairedSerializer,
    PairingSerializer,
    PanelBookingSerializer,
    PanelSerializer,
    PanelWithSecretsSerializer,
    RoomStateSerializer,
    WalkInSerializer,
    render_room_state,
)
from api.v1.tags import PANELS

from .base import BaseViewSet


@extend_schema(tags=[PANELS])
@extend_schema_view(
    list=extend_schema(
        summary="List the panels",
        description="Every panel of one's venues that is not revoked. For staff.",
    ),
    retrieve=extend_schema(summary="Read a panel", description="One panel. For staff."),
    destroy=extend_schema(
        summary="Revoke a panel",
        description="Its token opens nothing any more, and an open socket is closed within"
        " seconds. For staff.",
    ),
)
class PanelViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, BaseViewSet[Panel]
):
    permission_classes = (IsStaff,)
    scope = Scope.STAFF
    unstored_methods = ("POST",)  # the answer holds secrets
    serializer_class = PanelSerializer
    queryset = Panel.objects.none()

    def get_queryset(self) -> QuerySet[Panel]:
        return limit_to_staff(queries.list_panels(), self.caller)

    @extend_schema(request=NewPanelSerializer, responses={201: PanelWithSecretsSerializer})
    def create(self, request: Request) -> Response:
        """Add a panel.

        For the door of a room. Its token and its code are shown here and never again. For staff.
        """
        body = self.get_validated_body(NewPanelSerializer)
        check_staff_of(self.caller, body["resource"].venue_id)
        made = panels.create(created_by=self.person, **body)
        secrets = {"token": made.token, "code": made.code}
        answer = PanelSerializer(made.panel).data | secrets
        return Response(answer | {"code_expires_at": made.panel.code_expires_at}, status=201)

    def perform_destroy(self, instance: Panel) -> None:
        panels.revoke(instance.pk)


class PairPanelView(IdempotentAPIView):
    authentication_classes = ()
    scope = Scope.TOKEN
    permission_classes = (AllowAny,)  # the code is what is checked
    throttle_classes = (AddressThrottle,)
    unstored_methods = ("POST",)  # the answer holds a secret

    @extend_schema(tags=[PANELS], request=PairingSerializer, responses=PairedSerializer, auth=[])
    def post(self, request: Request) -> Response:
        """Pair a panel.

        A token for whoever brings the code that staff were shown; the code is good once, for ten
        minutes. For anyone.
        """
        code = self.get_validated_body(PairingSerializer)["code"]
        made = panels.pair(code, AddressThrottle().get_ident(request))
        return Response({"token": made.token, "panel": PanelSerializer(made.panel).data})


@extend_schema(tags=[PANELS], responses=RoomStateSerializer)
class PanelDeviceViewSet(ViewSetMixin, IdempotentAPIView):
    """Called with `Authorization: Panel <token>`; answers the state of the room afterwards."""

    authentication_classes = (PanelAuthentication,)
    permission_classes = (IsPanel,)
    scope = Scope.DEVICE

    @property
    def panel(self) -> Panel:
        return self.request.auth  # type: ignore[return-value]  # behind a permission

    def get_key_scope(self, request: Request) -> str:
        return f"panel:{self.panel.pk}"

    def _render_state(self, status: int = 200) -> Response:
        return Response(render_room_state(queries.get_state(self.panel.resource_id)), status=status)

    @action(detail=False)
    def state(self, request: Request) -> Response:
        """Read the state of the room.

        What is on now, what is next, and until when it is free. `changes_at` says when time alone
        changes it; the WebSocket says when people do. For the panel.
        """
        return self._render_state()

    @extend_schema(request=PanelBookingSerializer)
    @action(detail=False, methods=["post"], url_path="check-in")
    def check_in(self, request: Request) -> Response:
        """Check in at the door.

        At the door one may be early. A second tap gets the same answer. For the panel.
        """
        with contextlib.suppress(errors.AlreadyDone):
            booking = self.get_validated_body(PanelBookingSerializer)["booking"]
            panels.check_in(self.panel, booking)
        return self._render_state()

    @extend_schema(request=PanelBookingSerializer)
    @action(detail=False, methods=["post"])
    def end(self, request: Request) -> Response:
        """End the meeting at the door.

        The rest of its time is free for others. For the panel.
        """
        panels.end(self.panel, self.get_validated_body(PanelBookingSerializer)["booking"])
        return self._render_state()

    @extend_schema(request=WalkInSerializer, responses={201: RoomStateSerializer})
    @action(detail=False, methods=["post"])
    def book(self, request: Request) -> Response:
        """Book the room at the door.

        From now on, and checked in at once. For the panel.
        """
        panels.book(self.panel, self.get_validated_body(WalkInSerializer)["minutes"])
        return self._render_state(201)


class PanelPageView(TemplateView):
    """The page that a tablet beside the door shows. It holds no person and no token."""

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
