"""The base of our own API's viewsets."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Model
from django.http import Http404
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.viewsets import GenericViewSet

from api.errors import NotFound
from api.rest.idempotency import IdempotentAPIView
from api.rest.pagination import IdCursorPagination

Row = TypeVar("Row", bound=Model)


class BaseViewSet(IdempotentAPIView, GenericViewSet[Row]):
    """Lists in pages; changes are PATCH alone: a PUT from a client of yesterday would blank what
    was added today."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    lookup_value_converter = "int"
    pagination_class = IdCursorPagination
    filter_backends = (DjangoFilterBackend,)

    def get_object(self) -> Any:
        """The row of the path; refuses `NotFound` by its name."""
        try:
            return super().get_object()
        except Http404:
            kind = self.get_queryset().model._meta.verbose_name
            raise NotFound(f"There is no such {kind}.") from None
