"""Ids, and the fields that this contract reads and writes in its own way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from rest_framework.serializers import (
    BooleanField,
    CharField,
    IntegerField,
    ListField,
    ValidationError,
)

from api import errors
from api.contracts import kit
from api.services.accounts import joining

DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)  # the library reads weeks of the year as well


def is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20 and int(text) < 2**63


def parse_id(text: str) -> int:
    """Raises `NotFound` for what is no id."""
    if not is_id(text):
        raise errors.NotFound("There is no such thing.")
    return int(text)


class TextField(CharField):
    """A string; a number is a mistake here, not a text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class OptionalTextField(kit.OptionalTextField, TextField):
    """May be left out, empty or null, and is no number."""


class DayField(kit.WallDateField):
    def to_internal_value(self, value: Any) -> date:
        if isinstance(value, str) and not DATE.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DD")
        found = super().to_internal_value(value)
        if not 1990 <= found.year <= 2200:
            raise ValidationError("Not a date anyone can book.")
        return found


class NumberFilterField(IntegerField):
    """What is no number filters nothing."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            found = int(data)
        except ValueError:
            return None
        return found if abs(found) < 2**31 else None


class IsSetField(BooleanField):
    """Whether its source is not null."""

    def get_attribute(self, instance: Any) -> bool:
        return super().get_attribute(instance) is not None


class PeopleField(ListField):
    """Ids of the venue's people, and of who asks; its value is the people. Null is nobody."""

    child = CharField(max_length=40)

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        return (True, []) if data is None else super().validate_empty_values(data)

    def to_internal_value(self, data: Any) -> list[Any]:
        ids = super().to_internal_value(data)
        numbers = {text: int(text) for text in ids if is_id(text)}
        people = self.list_people(numbers.values())
        known = {person.pk for person in people}
        if unknown := [text for text in ids if numbers.get(text) not in known]:
            raise ValidationError(f"Unknown person: {unknown[0]}.")
        return people

    def list_people(self, ids: Iterable[int]) -> list[Any]:
        view, wanted = self.context["view"], set(ids)
        found = joining.list_people_of(view.venue.pk, wanted)
        asking = [view.user] if view.user.pk in wanted - {one.pk for one in found} else []
        return [*found, *asking]


class IdsFilterField(CharField):
    """Ids with commas between them; what is no id is left out."""

    def to_internal_value(self, data: Any) -> Any:
        words = (word.strip() for word in super().to_internal_value(data).split(","))
        return [int(word) for word in words if is_id(word)]
