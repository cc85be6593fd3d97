"""How the rooms are used, for staff: as JSON, CSV or PDF; large files by way of an export."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from api.models import Venue
from api.models.analytics import ExportState, Figure, Format
from api.queries.analytics import analytics
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import IsStaff
from api.services.analytics import exports, reports
from api.services.analytics.reports import Question
from api.v1.serializers import analytics as shapes

Method = TypeVar("Method", bound=Callable[..., Any])


class OurFormat(BaseContentNegotiation):
    """`?format=` is a parameter of ours here, not the framework's choice of a renderer."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


def as_file(file: exports.File) -> HttpResponse:
    return HttpResponse(
        file.content,
        content_type=file.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{file.name}"',
            "Cache-Control": "private, no-store",
        },
    )


def described(shape: Any) -> Callable[[Method], Method]:
    """The answers of a figure, for the schema."""
    return extend_schema(
        parameters=[shapes.FigureQuery],
        responses={
            (200, "application/json"): shape,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
            202: OpenApiResponse(shapes.ExportShape, "A worker makes the file"),
        },
    )


class _Figure(IdempotentAPIView):
    permission_classes = (IsStaff,)
    content_negotiation_class = OurFormat
    figure: ClassVar[Figure]

    def answer(self) -> Response | HttpResponse:
        asked = self.query(shapes.FigureQuery)
        venue = reports.get_venue(asked.get("venue", ""))
        if asked["format"] != "json":
            question = Question(self.figure, venue, asked["start"], asked["end"])
            return self._file(question, Format(asked["format"]))
        frame = {"start": asked["start"], "end": asked["end"], "venue": asked.get("venue")}
        return Response(frame | self.body(venue, asked["start"], asked["end"]))

    def body(self, venue: Venue | None, first_on: date, last_on: date) -> dict[str, Any]:
        return {"results": reports.FIGURES_BY_ROOM[self.figure](venue, first_on, last_on)}

    def _file(self, question: Question, kind: Format) -> Response | HttpResponse:
        if exports.is_small(question):
            return as_file(exports.make_now(question, kind))
        export = exports.request_export(question, kind, self.user)
        if export.state == ExportState.READY:
            return as_file(exports.get_file(export.pk))
        shape = shapes.ExportShape(export).data
        headers = {"Location": shape["location"], "Retry-After": "5"}
        return Response(shape, status=202, headers=headers)


class Kpi(_Figure):
    figure = Figure.KPI

    @described(shapes.Kpi)
    def get(self, request: Request) -> Response | HttpResponse:
        """The figures of all rooms together, with their change against the range before."""
        return self.answer()

    def body(self, venue: Venue | None, first_on: date, last_on: date) -> dict[str, Any]:
        return analytics.compute_kpi(venue, first_on, last_on)


class Utilization(_Figure):
    figure = Figure.UTILIZATION

    @described(shapes.Utilization)
    def get(self, request: Request) -> Response | HttpResponse:
        """Booked time within opening hours, and when most bookings start, by room."""
        return self.answer()


class Ghosting(_Figure):
    figure = Figure.GHOSTING

    @described(shapes.Ghosting)
    def get(self, request: Request) -> Response | HttpResponse:
        """Bookings that nobody came to, by room."""
        return self.answer()


class Capacity(_Figure):
    figure = Figure.CAPACITY

    @described(shapes.Capacity)
    def get(self, request: Request) -> Response | HttpResponse:
        """How full the rooms are, by room."""
        return self.answer()


class HeatMap(_Figure):
    figure = Figure.HEAT_MAP

    @described(shapes.HeatMap)
    def get(self, request: Request) -> Response | HttpResponse:
        """Booked hours by weekday and hour of the clock on the wall."""
        return self.answer()

    def body(self, venue: Venue | None, first_on: date, last_on: date) -> dict[str, Any]:
        return {"hours": analytics.compute_heat_map(venue, first_on, last_on)}


class OneExport(IdempotentAPIView):
    permission_classes = (IsStaff,)

    @extend_schema(responses=shapes.ExportShape)
    def get(self, request: Request, pk: UUID) -> Response:
        """How far a file is."""
        return Response(shapes.ExportShape(exports.get(pk)).data)


class ExportFile(IdempotentAPIView):
    permission_classes = (IsStaff,)

    @extend_schema(
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
        }
    )
    def get(self, request: Request, pk: UUID) -> HttpResponse:
        """The file, once it is ready."""
        return as_file(exports.get_file(pk))
