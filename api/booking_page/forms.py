"""What is sent from the page of a guest's booking."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

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
    return MoveForm(data, initial={n: getattr(booking, n).astimezone(here) for n in names})
