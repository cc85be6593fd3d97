"""JSON as bytes: strict in, plain out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from rest_framework import serializers
from rest_framework.parsers import BaseParser, FormParser, MultiPartParser
from rest_framework.renderers import BaseRenderer

from api import errors


class Malformed(errors.Refused):
    code, detail = "malformed", "The body is not valid JSON."


class TooLarge(errors.Refused):
    code, status, detail = "too_large", 413, "The body is too large."


class JSONParser(BaseParser):
    """Strict JSON: no NaN, no lone surrogates, no bottomless nesting."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        raw = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(raw) > settings.MAX_BODY_BYTES:
            raise TooLarge
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise Malformed from None


class Form(FormParser):
    """A form's fields as a JSON object has them: of a name that comes twice, the last."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs).dict()
        except TooManyFieldsSent:
            raise TooLarge from None


class MultiPart(MultiPartParser):
    """As `Form`; files are overlooked."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs).data.dict()
        except (TooManyFieldsSent, TooManyFilesSent):
            raise TooLarge from None


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


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return duration(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


def duration(value: timedelta) -> str:
    """`HH:MM:SS`, more than 24 hours and negative ones included."""
    seconds = abs(int(value.total_seconds()))
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"-{text}" if value < timedelta(0) else text


class JSONRenderer(BaseRenderer):
    """Instants in UTC with `Z`, durations `HH:MM:SS`."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return orjson.dumps(data, _plain, orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


class ProblemRenderer(JSONRenderer):
    media_type = "application/problem+json"
    format = "problem"
