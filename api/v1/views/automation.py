"""How the clock runs, for operators."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.queries.operations import automation
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import IsStaff, Scope
from api.v1.serializers.automation import AutomationSerializer
from api.v1.tags import WATCH


class AutomationView(IdempotentAPIView):
    permission_classes = (IsStaff,)
    scope = Scope.STAFF

    @extend_schema(tags=[WATCH], responses=AutomationSerializer)
    def get(self, request: Request) -> Response:
        """Read how the automation runs.

        Every periodic job with its last run and its lag, what waits to be sent, and which processes
        are alive. Staff see what is sent for their venues, and of the jobs that they run; the rest
        is for operators.
        """
        return Response(AutomationSerializer(automation.get_report(self.caller)).data)
