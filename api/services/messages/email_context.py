"""What the e-mail templates are rendered with; times are in the venue's time zone."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from api import money
from api.emails import Email, get_status_label
from api.lifecycle import BOOKING, TradeStatus
from api.models import Booking, Delivery, Guest, Invitation, Trade, User
from api.queries.bookings.part_names import get_place_text
from api.services.accounts import links
from api.services.operations.lease_queue import Withheld

from . import recipients
from .email_times import format_instant, format_interval, format_zone
from .series_context import build_series_context


def find_recipient(row: Delivery, email: Email, booking: Booking | None) -> User | Guest | None:
    """The person that the e-mail is to; None for the admins of a venue, whom nobody can choose.
    Raises `Withheld` when the account is gone."""
    if email.to in ("requester", "target"):
        return cast(User, getattr(_get_trade(row), email.to))
    if booking is not None and "series" not in row.payload:
        return booking.person if email.to == "owner" else None
    return _get_account(row.payload["user"]) if "user" in row.payload else None


def build_context(
    row: Delivery, booking: Booking | None, recipient: User | Guest | None
) -> dict[str, Any]:
    """What the templates may show; of whoever has not verified the address nothing but short lines.
    Raises `Withheld`."""
    context: dict[str, Any] = {"site": settings.PUBLIC_URL, "frontend": settings.LINK_URL}
    strange = recipient is not None and recipient.email_verified_at is None
    context |= recipients.shorten_payload(row.payload) if strange else row.payload
    if booking is not None and recipient is not None and strange:
        booking = recipients.shorten_booking(booking)
        if isinstance(recipient, User):
            context["confirm_link"] = links.build_confirm_link(recipient)
    if "invitation" in row.payload:
        context |= _build_invitation_context(row.payload["invitation"])
    if "series" in row.payload:
        return context | build_series_context(row.payload, strange)
    if booking is not None:
        # the status that the e-mail is about, not the one that the booking may have by now
        status = row.payload.get("status") or booking.status
        label = get_status_label(str(status), booking.venue.wording).replace("_", " ")
        status_context = {"status": label, "status_word": label.capitalize()}
        found = _build_trade_context(row, booking, strange) if "trade" in row.payload else {}
        found |= _build_page_context(booking, recipient, str(status))
        return context | build_booking_context(booking) | status_context | found
    if not isinstance(recipient, User):
        return context
    return context | _build_account_context(row, recipient, strange)


def build_booking_context(booking: Booking) -> dict[str, Any]:
    zone = booking.venue.zone
    start = booking.starts_at.astimezone(zone)
    hold, check_in = booking.hold_expires_at, booking.check_in_opens_at
    where = get_place_text(booking)
    return {
        "booking": booking,
        "venue": booking.venue,
        "resource": booking.resource,
        "owner": booking.person,
        "name": booking.person.name,
        "what": booking.title or (booking.service.name if booking.service else where),
        "service": booking.service,
        "where": where,
        "notes": "\n".join(booking.notes.splitlines()),
        "start": start,
        "zone": format_zone(start),
        "begins": format_instant(start, zone),
        "when": format_interval(start, booking.ends_at, zone),
        "deadline": format_instant(hold, zone) if hold else "",
        "check_in_opens": format_instant(check_in, zone) if check_in else "",
        "price": money.format_amount(booking.price_minor, booking.currency),
        "freed": count_minutes_freed(booking),
        "pay_link": links.build_pay_link(booking),
        "pay_label": f"Pay {money.format_amount(booking.price_minor, booking.currency)}",
        "admin_link": f"{settings.PUBLIC_URL}/admin/api/booking/{booking.pk}/change/",
    }


def _build_page_context(
    booking: Booking, recipient: User | Guest | None, status: str
) -> dict[str, Any]:
    """Where its person sees to it, for as long as it is open: a guest by the link of the letter, an
    account on our booking page, unless there is a frontend of one's own."""
    if status not in BOOKING.blocking:
        return {}
    if isinstance(recipient, Guest) and booking.guest_link:
        link = links.build_guest_link(booking)
        return {"guest_link": link, "pay_link": link, "page_link": link}
    is_owner = isinstance(recipient, User) and recipient.pk == booking.owner_id
    return (
        {"page_link": links.build_page_link(booking)}
        if is_owner and not settings.FRONTEND_URL
        else {}
    )


def _get_trade(row: Delivery) -> Trade:
    sides = ("requester", "target")
    return Trade.objects.select_related(
        *sides, *(f"{each}_booking__{name}" for each in sides for name in ("venue", "resource"))
    ).get(pk=row.payload["trade"])


def _build_trade_context(row: Delivery, booking: Booking, strange: bool) -> dict[str, Any]:
    """The trade as one of its two people sees it; `booking` is theirs now, or will be."""
    trade = _get_trade(row)
    if strange:
        trade = recipients.shorten_trade(trade)
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
        "other_what": counterpart["where"],
        "other_when": counterpart["when"],
    }


def count_minutes_freed(booking: Booking) -> int:
    """Whole minutes from an early end to what would have been the end."""
    if booking.ended_at is None or booking.ended_at >= booking.ends_at:
        return 0
    return int((booking.ends_at - booking.ended_at).total_seconds() // 60)


def _build_invitation_context(pk: int) -> dict[str, Any]:
    """Raises `Withheld` when it was taken back or accepted."""
    rows = Invitation.objects.select_related("venue", "invited_by")
    invitation = rows.filter(pk=pk).first()
    if invitation is None:
        raise Withheld("the invitation does not stand any more")
    by = invitation.invited_by
    return {
        "venue_name": invitation.venue.name,
        "role": invitation.get_role_display().lower(),
        "by": recipients.shorten(by.name) if by else "",
        "link": links.build_invitation_link(invitation),
    }


def _get_account(pk: int) -> User:
    user = User.objects.filter(pk=pk, is_active=True, erased_at=None).first()
    if user is None:
        raise Withheld("the account is gone")
    return user


def _build_account_context(row: Delivery, user: User, strange: bool) -> dict[str, Any]:
    name = (recipients.shorten_user(user) if strange else user).name
    if "change" in row.payload:
        return {"name": name, "link": links.build_undo_link(row.payload["change"])}
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return {
        "name": name,
        "uid": uid,
        "token": token,
        "link": f"{settings.LINK_URL}/password-reset/{uid}/{token}",
    }
