"""Finds what a lenient serializer would read over: other JSON types, unknown names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rest_framework import serializers

# the JSON type that a field reads; a field that is several things is the first of them
_KINDS: tuple[tuple[type[serializers.Field[Any, Any, Any, Any]], type, str], ...] = (
    (serializers.BooleanField, bool, "true or false"),
    (serializers.IntegerField, int, "a whole number"),
    (serializers.ListField, list, "a list"),
    (serializers.CharField, str, "a string"),
    (serializers.DateTimeField, str, "a string"),
    (serializers.DateField, str, "a string"),
    (serializers.TimeField, str, "a string"),
    (serializers.DurationField, str, "a string"),
    (serializers.SlugRelatedField, str, "a string"),
    (serializers.PrimaryKeyRelatedField, int, "a whole number"),
)


def mismatches(reader: Any, data: Any) -> dict[str, list[str]]:
    """What a lenient serializer would read over: another JSON type ("5" for 5, 1 for true), and,
    unless it says `lenient`, names that do not exist."""
    if not isinstance(data, Mapping):
        return {}
    fields = reader.fields
    found = {n: [f"Must be {w}."] for n, w in _wrong_types(fields, data)}
    if not getattr(reader, "lenient", False):
        found |= {str(name): ["There is no such field."] for name in data if name not in fields}
    return found


def _wrong_types(fields: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, field in fields.items():
        if field.read_only or name not in data:
            continue
        yield from _wrong_type(name, field, data[name])


def _wrong_type(name: str, field: Any, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(field, serializers.ChoiceField) and value is not None:
        if type(value) not in {type(choice) for choice in field.choices}:
            yield name, "one of the choices"
        return
    kind = next((k for k in _KINDS if isinstance(field, k[0])), None)
    if kind is None or value is None:
        return
    whole = kind[1] is int and isinstance(value, float) and value.is_integer()  # 1.0 is 1 in JSON
    of_kind = isinstance(value, kind[1]) and not (isinstance(value, bool) and kind[1] is int)
    if not whole and not of_kind:
        yield name, kind[2]
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if item is None:
                yield f"{name}.{index}", "there"
            yield from _wrong_type(f"{name}.{index}", field.child, item)
