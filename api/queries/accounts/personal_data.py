"""Everything that is stored about a person, for that person."""

from __future__ import annotations

from typing import Any

from api.models import AuditEntry, Booking, BookingEvent, Delivery, Invitation, Trade, User

TRADE_FIELDS = (
    "id",
    "requester_booking_id",
    "target_booking_id",
    "status",
    "created_at",
    "responded_at",
)


def export_personal_data(user: User) -> dict[str, Any]:
    """Plain data: account, bookings, their history, emails sent, and when staff looked at these or
    changed them."""
    booking_ids = Booking.objects.filter(owner=user).values_list("pk", flat=True)
    booking_fields = [f.attname for f in Booking._meta.concrete_fields]
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
                "date_joined",
                "last_login",
            )
        },
        "memberships": list(user.memberships.values("venue__slug", "role", "created_at")),
        "invitations": list(
            Invitation.objects.filter(email_key=user.email_key).values(
                "venue__slug", "role", "created_at"
            )
        ),
        "former_emails": list(user.changes.values("email", "created_at")),
        "bookings": list(Booking.objects.filter(owner=user).values(*booking_fields)),
        "invited_to": list(user.invited_to.values_list("id", flat=True)),
        "history": list(
            BookingEvent.objects.filter(booking__owner=user).values(
                "booking_id", "verb", "from_status", "to_status", "by", "details", "at"
            )
        ),
        "trades_offered": list(
            Trade.objects.filter(requester=user).values(*TRADE_FIELDS, "message")
        ),
        "trades_received": list(
            Trade.objects.filter(target=user).values(*TRADE_FIELDS, "response_message")
        ),
        "looked_at": list(
            AuditEntry.objects.filter(
                object__in=[f"user:{user.pk}", *(f"booking:{pk}" for pk in booking_ids)]
            ).values("at", "action", "object")
        ),
        "emails": list(
            Delivery.objects.filter(to=user.email).values("name", "state", "created_at")
        ),
    }
