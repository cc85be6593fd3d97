"""How the resources are used, for staff: as JSON, CSV or PDF; large files by way of an export."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.models.analytics import ExportState, Figure, Format
from api.queries.analytics import analytics
from api.queries.venues.opening_hours import Venues
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import IsStaff, Scope
from api.rest.renderers import IgnoreFormatNegotiation
from api.services.analytics import exports, reports
from api.services.analytics.reports import Question
from api.v1.serializers import analytics as serializers
from api.v1.tags import WATCH

Method = TypeVar("Method", bound=Callable[..., Any])


def respond_with_file(file: exports.File) -> HttpResponse:
    return HttpResponse(
        file.content,
        content_type=file.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{file.name}"',
            "Cache-Control": "private, no-store",
        },
    )


def document_figure(serializer: Any) -> Callable[[Method], Method]:
    """The parameters and responses that all figures share."""
    return extend_schema(
        tags=[WATCH],
        parameters=[serializers.FigureQuerySerializer],
        responses={
            (200, "application/json"): serializer,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
            202: OpenApiResponse(serializers.ExportSerializer, "A worker makes the file"),
        },
    )


class FigureView(IdempotentAPIView):
    permission_classes = (IsStaff,)
    scope = Scope.STAFF
    content_negotiation_class = IgnoreFormatNegotiation
    figure: ClassVar[Figure]

    def render_figure(self) -> Response | HttpResponse:
        """As JSON, as a file, or where the file will be."""
        query = self.get_validated_query(serializers.FigureQuerySerializer)
        venue = reports.get_own_venue(query.get("venue", ""), self.caller)
        days = query["start"], query["end"]
        question = Question(self.figure, venue, *days, self.caller.list_staff_venues())
        if query["format"] != "json":
            return self._render_file(question, Format(query["format"]))
        frame = {"start": query["start"], "end": query["end"], "venue": query.get("venue")}
        return Response(frame | self.get_body(question.scope, *days))

    def get_body(self, venue: Venues, first_on: date, last_on: date) -> dict[str, Any]:
        return {"results": reports.FIGURES_BY_ROOM[self.figure](venue, first_on, last_on)}

    def _render_file(self, question: Question, kind: Format) -> Response | HttpResponse:
        if exports.is_small(question):
            return respond_with_file(exports.make_now(question, kind))
        export = exports.request_export(question, kind, self.person)
        if export.state == ExportState.READY:
            return respond_with_file(exports.get_file(export.pk, self.caller))
        body = serializers.ExportSerializer(export).data
        headers = {"Location": body["location"], "Retry-After": "5"}
        return Response(body, status=202, headers=headers)


class KpiView(FigureView):
    figure = Figure.KPI

    @document_figure(serializers.KpiSerializer)
    def get(self, request: Request) -> Response | HttpResponse:
        """Read the key figures.

        Of all resources together, with their change against the range before. For staff.
        """
        return self.render_figure()

    def get_body(self, venue: Venues, first_on: date, last_on: date) -> dict[str, Any]:
        return analytics.compute_kpi(venue, first_on, last_on)


class UtilizationView(FigureView):
    figure = Figure.UTILIZATION

    @document_figure(serializers.UtilizationSerializer)
    def get(self, request: Request) -> Response | HttpResponse:
        """Read how much is booked.

        Booked time within opening hours, and when most bookings start, by resource. For staff.
        """
        return self.render_figure()


class GhostingView(FigureView):
    figure = Figure.GHOSTING

    @document_figure(serializers.GhostingSerializer)
    def get(self, request: Request) -> Response | HttpResponse:
        """Read how often nobody came.

        Bookings that nobody came to, by resource. For staff.
        """
        return self.render_figure()


class CapacityView(FigureView):
    figure = Figure.CAPACITY

    @document_figure(serializers.CapacitySerializer)
    def get(self, request: Request) -> Response | HttpResponse:
        """Read how full the resources are.

        People against places, by resource. For staff.
        """
        return self.render_figure()


class HeatMapView(FigureView):
    figure = Figure.HEAT_MAP

    @document_figure(serializers.HeatMapSerializer)
    def get(self, request: Request) -> Response | HttpResponse:
        """Read when most is booked.

        Booked hours by weekday and hour of the clock on the wall. For staff.
        """
        return self.render_figure()

    def get_body(self, venue: Venues, first_on: date, last_on: date) -> dict[str, Any]:
        return {"hours": analytics.compute_heat_map(venue, first_on, last_on)}


class ExportView(IdempotentAPIView):
    permission_classes = (IsStaff,)
    scope = Scope.STAFF

    @extend_schema(tags=[WATCH], responses=serializers.ExportSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """Read how far a file is.

        Ask again every few seconds until `file` says where it is. For staff.
        """
        return Response(serializers.ExportSerializer(exports.get(pk, self.caller)).data)


class ExportFileView(IdempotentAPIView):
    permission_classes = (IsStaff,)
    scope = Scope.STAFF

    @extend_schema(
        tags=[WATCH],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, pk: UUID) -> HttpResponse:
        """Fetch a file.

        CSV or PDF, once it is ready; 404 until then. For staff.
        """
        return respond_with_file(exports.get_file(pk, self.caller))
