"""Accounts: everybody's for operators, those of the own people for admins."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from api.errors import Forbidden
from api.models import User
from api.rest.authentication import get_proof
from api.rest.permissions import IsAdmin, Scope
from api.services.accounts import accounts, erasure
from api.v1.serializers.accounts import UserChangeSerializer, UserSerializer
from api.v1.tags import MANAGE_PEOPLE

from .base import BaseViewSet


@extend_schema(tags=[MANAGE_PEOPLE])
@extend_schema_view(
    list=extend_schema(
        summary="List the accounts",
        description="The people of one's venues, newest first; everybody for operators."
        " For admins.",
    ),
    retrieve=extend_schema(summary="Read an account", description="One account. For admins."),
)
class UserViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BaseViewSet[User]):
    permission_classes = (IsAdmin,)
    scope = Scope.ADMIN
    serializer_class = UserSerializer
    queryset = User.objects.filter(erased_at=None).prefetch_related("memberships__venue")

    @extend_schema(request=UserChangeSerializer, responses=UserSerializer)
    def partial_update(self, request: Request, **_: Any) -> Response:
        """Change an account.

        Access included; fields that are left out stay. A person who is no longer active cannot sign
        in. Roles are changed at `venues/{slug}/members/`. For operators.
        """
        user = self.get_account()
        changes = self.get_validated_body(UserChangeSerializer, partial=True)
        proof = get_proof(request, changes.pop("current_password", None))
        changed = accounts.update_account(user, changes, by=self.user, proof=proof)
        return Response(self.get_serializer(changed).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, **_: Any) -> Response:
        """Erase an account.

        Erases the person; what they booked stays as numbers, and what is ahead is cancelled.
        For operators.
        """
        erasure.erase_account(self.get_account(), by=self.user)
        return Response(status=204)

    def get_account(self) -> User:
        """The account; refuses `Forbidden` to who may only read it."""
        user: User = self.get_object()
        if not self.caller.is_operator:
            raise Forbidden
        return user
