"""Whether this process and what it needs are up, and whether the clock runs."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, connection
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api.queries.operations import automation
from api.rest.base_view import BaseAPIView
from api.rest.permissions import Scope
from backend import broker, disk_space


def is_database_reachable() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


class HealthView(BaseAPIView):
    """`ok`; `read_only` when a disk is nearly full; 503 when the database is away. A broker that
    is away is named and costs only speed."""

    scope = Scope.ANYONE
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        database, full = is_database_reachable(), disk_space.is_nearly_full()
        body = {
            "status": "down" if not database else "read_only" if full else "ok",
            "process": "up",
            "database": "up" if database else "down",
            "broker": "up" if broker.is_reachable() else "down",
            "storage": "full" if full else "ok",
        }
        return Response(body, status=200 if database else 503)


class AutomationHealthView(BaseAPIView):
    """200 while the clock runs; 503 when a job is late, nothing has run, or no beat or worker is
    alive. A paused job is not late. What is wrong is told to operators alone."""

    scope = Scope.OPERATOR
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        report = automation.get_report()
        body: dict[str, Any] = {"status": "ok" if report.healthy else "late"}
        if not self.caller.is_operator:
            return Response(body, status=200 if report.healthy else 503)
        body |= {
            "problems": report.problems,
            "workers": sum(process.alive for process in report.workers),
            "beat": sum(process.alive for process in report.beat),
            "lag": max((job.lag or 0 for job in report.jobs if not job.paused), default=0),
        }
        return Response(body, status=200 if report.healthy else 503)
