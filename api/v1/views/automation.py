"""How the clock runs: for operators, for a load balancer's alarm, and for Prometheus."""

from __future__ import annotations

import hmac
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api.queries.operations import automation, saturation
from api.rest.base_view import BaseAPIView
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import IsStaff
from api.v1.serializers.automation import AutomationHealth, AutomationShape
from backend import broker, metrics


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


@require_safe
def prometheus(request: HttpRequest) -> HttpResponse:
    """The text format of Prometheus; behind a bearer token if METRICS_TOKEN is set."""
    given = request.headers.get("Authorization", "").encode()
    wanted = f"Bearer {settings.METRICS_TOKEN}".encode()
    if settings.METRICS_TOKEN and not hmac.compare_digest(given, wanted):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    report: automation.Report | None = None
    full: saturation.Saturation | None = None
    with suppress(DatabaseError):  # what is known is told
        report, full = automation.get_report(), saturation.measure_saturation()
    text = metrics.exposition(report, full, broker.queue_lengths())
    # answered before Django's own middleware could say so
    said = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
    }
    return HttpResponse(text, content_type=metrics.CONTENT_TYPE, headers=said)
