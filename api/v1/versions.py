"""The versions of a booking as HTTP says them (RFC 9110, section 13.1.1): every response with one
booking has its `ETag`, and a change with `If-Match` is made only to the booking that was read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
from django.db import transaction
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from api import errors
from api.lifecycle import ActorRole
from api.models import Booking
from api.rest.base_view import BaseAPIView
from api.rest.renderers import encode
from api.services.actors import Actor
from api.services.bookings.slots import lock_booking, lock_resources

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The `ETag` of the booking as it was read: 412 `changed` if it has another by now.",
)
ETAG = OpenApiParameter(
    "ETag",
    str,
    OpenApiParameter.HEADER,
    response=[200, 201],
    description="The version of the booking, for `If-Match`.",
)
_TAG = re.compile(r'(W/)?("[!#-~]*")')


class Changed(errors.Refusal):
    """The row is not as it was read: `If-Match` names another version."""

    code, status, detail = "changed", 412, "It has changed since you read it."


def build_etag(body: Any) -> str:
    """A strong one: of whatever is answered, in whichever order its fields stand."""
    digest = hashlib.sha256(encode(body, orjson.OPT_SORT_KEYS))
    return f'"{digest.hexdigest()[:32]}"'


class VersionedMixin(BaseAPIView):
    """Of views whose responses are single bookings."""

    def read_body(self) -> Any:
        """The booking of the path, as it is answered now."""
        raise NotImplementedError

    @contextmanager
    def changing(self, booking: Booking, roles: Collection[ActorRole]) -> Iterator[Actor]:
        """Yields the caller as the actor. With `If-Match` nobody else changes the booking
        meanwhile, and it refuses, before anything else does, `Forbidden` to who has none of the
        `roles`, and `Changed`."""
        actor = Actor.for_booking(self.caller, booking)
        wanted = self.request.headers.get("If-Match")
        if wanted is None or wanted.strip() == "*":
            yield actor
            return
        if actor.by not in roles:
            raise errors.Forbidden
        with transaction.atomic():
            lock_resources([booking.resource_id])  # as whoever moves it does
            lock_booking(booking.pk)
            tags = [tag for weak, tag in _TAG.findall(wanted) if not weak]
            if build_etag(self.read_body()) not in tags:
                raise Changed
            yield actor

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        found = super().finalize_response(request, response, *args, **kwargs)
        data = getattr(found, "data", None)
        if found.status_code < 300 and isinstance(data, Mapping) and "version" in data:
            found["ETag"] = build_etag(data)
        return found
