"""Fields of the admin's forms in which people type what they would say: a number of minutes, days
of the week by name, an amount in the currency's own unit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from zoneinfo import available_timezones

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
)

UNITS: Final = (("1", "seconds"), ("60", "minutes"), ("3600", "hours"), ("86400", "days"))
WEEKDAYS: Final = tuple(
    enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"))
)
CURRENCIES: Final = (
    *("aed", "ars", "aud", "bgn", "bhd", "brl", "cad", "chf", "clp", "cny", "cop", "czk", "dkk"),
    *("egp", "eur", "gbp", "hkd", "huf", "idr", "ils", "inr", "isk", "jod", "jpy", "kes", "krw"),
    *("kwd", "lkr", "mad", "mxn", "myr", "ngn", "nok", "nzd", "omr", "pen", "php", "pkr", "pln"),
    *("ron", "rsd", "sar", "sek", "sgd", "thb", "tnd", "try", "twd", "uah", "ugx", "usd", "uyu"),
    *("vnd", "zar"),
)
MAX_NUMBER: Final = 100_000_000  # of any unit it is a duration that a column holds


class DurationWidget(forms.MultiWidget):
    """A number and its unit, the largest in which the number is whole."""

    template_name = "staff/duration.html"

    def __init__(self, attrs: Any = None) -> None:
        number = UnfoldAdminIntegerFieldWidget(attrs={"aria-label": "How many"})
        unit = UnfoldAdminSelectWidget(attrs={"aria-label": "Unit"}, choices=UNITS)
        super().__init__([number, unit], attrs)

    def decompress(self, value: Any) -> list[Any]:
        if not isinstance(value, timedelta):
            return [None, "60"]
        seconds = round(value.total_seconds())
        unit = next((u for u in (86_400, 3_600, 60) if seconds % u == 0), 1) if seconds else 60
        return [seconds // unit, str(unit)]


class DurationField(forms.MultiValueField):
    """A duration; none where it need not be given and no number is."""

    widget = DurationWidget

    def __init__(self, *, required: bool = True, **kwargs: Any) -> None:
        fields = (
            forms.IntegerField(required=required, min_value=-MAX_NUMBER, max_value=MAX_NUMBER),
            forms.ChoiceField(required=False, choices=UNITS),
        )
        for name in ("max_length", "encoder", "decoder"):
            kwargs.pop(name, None)
        super().__init__(fields, required=required, require_all_fields=False, **kwargs)

    def compress(self, data_list: Sequence[Any]) -> timedelta | None:
        if not data_list or data_list[0] is None:
            return None
        number, unit = data_list
        try:
            return timedelta(seconds=number * int(unit or 60))
        except OverflowError:
            raise forms.ValidationError("That is too long.") from None


def build_weekday_field(**kwargs: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        choices=WEEKDAYS, coerce=int, widget=UnfoldAdminSelectWidget(), **kwargs
    )


def build_weekdays_field(**kwargs: Any) -> forms.TypedMultipleChoiceField:
    return forms.TypedMultipleChoiceField(
        choices=WEEKDAYS,
        coerce=int,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        **kwargs,
    )


def build_zone_field(now: str = "") -> forms.ChoiceField:
    """Every time zone by its name; `now` is the one that is kept."""
    names = sorted({*available_timezones(), *filter(None, [now])} - {"localtime", "Factory"})
    return forms.ChoiceField(
        choices=[(name, name.replace("_", " ")) for name in names],
        widget=UnfoldAdminSelectWidget(),
    )


def build_currency_field(now: str = "") -> forms.ChoiceField:
    codes = sorted({*CURRENCIES, *filter(None, [now])})
    return forms.ChoiceField(
        choices=[(code, code.upper()) for code in codes], widget=UnfoldAdminSelectWidget()
    )
