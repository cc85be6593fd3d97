"""Which rules a booking that is there breaks now, and which fields of venues and resources are such
rules: the one place that knows, whatever changes a rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from api import errors
from api.models import Resource, Venue
from api.policy import STANDING_CHECKS, Rules, check_slots

from .hours_in_words import describe_hours

CLOSED: Final = errors.Closed.code
OUTSIDE_HOURS: Final = errors.OutsideHours.code
NOT_WHOLE_SLOTS: Final = errors.NotWholeSlots.code
SLOT_TAKEN: Final = errors.SlotTaken.code
OVER_CAPACITY: Final = errors.OverCapacity.code
UNAVAILABLE: Final = errors.ResourceUnavailable.code
CLOCK_CHANGED: Final = "time_zone_changed"  # what nothing is refused for

# every field is in one of the two tables of its model; `manage.py reference` prints them
VENUE_RULES: Final[Mapping[str, str]] = {
    "time_zone": CLOCK_CHANGED,
    "opens_at": OUTSIDE_HOURS,
    "closes_at": OUTSIDE_HOURS,
    "hours_enforced": OUTSIDE_HOURS,
    "closed_weekdays": OUTSIDE_HOURS,
    "holidays": CLOSED,
    "slot_length": NOT_WHOLE_SLOTS,
    "slot_rule": NOT_WHOLE_SLOTS,
    "capacity_enforced": OVER_CAPACITY,
}
RESOURCE_RULES: Final[Mapping[str, str]] = {
    "is_available": UNAVAILABLE,
    "maintenance": UNAVAILABLE,
    "retired_at": UNAVAILABLE,
    "opens_at": OUTSIDE_HOURS,
    "closes_at": OUTSIDE_HOURS,
    "own_slot_length": NOT_WHOLE_SLOTS,
    "capacity": OVER_CAPACITY,
    "units": SLOT_TAKEN,
}
SHOWN: Final = "is shown, nothing depends on it"
ON_BOOKING: Final = "is owed when a booking is made or moved, not again"
FROZEN: Final = "was worked out when the booking was made, and stays"
VENUE_OTHERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("id", "slug", "name", "created_at", "updated_at", "rules_version"), SHOWN),
    **dict.fromkeys(
        (
            *("min_notice", "max_advance", "same_day_allowed", "max_open_holds"),
            *("joining", "guests", "slot_step", "max_bookings_ahead", "max_hours_a_week"),
            *("max_open_requests", "no_shows_before_pause", "pause_length"),
        ),
        ON_BOOKING,
    ),
    **dict.fromkeys(
        (
            *("currency", "hold_length", "guest_hold"),
            *("check_in_required", "check_in_opens_before"),
            *("check_in_closes_after", "no_show_grace", "grace_from_booking", "completion_from"),
            *("completion_after", "remind_before"),
        ),
        FROZEN,
    ),
    **dict.fromkeys(
        ("approval", "primetime_any_overlap"),
        "says who has to approve: what is confirmed stays so, what waits goes on waiting",
    ),
    **dict.fromkeys(
        ("refund_until", "late_refund_percent"), "is looked at when something is cancelled"
    ),
    **dict.fromkeys(
        ("send_confirmation_emails", "admin_email", "wording"), "is about emails to come"
    ),
    **dict.fromkeys(
        ("second_factor_required", "retention", "consent_version"),
        "is about people, not about what is booked",
    ),
    "series_no_show_limit": "is looked at when somebody does not come",
    "panel_networks": "is about panels, not about what is booked",
}
RESOURCE_OTHERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *("id", "name", "description", "building", "floor", "amenities", "image_url"),
            *("created_at", "updated_at", "crowded_until", "user"),
        ),
        SHOWN,
    ),
    **dict.fromkeys(("buffer_before", "buffer_after"), FROZEN),
    "venue": "cannot change once there are bookings",
    **dict.fromkeys(("price_minor", "rates"), FROZEN),
}


def list_broken_rules(rules: Rules, booking: Any) -> list[errors.Refusal]:
    """The refusals that a booking with its times and guests would get now. Notice and advance are
    owed when it is made, not again."""
    broken: list[errors.Refusal] = []
    guests = -(-booking.guests // booking.quantity)  # of a unit
    for check in STANDING_CHECKS:
        if check is check_slots and booking.service_id is not None:
            continue  # a service has lengths and starts of its own
        try:
            check(rules, booking.starts_at, booking.ends_at, guests)
        except errors.Closed as refusal:
            broken.append(refusal)
            rules = replace(rules, ignores_closed=True)  # that it has no hours says no more
        except errors.Refusal as refusal:
            broken.append(refusal)
    return broken


def get_key(refusal: errors.Refusal) -> str:
    """What tells the rule from others: its code, and why a resource is not available, so that a
    booking which is kept through a maintenance is not kept in a room that is retired."""
    because = refusal.data.get("because", "")
    return f"{refusal.code}: {because}" if because else refusal.code


def describe(refusal: errors.Refusal) -> str:
    """The rule in a sentence, with the opening hours, the reason of a closure or why a resource is
    not available."""
    if isinstance(refusal, errors.OutsideHours):
        return f"{refusal.detail.rstrip('.')}: {describe_hours(refusal)}."
    reason = refusal.data.get("reason", "") or refusal.data.get("because", "")
    return f"{refusal.detail.rstrip('.')}: {reason}" if reason else refusal.detail


def are_rules(row: Venue | Resource, names: Iterable[str]) -> bool:
    """Whether one of these fields of the row is a rule for bookings that are there."""
    table = VENUE_RULES if isinstance(row, Venue) else RESOURCE_RULES
    return not table.keys().isdisjoint(names)
