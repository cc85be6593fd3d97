"""Turns rows of the outbox into emails, in the venue's time zone, and hands them to the backend.

One connection serves a whole batch. The Message-ID comes from the row's key, so a second copy
after a crash can be told from a second message.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection as database
from django.template.loader import select_template
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from api.emails import Email, named
from api.models import Booking, Delivery, User

from .outbox import Outcome, Withheld


def send(rows: list[Delivery]) -> Iterator[Outcome]:
    """Sends a claimed batch, yielding each row with what went wrong, or None."""
    bookings = _bookings(rows)
    mail = get_connection()
    try:
        for row in rows:
            yield row, _send_one(row, bookings.get(row.booking_id or 0), mail)
    finally:
        mail.close()


def _send_one(row: Delivery, booking: Booking | None, mail: Any) -> Exception | None:
    assert not database.in_atomic_block, "no network call inside a transaction"  # noqa: S101
    try:
        message = compose(row, booking)
        message.connection = mail
        mail.open()
        mail.send_messages([message])
    except Withheld as reason:
        return reason
    except Exception as error:  # whatever the provider does is an outcome of this row
        mail.close()
        return error
    return None


def _bookings(rows: Sequence[Delivery]) -> dict[int, Booking]:
    ids = {row.booking_id for row in rows if row.booking_id}
    if not ids:
        return {}
    found = Booking.objects.select_related("venue", "resource", "owner").filter(pk__in=ids)
    return {booking.pk: booking for booking in found}


def compose(row: Delivery, booking: Booking | None) -> EmailMultiAlternatives:
    """The e-mail of a row; raises `Withheld` when its cause is gone."""
    wording = booking.venue.wording if booking else ""
    email = named(row.name, wording)
    if booking is not None:
        _still_true(email, booking)
    context = _context(row, booking)
    if email.to == "admin":
        context["name"] = ""
    message = EmailMultiAlternatives(
        subject=" ".join(email.subject.format_map(context).split()),
        body=_render(wording, row.name, "txt", context),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[row.to],
        headers={"Message-ID": message_id(row.key), "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(_render(wording, row.name, "html", context), "text/html")
    return message


def message_id(key: str) -> str:
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "holdfast.example"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def _still_true(email: Email, booking: Booking) -> None:
    if email.only_while and booking.status not in email.only_while:
        raise Withheld(f"the booking is {booking.status}")
    if email.before_start and booking.starts_at <= datetime.now(booking.starts_at.tzinfo):
        raise Withheld("it has begun")
    if email.to == "owner" and booking.owner.erased_at:
        raise Withheld("the person asked to be forgotten")


def _render(wording: str, name: str, ending: str, context: dict[str, Any]) -> str:
    names = [f"{wording}/{name}.{ending}"] if wording else []
    text = str(select_template([*names, f"{name}.{ending}"]).render(context))
    return re.sub(r"\n\s*\n\s*\n+", "\n\n", text).strip() + "\n"


def _context(row: Delivery, booking: Booking | None) -> dict[str, Any]:
    context: dict[str, Any] = {"site": settings.PUBLIC_URL, "frontend": settings.FRONTEND_URL}
    context |= row.payload
    if booking is not None:
        return context | _booking_context(booking)
    if "user" in row.payload:
        return context | _person_context(row.payload["user"])
    return context


def _booking_context(booking: Booking) -> dict[str, Any]:
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
        "price": money(booking.price_minor, booking.currency),
        "freed": minutes_freed(booking),
        "pay_link": f"{settings.FRONTEND_URL}/bookings/{booking.pk}/pay",
        "pay_label": f"Pay {money(booking.price_minor, booking.currency)}",
        "admin_link": f"{settings.PUBLIC_URL}/admin/api/booking/{booking.pk}/change/",
    }


def money(minor: int, currency: str) -> str:
    return f"{minor / 100:,.2f} {currency.upper()}" if currency else ""


def minutes_freed(booking: Booking) -> int:
    """Whole minutes of the slot that an early end gave back."""
    if booking.ended_at is None or booking.ended_at >= booking.ends_at:
        return 0
    return int((booking.ends_at - max(booking.ended_at, booking.starts_at)).total_seconds() // 60)


def _person_context(pk: int) -> dict[str, Any]:
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


def send_now(name: str, to: str, key: str) -> Exception | None:
    """Sends one e-mail of `api.emails.ALONE` past the outbox: what went wrong, or None."""
    row = Delivery(key=key, name=name, to=to)
    return next(iter(send([row])))[1]
