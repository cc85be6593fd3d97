"""Holds what is answered against the OpenAPI document of whoever answers it."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from typing import Any

import jsonschema_rs
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from api.contracts import CONTRACTS
from api.contracts.kit.schema import ContractSchemaGenerator
from api.dispatch.view import dispatch
from api.v1.schema import SchemaGenerator

OWN = "v1"
PREFIX = re.compile(rf"^/({'|'.join(CONTRACTS)})(?=/api/)|^(?=/api/{OWN}/)|^(?=/api/)")
# contracts take times without an offset, the wall times of their venue
WALL_TIMES = {"time": lambda text: True, "date-time": lambda text: True}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@functools.cache
def document(name: str) -> dict[str, Any]:
    """As it is served, and closed: what it does not name is not answered."""
    make = SchemaGenerator() if name == OWN else ContractSchemaGenerator(CONTRACTS[name])
    found: dict[str, Any] = make.get_schema(public=True)
    for kind, schema in found["components"]["schemas"].items():
        if not kind.endswith("Request"):
            close(schema)
    return found


def close(schema: Any) -> None:
    if isinstance(schema, dict):
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for each in schema.values():
            close(each)
    elif isinstance(schema, list):
        for each in schema:
            close(each)


@functools.cache
def paths(name: str) -> list[tuple[re.Pattern[str], str]]:
    """Patterns of the paths, literals before ids; the last slash is as one likes."""
    templates = sorted(document(name)["paths"], key=lambda template: template.count("{"))
    return [
        (re.compile(re.sub(r"{\w+}", "[^/]+", template.rstrip("/")) + "/?"), template)
        for template in templates
    ]


@functools.cache
def validator(name: str, pointer: tuple[str, ...]) -> jsonschema_rs.Validator | None:
    """For the schema there; None where there is no body."""
    found: Any = document(name)
    for step in pointer:
        found = found[step]
        if "$ref" in found:
            *_, kind, component = found["$ref"].split("/")
            found = document(name)["components"][kind][component]
    for content in found.get("content", {}).values():
        whole = content["schema"] | {"components": document(name)["components"]}
        lenient = WALL_TIMES if "requestBody" in pointer else {}
        return jsonschema_rs.validator_for(whole, validate_formats=True, formats=lenient)
    return None


def known(path: str) -> bool:
    try:
        return bool(resolve(path)) and (resolve(path).func is not dispatch or OWN not in path)
    except Resolver404:
        return False


def operation(name: str, path: str) -> tuple[str, dict[str, Any]]:
    """The path as the document has it and what may be done there; nothing for another's."""
    for pattern, template in paths(name):
        if pattern.fullmatch(path):
            return template, document(name)["paths"][template]
    return "", {}


def check(response: Any, sent: bytes | None) -> None:
    """Fails on a status, a body or a key that the document does not tell of, and on a body that
    was taken though the document says otherwise."""
    method, path = response.request["REQUEST_METHOD"], response.request["PATH_INFO"]
    prefix = PREFIX.match(path)
    if prefix is None or method not in METHODS:
        return
    name = prefix[1] or response.headers.get("X-Contract", "")
    if path.startswith(f"/api/{OWN}/"):
        name = OWN
    if b'"known_by":' in response.content:
        return  # nobody knows the path: no document tells of that
    template, methods = operation(name, path[prefix.end() :]) if name and known(path) else ("", {})
    if not template:
        return
    status = str(response.status_code)
    refused = "Problem" if name == OWN else "Refused"
    where = ("components", "responses", f"{refused}{status}")
    if method.lower() in methods:
        told = methods[method.lower()]["responses"]
        if status == "500" and status not in told:
            return  # no document promises to break
        assert status in told, f"{name}: {method} {template} does not tell of {status}"
        where = ("paths", template, method.lower(), "responses", status)
    if response.streaming or "json" not in response.headers.get("Content-Type", "json"):
        return  # a file
    fits(validator(name, where), response.content, f"{name}: {method} {template} {status}")
    if status < "300" and sent and "requestBody" in methods[method.lower()]:
        taken = ("paths", template, method.lower(), "requestBody")
        fits(validator(name, taken), sent, f"{name}: {method} {template} took a body that")


def fits(schema: jsonschema_rs.Validator | None, body: bytes, what: str) -> None:
    if schema is None:
        assert not body, f"{what} tells of no body, and has {body[:200]!r}"
        return
    for error in schema.iter_errors(json.loads(body or b"null")):
        place = "/".join(map(str, error.instance_path))
        raise AssertionError(f"{what} at /{place}: {error.message}")


def checked(ask: Callable[..., Any], *, sent_too: bool = True) -> Callable[..., Any]:
    """The `generic` of a test client, with every answer held against its document."""

    def and_check(
        self: Any, method: str, path: str, data: Any = "", *args: Any, **more: Any
    ) -> Any:
        response = ask(self, method, path, data, *args, **more)
        if isinstance(response, HttpResponseBase):
            check(response, data if sent_too else None)
        return response

    return and_check
