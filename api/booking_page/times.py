"""The days around and the times of one, as `pages/times.html` shows them."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from api import errors, money
from api.policy import DAY
from api.queries.bookings.day_slots import DaySlot
from api.queries.venues.hours_in_words import format_day

from .choices import WEEK, Choice, ServiceChoice
from .wording import describe_shortly, list_reasons


def build_times(choice: Choice, found: Mapping[date, Sequence[DaySlot]]) -> dict[str, Any]:
    zone, slots = choice.venue.zone, found[choice.on]
    offsets = {slot.starts_at.astimezone(zone).utcoffset() for slot in slots}
    clock = "%H:%M" if len(offsets) < 2 else "%H:%M (%Z)"
    refusals = [slot.refusal for slot in slots]
    is_full = None not in refusals and any(isinstance(r, errors.SlotTaken) for r in refusals)
    return {
        "choice": choice,
        "day": format_day(choice.on),
        "days": [(on, sum(slot.refusal is None for slot in day)) for on, day in found.items()],
        "before": max(choice.today, choice.days[0] - WEEK * DAY),
        "after": choice.days[0] + WEEK * DAY,
        "free_count": refusals.count(None),
        "slots": [
            {
                "part": get_part_of_day(slot.starts_at.astimezone(zone).hour),
                "at": slot.starts_at.isoformat(),
                "begins": slot.starts_at.astimezone(zone).strftime(clock),
                "ends": slot.ends_at.astimezone(zone).strftime("%H:%M"),
                "price": _format_price(choice, slot),
                "notes": list(_iter_notes(choice, slot)),
                "why": _describe_refusal(choice, slot),
                "is_taken": isinstance(slot.refusal, errors.SlotTaken),
            }
            for slot in slots
        ],
        "is_full": is_full,
        "reasons": list_reasons(slots, zone),
    }


def get_part_of_day(hour: int) -> str:
    return ("Night", "Morning", "Afternoon", "Evening")[bisect((6, 12, 18), hour)]


def _format_price(choice: Choice, slot: DaySlot) -> str:
    price = slot.price_minor
    return money.format_amount(price, choice.venue.currency) if price else ""


def _iter_notes(choice: Choice, slot: DaySlot) -> Iterator[str]:
    """What else there is to know of a time that is free."""
    if isinstance(choice, ServiceChoice):
        if choice.total > 1:
            yield f"{slot.free} free"
        if choice.preferred and choice.preferred.pk not in slot.resources:
            yield f"not with {choice.preferred.name}"
    elif choice.total > 1:
        yield f"{slot.free} of {choice.total} left"
    if slot.needs_approval:
        yield "asks staff"


def _describe_refusal(choice: Choice, slot: DaySlot) -> str:
    if slot.refusal is None:
        return ""
    if isinstance(slot.refusal, errors.SlotTaken) and choice.total > 1:
        return f"Only {slot.free} left" if slot.free else "Full"
    return describe_shortly(slot.refusal)
