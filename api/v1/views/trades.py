"""Trades: offered by one person, answered by the other, seen by nobody else."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.models import Trade
from api.queries.bookings import trades as queries
from api.rest.permissions import Scope
from api.services.bookings import trades
from api.v1.serializers.trades import (
    NewTradeSerializer,
    TradeResponseSerializer,
    TradeSerializer,
)
from api.v1.tags import TRADE

from .base import BaseViewSet


@extend_schema(tags=[TRADE])
@extend_schema_view(
    list=extend_schema(
        summary="List trades", description="What one has offered and was offered, newest first."
    ),
    retrieve=extend_schema(
        summary="Read a trade",
        description="One trade. For its two people; to anybody else it does not exist.",
    ),
)
class TradeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, BaseViewSet[Trade]):
    permission_classes = (IsAuthenticated,)
    scope = Scope.SELF
    serializer_class = TradeSerializer
    queryset = Trade.objects.none()

    def get_queryset(self) -> QuerySet[Trade]:
        return queries.list_visible_trades(self.user)

    def get_object(self) -> Trade:
        return queries.get_visible_trade(self.user, self.kwargs["pk"])

    @extend_schema(request=NewTradeSerializer, responses={201: TradeSerializer})
    def create(self, request: Request) -> Response:
        """Offer a trade.

        One's own booking for somebody else's; they are told, and the offer ends when the earlier
        of the two slots begins.
        """
        body = self.get_validated_body(NewTradeSerializer)
        mine, theirs = body.pop("requester_booking"), body.pop("target_booking")
        trade = trades.offer_trade(requester=self.user, mine=mine, theirs=theirs, **body)
        return Response(
            TradeSerializer(queries.get_visible_trade(self.user, trade.pk)).data, status=201
        )

    @extend_schema(request=TradeResponseSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: int) -> Response:
        """Accept a trade.

        The two bookings change their owners, both or neither. For whom it was offered.
        """
        trades.accept_trade(pk, self.user, **self.get_validated_body(TradeResponseSerializer))
        return self.retrieve(request)

    @extend_schema(request=TradeResponseSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: int) -> Response:
        """Reject a trade.

        Nothing changes hands; who offered it is told. For whom it was offered.
        """
        trades.reject_trade(pk, self.user, **self.get_validated_body(TradeResponseSerializer))
        return self.retrieve(request)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: int) -> Response:
        """Withdraw a trade.

        Before it is answered. For who offered it.
        """
        self.get_object()
        trades.withdraw_trade(pk, self.user)
        return self.retrieve(request)
