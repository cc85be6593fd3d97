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
    "WITH taken AS (INSERT INTO api_allocation (booking_id, resource_id, unit, span, blocking,"
    " kind) VALUES (nextval('api_booking_id_seq'), %(resource)s, 1, tstzrange(%(start)s, %(end)s),"
    " true, 'booking') ON CONFLICT DO NOTHING RETURNING booking_id)"
    " INSERT INTO api_booking (id, venue_id, resource_id, owner_id, title, notes, guests,"
    " starts_at, ends_at, status, primetime, completes_at, lapses_at, price_minor, currency,"
    " payment_status, rejection_reason, contract, version)"
    " SELECT booking_id, %(venue)s, %(resource)s, %(owner)s, '', '', 1, %(start)s, %(end)s,"
    " 'confirmed', false, %(end)s, %(start)s, 0, '', 'none', '', '', 1 FROM taken RETURNING id"
)


class Insert(APIView):
    """One such INSERT under the same constraint, and its id as the answer."""

    authentication_classes = (JWTAuthentication,)  # the library's own, as it comes

    def post(self, request: Request) -> Response:
        body = request.data
        start, end = (datetime.fromisoformat(body[name]) for name in ("starts_at", "ends_at"))
        with connection.cursor() as cursor:
            who = {"owner": request.user.pk, "start": start, "end": end}
            cursor.execute(SQL, who | {name: body[name] for name in ("venue", "resource")})
            row = cursor.fetchone()
        return Response({"id": row[0] if row else None}, status=201 if row else 409)


class Nothing(APIView):
    """DRF and nothing else."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        return Response({})
