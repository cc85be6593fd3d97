"""What the views of rules share: a change answers the bookings ahead that it breaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from api.rest.idempotency import IdempotentAPIView
from api.services.reviews.review import Affected
from api.v1.serializers.reviews import AffectedSerializer, DryRunSerializer


class RuleChangeMixin(IdempotentAPIView):
    """Adds `affected` to what a write answers, and takes `?dry_run=1`: all is done as it would be,
    and taken back. It stands before the mixins that write."""

    change_serializer_class: type[BaseSerializer[Any]]
    affected: Sequence[Affected] = ()  # set by whoever writes

    def get_serializer_class(self) -> Any:
        if self.action in ("create", "partial_update"):  # type: ignore[attr-defined]
            return self.change_serializer_class
        return super().get_serializer_class()  # type: ignore[misc]

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = self._change(super().create, request, *args, **kwargs)  # type: ignore[misc]
        if self._is_dry_run():
            response.status_code = 200
            if "id" in response.data:
                response.data["id"] = None  # of a row that is not there
        return response

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._change(super().partial_update, request, *args, **kwargs)  # type: ignore[misc]

    def _change(
        self, act: Callable[..., Response], request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        is_dry_run = self._is_dry_run()
        with transaction.atomic():
            response = act(request, *args, **kwargs)
            affected = AffectedSerializer(self.affected, many=True).data
            response.data = {**(response.data or {}), "affected": affected}
            if is_dry_run:
                transaction.set_rollback(True)
        return response

    def _is_dry_run(self) -> bool:
        return bool(self.get_validated_query(DryRunSerializer)["dry_run"])


class RuleRemovalMixin(RuleChangeMixin):
    """Of rows that can be removed too: 200 with those that it affects."""

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = self._change(super().destroy, request, *args, **kwargs)  # type: ignore[misc]
        response.status_code = 200
        return response
