"""What a slot costs by the rates of its resource: by weekday, hours and dates, in wall time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from api.models import Resource


def get_slot_price(resource: Resource, start: datetime) -> int:
    """In minor units; the first rate that fits the start, in the venue's zone, decides, else the
    resource's price."""
    rates = (rate for rate in resource.rates if _fits(rate, start))
    return int(next(rates, {"price_minor": resource.price_minor})["price_minor"])


def _fits(rate: Mapping[str, Any], start: datetime) -> bool:
    """Whether the slot begins in the hours of the rate on one of its dates and weekdays. Hours that
    close before they open end on the day after theirs."""
    opens, closes = time.fromisoformat(rate["opens_at"]), time.fromisoformat(rate["closes_at"])
    at, on = start.time(), start.date()
    if closes > opens:
        return opens <= at < closes and _is_of(rate, on)
    before = on - timedelta(days=1)
    return (at >= opens and _is_of(rate, on)) or (at < closes and _is_of(rate, before))


def _is_of(rate: Mapping[str, Any], on: date) -> bool:
    first, last = rate.get("first_on") or "", rate.get("last_on") or "9999-12-31"
    return on.weekday() in rate["weekdays"] and first <= on.isoformat() <= last
