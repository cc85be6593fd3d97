"""Query parameters read as strictly as bodies are."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError

from api.v1.serializers.fields import Instant


class _InstantField(forms.Field):
    def to_python(self, value: Any) -> Any:
        if value is None:
            return None
        try:
            return Instant().to_internal_value(value)
        except ValidationError as error:
            raise forms.ValidationError([str(text) for text in error.detail]) from error


@extend_schema_field({"type": "string", "format": "date-time"})
class InstantFilter(django_filters.Filter):
    """ISO 8601 with an offset."""

    field_class = _InstantField


class _WholeField(forms.IntegerField):
    def to_python(self, value: Any) -> int | None:
        if value == "":
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class _IntegerField(_WholeField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=-(2**31), max_value=2**31 - 1, **kwargs)


@extend_schema_field({"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1})
class IntegerFilter(django_filters.Filter):
    field_class = _IntegerField


class _IdField(_WholeField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=2**63 - 1, **kwargs)


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": 2**63 - 1})
class IdFilter(django_filters.Filter):
    field_class = _IdField
