"""The audit log: what staff, admins, operators and keys did, for admins."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.request import Request

from api.models import AuditEntry
from api.queries.accounts.scope import check_admin_of
from api.queries.audit.entries import list_entries
from api.queries.venues.venues import get_venue
from api.rest.permissions import IsAdmin, Scope
from api.rest.renderers import IgnoreFormatNegotiation
from api.services.analytics.exports_csv import render_lines, render_table
from api.v1.filters import AuditFilterSet
from api.v1.serializers.audit import AuditEntrySerializer, AuditQuerySerializer
from api.v1.tags import WATCH

from .base import BaseViewSet

HEADINGS = (
    *("id", "at", "venue", "actor_id", "actor_name", "actor_kind"),
    *("action", "object", "before", "after", "request_id"),
)
LINES = 500  # rendered at a time


class AuditViewSet(mixins.ListModelMixin, BaseViewSet[AuditEntry]):
    permission_classes = (IsAdmin,)
    scope = Scope.ADMIN
    content_negotiation_class = IgnoreFormatNegotiation
    serializer_class = AuditEntrySerializer
    filterset_class = AuditFilterSet
    queryset = AuditEntry.objects.none()

    def get_queryset(self) -> QuerySet[AuditEntry]:
        return list_entries()

    @extend_schema(
        tags=[WATCH],
        parameters=[AuditQuerySerializer],
        responses={
            (200, "application/json"): AuditEntrySerializer(many=True),
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Read the audit log.

        What staff, admins, operators and keys changed, and whose data they looked at, the last one
        first. Nobody can change it; `manage.py verify_audit` shows whether somebody has. For
        admins.
        """
        if slug := request.query_params.get("venue"):
            check_admin_of(self.caller, get_venue(slug).pk)
        if self.get_validated_query(AuditQuerySerializer)["format"] == "json":
            return super().list(request, *args, **kwargs)
        rows = self.filter_queryset(self.get_queryset())
        return StreamingHttpResponse(
            _render_file(rows),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": 'attachment; filename="audit.csv"',
                "Cache-Control": "private, no-store",
            },
        )


def _render_file(rows: QuerySet[AuditEntry]) -> Iterator[bytes]:
    yield render_table(HEADINGS, ())
    entries = rows.iterator(LINES)
    while part := list(islice(entries, LINES)):
        yield render_lines(map(_build_line, AuditEntrySerializer(part, many=True).data))


def _build_line(entry: dict[str, Any]) -> list[Any]:
    actor = entry["actor"]
    before, after = (
        content and orjson.dumps(content).decode() for content in (entry["before"], entry["after"])
    )
    return [
        *(entry["id"], entry["at"], entry["venue"]),
        *(actor["id"], actor["name"], actor["kind"]),
        *(entry["action"], entry["object"], before, after, entry["request_id"]),
    ]
