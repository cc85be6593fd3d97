"""Everybody's accounts, for admins."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from api.models import User
from api.rest.authentication import get_proof
from api.rest.permissions import IsAdmin
from api.services.accounts import accounts, erasure
from api.v1.serializers.accounts import UserChangeSerializer, UserSerializer
from api.v1.tags import MANAGE_PEOPLE

from .base import BaseViewSet


@extend_schema(tags=[MANAGE_PEOPLE])
@extend_schema_view(
    list=extend_schema(
        summary="List the accounts",
        description="Everybody who has an account, newest first. For admins.",
    ),
    retrieve=extend_schema(summary="Read an account", description="One account. For admins."),
)
class UserViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BaseViewSet[User]):
    permission_classes = (IsAdmin,)
    serializer_class = UserSerializer
    queryset = User.objects.filter(erased_at=None)

    @extend_schema(request=UserChangeSerializer, responses=UserSerializer)
    def partial_update(self, request: Request, **_: Any) -> Response:
        """Change an account.

        Role and access included; fields that are left out stay. A person who is no longer active
        cannot sign in. For admins.
        """
        user: User = self.get_object()
        changes = self.get_validated_body(UserChangeSerializer, partial=True)
        proof = get_proof(request, changes.pop("current_password", None))
        changed = accounts.update_account(user, changes, by=self.user, proof=proof)
        return Response(self.get_serializer(changed).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, **_: Any) -> Response:
        """Erase an account.

        Erases the person; what they booked stays as numbers, and what is ahead is cancelled.
        For admins.
        """
        erasure.erase_account(self.get_object())
        return Response(status=204)
