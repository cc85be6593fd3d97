"""Fields that accept one spelling of a type, and document it."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty

from api.errors import Unfit
from api.models.venues import validate_network
from api.opening_hours import is_region
from api.rest.renderers import format_duration

ZONES = frozenset(available_timezones())


MAX_ID = 2**63 - 1


class IdField(serializers.IntegerField):
    """The id of a row: no larger than its column holds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": MAX_ID} | options)


class CountField(serializers.IntegerField):
    """One or more, and no more than its column holds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": 2**31 - 1} | options)


class InstantField(serializers.DateTimeField):
    """ISO 8601 with an offset: a time without one is nobody's time. Answered in UTC."""

    pattern = re.compile(
        r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+ -]\d\d:?\d\d)?", re.ASCII
    )
    default_error_messages = {
        "naive": "Give the offset from UTC, for example 2030-05-01T09:00:00Z."
    }

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str) or not self.pattern.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ss+hh:mm")
        # a plus that was not escaped in a query arrives as a blank
        return super().to_internal_value(re.sub(r" (\d\d:?\d\d)$", r"+\1", value.upper()))

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("naive")
        return self._in_utc(value)

    def _in_utc(self, value: datetime) -> datetime:
        try:
            return super().enforce_timezone(value)
        except OverflowError:
            self.fail("overflow", timezone="UTC")


class DayField(serializers.DateField):
    """`YYYY-MM-DD`, and none of the other ways to write a date."""

    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


LINK = r"^(https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[!-~]*)?)?$"


@extend_schema_field({"type": "string", "maxLength": 500, "pattern": LINK})
class LinkField(serializers.RegexField):
    """Where something is on the web, or nothing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(LINK, max_length=500, **options)

    def run_validation(self, data: Any = empty) -> Any:
        return "" if data == "" else super().run_validation(data)


WALL = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"


@extend_schema_field({"type": "string", "pattern": WALL, "example": "09:00:00"})
class WallTimeField(serializers.TimeField):
    """`HH:MM` or `HH:MM:SS` on the clocks of the venue."""

    def to_internal_value(self, value: Any) -> time:
        if not isinstance(value, str) or not re.fullmatch(WALL, value, re.ASCII):
            self.fail("invalid", format="HH:MM[:SS]")
        return super().to_internal_value(value)


@extend_schema_field({"type": "string", "pattern": WALL, "example": "09:00"})
class ShortWallTimeField(WallTimeField):
    """As `WallTimeField`, answered without seconds where there are none."""

    def to_representation(self, value: time) -> str:
        return value.isoformat("seconds" if value.second else "minutes")


_HOURS = r"\d{1,5}:[0-5]\d:[0-5]\d"


class DurationField(serializers.DurationField):
    """`HH:MM:SS`, up to 99999 hours; the sign only where it means something."""

    pattern = rf"^{_HOURS}$"

    def to_representation(self, value: timedelta) -> str:
        return format_duration(value)

    def to_internal_value(self, value: Any) -> timedelta:
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value, re.ASCII):
            self.fail("invalid", format="HH:MM:SS")
        return super().to_internal_value(value)


class SignedDurationField(DurationField):
    """As `DurationField`, or with a minus."""

    pattern = rf"^-?{_HOURS}$"


for _kind in (DurationField, SignedDurationField):
    extend_schema_field({"type": "string", "pattern": _kind.pattern, "example": "00:30:00"})(_kind)


class TimeZoneField(serializers.RegexField):
    """A name of the IANA time zone database."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[A-Za-z0-9_+/-]{1,64}$", **options)

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name not in ZONES:
            raise Unfit(errors={str(self.field_name): [f"There is no time zone “{name}”."]})
        return name


class NetworkField(serializers.RegexField):
    """A network in CIDR notation, of IPv4 or IPv6."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[0-9A-Fa-f.:]{2,39}(/[0-9]{1,3})?$", max_length=43, **options)

    def run_validation(self, data: Any = empty) -> Any:
        text = super().run_validation(data)
        try:
            validate_network(text)
        except ValidationError as error:
            raise Unfit(errors={"panel_networks": error.messages}) from None
        return text


class RegionField(serializers.RegexField):
    """A country of ISO 3166 whose public holidays are known, or a part of one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[A-Z]{2}(-[A-Z0-9]{1,6})?$", max_length=9, **options)

    def to_internal_value(self, data: Any) -> str:
        region = super().to_internal_value(data)
        if not is_region(region):
            raise Unfit(errors={str(self.field_name): [f"No public holidays of “{region}” known."]})
        return region
