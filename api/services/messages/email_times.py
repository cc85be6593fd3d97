"""Instants and intervals as emails say them: true and unambiguous on every day, in every zone."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Final

DAY: Final = timedelta(days=1)


def format_instant(at: datetime, zone: tzinfo) -> str:
    """`Monday, 01 July 2030, 10:00 (CEST)`"""
    local = at.astimezone(zone)
    return f"{local:%A, %d %B %Y, %H:%M} ({format_zone(local)})"


def format_interval(starts_at: datetime, ends_at: datetime, zone: tzinfo) -> str:
    """The zone stands once if both ends have the same, the date if both have the same."""
    start, end = starts_at.astimezone(zone), ends_at.astimezone(zone)
    end_text = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%A, %d %B %Y, %H:%M}"
    start_zone, end_zone = format_zone(start), format_zone(end)
    between = "" if start_zone == end_zone else f" ({start_zone})"
    return f"{start:%A, %d %B %Y, %H:%M}{between} to {end_text} ({end_zone})"


def format_zone(local: datetime) -> str:
    """`CEST`; `UTC+11:00` where the zone has no abbreviation, and `CEST, UTC+02:00` within a day
    of a change of clocks."""
    digits, name = f"{local:%z}", local.tzname() or ""
    offset = f"UTC{digits[:3]}:{digits[3:5]}"
    if not name.isalpha():
        return offset
    zone = local.tzinfo
    near = {(local + step).astimezone(zone).utcoffset() for step in (-DAY, DAY)}
    return name if near == {local.utcoffset()} else f"{name}, {offset}"
