"""The smallest DRF views that do such work: the library's authentication, one INSERT, no rules."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication

SQL = (
    "INSERT INTO api_booking (venue_id, resource_id, owner_id, title, notes, guests, starts_at,"
    " ends_at, status, primetime, completes_at, lapses_at, price_minor, currency, payment_status,"
    " rejection_reason, contract, version)"
    " VALUES (%s, %s, %s, '', '', 1, %s, %s, 'confirmed', false, %s, %s, 0, '', 'none', '', '', 1)"
    " ON CONFLICT DO NOTHING RETURNING id"
)


class Insert(APIView):
    """One such INSERT under the same constraint, and its id as the answer."""

    authentication_classes = (JWTAuthentication,)  # the library's own, as it comes

    def post(self, request: Request) -> Response:
        body = request.data
        start, end = (datetime.fromisoformat(body[name]) for name in ("starts_at", "ends_at"))
        with connection.cursor() as cursor:
            cursor.execute(
                SQL, [body["venue"], body["resource"], request.user.pk, start, end, end, start]
            )
            row = cursor.fetchone()
        return Response({"id": row[0] if row else None}, status=201 if row else 409)


class Nothing(APIView):
    """DRF and nothing else."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        return Response({})
