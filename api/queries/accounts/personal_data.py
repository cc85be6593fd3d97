"""Everything that is stored about a person, for that person."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db.models import F, QuerySet

from api.models import (
    Allocation,
    AuditEntry,
    Block,
    Booking,
    BookingEvent,
    Consent,
    Delivery,
    Hours,
    HoursException,
    Invitation,
    Resource,
    Series,
    Trade,
    User,
    UserSession,
)
from api.models.identifiers import build_key

SESSION_FIELDS = (
    "kind",
    "contract",
    "methods",
    "user_agent",
    "created_at",
    "last_used_at",
    "expires_at",
    "ended_at",
)

TRADE_FIELDS = (
    "id",
    "requester_booking_id",
    "target_booking_id",
    "status",
    "created_at",
    "responded_at",
)

BOOKING_FIELDS = tuple(f.attname for f in Booking._meta.concrete_fields if f.name != "guest_link")
SERIES_FIELDS = tuple(f.attname for f in Series._meta.concrete_fields if f.name != "dry_run")
RESOURCE_FIELDS = ("id", "venue__slug", "name", "description", "image_url", "created_at")
EVENT_FIELDS = ("booking_id", "verb", "from_status", "to_status", "by", "details", "at")


def export_guest_data(email: str) -> dict[str, Any]:
    """The same of whoever booked with that address as a guest: bookings, history and emails."""
    rows = Booking.objects.filter(owner=None, guest_key=build_key(email))
    sent = Delivery.objects.filter(booking__in=rows, to=F("booking__guest_email"))
    return {
        "bookings": list(rows.order_by("pk").values(*BOOKING_FIELDS)),
        "allocations": _list_allocations(rows),
        "history": list(
            BookingEvent.objects.filter(booking__in=rows).order_by("pk").values(*EVENT_FIELDS)
        ),
        "emails": list(sent.order_by("pk").values("name", "state", "created_at")),
    }


def _list_allocations(bookings: QuerySet[Booking]) -> list[dict[str, Any]]:
    """What the bookings take, one row a unit."""
    rows = Allocation.objects.filter(booking__in=bookings).order_by("booking", "resource", "unit")
    return list(rows.values("booking_id", "resource_id", "resource__name", "unit"))


def _export_resources(user: User) -> dict[str, Any]:
    """What the person is as a resource, when they work and when not. Who books them is theirs."""
    own = Resource.objects.filter(user=user)
    columns = {
        "resources": (own, RESOURCE_FIELDS),
        "hours": (
            Hours.objects.filter(resource__in=own),
            ("valid_from", "weekday", "opens_at", "closes_at"),
        ),
        "days_off": (
            HoursException.objects.filter(resource__in=own),
            ("first_on", "last_on", "hours", "reason"),
        ),
        "blocks": (
            Block.objects.filter(resource__in=own),
            ("starts_at", "ends_at", "rule", "reason"),
        ),
    }
    return {name: list(rows.values(*fields)) for name, (rows, fields) in columns.items()}


def export_personal_data(user: User) -> dict[str, Any]:
    """Plain data: account, bookings, their history, emails sent, and when staff looked at these or
    changed them."""
    booking_ids = Booking.objects.filter(owner=user).values_list("pk", flat=True)
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
        "second_factors": list(
            Authenticator.objects.filter(user=user).values("type", "created_at", "last_used_at")
        ),
        "accounts_at_providers": list(
            SocialAccount.objects.filter(user=user).values(
                "provider", "uid", "extra_data", "date_joined", "last_login"
            )
        ),
        "consents": list(
            Consent.objects.filter(user=user).values(
                "text__venue__slug", "text__version", "text__text", "accepted_at"
            )
        ),
        "sessions": list(UserSession.objects.filter(user=user).values(*SESSION_FIELDS)),
        "memberships": list(user.memberships.values("venue__slug", "role", "created_at")),
        "invitations": list(
            Invitation.objects.filter(email_key=user.email_key).values(
                "venue__slug", "role", "created_at"
            )
        ),
        "former_emails": list(user.changes.values("email", "created_at")),
        "bookings": list(Booking.objects.filter(owner=user).values(*BOOKING_FIELDS)),
        "series": list(Series.objects.filter(owner=user).values(*SERIES_FIELDS)),
        "allocations": _list_allocations(Booking.objects.filter(owner=user)),
        "as_resource": _export_resources(user),
        "invited_to": list(user.invited_to.values_list("id", flat=True)),
        "history": list(BookingEvent.objects.filter(booking__owner=user).values(*EVENT_FIELDS)),
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
