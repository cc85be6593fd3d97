"""The OpenAPI document of our own API: what drf-spectacular does not read from the views.

Summaries, problems, the bounds of ids, closed bodies, and the introduction of the docs page.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.urls import include, path
from drf_spectacular import generators, openapi
from drf_spectacular.plumbing import ResolvedComponent

from api import errors
from api.lifecycle import Status
from api.models import Booking
from api.rest import exceptions, parsers
from api.rest.keys import is_read_by_anyone, list_key_scopes
from api.rest.permissions import ReadOnlyOrRole
from api.rest.renderers import JSONRenderer
from api.services.operations.idempotency import KeyReused

from . import tags, versions
from .serializers.analytics import EXPORT_ID
from .serializers.base import StrictMixin
from .serializers.fields import MAX_ID
from .serializers.problems import ProblemSerializer

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
WRITES = METHODS[1:]
TEXT = r"^[^\x00]*$"
FILLED_TEXT = r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"
DESCRIPTION = """\
Bookings that are never sold twice, and a clock that can be trusted.

Begin like this: sign in with `POST /api/v1/auth/login/`, press *Authorize* and paste `access`.
Search `GET /api/v1/resources/`, see when one is free with its `availability/`, and book it with
`POST /api/v1/bookings/`.

Instants are ISO 8601 with an offset, answered in UTC. Durations are `HH:MM:SS`, money is in minor
units. Lists are pages: follow `next`.

Errors are problems (RFC 9457) whose `code` names the matter. 400: the request does not fit this
document, or a rule of the venue refuses it. 409: what is there already refuses it.

Every write but those that answer with tokens may carry an `Idempotency-Key`, 1 to 255 printable
characters: the same key with the same body gets the same answer and is done once; with another
body 422; while the first is still running 409 with `Retry-After`.

A booking's `ETag` is its version: a change with `If-Match` is made to that one, or it is 412."""
# fields that mean the same wherever they stand
FIELDS = {
    "id": "Its id.",
    "starts_at": "When it begins.",
    "ends_at": "When it ends.",
    "currency": "ISO 4217, in small letters.",
    "version": "One more with every change.",
    "created_at": "When it was made.",
    "updated_at": "When it was changed last.",
}
NINE = datetime(2030, 5, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
SLOT_TAKEN = errors.SlotTaken(
    find_conflicts=lambda: [Booking(starts_at=NINE, ends_at=NINE + HOUR, status=Status.CONFIRMED)],
    find_alternatives=lambda: [(NINE + HOUR, NINE + 2 * HOUR), (NINE - HOUR, NINE)],
)
# by HTTP status: what it means, and a refusal as an example
PROBLEMS: dict[str, tuple[str, errors.Refusal]] = {
    "400": (
        "The request does not fit this schema, or a rule of the venue refuses it",
        errors.Invalid(errors={"starts_at": ["This field is required."]}),
    ),
    "401": ("Not signed in, or the credentials are not valid (any more)", errors.NotSignedIn()),
    "403": ("Not allowed", errors.Forbidden()),
    "404": ("There is no such thing, or one may not see it", errors.NotFound()),
    "405": ("No such method here", exceptions.MethodNotAllowed()),
    "406": ("No such representation", exceptions.NotAcceptable()),
    "409": ("What is there already refuses it", SLOT_TAKEN),
    "412": ("Another version than `If-Match` names", versions.Changed()),
    "413": ("The body is too large", parsers.TooLarge()),
    "415": ("Not JSON", exceptions.UnsupportedMediaType()),
    "422": ("The Idempotency-Key was used for another request", KeyReused()),
    "429": ("Too many attempts", errors.TooManyAttempts()),
    "503": ("The database is away, or a disk is nearly full", exceptions.Unavailable()),
}
RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds after which to try again",
        "schema": {"type": "integer"},
    }
}


