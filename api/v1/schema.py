"""What the OpenAPI document of our own API says beyond what the views say by themselves: names of
operations, problems, bounds of ids, `Idempotency-Key`, and that bodies are closed."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from drf_spectacular.openapi import AutoSchema

from api.rest.permissions import ReadOnlyOr

WRITES = ("post", "patch", "delete")
LENIENT = ("RegistrationRequest", "LoginRequest")  # what a client adds of its own is ignored
# answers that hold secrets, or set a cookie, are kept nowhere; Stripe has ids of its own
UNKEYED = (
    *("/auth/login/", "/auth/refresh/", "/auth/logout/", "/auth/password/"),
    *("/panels/", "/panels/pair/", "/webhooks/stripe/"),
)
LARGEST = 2**63 - 1
TEXT = r"^[^\x00]*$"
FILLED = r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. `code` names the matter; what a client can act on is beside it.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "current": {"type": "string", "description": "The status that it has"},
        "reason": {"type": "string", "description": "Why a token was refused, or a day is closed"},
        "earliest": {"type": "string", "format": "date-time"},
        "latest": {"type": "string", "description": "An instant, or a day"},
        "opens_at": {"type": "string", "description": "A time of day, or an instant"},
        "closes_at": {"type": "string", "description": "A time of day, or an instant"},
        "on": {"type": "string", "format": "date"},
        "capacity": {"type": "integer"},
        "slot": {"type": "string", "description": "The length of a slot, `HH:MM:SS`"},
        "limit": {"type": "integer"},
        "errors": {
            "type": "object",
            "description": "Field to sentences",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "conflicts": {
            "type": "array",
            "description": "What blocks the slot; who and what only for staff",
            "items": {
                "type": "object",
                "properties": {
                    "starts_at": {"type": "string", "format": "date-time"},
                    "ends_at": {"type": "string", "format": "date-time"},
                    "status": {"type": "string"},
                    "id": {"type": "integer"},
                    "title": {"type": "string"},
                    "owner": {"type": "string"},
                },
                "required": ["starts_at", "ends_at", "status"],
            },
        },
        "alternatives": {
            "type": "array",
            "description": "The nearest free intervals of the same length, nearest first",
            "items": {
                "type": "object",
                "properties": {
                    "starts_at": {"type": "string", "format": "date-time"},
                    "ends_at": {"type": "string", "format": "date-time"},
                },
                "required": ["starts_at", "ends_at"],
            },
        },
    },
    "required": ["type", "title", "status", "code", "detail"],
}

WORDS = {
    "400": "The request does not fit this schema",
    "401": "Not signed in, or the credentials are not valid (any more)",
    "403": "Not allowed",
    "404": "There is no such thing, or one may not see it",
    "405": "No such method here",
    "406": "No such representation",
    "409": "It fits, and the rules or what is there already refuse it",
    "413": "The body is too large",
    "415": "Not JSON",
    "422": "The Idempotency-Key was used for another request",
    "429": "Too many attempts",
    "503": "The database is away",
}
WAIT = {
    "Retry-After": {
        "description": "Seconds after which to try again",
        "schema": {"type": "integer"},
    }
}
ABOUT = """
Instants are ISO 8601 with an offset, answered in UTC. Durations are `HH:MM:SS`, money is in minor
units. Lists are pages: follow `next`.

Errors are problems (RFC 9457) whose `code` names the matter. 400: the request does not fit this
document. 409: it fits, and the rules or what is there already refuse it.

