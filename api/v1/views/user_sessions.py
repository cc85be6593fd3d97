"""Where one is signed in."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.mixins import ListModelMixin
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.models import UserSession
from api.rest.authentication import get_claims
from api.rest.permissions import Scope
from api.services.accounts import user_sessions
from api.v1.serializers.accounts import UserSessionSerializer
from api.v1.tags import SIGN_IN

from .base import BaseViewSet


@extend_schema(tags=[SIGN_IN])
@extend_schema_view(
    list=extend_schema(
        summary="List where one is signed in",
        description="Browsers and applications, each with how one signed in there.",
    )
)
class UserSessionViewSet(ListModelMixin, BaseViewSet[UserSession]):
    http_method_names = ["get", "delete", "head", "options"]
    scope = Scope.SELF
    queryset = UserSession.objects.none()
    serializer_class = UserSessionSerializer
    permission_classes = (IsAuthenticated,)

    def get_queryset(self) -> QuerySet[UserSession]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return user_sessions.list_open(self.user)

    def get_serializer_context(self) -> dict[str, Any]:
        current = get_claims(self.request).get("sid")
        return {**super().get_serializer_context(), "current": current}

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: int) -> Response:
        """End a session of one's own.

        Its access and refresh tokens, or its browser's session, are refused from now on.
        """
        user_sessions.end_session(self.user, pk)
        return Response(status=204)
