"""Fields that the contracts share. Instants are read into UTC; the renderer writes them so, but
for those of `LocalInstantField`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any, Literal

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from api.effective_status import get_effective_status


# no docstring: it would be published as the description of every serializer without one
class Serializer(serializers.Serializer[Any]):
    pass


class InstantField(serializers.DateTimeField):
    """ISO 8601. Read without an offset it is wall time of `zone`, or else of the view's venue."""

    def __init__(self, zone: tzinfo | None = None, **options: Any) -> None:
        self.zone = zone
        super().__init__(format=None, **options)  # the renderer writes instants, in UTC

    def enforce_timezone(self, value: datetime) -> datetime:
        self.timezone = self.zone or self.context["view"].venue.zone
        try:
            return super().enforce_timezone(value).astimezone(UTC)
        except (OverflowError, ValueError):
            self.fail("overflow", timezone=str(self.timezone))


class LocalInstantField(InstantField):
    """Written with the offset of the instance's venue, for pages that read the wall time out of
    the text."""

    def get_attribute(self, instance: Any) -> Any:
        found = super().get_attribute(instance)
        return get_venue_time(self, instance, found) if isinstance(found, datetime) else found


class WallDateField(serializers.DateField):
    """A date; an instant is written as the date that it is at the venue."""

    def __init__(self, **options: Any) -> None:
        super().__init__(format=None, **options)

    def get_attribute(self, instance: Any) -> Any:
        found = super().get_attribute(instance)
        return (
            get_venue_time(self, instance, found).date() if isinstance(found, datetime) else found
        )


@extend_schema_field({"type": "string", "examples": ["09:00:00"]})
class WallTimeField(serializers.TimeField):
    """A time of day to the second; an instant is written as the time that it is at the venue."""

    def __init__(self, pattern: str = "%H:%M:%S", **options: Any) -> None:
        super().__init__(format=pattern, **options)

    def get_attribute(self, instance: Any) -> Any:
        found = super().get_attribute(instance)
        return (
            get_venue_time(self, instance, found).time() if isinstance(found, datetime) else found
        )

    def to_internal_value(self, value: Any) -> time:
        return super().to_internal_value(value).replace(microsecond=0)


def get_venue_time(field: Any, instance: Any, at: datetime) -> datetime:
    """The instant on the clocks of the instance's venue, or else of the view's."""
    venue = getattr(instance, "venue", None) or field.context["view"].venue
    return at.astimezone(venue.zone)


class RoleField(serializers.BooleanField):
    """Whether somebody is `staff` or `admin` of the view's venue; staff are admins too. Only
    written."""

    def __init__(self, role: Literal["staff", "admin"], source: str = "*", **options: Any) -> None:
        self.role = role
        super().__init__(source=source, read_only=True, **options)

    def to_representation(self, value: Any) -> bool:
        return has_role(self, value, self.role)


def has_role(field: Any, user: Any, role: str) -> bool:
    """Whether the person has at least this role in the view's venue. Of any number of people it
    costs one statement, none where `role_here` was read with them."""
    # an operator too whose token is good at one contract alone
    if user.is_operator or (getattr(user, "is_superuser", False) and not user.lacks_second_factor):
        return True
    own = getattr(user, "role_here", None)
    if own is None:
        own = field.context["view"].staff_roles.get(user.pk, "")
    return own == "admin" or (role == "staff" and own == "staff")


class LengthField(serializers.IntegerField):
    """A length of time as a whole number of `unit`s."""

    def __init__(self, unit: timedelta, **options: Any) -> None:
        self.unit = unit
        super().__init__(**options)

    def run_validation(self, data: Any = empty) -> Any:
        found = super().run_validation(data)
        return found * self.unit if isinstance(found, int) else found

    def to_representation(self, value: Any) -> int:
        return int(value // self.unit)


class OptionalTextField(serializers.CharField):
    """May be left out, empty or null; null is read as empty."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_blank=True, allow_null=True, **options)

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        return (True, "") if data is None else super().validate_empty_values(data)


class TextOrNullField(serializers.CharField):
    """Written as null where it is empty."""

    def get_attribute(self, instance: Any) -> Any:
        return super().get_attribute(instance) or None


class ConstantField(serializers.ChoiceField):
    """Always the same value."""

    def __init__(self, value: str | bool, **options: Any) -> None:
        self.value = value
        super().__init__(choices=[value], **options)

    def get_attribute(self, instance: Any) -> Any:
        return self.value


class LabelField(serializers.ChoiceField):
    """One of our values as this contract's label for it; only written."""

    def __init__(self, labels: Mapping[Any, str], **options: Any) -> None:
        self.labels = labels
        super().__init__(choices=list(dict.fromkeys(labels.values())), **options)

    def to_representation(self, value: Any) -> str:
        return self.labels[value]


class StatusField(LabelField):
    """The label of the status that the clock has made of a booking."""

    def get_attribute(self, instance: Any) -> str:
        return get_effective_status(instance)
