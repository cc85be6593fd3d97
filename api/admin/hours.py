"""Rows of hours on the pages of venues and resources."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from api.models import Hours, HoursException
from api.models.hours import WEEKDAYS
from api.opening_hours import Span, find_bad_row

from .base import VenueInline


class OwnedFormSet(BaseInlineFormSet):
    """Rows of a venue, or of a resource and so of its venue."""

    def save_new(self, form: Any, commit: bool = True) -> Any:
        if self.fk.name == "resource":
            form.instance.venue_id = self.instance.venue_id
        return super().save_new(form, commit)

    def list_rows(self) -> list[dict[str, Any]]:
        """What is to be there once it is saved."""
        rows = (form.cleaned_data for form in self.forms if form.is_valid())
        return [row for row in rows if row and not row.get("DELETE")]


class HoursFormSet(OwnedFormSet):
    def clean(self) -> None:
        super().clean()
        weeks: dict[Any, list[Any]] = defaultdict(list)
        for row in self.list_rows():
            span = (row.get("weekday"), row.get("opens_at"), row.get("closes_at"))
            weeks[row.get("valid_from")].append(span)
        for rows in weeks.values():
            given = [row for row in rows if None not in row]
            if len(given) < len(rows) > 1:
                raise ValidationError("A week with hours has no row without.")
            if bad := find_bad_row(given):
                weekday, opens, closes = given[bad[0]]
                label = f"{WEEKDAYS[weekday][1]} {opens:%H:%M}-{closes:%H:%M}"
                raise ValidationError(f"{label}: {bad[1]}")


class OwnedInline(VenueInline):
    """Of a venue only its own rows, not those of its resources, which its staff change."""

    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows if self.fk_name == "resource" else rows.filter(resource=None)


class HoursInline(OwnedInline):
    model = Hours
    formset = HoursFormSet
    fields = ("valid_from", "weekday", "opens_at", "closes_at")
    verbose_name_plural = "hours that are not the same every day, or begin later"


class OwnHoursInline(HoursInline):
    fk_name = "resource"


class SpansField(forms.CharField):
    """Pairs of times as people write them: 09:00-12:30, 13:30-18:00."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return ", ".join(f"{opens[:5]}-{closes[:5]}" for opens, closes in value)

    def clean(self, value: Any) -> list[list[str]]:
        text = super().clean(value)
        spans: list[Span] = []
        for part in filter(None, (part.strip() for part in text.split(","))):
            opens, _, closes = part.partition("-")
            time_field = forms.TimeField(input_formats=["%H:%M"])
            spans.append((time_field.clean(opens.strip()), time_field.clean(closes.strip())))
        if bad := find_bad_row([(0, *span) for span in spans]):
            raise ValidationError(bad[1])
        return [[at.isoformat() for at in span] for span in spans]


class ExceptionForm(forms.ModelForm):
    hours = SpansField(
        required=False, help_text="As 09:00-12:30, 13:30-18:00; empty: closed", empty_value=""
    )

    class Meta:
        model = HoursException
        fields = ("first_on", "last_on", "hours", "reason")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        first_on, last_on = found.get("first_on"), found.get("last_on")
        if first_on and last_on and last_on < first_on:
            raise ValidationError({"last_on": "Must not be before the first day."})
        return found


class ExceptionFormSet(OwnedFormSet):
    def clean(self) -> None:
        super().clean()
        rows = [row for row in self.list_rows() if row.get("first_on") and row.get("last_on")]
        rows.sort(key=lambda row: row["first_on"])
        for before, after in pairwise(rows):
            if after["first_on"] <= before["last_on"]:
                raise ValidationError(f"There are two exceptions on {after['first_on']}.")


class ExceptionInline(OwnedInline):
    model = HoursException
    form = ExceptionForm
    formset = ExceptionFormSet
    verbose_name_plural = "days with other hours, or closed"


class OwnExceptionInline(ExceptionInline):
    fk_name = "resource"
