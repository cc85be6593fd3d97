"""API keys, for admins of their venues."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from api.models import ApiKey
from api.queries.accounts.keys import list_keys, list_slugs
from api.rest.permissions import IsAdmin, Scope
from api.services.accounts.keys import create_key, end_key
from api.v1.serializers.keys import KeySerializer, KeyWithSecretSerializer, NewKeySerializer
from api.v1.tags import MANAGE_PEOPLE

from .base import BaseViewSet


@extend_schema(tags=[MANAGE_PEOPLE])
@extend_schema_view(
    list=extend_schema(
        summary="List the API keys",
        description="Those of one's venues that were not deleted, the newest first. For admins.",
    ),
    retrieve=extend_schema(summary="Read an API key", description="One key. For admins."),
)
class KeyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BaseViewSet[ApiKey]):
    permission_classes = (IsAdmin,)
    scope = Scope.ADMIN
    unstored_methods = ("POST",)  # the answer holds a secret
    serializer_class = KeySerializer
    queryset = ApiKey.objects.none()

    def get_queryset(self) -> QuerySet[ApiKey]:
        return list_keys()

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "slugs": list_slugs(self.caller)}

    @extend_schema(request=NewKeySerializer, responses={201: KeyWithSecretSerializer})
    def create(self, request: Request) -> Response:
        """Make an API key.

        For a machine: it signs in by `Authorization: Bearer` and the secret, which is shown here
        and never again. `read` reads what staff read; `book` makes, moves and cancels bookings and
        checks in; `manage` changes what staff may change. No key reads or changes members, keys,
        the audit log or a venue's policy. For admins of all its venues.
        """
        key, secret = create_key(by=self.caller, **self.get_validated_body(NewKeySerializer))
        return Response(self.get_serializer(key).data | {"secret": secret}, status=201)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: int) -> Response:
        """Delete an API key.

        It opens nothing any more. Of a key of other venues too, only those of one's own are taken
        away. To change a secret, make a second key and delete the first. For admins.
        """
        end_key(self.get_object().pk, self.caller)
        return Response(status=204)
