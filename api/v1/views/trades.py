"""Trades: offered by one person, answered by the other, seen by nobody else."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.models import Trade, User
from api.queries.bookings import trades as queries
from api.rest.idempotency import IdempotentAPIView
from api.rest.pagination import CursorPages
from api.services.bookings import trades
from api.v1.serializers import trades as shapes


class Trades(IdempotentAPIView, GenericAPIView[Trade]):
    permission_classes = (IsAuthenticated,)
    serializer_class = shapes.TradeShape
    pagination_class = CursorPages
    queryset = Trade.objects.none()

    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(queries.visible_to(self.user))
        return self.get_paginated_response(shapes.TradeShape(page, many=True).data)

    @extend_schema(request=shapes.NewTrade, responses={201: shapes.TradeShape})
    def post(self, request: Request) -> Response:
        body = self.read(shapes.NewTrade)
        mine, theirs = body.pop("requester_booking"), body.pop("target_booking")
        trade = trades.offer_trade(requester=self.user, mine=mine, theirs=theirs, **body)
        return Response(shown(self.user, trade.pk), status=201)


class OneTrade(IdempotentAPIView):
    @extend_schema(responses=shapes.TradeShape)
    def get(self, request: Request, pk: int) -> Response:
        return Response(shown(self.user, pk))


class Accept(IdempotentAPIView):
    @extend_schema(request=shapes.Answer, responses=shapes.TradeShape)
    def post(self, request: Request, pk: int) -> Response:
        trades.accept_trade(pk, self.user, **self.read(shapes.Answer))
        return Response(shown(self.user, pk))


class Reject(IdempotentAPIView):
    @extend_schema(request=shapes.Answer, responses=shapes.TradeShape)
    def post(self, request: Request, pk: int) -> Response:
        trades.reject_trade(pk, self.user, **self.read(shapes.Answer))
        return Response(shown(self.user, pk))


class Withdraw(IdempotentAPIView):
    @extend_schema(request=None, responses=shapes.TradeShape)
    def post(self, request: Request, pk: int) -> Response:
        queries.one(self.user, pk)
        trades.withdraw_trade(pk, self.user)
        return Response(shown(self.user, pk))


def shown(user: User, pk: int) -> dict[str, Any]:
    return dict(shapes.TradeShape(queries.one(user, pk)).data)
