"""What the e-mail templates are rendered with; times are in the venue's time zone."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from api import money
from api.emails import get_status_label
from api.lifecycle import TradeStatus
from api.models import Booking, Delivery, Trade, User
from api.services.operations.lease_queue import Withheld


def build_context(row: Delivery, booking: Booking | None) -> dict[str, Any]:
    context: dict[str, Any] = {"site": settings.PUBLIC_URL, "frontend": settings.FRONTEND_URL}
    context |= row.payload
    if booking is not None:
        # the status that the e-mail is about, not the one that the booking may have by now
        status = row.payload.get("status") or booking.status
        label = get_status_label(str(status), booking.venue.wording).replace("_", " ")
        status_context = {"status": label, "status_word": label.capitalize()}
        trade = _build_trade_context(row, booking) if "trade" in row.payload else {}
        return context | build_booking_context(booking) | status_context | trade
    if "user" in row.payload:
        return context | _build_account_context(row.payload["user"])
    return context


def build_booking_context(booking: Booking) -> dict[str, Any]:
    zone = booking.venue.zone
    start, end = booking.starts_at.astimezone(zone), booking.ends_at.astimezone(zone)
    ends = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%A, %d %B %Y %H:%M}"
    hold = booking.hold_expires_at
    return {
        "booking": booking,
        "venue": booking.venue,
        "resource": booking.resource,
        "owner": booking.owner,
        "name": booking.owner.name,
        "what": booking.title or booking.resource.name,
        "start": start,
        "end": end,
        "when": f"{start:%A, %d %B %Y, %H:%M} to {ends}",
        "time": f"{start:%H:%M}",
        "zone": start.tzname() or booking.venue.time_zone,
        "deadline": f"{hold.astimezone(zone):%H:%M on %d %B}" if hold else "",
        "price": money.format_amount(booking.price_minor, booking.currency),
        "freed": count_minutes_freed(booking),
        "pay_link": f"{settings.FRONTEND_URL}/bookings/{booking.pk}/pay",
        "pay_label": f"Pay {money.format_amount(booking.price_minor, booking.currency)}",
        "admin_link": f"{settings.PUBLIC_URL}/admin/api/booking/{booking.pk}/change/",
    }


def _build_trade_context(row: Delivery, booking: Booking) -> dict[str, Any]:
    """The trade as one of its two people sees it; `booking` is theirs now, or will be."""
    sides = ("requester", "target")
    trade = Trade.objects.select_related(
        *sides, *(f"{each}_booking__{name}" for each in sides for name in ("venue", "resource"))
    ).get(pk=row.payload["trade"])
    if row.name == "trade_offered" and trade.status != TradeStatus.OFFERED:
        raise Withheld(f"the offer is {trade.status}")
    side = row.payload["side"]
    reader, other = trade.requester, trade.target
    if side == "target":
        reader, other = other, reader
    if reader.erased_at:
        raise Withheld("the person asked to be forgotten")
    first, second = trade.requester_booking, trade.target_booking
    counterpart = build_booking_context(second if booking.pk == first.pk else first)
    return {
        "trade": trade,
        "name": reader.name,
        "answered": side == "requester",
        "other": other.name,
        "other_what": counterpart["resource"].name,
        "other_when": counterpart["when"],
    }


def count_minutes_freed(booking: Booking) -> int:
    """Whole minutes from an early end to what would have been the end."""
    if booking.ended_at is None or booking.ended_at >= booking.ends_at:
        return 0
    return int((booking.ends_at - booking.ended_at).total_seconds() // 60)


def _build_account_context(pk: int) -> dict[str, Any]:
    user = User.objects.filter(pk=pk, is_active=True, erased_at=None).first()
    if user is None:
        raise Withheld("the account is gone")
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return {
        "name": user.name,
        "uid": uid,
        "token": token,
        "link": f"{settings.FRONTEND_URL}/password-reset/{uid}/{token}",
    }
