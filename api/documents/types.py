"""Python types as JSON Schema: a TypedDict by its name among the components of the document."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints
from typing import is_typeddict as is_plain_typeddict

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent, resolve_type_hint
from pydantic import BaseModel


def told(registry: ComponentRegistry, hint: Any) -> dict[str, Any]:
    """A type as a schema; a TypedDict by its name among the components."""
    origin, args = get_origin(hint), get_args(hint)
    if is_typeddict(hint):
        return _component(registry, hint)
    if is_typeddict(origin):  # of something: as it stands
        return _object(registry, origin, dict(zip(origin.__parameters__, args, strict=True)))
    if inspect.isclass(hint) and issubclass(hint, BaseModel):
        return hint.model_json_schema()
    if origin is list:
        return {"type": "array", "items": told(registry, args[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": told(registry, args[1])}
    if origin in (Union, types.UnionType):
        return _any_of([told(registry, arg) for arg in args])
    if hint is types.NoneType:
        return {"type": "null"}
    if hint is Any:
        return {}
    found: dict[str, Any] = resolve_type_hint(hint)
    return found


def _component(registry: ComponentRegistry, hint: Any) -> dict[str, Any]:
    component = ResolvedComponent(hint.__name__, ResolvedComponent.SCHEMA, object=hint)
    if component not in registry:
        registry.register(component)
        component.schema = _object(registry, hint, {})
    ref: dict[str, Any] = component.ref
    return ref


def _object(registry: ComponentRegistry, hint: Any, of: Mapping[Any, Any]) -> dict[str, Any]:
    hints = get_type_hints(hint)
    found: dict[str, Any] = {
        "type": "object",
        "properties": {name: told(registry, of.get(kind, kind)) for name, kind in hints.items()},
        "required": [name for name in hints if name in hint.__required_keys__],
    }
    return found | ({"description": inspect.cleandoc(hint.__doc__)} if hint.__doc__ else {})


def is_typeddict(hint: Any) -> bool:
    return hint is not None and is_plain_typeddict(hint)


def is_hint(hint: Any) -> bool:
    model = inspect.isclass(hint) and issubclass(hint, BaseModel)
    return is_typeddict(hint) or is_typeddict(get_origin(hint)) or model


def _any_of(kinds: list[dict[str, Any]]) -> dict[str, Any]:
    null = {"type": "null"}
    real = [kind for kind in kinds if kind != null]
    if len(real) == 1 and len(kinds) == 2 and "type" in real[0] and "enum" not in real[0]:
        return real[0] | {"type": [real[0]["type"], "null"]}
    return {"anyOf": kinds}
