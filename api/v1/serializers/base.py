"""The serializers that our own API reads bodies with: as strict as its OpenAPI document."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.utils.serializer_helpers import BindingDict

from api.errors import Unfit
from api.rest.exceptions import flatten_errors

# the JSON type that a field reads; a field that is several things is the first of them
_TYPES: tuple[tuple[type[serializers.Field[Any, Any, Any, Any]], type, str], ...] = (
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


# no docstring: it would be published as the description of every serializer that has none
class StrictMixin:
    # refuses what DRF reads over: another JSON type ("5" for 5, 1 for true), and unknown names,
    # which may be a slip of the pen for a known one
    takes_unknown_fields = False
    fields: Any

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (found := self._find_mismatches(data)):
            raise serializers.ValidationError(found)
        return super().to_internal_value(data)  # type: ignore[misc]  # a mixin of serializers

    def _find_mismatches(self, data: Mapping[str, Any]) -> dict[str, list[str]]:
        found = {
            place: [f"Must be {wanted}."]
            for name, field in self.fields.items()
            if name in data and not field.read_only
            for place, wanted in _find_wrong_types(name, field, data[name])
        }
        if not self.takes_unknown_fields:
            unknown = (str(name) for name in data if name not in self.fields)
            found |= {name: ["There is no such field."] for name in unknown}
        return found

    def is_valid(self, *, raise_exception: bool = False) -> bool:
        """Refuses `Unfit` when all that is wrong is that named rows do not exist."""
        try:
            return super().is_valid(raise_exception=raise_exception)  # type: ignore[misc,no-any-return]  # a mixin of serializers
        except serializers.ValidationError as error:
            if set(_flatten_codes(error.get_codes())) == {"does_not_exist"}:
                raise Unfit(errors=flatten_errors(error.detail)) from None
            raise


def _find_wrong_types(name: str, field: Any, value: Any) -> Iterator[tuple[str, str]]:
    """Where a value is of another JSON type than its field, and what it must be."""
    if value is None:
        return
    if isinstance(field, serializers.ChoiceField):
        if type(value) not in {type(choice) for choice in field.choices}:
            yield name, "one of the choices"
        return
    wanted = next((row for row in _TYPES if isinstance(field, row[0])), None)
    if wanted is None:
        return
    _, json_type, label = wanted
    whole = json_type is int and isinstance(value, float) and value.is_integer()  # 1.0 is 1 in JSON
    fits = isinstance(value, json_type) and not (isinstance(value, bool) and json_type is int)
    if not whole and not fits:
        yield name, label
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if item is None:
                yield f"{name}.{index}", "there"
            yield from _find_wrong_types(f"{name}.{index}", field.child, item)


def _flatten_codes(codes: Any) -> Iterator[str]:
    if isinstance(codes, (Mapping, list)):
        for each in codes.values() if isinstance(codes, Mapping) else codes:
            yield from _flatten_codes(each)
    else:
        yield str(codes)


class StrictSerializer(StrictMixin, serializers.Serializer[Any]):
    pass


class SharedFieldsSerializer(StrictSerializer):
    # its fields ask nothing of the request (no context, no default made anew), so that all its
    # instances share them: a booking's body is read in 44 µs, with fields copied each time in 149

    @cached_property
    def fields(self) -> dict[str, Any]:  # type: ignore[override]  # DRF's own mapping is slow to go over
        return _share_fields(type(self), self.partial)

    @property
    def _writable_fields(self) -> list[Any]:
        # without those that DRF would skip, at the cost of an exception each
        fields = [field for field in self.fields.values() if not field.read_only]
        given = getattr(self, "initial_data", None)
        if type(given) is not dict:  # a form has more to say of what is absent
            return fields
        return [
            field
            for field in fields
            if field.field_name in given or field.required or field.default is not empty
        ]


@functools.cache
def _share_fields(serializer_class: type[SharedFieldsSerializer], partial: bool) -> dict[str, Any]:
    serializer = serializer_class(partial=partial)
    fields = BindingDict(serializer)
    for name, field in serializer.get_fields().items():
        fields[name] = field
    return fields.fields


def example(value: Any = None, *, request: Any = None) -> Any:
    """Gives a serializer its examples: `value` as it is answered (and sent, unless `request` says
    what is sent)."""
    examples = []
    if value is not None:
        answered: Any = {"response_only": request is not None, "status_codes": (200, 201, 202)}
        examples.append(OpenApiExample("Example", value=value, **answered))
    if request is not None:
        examples.append(OpenApiExample("Example", value=request, request_only=True))
    return extend_schema_serializer(examples=examples)


def describe(**texts: str) -> dict[str, dict[str, Any]]:
    """The `extra_kwargs` that describe the fields which a serializer takes from its model."""
    return {name: {"help_text": text} for name, text in texts.items()}
