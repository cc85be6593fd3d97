"""Primetime windows: at most one a weekday and venue, in its wall time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from api import errors
from api.models import PrimetimeWindow, Venue
from api.opening_hours import ends_before_start


def list_windows(venue: Venue) -> QuerySet[PrimetimeWindow]:
    return PrimetimeWindow.objects.filter(venue=venue).order_by("weekday")


def get_window(venue: Venue, pk: int) -> PrimetimeWindow:
    """The window; refuses `NotFound`."""
    window = list_windows(venue).filter(pk=pk).first()
    if window is None:
        raise errors.NotFound
    return window


def create_window(venue: Venue, fields: Mapping[str, Any]) -> PrimetimeWindow:
    return _save(PrimetimeWindow(venue=venue), fields)


def update_window(venue: Venue, pk: int, fields: Mapping[str, Any]) -> PrimetimeWindow:
    return _save(get_window(venue, pk), fields)


def delete_window(venue: Venue, pk: int) -> None:
    """Requests made under it keep waiting for their answer."""
    get_window(venue, pk).delete()


def _save(window: PrimetimeWindow, fields: Mapping[str, Any]) -> PrimetimeWindow:
    """Refuses `EndsBeforeStart`, and `Invalid` for a weekday that has one."""
    for name, value in fields.items():
        setattr(window, name, value)
    if ends_before_start(window.starts_at, window.ends_at):
        raise errors.EndsBeforeStart
    try:
        with transaction.atomic():
            window.save()
    except IntegrityError:
        raise errors.Invalid(errors={"weekday": ["This field must be unique."]}) from None
    return window
