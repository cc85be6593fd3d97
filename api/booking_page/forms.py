"""What is sent from the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django import forms
from django.utils import timezone

from api.models import User, Venue
from api.models.identifiers import normalize_address

WALL_TIME = "%Y-%m-%dT%H:%M"  # as browsers send it


class WallTimeField(forms.DateTimeField):
    """An instant, read and shown as wall time of the zone that is active."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=WALL_TIME)
        super().__init__(widget=widget, input_formats=[WALL_TIME, f"{WALL_TIME}:%S"], **options)


class MoveForm(forms.Form):
    starts_at = WallTimeField(label="Begins")
    ends_at = WallTimeField(label="Ends")


class CancelForm(forms.Form):
    reason = forms.CharField(label="Reason, if you like", max_length=1000, required=False)


def build_move_form(booking: Any, data: Any = None) -> MoveForm:
    """Call it with the venue's zone active."""
    here = timezone.get_current_timezone()
    names = ("starts_at", "ends_at")
    initial = {name: getattr(booking, name).astimezone(here) for name in names}
    form = MoveForm(data, initial=initial, label_suffix="")
    if booking.service_id is not None:  # whose durations say when it ends
        del form.fields["ends_at"]
    return form


class AddressField(forms.CharField):
    """An address that mail can be sent to, read as it is stored."""

    widget = forms.EmailInput

    def clean(self, value: Any) -> str:
        return normalize_address(super().clean(value))


def read_consent(sent: Mapping[str, str]) -> int | None:
    """The id of the text that was agreed to."""
    text = sent.get("consent", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


class NewBookingForm(forms.Form):
    """What is asked before a time is booked; of guests their name and address too."""

    name = forms.CharField(max_length=150, widget=forms.TextInput({"autocomplete": "name"}))
    email = AddressField(label="E-mail", max_length=254)
    guests = forms.IntegerField(label="People", min_value=1, max_value=2**31 - 1, initial=1)
    title = forms.CharField(label="What it is for, if you like", max_length=255, required=False)
    notes = forms.CharField(
        label="Anything else to know, if you like",
        max_length=5000,
        required=False,
        widget=forms.Textarea({"rows": 3}),
    )
    consent = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    once = forms.RegexField(r"^[0-9a-f-]{32,36}$", required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: Any, *, user: User | None, venue: Venue, capacity: int, quantity: int = 1
    ) -> None:
        super().__init__(data, auto_id="book_%s", label_suffix="", initial={"once": uuid4})
        self.fields["email"].widget.attrs["autocomplete"] = "email"
        if user is not None:
            del self.fields["name"], self.fields["email"]
        self.fields["guests"].initial = quantity
        if capacity == quantity and venue.capacity_enforced:  # one for each
            del self.fields["guests"]
            self.people = quantity
        elif venue.capacity_enforced:
            self.fields["guests"].widget.attrs["max"] = capacity

    def clean(self) -> dict[str, Any]:
        values = dict(super().clean() or {})
        return values if "guests" in self.fields else values | {"guests": self.people}
