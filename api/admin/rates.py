"""The rates of a resource as a table: a row each, the first that fits a slot's start decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from api import money

from .form_fields import WEEKDAYS

BLANK_ROWS: Final = 3
MOST_ROWS: Final = 200
SHORT_DAYS: Final = tuple((number, name[:2]) for number, name in WEEKDAYS)


class RateForm(forms.Form):
    """One row; one that says nothing is left out. The price is in the currency's own unit."""

    weekdays = forms.TypedMultipleChoiceField(choices=WEEKDAYS, coerce=int, required=False)
    opens_at = forms.TimeField(label="from")
    closes_at = forms.TimeField(label="to")
    first_on = forms.DateField(label="first day", required=False)
    last_on = forms.DateField(label="last day", required=False)
    price = forms.DecimalField(label="price", min_value=0, max_digits=15)

    def clean(self) -> dict[str, Any]:
        values = dict(super().clean() or {})
        opens, closes = values.get("opens_at"), values.get("closes_at")
        if opens is not None and opens == closes != time(0):
            raise ValidationError("It must end at another time than it begins; all day is 00:00.")
        first, last = values.get("first_on"), values.get("last_on")
        if first and last and last < first:
            raise ValidationError("The last day must not be before the first.")
        return values


class RatesWidget(forms.Widget):
    """The rows that there are, and some to fill in. What is typed comes back as it was typed."""

    template_name = "staff/rates.html"
    currency = ""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, Any]]:
        try:
            count = min(int(data.get(f"{name}-rows", "0")), MOST_ROWS + BLANK_ROWS)
        except ValueError:
            count = 0
        rows = []
        for n in range(count):
            row = {key: data.get(f"{name}-{n}-{key}", "").strip() for key in RateForm.base_fields}
            row["weekdays"] = data.getlist(f"{name}-{n}-weekdays")
            rows.append(row)
        return [
            row for row in rows if any(value for key, value in row.items() if key != "weekdays")
        ]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}-rows" not in data

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        rows = [self._show(row) for row in value or ()] + [{} for _ in range(BLANK_ROWS)]
        return super().get_context(name, None, attrs) | {
            "rows": list(enumerate(rows)),
            "count": len(rows),
            "days": SHORT_DAYS,
            "long_days": dict(WEEKDAYS),
            "currency": self.currency.upper(),
        }

    def _show(self, row: Mapping[str, Any]) -> dict[str, Any]:
        shown = dict(row)
        if "price_minor" in row:  # as it is stored
            shown["price"] = money.to_major(row["price_minor"], self.currency or "usd")
        shown["weekdays"] = [int(day) for day in row["weekdays"] if str(day).isdigit()]
        for name in ("opens_at", "closes_at"):
            shown[name] = row[name][:5]
        return shown


class RatesField(forms.Field):
    """The rates as the column holds them; `currency` is to be set before it is cleaned."""

    widget = RatesWidget
    currency = "usd"

    def set_currency(self, currency: str) -> None:
        self.currency = self.widget.currency = currency

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.clean(data) != (initial or []))
        except ValidationError:
            return True

    def clean(self, value: Any) -> list[dict[str, Any]]:
        if len(value or ()) > MOST_ROWS:
            raise ValidationError(f"At most {MOST_ROWS}.")
        return [self._clean_row(n, row) for n, row in enumerate(value or (), start=1)]

    def _clean_row(self, number: int, row: Mapping[str, Any]) -> dict[str, Any]:
        form = RateForm(row)
        if not form.is_valid():
            raise ValidationError([f"Row {number}, {text}" for text in _list_errors(form)])
        found = form.cleaned_data
        minor = money.to_minor(found["price"], self.currency)
        if minor != int(minor):
            raise ValidationError(f"Row {number}: {self.currency.upper()} has no such small coins.")
        dates = {name: found[name] and found[name].isoformat() for name in ("first_on", "last_on")}
        return {
            "weekdays": found["weekdays"] or [day for day, _ in WEEKDAYS],
            "opens_at": found["opens_at"].isoformat(),
            "closes_at": found["closes_at"].isoformat(),
            **dates,
            "price_minor": int(minor),
        }


def _list_errors(form: forms.Form) -> Sequence[str]:
    return [
        text if name == "__all__" else f"{form.fields[name].label}: {text}"
        for name, texts in form.errors.items()
        for text in texts
    ]


class PriceField(forms.DecimalField):
    """An amount in the currency's own unit, where a column has minor units."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_digits=15, **options)

    def to_minor(self, amount: Decimal | None, currency: str) -> int:
        minor = money.to_minor(amount or Decimal(0), currency)
        if minor != int(minor):
            raise ValidationError(f"{currency.upper()} has no such small coins.")
        return int(minor)
