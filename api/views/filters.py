"""Query parameters read as strictly as bodies are."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from rest_framework.exceptions import ValidationError

from api.serializers.fields import Instant


class _InstantField(forms.Field):
    def to_python(self, value: Any) -> Any:
        if not value:
            return None
        try:
            return Instant().to_internal_value(value)
        except ValidationError as error:
            raise forms.ValidationError([str(text) for text in error.detail]) from error


class InstantFilter(django_filters.Filter):
    """ISO 8601 with an offset."""

    field_class = _InstantField


class _IntegerField(forms.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=-(2**31), max_value=2**31 - 1, **kwargs)


class IntegerFilter(django_filters.Filter):
    field_class = _IntegerField


class _IdField(forms.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=2**63 - 1, **kwargs)


class IdFilter(django_filters.Filter):
    field_class = _IdField
