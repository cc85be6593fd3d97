"""Opening hours of a date in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.utils.dateformat import format as format_date

from api.errors import OutsideHours
from api.opening_hours import MIDNIGHT, Span


def describe_hours(refusal: OutsideHours) -> str:
    """When it is open on the day of the refusal, as a clause: `it is open from 09:00 to 12:30 and
    from 13:30 to 18:00`."""
    spans, on = refusal.data.get("hours"), refusal.data.get("local_on")
    if spans is None:
        return "it is closed at that time"
    if not spans:
        return f"it does not open on {format_day(on)}" if on else "it does not open on that day"
    if list(spans) == [(MIDNIGHT, MIDNIGHT)]:
        return "it is open all day, and closed on the day before or after"
    return f"it is open {_join([_describe_span(span) for span in spans])}"


def _describe_span(span: Span) -> str:
    opens, closes = span
    if closes == MIDNIGHT:
        return f"from {opens:%H:%M} to midnight"
    return f"from {opens:%H:%M} to {closes:%H:%M}{' the next morning' * (closes < opens)}"


def _join(parts: Sequence[str]) -> str:
    """`a, b and c`"""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def format_day(on: date) -> str:
    return format_date(on, "l j F Y")