class AutoSchema(openapi.AutoSchema):
    """One operation. The docstring of its method is the summary and, below it, the description."""

    view: Any

    def get_summary(self) -> str:
        return self._get_docstring()[0]

    def get_description(self, path: str = "", method: str = "") -> str:
        summary, description = self._get_docstring()
        scopes = " or ".join(f"`{scope}`" for scope in sorted(self._list_key_scopes()))
        return (description or summary) + (f"\n\nKeys: {scopes}." if scopes else "")

    def _list_key_scopes(self) -> Collection[str]:
        takes_keys = any("key" in scheme for scheme in self.get_auth())
        return list_key_scopes(self.view, self.method) if takes_keys else ()

    def _get_docstring(self) -> tuple[str, str]:
        name = getattr(self.view, "action", None) or self.method.lower()
        docstring = inspect.cleandoc(getattr(self.view, name).__doc__ or "")
        summary, _, description = docstring.partition("\n")
        return summary.rstrip("."), description.strip()

    def get_auth(self) -> list[Any]:
        """Public operations have an empty list."""
        schemes: list[Any] = super().get_auth()
        readable = is_read_by_anyone(self.view, self.method)
        if not (readable or list_key_scopes(self.view, self.method)):
            schemes = [scheme for scheme in schemes if "key" not in scheme]
        schemes.sort(key=lambda scheme: "key" in scheme)
        permissions = self.view.get_permissions()
        partly = any(isinstance(permission, ReadOnlyOrRole) for permission in permissions)
        return [{}, *schemes] if partly and self.method == "GET" else schemes

    def get_extensions(self) -> dict[str, Any]:
        """`x-idempotent`: whether it may be sent twice. `Idempotency-Key` is not among the
        parameters: a test's random key for a random body is often one that another body had."""
        return super().get_extensions() | {
            "x-idempotent": self.method == "GET" or self.view.takes_key(self.method)
        }

    def _get_parameters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = super()._get_parameters()
        filters = getattr(getattr(self.view, "filterset_class", None), "base_filters", {})
        for parameter in found:
            name, schema = parameter["name"], parameter["schema"]
            if name in filters:
                parameter["description"] = filters[name].extra["help_text"]
            if parameter["in"] == "path":
                _bound_path_parameter(parameter)
            elif name == "page_size":
                schema |= {"minimum": 1, "maximum": 200}
            elif _is_plain_text(schema):
                schema["pattern"] = TEXT
        return found

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)
        for name, field in schema.get("properties", {}).items():
            if "description" not in field and name in FIELDS:
                field["description"] = FIELDS[name]
        if direction == "request" and isinstance(serializer, StrictMixin):
            _close(schema, takes_unknown_fields=serializer.takes_unknown_fields)
        return schema

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        found: dict[str, Any] = super()._get_response_bodies(direction)
        for status in sorted(set(self._list_problems())):
            found.setdefault(status, self._refer_problem(status))
        return found

    def _list_problems(self) -> Iterator[str]:
        """The statuses with which this operation may refuse."""
        security, parameters = self.get_auth(), self._get_parameters()
        yield from ("400", "405", "406", "429", "503")
        if security and {} not in security:
            yield from ("401", "403")
        elif security and self.method in WRITES:
            yield "403"
        if security or self.path.startswith("/api/v1/auth/"):
            yield "401"
        if self.method in WRITES:
            yield from ("404", "409", "413", "415", "422")
        elif parameters or getattr(self.view, "may_be_missing", False):
            yield from ("404", "409")
        if any(parameter["name"] == "If-Match" for parameter in parameters):
            yield "412"

    def _refer_problem(self, status: str) -> dict[str, Any]:
        component = ResolvedComponent(f"Problem{status}", ResolvedComponent.RESPONSE, object=status)
        if component not in self.registry:
            description, refusal = PROBLEMS[status]
            content = {
                "schema": self.resolve_serializer(ProblemSerializer, "response").ref,
                "example": orjson.loads(JSONRenderer().render(exceptions.build_problem(refusal))),
            }
            component.schema = {
                "description": description,
                "content": {"application/problem+json": content},
            } | ({"headers": RETRY_AFTER} if status in ("429", "503") else {})
            self.registry.register(component)
        reference: dict[str, Any] = component.ref
        return reference


def _bound_path_parameter(parameter: dict[str, Any]) -> None:
    """Ids are whole numbers from 1, unless they are UUIDs; names are slugs."""
    if parameter["schema"].get("format") == "uuid":
        parameter |= {"description": "The id of the file.", "example": EXPORT_ID}
    elif parameter["name"] == "id":
        parameter["schema"] |= {"minimum": 1, "maximum": MAX_ID}
        parameter |= {"description": "The id of what is meant.", "example": 12}
    elif parameter["name"] == "token":
        parameter["schema"] |= {"pattern": "^[A-Za-z0-9._-]+$", "maxLength": 200}
        parameter |= {"description": "From the link of the letter.", "example": "12.Zk3v.x9Qa"}
    else:
        parameter["schema"] |= {"pattern": "^[A-Za-z0-9_-]+$", "maxLength": 50}
        parameter |= {"description": "The slug of the venue.", "example": "club"}


def _close(schema: dict[str, Any], *, takes_unknown_fields: bool) -> None:
    """No fields but these, and no NUL anywhere in a text."""
    if not takes_unknown_fields:
        schema["additionalProperties"] = False
    for field in schema.get("properties", {}).values():
        for text in (field, field.get("items", {})):
            if _is_plain_text(text):
                text["pattern"] = FILLED_TEXT if text.get("minLength") == 1 else TEXT


def _is_plain_text(schema: dict[str, Any]) -> bool:
    text = schema.get("type") in ("string", ["string", "null"])
    return text and not {"format", "pattern", "enum"} & schema.keys()


class SchemaGenerator(generators.SchemaGenerator):
    """The document of our own API alone, with its introduction."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__(patterns=[path("api/v1/", include("api.v1.urls"))])

    def _initialise_endpoints(self) -> None:
        """In the order of the routes, and of a route's methods: a viewset has them in none."""
        super()._initialise_endpoints()
        endpoints: list[Any] = list(self.endpoints or ())
        paths = [endpoint[0] for endpoint in endpoints]
        endpoints.sort(key=lambda endpoint: (paths.index(endpoint[0]), METHODS.index(endpoint[2])))
        self.endpoints = endpoints

    def get_schema(self, *args: Any, **kwargs: Any) -> Any:
        document = super().get_schema(*args, **kwargs)
        document["info"]["description"] = DESCRIPTION
        document["tags"] = [
            {"name": name, "description": text} for name, text in tags.DESCRIPTIONS.items()
        ]
        return document
