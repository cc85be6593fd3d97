"""The filters of lists; query parameters are read as strictly as bodies are."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError

from api import effective_status
from api.errors import EndsBeforeStart, Unfit
from api.lifecycle import Status, WaitlistStatus
from api.models import AuditEntry, Booking, Resource, Review, Series, WaitlistEntry
from api.queries.bookings.availability import list_busy_intervals
from api.queries.bookings.bookings import filter_by_resource
from api.queries.bookings.occupancy import list_taken_by_blocks

from .serializers.fields import InstantField


class _InstantField(forms.Field):
    def to_python(self, value: Any) -> Any:
        if value is None:
            return None
        try:
            return InstantField().to_internal_value(value)
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


ACTOR = r"^((user|key):)?[1-9][0-9]{0,17}$"


class _ActorField(forms.RegexField):
    default_error_messages = {"invalid": "An id, `user:` and an id, or `key:` and an id."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(regex=ACTOR, **kwargs)

    def to_python(self, value: Any) -> str:
        if value == "":
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return str(super().to_python(value))


@extend_schema_field({"type": "string", "pattern": ACTOR, "example": "user:3"})
class ActorFilter(django_filters.Filter):
    field_class = _ActorField


class ResourceFilterSet(django_filters.FilterSet):
    venue = django_filters.CharFilter(field_name="venue__slug", help_text="The slug of a venue.")
    search = django_filters.CharFilter(
        method="filter_search", help_text="A part of the name, the building or the description."
    )
    building = django_filters.CharFilter(lookup_expr="iexact", help_text="A building by name.")
    floor = IntegerFilter(help_text="A floor.")
    min_capacity = IntegerFilter(
        field_name="capacity", lookup_expr="gte", help_text="At least as many people fit."
    )
    amenities = django_filters.CharFilter(
        method="filter_amenities", help_text="Words with commas between; it has all of them."
    )
    free_from = InstantFilter(
        method="filter_free",
        help_text="With `free_until`: nothing blocks it in that interval, opening hours aside.",
    )
    free_until = InstantFilter(method="filter_free", help_text="Together with `free_from`.")

    class Meta:
        model = Resource
        fields: list[str] = []

    def filter_search(self, rows: QuerySet[Resource], _: str, value: str) -> QuerySet[Resource]:
        return rows.filter(
            Q(name__icontains=value)
            | Q(building__icontains=value)
            | Q(description__icontains=value)
        )

    def filter_amenities(self, rows: QuerySet[Resource], _: str, value: str) -> QuerySet[Resource]:
        wanted = [word.strip() for word in value.split(",") if word.strip()]
        return rows.filter(amenities__contains=wanted) if wanted else rows

    def filter_free(self, rows: QuerySet[Resource], name: str, value: Any) -> QuerySet[Resource]:
        """Resources of which a unit is free in the interval, opening hours aside."""
        start, end = (self.form.cleaned_data.get(n) for n in ("free_from", "free_until"))
        if not (start and end):
            raise Unfit(errors={"free_until": ["Give free_from and free_until together."]})
        if end <= start:
            raise EndsBeforeStart
        if name == "free_until":
            return rows  # done with free_from
        found = rows.filter(is_available=True, maintenance=False)
        several = list(found.filter(units__gt=1))
        busy = list_busy_intervals(several, start, end) if several else {}
        before = Value(start) - OuterRef("buffer_before")
        after = Value(end) + OuterRef("buffer_after")
        taken = Booking.objects.occupying(OuterRef("pk"), before, after).blocking()
        blocked = list_taken_by_blocks(OuterRef("pk"), before, after)
        single = ~Exists(taken) & ~Exists(blocked)
        return found.filter(single | Q(units__gt=1)).exclude(pk__in=busy)


class OfVenueFilterSet(django_filters.FilterSet):
    venue = django_filters.CharFilter(field_name="venue__slug", help_text="The slug of a venue.")


class ReviewFilterSet(django_filters.FilterSet):
    venue = django_filters.CharFilter(
        field_name="booking__venue__slug", help_text="The slug of a venue."
    )
    resource = IdFilter(field_name="booking__resource", help_text="The id of a resource.")

    class Meta:
        model = Review
        fields: list[str] = []


class BookingFilterSet(django_filters.FilterSet):
    venue = django_filters.CharFilter(field_name="venue__slug", help_text="The slug of a venue.")
    resource = IdFilter(
        method="filter_resource", help_text="The id of a resource, the first or another of them."
    )
    status = django_filters.MultipleChoiceFilter(
        choices=Status.choices,
        method="filter_status",
        help_text="Where they stand now; given several times, any of these.",
    )
    owner = IdFilter(field_name="owner_id", help_text="The id of whose bookings they are.")
    series = IdFilter(field_name="series_id", help_text="The id of the series they are of.")
    until = InstantFilter(
        field_name="starts_at", lookup_expr="lt", help_text="Those that begin before."
    )

    class Meta:
        model = Booking
        fields: list[str] = []

    def filter_resource(self, rows: QuerySet[Booking], _: str, pk: int) -> QuerySet[Booking]:
        return filter_by_resource(rows, pk)

    def filter_status(
        self, rows: QuerySet[Booking], _: str, statuses: list[str]
    ) -> QuerySet[Booking]:
        return effective_status.filter_by_effective_status(rows, statuses)


# `from` is a word of the language
BookingFilterSet.base_filters["from"] = InstantFilter(
    field_name="ends_at", lookup_expr="gt", help_text="Those that end after."
)


class SeriesFilterSet(OfVenueFilterSet):
    resource = IdFilter(field_name="resource_id", help_text="The id of what each books.")
    owner = IdFilter(field_name="owner_id", help_text="The id of whose series they are.")

    class Meta:
        model = Series
        fields: list[str] = []


class WaitlistFilterSet(OfVenueFilterSet):
    status = django_filters.MultipleChoiceFilter(
        field_name="effective",
        choices=WaitlistStatus.choices,
        help_text="Where they stand now; given several times, any of these.",
    )

    class Meta:
        model = WaitlistEntry
        fields: list[str] = []


class AuditFilterSet(django_filters.FilterSet):
    venue = django_filters.CharFilter(field_name="venue__slug", help_text="The slug of a venue.")
    actor = ActorFilter(
        method="filter_actor",
        help_text="The id of a person or a key; `user:3` or `key:3` for one of the two.",
    )
    object = django_filters.CharFilter(
        method="filter_object", help_text="As `booking:12`; `booking` for all bookings."
    )

    class Meta:
        model = AuditEntry
        fields: list[str] = []

    def filter_actor(self, rows: QuerySet[AuditEntry], _: str, value: str) -> QuerySet[AuditEntry]:
        kind, _, number = value.rpartition(":")
        return rows.filter(
            (Q(user_id=number) if kind != "key" else Q())
            | (Q(key_id=number) if kind != "user" else Q())
        )

    def filter_object(self, rows: QuerySet[AuditEntry], _: str, value: str) -> QuerySet[AuditEntry]:
        return rows.filter(Q(object=value) | Q(object__startswith=f"{value}:"))


AuditFilterSet.base_filters["from"] = InstantFilter(
    field_name="at", lookup_expr="gte", help_text="Entries of that instant and later."
)
AuditFilterSet.base_filters["until"] = InstantFilter(
    field_name="at", lookup_expr="lt", help_text="Entries before that instant."
)
