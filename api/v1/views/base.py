"""The base of our own API's viewsets."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from api.errors import NotFound
from api.queries.venues.venues import get_venue
from api.rest.idempotency import IdempotentAPIView
from api.rest.pagination import IdCursorPagination
from api.rest.permissions import IsStaff

Row = TypeVar("Row", bound=Model)
SLUG = OpenApiParameter("slug", str, "path")


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


class VenueRowViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    BaseViewSet[Row],
):
    """Rows that belong to the venue in the path, changed by staff."""

    permission_classes = (IsStaff,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.find_owner()

    def find_owner(self) -> None:
        self.venue = get_venue(self.kwargs["slug"])

    def get_queryset(self) -> QuerySet[Row]:
        return super().get_queryset().filter(venue=self.venue)
