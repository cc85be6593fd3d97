"""Everybody's accounts, for admins."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from api.errors import NotFound
from api.models import User
from api.rest.idempotency import IdempotentAPIView
from api.rest.pagination import CursorPages
from api.rest.permissions import IsAdmin
from api.services.accounts import accounts
from api.v1.serializers.accounts import AdminEdit, Person


class Users(IdempotentAPIView, GenericAPIView[User]):
    permission_classes = (IsAdmin,)
    serializer_class = Person
    pagination_class = CursorPages
    queryset = User.objects.filter(erased_at=None)

    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(Person(page, many=True).data)


class OneUser(IdempotentAPIView):
    permission_classes = (IsAdmin,)

    def _get(self, pk: int) -> User:
        user = User.objects.filter(pk=pk, erased_at=None).first()
        if user is None:
            raise NotFound
        return user

    @extend_schema(responses=Person)
    def get(self, request: Request, pk: int) -> Response:
        return Response(Person(self._get(pk)).data)

    @extend_schema(request=AdminEdit, responses=Person)
    def patch(self, request: Request, pk: int) -> Response:
        user = accounts.edit(self._get(pk), self.read(AdminEdit, partial=True), by=self.user)
        return Response(Person(user).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Erases the person; what they booked stays as numbers."""
        accounts.erase(self._get(pk))
        return Response(status=204)
