"""The forms of venues and resources, in the words of who owns the place."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from api import money
from api.models import Resource, Venue
from api.opening_hours import is_region

from . import form_fields
from .rates import RatesField

# label and help by field
VENUE_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "slug": ("Short name", "As it stands in addresses, such as riverside-club."),
    "wording": ("Emails speak as", "The kind of place whose words the emails use."),
    "hours_enforced": (
        "Bookings keep to the hours",
        "Off: the hours are shown, nobody is held to them.",
    ),
    "closed_weekdays": ("Closed on", ""),
    "slot_length": ("A slot lasts", "What is booked and priced as one."),
    "slot_rule": ("What people may book", ""),
    "capacity_enforced": (
        "No more people than places",
        "Off: more may come than there are places; reports count it.",
    ),
    "approval": ("Who confirms a booking", ""),
    "primetime_any_overlap": (
        "Primetime counts from the first minute",
        "Off: only a booking wholly inside primetime needs approval.",
    ),
    "min_notice": (
        "Book at least this long before",
        "A number below zero lets people book what has already begun.",
    ),
    "max_advance": ("Book at most this long ahead", "Empty: as far ahead as they like."),
    "same_day_allowed": ("Bookings for today are taken", ""),
    "hold_length": ("Time to pay", "An unpaid booking keeps its slot for so long."),
    "max_open_holds": ("Unpaid bookings a person may have", ""),
    "max_bookings_ahead": ("Bookings ahead a person may have", "Empty: as many as they like."),
    "max_hours_a_week": (
        "Time a person may book in a week",
        "From Monday to Sunday, by the clock here. Empty: any.",
    ),
    "max_open_requests": ("Requests a person may have open", "Empty: as many as they like."),
    "no_shows_before_pause": (
        "Missed bookings before a pause",
        "Who has missed so many books nothing for a while. Empty: never.",
    ),
    "pause_length": ("The pause lasts", "From the last booking that was missed."),
    "check_in_required": (
        "People check in",
        "Who does not come loses the slot, and it is free for others.",
    ),
    "check_in_opens_before": ("Check-in opens before the start by", ""),
    "check_in_closes_after": ("Check-in closes after the start by", ""),
    "no_show_grace": (
        "Wait for latecomers",
        "The slot is given away when nobody has come by then.",
    ),
    "grace_from_booking": (
        "Who books late has the same time to come",
        "Off: it counts from the start, though it was booked after that.",
    ),
    "series_no_show_limit": (
        "No-shows that end a series",
        "Its later bookings are cancelled then, until staff resume it. Empty: it goes on.",
    ),
    "completion_from": ("A booking counts as over", "So long after its start or its end:"),
    "completion_after": ("After", ""),
    "remind_before": ("Remind people before the start by", "Empty: nobody is reminded."),
    "refund_until": ("Cancelled this long before, all money goes back", ""),
    "late_refund_percent": ("Later than that, percent that go back", "From 0 to 100."),
    "panel_networks": (
        "Networks of door panels that need no code",
        "Such as 192.0.2.0/24, separated by commas. Empty: every panel is paired by its code.",
    ),
    "send_confirmation_emails": ("Send emails about bookings", ""),
    "admin_email": ("Who is told of requests", "Empty: the address of the whole installation."),
}
RESOURCE_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "capacity": ("People", "How many it is for."),
    "units": ("How many of it", "Identical places that are booked one by one: seats, bikes, mats."),
    "buffer_before": ("Kept free before a booking", "To prepare; people do not see it."),
    "buffer_after": ("Kept free after a booking", "To clean; people do not see it."),
    "user": ("The person that it is", "Where it is a person whose time is booked."),
    "image_url": ("Address of a picture", ""),
    "is_available": ("Can be booked", "Off: it is shown, and takes no new bookings."),
    "maintenance": ("Under repair", "It takes no new bookings until this is off."),
    "opens_at": ("Opens", "Hours of its own; empty: the venue's."),
    "closes_at": ("Closes", ""),
    "own_slot_length": ("A slot of its own lasts", "Empty: as long as the venue's."),
}


class TextsMixin(forms.BaseForm):
    """Labels and help from a table; a field that the form does not have is passed over."""

    def apply_texts(self, texts: dict[str, tuple[str, str]]) -> None:
        for name, (label, help_text) in texts.items():
            if name in self.fields:
                self.fields[name].label = label
                self.fields[name].help_text = help_text


class VenueForm(TextsMixin, forms.ModelForm[Venue]):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        venue = self.instance
        fields = {
            "time_zone": form_fields.build_zone_field(venue.time_zone),
            "currency": form_fields.build_currency_field(venue.currency),
            "closed_weekdays": form_fields.build_weekdays_field(),
            "wording": forms.ChoiceField(
                choices=[("", "Any place"), *_list_wordings(venue.wording)],
                required=False,
                widget=UnfoldAdminSelectWidget(),
            ),
        }
        self.fields.update({name: f for name, f in fields.items() if name in self.fields})
        self.apply_texts(VENUE_TEXTS)

    def clean_holidays(self) -> str | None:
        region: str | None = self.cleaned_data["holidays"]
        if region and not is_region(region):
            raise ValidationError("No public holidays of it are known; say DE-BY or US-CA.")
        return region


def _list_wordings(now: str) -> list[tuple[str, str]]:
    """The kinds that have words of their own, and the one that is kept."""
    folder = settings.BASE_DIR / "email_templates"
    names = {path.name for path in folder.iterdir() if path.is_dir() and path.name.isalpha()}
    return [(name, name.capitalize()) for name in sorted({*names, *filter(None, [now])})]


class ResourceForm(TextsMixin, forms.ModelForm[Resource]):
    """The price is in the currency's own unit; amenities are ticked, or named anew."""

    price = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=15,
        help_text="For one slot, in the venue's currency. Empty or 0: free of charge.",
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
    )
    other_prices = RatesField(
        label="Other prices at times",
        required=False,
        help_text="For one slot that begins then. The first row that fits decides; where none does,"
        " the price above.",
    )
    more_amenities = forms.CharField(
        required=False,
        max_length=1000,
        help_text="What is not in the list yet, separated by commas.",
        widget=UnfoldAdminTextInputWidget(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        resource = self.instance
        if "amenities" in self.fields:
            self.fields["amenities"] = forms.MultipleChoiceField(
                choices=[(name, name) for name in _list_amenities(resource)],
                required=False,
                widget=UnfoldAdminCheckboxSelectMultipleWidget(),
            )
        if resource.pk and "price" in self.fields:
            currency = resource.venue.currency
            self.initial["price"] = money.to_major(resource.price_minor, currency)
            self.fields["price"].label = f"Price, {currency.upper()}"
        if resource.pk and "other_prices" in self.fields:
            self.fields["other_prices"].set_currency(resource.venue.currency)
            self.initial["other_prices"] = resource.rates
        self.apply_texts(RESOURCE_TEXTS)

    def clean(self) -> dict[str, Any]:
        values = dict(super().clean() or {})
        if "amenities" in values:
            more = [each.strip() for each in values.get("more_amenities", "").split(",")]
            if too_long := [each for each in more if len(each) > 60]:
                self.add_error("more_amenities", f"{too_long[0]}: at most 60 characters.")
            values["amenities"] = list(dict.fromkeys(filter(None, [*values["amenities"], *more])))
        venue = values.get("venue") or (self.instance.venue if self.instance.venue_id else None)
        if venue is not None and "price" in values:
            minor = money.to_minor(values["price"] or Decimal(0), venue.currency)
            if minor != int(minor):
                self.add_error("price", f"{venue.currency.upper()} has no such small coins.")
            else:
                self.instance.price_minor = int(minor)
        if "other_prices" in values:
            self.instance.rates = values["other_prices"]
        return values


def _list_amenities(resource: Resource) -> list[str]:
    """Those of all resources, so that one thing has one name."""
    rows = Resource.objects.annotate(each=models.Func("amenities", function="unnest"))
    known = set(rows.order_by().values_list("each", flat=True).distinct())
    return sorted({*known, *resource.amenities}, key=str.casefold)
