"""The people of a venue: its admins add them, invite them, and say what they are there."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api.errors import Forbidden
from api.models import Invitation, Membership
from api.rest.permissions import IsAdmin, Scope
from api.services.accounts import memberships
from api.v1.serializers.members import (
    InvitationSerializer,
    InvitedSerializer,
    MemberChangeSerializer,
    MemberSerializer,
    NewMemberSerializer,
)
from api.v1.tags import MANAGE_PEOPLE

from .base import SLUG, BaseViewSet, VenueViewMixin


class MemberViewMixin(BaseViewSet[Membership]):
    """Changes and removes one member."""

    takes_keys = False
    serializer_class = MemberSerializer
    queryset = Membership.objects.filter(user__erased_at=None).select_related("user")

    @extend_schema(request=MemberChangeSerializer, responses=MemberSerializer)
    def partial_update(self, request: Request, **_: Any) -> Response:
        """Give a member another role.

        It holds from their next request on. The last admin stays one (409 `last_admin`) but for an
        operator. For admins.
        """
        member: Membership = self.get_object()
        role = self.get_validated_body(MemberChangeSerializer)["role"]
        member = memberships.set_role(member, role, by=self.caller)
        return Response(self.get_serializer(member).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, **_: Any) -> Response:
        """Remove a member.

        All their rights in the venue end at once; what they booked stays. The last admin stays
        (409 `last_admin`) but for an operator. For admins, and for who leaves.
        """
        memberships.remove(self.get_object(), by=self.caller)
        return Response(status=204)


@extend_schema(tags=[MANAGE_PEOPLE], parameters=[SLUG])
@extend_schema_view(
    list=extend_schema(
        summary="List the members",
        description="The venue's people with their roles, newest first. For admins.",
    ),
    retrieve=extend_schema(
        summary="Read a member of a venue", description="One of its people. For admins."
    ),
    partial_update=extend_schema(summary="Change a member of a venue"),
    destroy=extend_schema(summary="Remove a member from a venue"),
)
class VenueMemberViewSet(
    VenueViewMixin[Membership], mixins.ListModelMixin, mixins.RetrieveModelMixin, MemberViewMixin
):
    permission_classes = (IsAdmin,)

    @extend_schema(
        request=NewMemberSerializer,
        responses={200: MemberSerializer, 201: MemberSerializer, 202: InvitedSerializer},
    )
    def create(self, request: Request, slug: str) -> Response:
        """Add a member, or invite one.

        An address with an account becomes a member at once (201), any other is invited by letter
        (202) and becomes one on registering with that address verified. To a member it gives the
        role (200). For admins.
        """
        body = self.get_validated_body(NewMemberSerializer)
        done = memberships.invite(self.venue, by=self.caller, **body)
        if done.membership is None:
            detail = "They are invited by letter."
            answer = {"detail": detail, "email": body["email"], "role": body["role"]}
            return Response(InvitedSerializer(answer).data, status=202)
        return Response(
            self.get_serializer(done.membership).data, status=201 if done.created else 200
        )

    @extend_schema(request=None, responses=MemberSerializer)
    @action(detail=True, methods=["post"], url_path="hand-over")
    def hand_over(self, request: Request, **_: Any) -> Response:
        """Hand the venue over to a member.

        They become its admin, and the admin who asks its staff, both at once. For admins.
        """
        member: Membership = self.get_object()
        memberships.hand_over(self.venue, member.user, by=self.user)
        return Response(self.get_serializer(self.get_object()).data)


@extend_schema(tags=[MANAGE_PEOPLE])
@extend_schema_view(
    retrieve=extend_schema(
        summary="Read a member", description="One of the people of a venue. For its admins."
    ),
)
class MemberViewSet(mixins.RetrieveModelMixin, MemberViewMixin):
    """By its id alone; one's own too, to leave."""

    permission_classes = (IsAuthenticated,)
    scope = Scope.VISIBLE

    def get_queryset(self) -> QuerySet[Membership]:
        venues = self.caller.list_admin_venues()
        rows = super().get_queryset()
        if venues is None:
            return rows
        return rows.filter(Q(venue__in=venues) | Q(user=self.caller.person_id))

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        mine = Membership.objects.filter(pk=self.kwargs["pk"], user=self.caller.person_id)
        if not self.caller.is_admin_somewhere and not mine.exists():
            raise Forbidden


@extend_schema(tags=[MANAGE_PEOPLE], parameters=[SLUG])
@extend_schema_view(
    list=extend_schema(
        summary="List the invitations",
        description="Addresses that were invited and are not members yet. For admins.",
    ),
    destroy=extend_schema(
        summary="Take an invitation back",
        description="Registering with the address makes no member any more. For admins.",
    ),
)
class InvitationViewSet(
    VenueViewMixin[Invitation],
    mixins.ListModelMixin,
    mixins.DestroyModelMixin,
    BaseViewSet[Invitation],
):
    permission_classes = (IsAdmin,)
    serializer_class = InvitationSerializer
    queryset = Invitation.objects.all()
