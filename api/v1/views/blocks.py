"""Blocks of a resource."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from api.models import Block, Resource
from api.queries.venues.rules import get_resource
from api.rest.permissions import IsStaff, Scope
from api.services.actors import Actor
from api.services.venues import blocks
from api.v1.serializers.blocks import BlockChangeSerializer, BlockSerializer, NewBlockSerializer
from api.v1.serializers.reviews import DryRunSerializer, RemovedSerializer
from api.v1.tags import RUN_VENUE

from .base import BaseViewSet
from .rules import RuleRemovalMixin

RESOURCE = OpenApiParameter("resource_pk", int, "path", description="The id of the resource.")


class _CreateMixin(BaseViewSet[Block]):
    scope = Scope.VENUE

    @cached_property
    def resource(self) -> Resource:
        return get_resource(self.kwargs["resource_pk"])

    def get_venue_id(self) -> int:
        return int(self.resource.venue_id)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        body = self.get_validated_body(NewBlockSerializer)
        actor = Actor.in_venue(self.caller, self.get_venue_id())
        block = blocks.create_block(self.resource, actor, **body)
        self.affected = block.affected
        return Response(BlockSerializer(block).data, status=201)


@extend_schema(tags=[RUN_VENUE], parameters=[RESOURCE])
@extend_schema_view(
    list=extend_schema(
        summary="List the blocks of a resource",
        description="When staff keep it from being booked, the newest first. For staff.",
    ),
    retrieve=extend_schema(summary="Read a block", description="One block. For staff."),
    create=extend_schema(
        summary="Block a resource",
        description="All its units, for that time. Over bookings it is 409 `slot_taken` with what"
        " is in the way; with `force` it takes what is free at once and the rest the moment each"
        " booking leaves, and the bookings stand in `reviews/` meanwhile. For staff.",
        parameters=[DryRunSerializer],
        request=NewBlockSerializer,
        responses={200: BlockChangeSerializer, 201: BlockChangeSerializer},
    ),
    destroy=extend_schema(
        summary="Remove a block",
        description="The time is free again, and the bookings under it leave `reviews/`. For"
        " staff.",
        parameters=[DryRunSerializer],
        responses={200: RemovedSerializer},
    ),
)
class BlockViewSet(
    RuleRemovalMixin,
    _CreateMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    BaseViewSet[Block],
):
    permission_classes = (IsStaff,)
    http_method_names = ["get", "post", "delete", "head", "options"]
    queryset = Block.objects.all()
    serializer_class = BlockSerializer
    change_serializer_class = BlockChangeSerializer

    def get_queryset(self) -> QuerySet[Block]:
        return super().get_queryset().filter(resource=self.resource).select_related("resource")

    def perform_destroy(self, instance: Block) -> None:
        self.affected = blocks.delete_block(instance)
