"""Refusals, lengths and days as the pages say them."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from api import errors
from api.lifecycle import BOOKING, HELD, OFFERED, PENDING, Status
from api.queries.venues.hours_in_words import describe_hours, format_day
from api.services.messages.email_times import format_instant

DAY: Final = timedelta(days=1)
# beside a time that cannot be booked
SHORT: Final = {
    "slot_taken": "Taken",
    "outside_hours": "Closes before its end",
    "closed": "Closed",
    "too_soon": "Too soon",
    "too_far_ahead": "Too far ahead",
    "same_day_not_allowed": "Not on the same day",
    "resource_unavailable": "Not available",
    "not_whole_slots": "Not this length",
    "over_capacity": "Too many people",
    "unfit": "Not so many",
    "wrong_status": "Another price",
    "quota_reached": "More than one may have",
    "too_many_holds": "Too many unpaid",
}

# in the place of what the API says
SENTENCES: Final = {
    "slot_taken": "Somebody else has this time. Choose another one.",
    "slot_free": "A time that fits is free now. Book it.",
    "already_waiting": "You wait already for times that overlap with these. Wait no more for those"
    " first, under “Your bookings”.",
    "over_capacity": "There is room for {capacity} at most.",
    "too_many_holds": "Nobody may hold more than {limit} unpaid times at once here.",
    "consent_required": "Agree to the text below first.",
    "dry_run_outdated": "It has changed since you looked, and nothing is booked yet. This is how"
    " it is now.",
    "nothing_to_book": "None of these times can be booked.",
}


def describe_shortly(refusal: errors.Refusal) -> str:
    return SHORT.get(refusal.code, refusal.detail)


def describe(refusal: errors.Refusal, zone: tzinfo) -> str:
    """The refusal for people, with what it says of times in the venue's zone."""
    data = refusal.data
    if sentence := SENTENCES.get(refusal.code):
        return sentence.format(**data)
    if isinstance(refusal, errors.TooSoon):
        return f"Bookings begin {format_instant(data['earliest'], zone)} at the earliest."
    if isinstance(refusal, errors.TooFarAhead):
        latest = data["latest"]
        is_instant = isinstance(latest, datetime)
        last = format_instant(latest, zone) if is_instant else format_day(latest)
        return f"Bookings are taken until {last} at present."
    if isinstance(refusal, errors.OutsideHours):
        hours = describe_hours(refusal)
        fits = "; a booking has to fit in there" if data.get("hours") else ""
        return f"{hours[0].upper()}{hours[1:]}{fits}."
    if isinstance(refusal, errors.Closed):
        because = f": {data['reason']}" if data.get("reason") else ""
        return f"It is closed on {format_day(data['on'])}{because}."
    if isinstance(refusal, errors.NotWholeSlots) and "slot" in data:
        return f"It is booked in steps of {format_length(data['slot'])}."
    if isinstance(refusal, errors.Unfit) and refusal.errors:
        return " ".join(sentence for each in refusal.errors.values() for sentence in each)
    return refusal.detail


def describe_status(status: str) -> str:
    """As the person whose booking it is reads it."""
    return "Offered to you" if status == OFFERED else Status(status).label


def get_badge(status: str) -> str:
    """How a status is coloured: what waits for somebody, what stands, and what does not."""
    if status in (OFFERED, HELD, PENDING):
        return "wait"
    return "good" if status in BOOKING.blocking else ""


_UNITS: Final = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
_PLAIN: Final = {"FREQ", "INTERVAL", "COUNT", "UNTIL"}


def describe_rule(rule: str) -> str:
    """`Every 2 weeks`; empty for a rule that says more than that."""
    parts = dict(part.partition("=")[::2] for part in rule.upper().split(";") if part)
    unit, number = _UNITS.get(parts.get("FREQ", "")), parts.get("INTERVAL", "1")
    if unit is None or parts.keys() - _PLAIN:
        return ""
    return f"Every {unit}" if number == "1" else f"Every {number} {unit}s"


def format_times(starts_at: datetime, ends_at: datetime, zone: tzinfo) -> str:
    """`09:00 to 10:00`; with the zone's name at each on a day when clocks change, where an hour may
    come twice."""
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    offsets = {(start + step).utcoffset() for step in (-DAY, DAY)} | {end.utcoffset()}
    clock = "%H:%M" if offsets == {start.utcoffset()} else "%H:%M (%Z)"
    return f"{start:{clock}} to {end:{clock}}"


def format_length(length: timedelta) -> str:
    """`1 h 30 min`"""
    hours, minutes = divmod(int(length.total_seconds()) // 60, 60)
    return " ".join([f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes))


def list_reasons(slots: Any, zone: tzinfo) -> list[tuple[str, str]]:
    """Why the times that are not free are not: each reason once, short and whole, as of
    the first that it refuses."""
    said: dict[str, str] = {}
    for refusal in (slot.refusal for slot in slots if slot.refusal):
        said.setdefault(describe_shortly(refusal), describe(refusal, zone))
    said.pop(SHORT["slot_taken"], None)
    return list(said.items())
