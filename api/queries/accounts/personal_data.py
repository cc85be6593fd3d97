"""Everything that is stored about a person, for that person."""

from __future__ import annotations

from typing import Any

from django.db.models import F

from api.models import Booking, BookingEvent, Delivery, Trade, User
from api.models.identifiers import build_key

TRADE_FIELDS = (
    "id",
    "requester_booking_id",
    "target_booking_id",
    "status",
    "created_at",
    "responded_at",
)

BOOKING_FIELDS = tuple(f.attname for f in Booking._meta.concrete_fields if f.name != "guest_link")
EVENT_FIELDS = ("booking_id", "verb", "from_status", "to_status", "by", "details", "at")


def export_guest_data(email: str) -> dict[str, Any]:
    """The same of whoever booked with that address as a guest: bookings, history and emails."""
    rows = Booking.objects.filter(owner=None, guest_key=build_key(email))
    sent = Delivery.objects.filter(booking__in=rows, to=F("booking__guest_email"))
    return {
        "bookings": list(rows.order_by("pk").values(*BOOKING_FIELDS)),
        "history": list(
            BookingEvent.objects.filter(booking__in=rows).order_by("pk").values(*EVENT_FIELDS)
        ),
        "emails": list(sent.order_by("pk").values("name", "state", "created_at")),
    }


def export_personal_data(user: User) -> dict[str, Any]:
    """Plain data: account, bookings, their history, and emails sent."""
    return {
        "account": {
            name: getattr(user, name)
            for name in (
                "id",
                "email",
                "username",
                "first_name",
                "last_name",
                "phone",
                "department",
                "role",
                "date_joined",
                "last_login",
            )
        },
        "former_emails": list(user.changes.values("email", "created_at")),
        "bookings": list(Booking.objects.filter(owner=user).values(*BOOKING_FIELDS)),
        "invited_to": list(user.invited_to.values_list("id", flat=True)),
        "history": list(BookingEvent.objects.filter(booking__owner=user).values(*EVENT_FIELDS)),
        "trades_offered": list(
            Trade.objects.filter(requester=user).values(*TRADE_FIELDS, "message")
        ),
        "trades_received": list(
            Trade.objects.filter(target=user).values(*TRADE_FIELDS, "response_message")
        ),
        "emails": list(
            Delivery.objects.filter(to=user.email).values("name", "state", "created_at")
        ),
    }
