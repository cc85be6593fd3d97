"""Composes the emails of outbox rows, and sends a batch of them over one connection.

The Message-ID comes from the row's key: a second copy after a crash has the same one.
"""

from __future__ import annotations

import functools
import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import timedelta
from email.header import Header
from email.utils import parseaddr
from typing import Final, cast

from django.conf import settings
from django.core import serializers
from django.core.mail import EmailMultiAlternatives, get_connection

from api.emails import Email, get_email
from api.lifecycle import Status
from api.models import Booking, Delivery
from api.models.identifiers import encode_address
from api.queries.clock import database_now
from api.services.messages.mail_connections import MailConnection, use_connection
from api.services.operations.circuit_breaker import CircuitBreaker, CircuitOpen
from api.services.operations.lease_queue import Withheld

from . import email_templates
from .email_context import build_context, find_recipient
from .recipients import check_limit

# what the templates show of a booking; a column that is missing here costs a statement an e-mail
BOOKING_COLUMNS: Final = (
    *("title", "notes", "guests", "status", "starts_at", "ends_at", "ended_at", "no_show_at"),
    *("hold_expires_at", "offer_expires_at", "check_in_opens_at", "price_minor", "currency"),
    *("venue__slug", "venue__name", "venue__time_zone", "venue__wording"),
    *("resource__name", "resource__building", "quantity", "several", "service__name"),
    *("owner__email", "owner__username", "owner__first_name", "owner__last_name"),
    *("owner__email_key", "owner__email_verified_at", "owner__erased_at"),
    *("guest_name", "guest_email", "guest_link", "guest_confirmed_at"),
)

# emails about a booking that goes ahead; withheld when it has ended meanwhile
AFFIRMING_VERBS: Final = ("book", "approve", "confirm", "resubmit", "reinstate", "moved", "edited")
ENDED_STATUSES: Final = (Status.CANCELLED, Status.REJECTED, Status.EXPIRED)
STALE_AFTER: Final = timedelta(seconds=30)

breaker = CircuitBreaker(OSError)  # what smtplib and the HTTP providers raise alike


def send(rows: list[Delivery]) -> Iterator[tuple[Delivery, Exception | None]]:
    """Send a claimed batch: each row with what went wrong, or None. Ends early while the provider
    does not answer."""
    bookings = load_bookings(rows)
    with use_connection() as connection:
        for row in rows:
            booking = bookings.get(row.booking_id or 0) or load_removed(row)
            try:
                yield row, _send_email(row, booking, connection)
            except CircuitOpen:
                return


def _send_email(
    row: Delivery, booking: Booking | None, connection: MailConnection
) -> Exception | None:
    try:
        message = compose(row, booking)
    except Exception as error:  # a broken template or row is the outcome of this row
        return error
    try:
        with breaker.call():
            connection.send(message)
    except CircuitOpen:
        raise
    except Exception as error:  # whatever the provider does is an outcome of this row
        if row.attempts == 1:
            print_undelivered(message)
        return error
    return None


def print_undelivered(message: EmailMultiAlternatives) -> None:
    """Print what the provider did not take, if EMAIL_FALLBACK asks for that. The row is retried all
    the same."""
    if settings.EMAIL_FALLBACK == "console":
        get_connection("django.core.mail.backends.console.EmailBackend").send_messages([message])


def load_bookings(rows: Sequence[Delivery]) -> dict[int, Booking]:
    ids = {row.booking_id for row in rows if row.booking_id}
    if not ids:
        return {}
    rows_of = Booking.objects.select_related("venue", "resource", "owner", "service")
    found = rows_of.only(*BOOKING_COLUMNS).filter(pk__in=ids)
    return {booking.pk: booking for booking in found}


def load_removed(row: Delivery) -> Booking | None:
    """The booking as the row stores it, when it is no longer in the database."""
    if "removed" not in row.payload:
        return None
    stored = serializers.deserialize("json", row.payload["removed"], ignorenonexistent=True)
    return cast(Booking, next(stored).object)


def compose(row: Delivery, booking: Booking | None) -> EmailMultiAlternatives:
    """The e-mail of a row. Raises `Withheld` when its cause is gone."""
    if not row.to:
        raise Withheld("there is nobody to write to")
    wording = booking.venue.wording if booking else ""
    email = get_email(row.name, wording)
    if booking is not None:
        _check_still_wanted(row, email, booking)
    recipient = find_recipient(row, email, booking)
    unverified = recipient is not None and recipient.email_verified_at is None
    if unverified or email.to == "invited":
        check_limit(row)
    context = build_context(row, booking, recipient)
    if email.to == "admin":
        context["name"] = ""
    text, html = email_templates.render(row.name, wording, context)
    message = EmailMultiAlternatives(
        subject=build_subject(email.subject.format_map(context)),
        body=text,
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[encode_address(row.to)],
        headers=build_headers(row),
    )
    message.attach_alternative(html, "text/html")
    return message


def build_subject(text: str) -> str:
    """One line without control characters; encoded if a part of it looks as if it already were,
    which the reader's program would decode into something else."""
    spaced = " ".join(text.split())
    line = "".join(letter for letter in spaced if unicodedata.category(letter) != "Cc").strip()
    if "=?" not in line:
        return line
    return " ".join(Header(line, "utf-8", header_name="Subject").encode().split())


def build_headers(row: Delivery) -> dict[str, str]:
    found = {"Message-ID": build_message_id(row.key), "Auto-Submitted": "auto-generated"}
    return found | ({"X-Request-ID": row.request_id} if row.request_id else {})


def build_message_id(key: str) -> str:
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    return f"<{digest}@{_get_domain(settings.DEFAULT_FROM_EMAIL)}>"


@functools.cache  # the sender is always the same
def _get_domain(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2] or "holdfast.example"


def _check_still_wanted(row: Delivery, email: Email, booking: Booking) -> None:
    verb = str(row.payload.get("verb", "")).partition(".")[0]
    if booking.status in ENDED_STATUSES and verb in AFFIRMING_VERBS and _is_late(row):
        raise Withheld(f"the booking is {booking.status} by now")
    if email.only_while and booking.status not in email.only_while:
        raise Withheld(f"the booking is {booking.status}")
    if email.before_start and booking.starts_at <= database_now():
        raise Withheld("it has begun")
    if email.to == "owner" and booking.person.erased_at:
        raise Withheld("the person asked to be forgotten")


def _is_late(row: Delivery) -> bool:
    """Whoever books and cancels at once gets both emails; after an outage the first is old news."""
    return row.attempts > 1 or database_now() - row.created_at > STALE_AFTER


def send_now(name: str, to: str, key: str) -> Exception | None:
    """Send one of `api.emails.ACCOUNT_EMAILS` without the outbox: what went wrong, or None."""
    row = Delivery(key=key, name=name, to=to)
    return next(iter(send([row])))[1]
