"""The base of our own API's viewsets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db.models import Model
from django.http import Http404
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.permissions import SAFE_METHODS
from rest_framework.viewsets import GenericViewSet

from api.errors import NotFound, Unfit
from api.queries.accounts.scope import limit_to_admin, limit_to_staff
from api.rest.idempotency import IdempotentAPIView
from api.rest.pagination import IdCursorPagination
from api.rest.permissions import Scope

Row = TypeVar("Row", bound=Model)
# the rest say it in their queries, which take the caller or the venue
LIMITS: Mapping[Scope, Any] = {
    **dict.fromkeys(Scope),
    Scope.OPERATOR: lambda rows, caller: rows if caller.is_operator else rows.none(),
    Scope.STAFF: limit_to_staff,
    Scope.STAFF_WRITES: limit_to_staff,
    Scope.ADMIN: limit_to_admin,
    Scope.ADMIN_WRITES: limit_to_admin,
}


@contextmanager
def named_in_body(field: str) -> Iterator[None]:
    """A row that does not exist is 404 in a path, and 400 where the body names it: at `field`."""
    try:
        yield
    except NotFound as refusal:
        raise Unfit(errors={field: [refusal.detail]}) from None


class BaseViewSet(IdempotentAPIView, GenericViewSet[Row]):
    """Lists in pages; changes are PATCH alone: a PUT from a client of yesterday would blank what
    was added today."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    lookup_value_converter = "int"
    pagination_class = IdCursorPagination
    filter_backends = (DjangoFilterBackend,)

    def filter_queryset(self, queryset: Any) -> Any:
        """The rows that the caller may work with, by the view's scope, and by the query string."""
        rows = super().filter_queryset(queryset)
        limit = LIMITS[self.scope or Scope.OPERATOR]
        is_read = self.request.method in SAFE_METHODS
        if is_read and self.scope in (Scope.STAFF_WRITES, Scope.ADMIN_WRITES):
            return rows
        return limit(rows, self.caller) if limit else rows

    def get_object(self) -> Any:
        """The row of the path; refuses `NotFound` by its name."""
        try:
            return super().get_object()
        except Http404:
            kind = self.get_queryset().model._meta.verbose_name
            raise NotFound(f"There is no such {kind}.") from None