Every write but those that answer with tokens may carry an `Idempotency-Key`, 1 to 255 printable
characters: the same key with the same body gets the same answer and is done once; with another
body 422; while the first is still running 409 with `Retry-After`.
"""
KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "description": "The same key and body get the same answer, however often they are sent.",
}


class Schema(AutoSchema):
    """Names operations by path and verb: `bookings_list`, `bookings_one_read`."""

    def get_operation_id(self) -> str:
        parts = [part for part in self.path.split("/")[3:] if part]
        words = [part.replace("-", "_") for part in parts if not part.startswith("{")]
        if "{" in self.path:
            words.append("one")
        verb = {"GET": "read", "POST": "post", "PATCH": "change", "DELETE": "delete"}[self.method]
        return "_".join([*words, "list" if self._is_list_view() else verb])

    def get_description(self, path: str = "", method: str = "") -> str:
        """What the method or its own class says, not what all views have in common."""
        action = getattr(self.view, self.method.lower(), None)
        own = type(self.view).__dict__.get("__doc__")
        return inspect.cleandoc(getattr(action, "__doc__", None) or own or "")

    def get_auth(self) -> list[Any]:
        """What anybody may read says so."""
        found: list[Any] = super().get_auth()
        readable = any(
            isinstance(permission, ReadOnlyOr) for permission in self.view.get_permissions()
        )
        return [{}, *found] if readable and self.method == "GET" else found

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        """What is posted to a list is made."""
        found = super()._get_response_bodies(direction)
        if self.method == "POST" and getattr(self.view, "pagination_class", None) is not None:
            found = {"201" if status == "200" else status: found[status] for status in found}
        return found

    def _is_list_view(self, serializer: Any = None) -> bool:
        """A view of ours that answers GET in pages."""
        return self.method == "GET" and getattr(self.view, "pagination_class", None) is not None


def finish(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Adds what holds for every operation; the last step of making the document."""
    schemas = result["components"]["schemas"]
    schemas["Problem"] = PROBLEM
    result["info"]["description"] += ABOUT.rstrip()
    result["components"]["parameters"] = {"IdempotencyKey": KEY}
    result["components"]["responses"] = {_name(s): _problem(s) for s in WORDS}
    for name, schema in schemas.items():
        if name.endswith("Request"):
            _close(name, schema)
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            _bound(operation)
            # said of the operation, not among its parameters: a key drawn at random for a body
            # drawn at random is most often one that was used for another
            operation["x-idempotent"] = method not in WRITES or not path.endswith(UNKEYED)
            for status in sorted(_problems(path, method, operation)):
                reference = {"$ref": f"#/components/responses/{_name(status)}"}
                operation["responses"].setdefault(status, reference)
    return result


def _close(name: str, schema: dict[str, Any]) -> None:
    """No names but these, and no NUL anywhere in a text."""
    if schema.get("type") != "object":
        return
    if name not in LENIENT:
        schema["additionalProperties"] = False
    for field in schema.get("properties", {}).values():
        for text in (field, field.get("items", {})):
            plain = text.get("type") in ("string", ["string", "null"])
            if plain and not {"format", "pattern", "enum"} & text.keys():
                text["pattern"] = FILLED if text.get("minLength") == 1 else TEXT


def _bound(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        if parameter["in"] == "path" and schema.get("type") == "integer":
            schema |= {"minimum": 1, "maximum": LARGEST}
        elif parameter["in"] == "path":
            schema |= {"pattern": "^[A-Za-z0-9_-]+$", "maxLength": 50}
        elif parameter["name"] == "page_size":
            schema |= {"minimum": 1, "maximum": 200}
        elif schema.get("type") == "string" and not {"format", "pattern", "enum"} & schema.keys():
            schema["pattern"] = TEXT


def _problems(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield from ("400", "405", "406", "429", "503")
    if {} not in operation.get("security", [{}]):
        yield from ("401", "403")
    elif "security" in operation and method in WRITES:
        yield "403"
    if path.startswith("/api/v1/auth/") or operation.get("security"):
        yield "401"
    if "{" in path or any(p["name"] == "cursor" for p in operation.get("parameters", ())):
        yield "404"
    if method in WRITES:
        yield from ("404", "409", "413", "415", "422")
    elif operation.get("parameters"):
        yield from ("404", "409")


def _name(status: str) -> str:
    return f"Problem{status}"


def _problem(status: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    found: dict[str, Any] = {"description": WORDS[status], "content": content}
    return found | ({"headers": WAIT} if status in ("429", "503") else {})
