"""How the clock runs: for operators, and for a load balancer's alarm."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api.queries.operations import automation
from api.rest.base_view import BaseAPIView
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import IsStaff
from api.v1.serializers.automation import AutomationHealth, AutomationShape


class Automation(IdempotentAPIView):
    permission_classes = (IsStaff,)

    @extend_schema(responses=AutomationShape)
    def get(self, request: Request) -> Response:
        return Response(AutomationShape(automation.get_report()).data)


class Health(BaseAPIView):
    """200 while the clock runs; 503 when a job is late, nothing has run, or no beat or worker is
    alive. A paused job is not late."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = AutomationHealth

    def get(self, request: Request) -> Response:
        found = automation.get_report()
        body: dict[str, Any] = {
            "status": "ok" if found.healthy else "late",
            "problems": found.problems,
            "workers": sum(each.alive for each in found.workers),
            "beat": sum(each.alive for each in found.beat),
            "lag": max((job.lag or 0 for job in found.jobs if not job.paused), default=0),
        }
        return Response(body, status=200 if found.healthy else 503)
