"""What the emails about a series are rendered with; times are in the zone of the series."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings

from api.lifecycle import HELD, PENDING, Status
from api.models import Booking, Series
from api.models.series import Outcome
from api.services.accounts import links
from api.services.operations.lease_queue import Withheld

from . import recipients
from .email_times import format_instant, format_interval

# what a letter says of a time beside it
REASONS: Final[Mapping[str, str]] = {
    "slot_taken": "somebody else has it",
    "too_many_holds": "too many are held already",
    "closed": "it is closed on that day",
    "outside_hours": "it is not open then",
    "resource_unavailable": "it is not available then",
    "same_day_not_allowed": "not on the same day",
    "quota_reached": "it is more than one person may have",
}
MOST_LATER: Final = 3  # are listed: a rule without an end has hundreds
NOT_BOOKED: Final = (Outcome.TAKEN.value, Outcome.REFUSED.value)


def build_series_context(payload: Mapping[str, Any], strange: bool) -> dict[str, Any]:
    """Raises `Withheld` when the series is gone. `strange`: nobody has verified the address."""
    rows = Series.objects.select_related("venue", "owner", "resource", "service")
    series = rows.filter(pk=payload["series"]).first()
    if series is None:
        raise Withheld("the series is gone")
    place = series.resource or series.service
    title = recipients.shorten(series.title) if strange else series.title
    lines = payload["lines"]
    said = [line[2] for line in lines]
    booked = [line for line in lines if line[2] not in (*NOT_BOOKED, Outcome.LATER.value)]
    person = recipients.shorten_user(series.owner) if strange else series.owner
    return {
        "venue": series.venue,
        "series": series,
        "name": person.name,
        "owner_name": person.name,
        "what": title or (place.name if place else ""),
        "place": place.name if place else "",
        "lines": _format_lines(lines, series),
        "count": _count(len(booked)),
        "first": format_instant(_read(lines[0][0]), series.zone) if lines else "",
        "deadline": _find_deadline(series) if HELD in said else "",
        "waiting": PENDING in said,
        "missed": any(each in NOT_BOOKED for each in said),
        "later": Outcome.LATER.value in said,
        "page_link": links.build_series_link(series) if _has_page(payload) else "",
        "page_label": "See all its times",
        "admin_link": f"{settings.PUBLIC_URL}/admin/api/series/{series.pk}/change/",
    }


def _has_page(payload: Mapping[str, Any]) -> bool:
    """Whether it is to the owner, who has no frontend to see it in."""
    return "user" in payload and not settings.FRONTEND_URL


def _format_lines(lines: list[list[str]], series: Series) -> list[str]:
    """A line each; of those that are booked later the first few."""
    later = [line for line in lines if line[2] == Outcome.LATER]
    shown = [line for line in lines if line[2] != Outcome.LATER or line in later[:MOST_LATER]]
    more = len(lines) - len(shown)
    found = [_format_line(line, series) for line in shown]
    return [*found, f"and {more} more later"] if more else found


def _count(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _format_line(line: list[str], series: Series) -> str:
    """`Monday, 01 July 2030, 10:00 to 11:00 (CEST): confirmed`"""
    starts_at, ends_at, said, more = line
    when = format_interval(_read(starts_at), _read(ends_at), series.zone)
    if said in NOT_BOOKED:
        why = REASONS.get(more, more.replace("_", " "))
        return f"{when}: not booked, {why}"
    label = "later" if said == Outcome.LATER else str(Status(said).label).lower()
    return f"{when}: {label}{', moved' if more == 'moved' else ''}"


def _find_deadline(series: Series) -> str:
    """Until when what is held is to be paid."""
    held = Booking.objects.filter(series=series, status=HELD).order_by("hold_expires_at")
    at = held.values_list("hold_expires_at", flat=True).last()
    return format_instant(at, series.zone) if at else ""
