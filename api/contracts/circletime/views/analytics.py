"""The figures, for admins."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from api import errors
from api.contracts import kit
from api.contracts.circletime.serializers import analytics as serializers
from api.queries.analytics import analytics, breakdowns
from api.rest.permissions import IsStaff
from api.rest.renderers import IgnoreFormatNegotiation
from api.services.analytics.exports_csv import render_table

from .base import CircletimeView


class AnalyticsView(CircletimeView):
    permission_classes = (IsStaff,)

    def query_parameters(self) -> dict[str, Any]:
        query = super().query_parameters()
        if not (query.get("start_date") and query.get("end_date")):
            raise errors.Refusal("start_date and end_date query parameters are required")
        return query


class KpiView(AnalyticsView):
    response_serializer = serializers.FigureSerializer

    @kit.operation("Show the key figures", query=serializers.PeriodSerializer, many=True)
    def get(self, request: Request) -> Any:
        return serializers.build_kpi_figures(
            analytics.compute_kpi(self.venue, **self.validated_query())
        )


class UtilizationView(AnalyticsView):
    response_serializer = serializers.UtilizationSerializer

    @kit.operation(
        "Show how much each room is used",
        query=serializers.PeriodInBuildingSerializer,
        many=True,
    )
    def get(self, request: Request) -> Any:
        return analytics.compute_utilization(self.venue, **self.validated_query())


class GhostingView(AnalyticsView):
    response_serializer = serializers.GhostingSerializer

    @kit.operation("Show the no-shows of each room", query=serializers.PeriodSerializer, many=True)
    def get(self, request: Request) -> Any:
        return analytics.compute_ghosting(self.venue, **self.validated_query())


class CapacityView(AnalyticsView):
    response_serializer = serializers.CapacitySerializer

    @kit.operation("Show how full each room is", query=serializers.PeriodSerializer, many=True)
    def get(self, request: Request) -> Any:
        return analytics.compute_capacity(self.venue, **self.validated_query())


class HeatmapView(AnalyticsView):
    response_serializer = serializers.HeatSerializer

    @kit.operation("Show when most meetings begin", query=serializers.PeriodSerializer, many=True)
    def get(self, request: Request) -> Any:
        """Each hour of the week in which a room is open, and any other in which one begins."""
        return breakdowns.count_starts(self.venue, **self.validated_query())


class CompareView(AnalyticsView):
    response_serializer = serializers.ComparedRoomSerializer

    @kit.operation("Compare rooms", query=serializers.CompareQuerySerializer, many=True)
    def get(self, request: Request) -> Any:
        """Those that are asked for, or all. Unknown ids are left out."""
        query = self.validated_query()
        if self.request.query_params.get("roomIds") and not query["ids"]:
            return []  # of ids that are none
        return breakdowns.compare_rooms(self.venue, **query)


class TrendView(AnalyticsView):
    response_serializer = serializers.TrendSerializer

    @kit.operation("Show a figure day by day", query=serializers.TrendQuerySerializer, many=True)
    def get(self, request: Request) -> Any:
        return breakdowns.compute_trend(self.venue, **self.validated_query())


class DepartmentView(AnalyticsView):
    response_serializer = serializers.DepartmentSerializer

    @kit.operation(
        "Show the no-shows of each department", query=serializers.PeriodSerializer, many=True
    )
    def get(self, request: Request) -> Any:
        """By the organizer's department; `Unknown` is that of who has none."""
        query = self.validated_query()
        return breakdowns.compute_departments(self.venue, **query, unnamed="Unknown")


class ExportView(AnalyticsView):
    content_negotiation_class = IgnoreFormatNegotiation

    @kit.operation(
        "Export the bookings", query=serializers.ExportQuerySerializer, file_type="text/csv"
    )
    def get(self, request: Request) -> Any:
        """Those that the figures count, by start, for a spreadsheet."""
        query = self.validated_query()
        days = query["first_on"], query["last_on"]
        rows = serializers.export_rows(breakdowns.list_counted_bookings(self.venue, *days))
        name = "bookings-{}-{}.csv".format(*days)
        return HttpResponse(
            render_table(serializers.EXPORT_HEADINGS, rows),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "private, no-store",
            },
        )
