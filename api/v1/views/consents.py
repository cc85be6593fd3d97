"""What people agree to when they register, and when they book at a venue."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.errors import NotFound
from api.models import ConsentText, Venue
from api.queries.venues.venues import get_venue
from api.rest.idempotency import IdempotentAPIView
from api.rest.permissions import IsAdminOrReadOnly, IsOperatorOrReadOnly, Scope
from api.rest.throttling import AnonymousThrottle
from api.services.accounts import consents
from api.v1.serializers.consents import ConsentTextSerializer, NewConsentTextSerializer
from api.v1.tags import FIND, RUN_VENUE

SLUG = OpenApiParameter("slug", str, "path")


class ConsentTextView(IdempotentAPIView):
    throttle_classes = (AnonymousThrottle,)
    may_be_missing = True  # there need not be a text

    def show(self, text: ConsentText | None) -> Response:
        if text is None:
            raise NotFound("There is no text to agree to.")
        return Response(ConsentTextSerializer(text).data)

    def publish(self, venue: Venue | None) -> Response:
        text = self.get_validated_body(NewConsentTextSerializer)["text"]
        data = ConsentTextSerializer(consents.publish_text(venue, text)).data
        return Response(data, status=201)


class InstanceConsentView(ConsentTextView):
    scope = Scope.OPERATOR
    permission_classes = (IsOperatorOrReadOnly,)

    @extend_schema(tags=[FIND], responses=ConsentTextSerializer, auth=[])
    def get(self, request: Request) -> Response:
        """Read what one agrees to when registering.

        The present version of this instance's text; 404 where there is none. For anyone.
        """
        return self.show(consents.find_text(None))

    @extend_schema(
        tags=[RUN_VENUE], request=NewConsentTextSerializer, responses={201: ConsentTextSerializer}
    )
    def post(self, request: Request) -> Response:
        """Publish what one agrees to when registering.

        The next version; whoever registers from now on agrees to it. For operators.
        """
        return self.publish(None)


@extend_schema(parameters=[SLUG])
class VenueConsentView(ConsentTextView):
    scope = Scope.VENUE
    permission_classes = (IsAdminOrReadOnly,)

    def get_venue_id(self) -> int:
        return get_venue(self.kwargs["slug"]).pk

    @extend_schema(tags=[FIND], responses=ConsentTextSerializer, auth=[])
    def get(self, request: Request, slug: str) -> Response:
        """Read what one agrees to when booking at a venue.

        The present version of the venue's text; 404 where there is none. For anyone.
        """
        return self.show(consents.find_text(get_venue(slug)))

    @extend_schema(
        tags=[RUN_VENUE], request=NewConsentTextSerializer, responses={201: ConsentTextSerializer}
    )
    def post(self, request: Request, slug: str) -> Response:
        """Publish what one agrees to when booking at a venue.

        The next version; everybody agrees to it with their next booking. For admins.
        """
        return self.publish(get_venue(slug))
