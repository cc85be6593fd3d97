"""One operation of a document: what is taken, what is replied, and how it may be refused."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Final, get_type_hints

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from api.replies import carried

from .says import Told
from .types import is_hint, told

VERBS: Final = {"GET": "read", "POST": "post", "PUT": "put", "PATCH": "patch", "DELETE": "delete"}
WORDS: Final = {
    400: "Not what is asked for here, or refused by the rules",
    401: "Not signed in, or the credentials are not valid (any more)",
    403: "Not allowed",
    404: "There is no such thing, or one may not see it",
    405: "No such method here",
    406: "No such representation",
    409: "What is there already refuses it",
    413: "The body is too large",
    415: "Not JSON",
    429: "Too many attempts",
    500: "Something went wrong on our side",
    503: "The database, or whom it asks, is away",
}


class Schema(AutoSchema):
    """Set as `schema` on the base of a contract's views."""

    view: Any

    def get_description(self, path: str = "", method: str = "") -> str:
        """What the method or its own class says, not what all views have in common."""
        own = type(self.view).__dict__.get("__doc__")
        return inspect.cleandoc(self.action.__doc__ or own or "")

    def get_operation_id(self) -> str:
        words = [w.replace("-", "_") for w in self._words() if not w.startswith("{")]
        return "_".join([*words, *["one"] * ("{" in self.path), VERBS[self.method]])

    def get_tags(self) -> list[str]:
        return self._words()[:1]

    def _words(self) -> list[str]:
        return [word for word in self.path.split("/") if word][1:]

    @property
    def action(self) -> Any:
        return getattr(self.view, getattr(self.view, "action", None) or self.method.lower())

    def said(self) -> tuple[Any, Any]:
        """What is taken and the reply: as the view tells, or as its method says."""
        name = " ".join(filter(None, (self.method, getattr(self.view, "action", None))))
        told: Told = getattr(self.view, "told", {})
        if name in told:
            return told[name]
        return getattr(self.action, "takes", None), get_type_hints(self.action)["return"]

    def map_parsers(self) -> list[str]:
        """A form is read as well; what is described, once, is JSON."""
        return ["application/json"]

    def get_request_serializer(self) -> Any:
        return self.said()[0]

    def _get_request_body(self, direction: Any = "request") -> Any:
        """To delete may take a body too."""
        taken = self.get_request_serializer()
        if self.method != "DELETE" or taken is None:
            return super()._get_request_body(direction)
        schema, required = self._get_request_for_media_type(taken, direction)
        return {"content": {"application/json": {"schema": schema}}, "required": required}

    def get_override_parameters(self) -> list[Any]:
        asked = getattr(self.action, "asks", None)
        return [] if asked is None else [asked]

    def get_response_serializers(self) -> Any:
        """Status -> type."""
        return dict([carried(self.said()[1])])

    def _get_request_for_media_type(
        self, serializer: Any, direction: Any = "request"
    ) -> tuple[Any, bool]:
        if is_hint(serializer):
            return told(self.registry, serializer), True
        if serializer is None:
            return None, False
        found: tuple[Any, bool] = super()._get_request_for_media_type(serializer, direction)
        return found

    def _get_response_for_code(self, serializer: Any, status_code: Any, *_: Any, **__: Any) -> Any:
        words = {"200": "Done", "201": "Made", "204": "Done, and nothing to say"}
        return self.answer(serializer, words[str(status_code)])

    def answer(self, body: Any, words: str) -> dict[str, Any]:
        found: dict[str, Any] = {"description": words}
        if body is not None:
            found["content"] = {"application/json": {"schema": told(self.registry, body)}}
        return found

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        found = super()._get_response_bodies(direction)
        return found | {str(s): self._refused(s) for s in self._refusals() if str(s) not in found}

    def _refusals(self) -> Iterator[int]:
        """The statuses with which this operation may refuse."""
        signs = bool(self.view.authentication_classes)
        reads = self.method in ("POST", "PUT", "PATCH") or self.said()[0] is not None
        one, asked = "{" in self.path, hasattr(self.action, "asks")
        only = {
            400: reads or one or asked,
            401: reads or signs,
            403: signs,
            404: reads or one,
            409: reads or one,
            413: reads,
            415: reads,
            429: reads or bool(self.view.throttle_classes),
        }
        return (status for status in self.view.refusals if only.get(status, True))

    def _refused(self, status: int) -> dict[str, Any]:
        component = ResolvedComponent(f"Refused{status}", ResolvedComponent.RESPONSE, object=status)
        if component not in self.registry:
            component.schema = self.answer(self.view.refusals[status], WORDS[status])
            self.registry.register(component)
        ref: dict[str, Any] = component.ref
        return ref
