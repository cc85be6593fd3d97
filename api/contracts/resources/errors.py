"""How refusals read here: at a field, `non_field_errors`, else as `{"detail": …}`. No 409 of what
the rules refuse."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from api import errors
from api.contracts import kit
from api.lifecycle import Status
from api.queries.venues import resource_status
from api.rest.parsers import Malformed

from .serializers import EMAIL_TAKEN, STATUS_LABELS, USERNAME_TAKEN

# of a booking that reads confirmed still, though its time has passed
STATUS_WORDS = STATUS_LABELS | {Status.COMPLETED.value: "over"}


def build_too_soon_message(refusal: errors.TooSoon) -> str:
    minutes = refusal.data["rules"].venue.min_notice // timedelta(minutes=1)
    earliest = format_minute(refusal.data["earliest"], refusal.data["rules"].zone)
    message = f"Bookings must be made at least {minutes} minutes in advance."
    return f"{message} Earliest available: {earliest}"


def build_taken_message(refusal: errors.SlotTaken) -> str:
    """Names three of the bookings in the way, and the next free time of the same length."""
    message = "Cannot create booking - this resource is already booked during your selected time. "
    if rules := refusal.data.get("rules"):
        spans = [format_span(b.starts_at, b.ends_at, rules.zone) for b in refusal.conflicts[:3]]
        message += f"Conflicting booking(s): {', '.join(spans)}. "
        requested, now, ignore = (refusal.data[name] for name in ("requested", "now", "ignore"))
        if free := resource_status.find_next_free(rules, requested, now, ignore=ignore):
            return f"{message}Suggested available time: {format_span(*free, rules.zone)}."
    return f"{message}Please check the resource availability and try a different time."


def format_minute(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def format_span(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> str:
    return f"{format_minute(starts_at, zone)} - {ends_at.astimezone(zone):%H:%M}"


ERROR_MESSAGES = kit.ErrorTable(
    {
        **kit.DRF_ROWS,
        400: kit.field_errors(),
        Malformed: kit.detail(),
        kit.NotOwner: kit.detail("You can only access your own bookings."),
        errors.NotSignedIn: kit.detail(
            lambda r: str(
                r.data.get("library_detail", "Authentication credentials were not provided.")
            )
        ),
        errors.WrongCredentials: kit.field_errors(
            "Unable to log in with provided credentials.", status=400
        ),
        errors.UsernameTaken: kit.at("username", USERNAME_TAKEN),
        errors.EmailTaken: kit.at("email", EMAIL_TAKEN),
        errors.TooSoon: kit.field_errors(build_too_soon_message),
        errors.EndsBeforeStart: kit.field_errors("End time must be after start time."),
        errors.InThePast: kit.field_errors("Cannot book in the past."),
        errors.SlotTaken: kit.field_errors(build_taken_message, status=400),
        errors.QuotaReached: kit.field_errors(status=400),
        errors.NotAllowedNow: kit.field_errors(kit.in_words(STATUS_WORDS), status=400),
        errors.AlreadyBegun: kit.field_errors(status=400),
        errors.ResourceUnavailable: kit.at("resource"),
        errors.OverCapacity: kit.at("guests"),
    }
)
