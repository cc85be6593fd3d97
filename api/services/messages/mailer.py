"""Turns rows of the outbox into emails, in the venue's time zone, and hands them to the backend.

One connection serves a whole batch. The Message-ID comes from the row's key, so a second copy
after a crash can be told from a second message.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any, Final, Self, cast

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core import serializers
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection as database
from django.template import engines
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from api import money
from api.emails import Email, get_email, get_status_label
from api.lifecycle import Status, TradeStatus
from api.models import Booking, Delivery, Trade, User
from api.queries.clock import database_now
from api.services.payments.circuit_breaker import Circuit

from .outbox import Outcome, Withheld

if TYPE_CHECKING:
    from jinja2 import Environment

# of a booking, by the templates and below; what a template of yours shows besides is read for each
BOOKING_COLUMNS: Final = (
    *("title", "notes", "guests", "status", "starts_at", "ends_at", "ended_at", "no_show_at"),
    *("hold_expires_at", "price_minor", "currency"),
    *("venue__name", "venue__time_zone", "venue__wording", "resource__name", "resource__building"),
    *("owner__email", "owner__username", "owner__first_name", "owner__last_name"),
    "owner__erased_at",
)
GAPS: Final = re.compile(r"\n\s*\n\s*\n+")  # of blocks that are empty

# what says that a booking stands is not told of one that was given back meanwhile
BOOKING_STANDS: Final = ("book", "approve", "confirm", "resubmit", "reinstate", "moved", "edited")
ENDED_EARLY: Final = (Status.CANCELLED, Status.REJECTED, Status.EXPIRED)
OLD_NEWS_AFTER: Final = timedelta(seconds=30)

circuit = Circuit(OSError)  # of smtplib and of the providers alike


def send(rows: list[Delivery]) -> Iterator[Outcome]:
    """Sends a claimed batch, yielding each row with what went wrong, or None. Ends early when the
    provider is left alone."""
    bookings = _bookings(rows)
    with Provider() as provider:
        for row in rows:
            if not circuit.lets_through():
                return
            booking = bookings.get(row.booking_id or 0) or _removed(row)
            yield row, _send_one(row, booking, provider)


class Provider:
    """The backend of the settings, made when the first message needs it: settings that it refuses
    are then the outcome of that message, and not the end of the whole run."""

    mail: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.mail is not None:
            self.mail.close()

    def hand_over(self, message: EmailMultiAlternatives) -> None:
        assert not database.in_atomic_block, "no network call inside a transaction"  # noqa: S101
        self.mail = message.connection = self.mail or get_connection()
        self.mail.open()
        self.mail.send_messages([message])


def _send_one(row: Delivery, booking: Booking | None, provider: Provider) -> Exception | None:
    try:
        message = compose(row, booking)
    except Exception as error:  # a template or a row that cannot be read is this row's outcome
        return error
    try:
        with circuit.call():
            provider.hand_over(message)
    except Exception as error:  # whatever the provider does is an outcome of this row
        provider.__exit__()
        if row.attempts == 1:
            print_undelivered(message)
        return error
    return None


def print_undelivered(message: EmailMultiAlternatives) -> None:
    """Prints what the provider did not take, where EMAIL_FALLBACK asks for that: once, at the
    first failure. The row goes on waiting for its provider all the same."""
    if settings.EMAIL_FALLBACK == "console":
        get_connection("django.core.mail.backends.console.EmailBackend").send_messages([message])


def _bookings(rows: Sequence[Delivery]) -> dict[int, Booking]:
    ids = {row.booking_id for row in rows if row.booking_id}
    if not ids:
        return {}
    found = Booking.objects.select_related("venue", "resource", "owner").only(*BOOKING_COLUMNS)
    return {booking.pk: booking for booking in found.filter(pk__in=ids)}


def _removed(row: Delivery) -> Booking | None:
    """The booking that a row remembers because it is no longer in the database."""
    if "removed" not in row.payload:
        return None
    kept = serializers.deserialize("json", row.payload["removed"], ignorenonexistent=True)
    return cast(Booking, next(kept).object)


def compose(row: Delivery, booking: Booking | None) -> EmailMultiAlternatives:
    """The e-mail of a row; raises `Withheld` when its cause is gone."""
    if not row.to:
        raise Withheld("there is nobody to write to")
    wording = booking.venue.wording if booking else ""
    email = get_email(row.name, wording)
    if booking is not None:
        _still_true(row, email, booking)
    context = _context(row, booking)
    if email.to == "admin":
        context["name"] = ""
    message = EmailMultiAlternatives(
        subject=" ".join(email.subject.format_map(context).split()),
        body=_render(wording, row.name, "txt", context),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[row.to],
        headers=build_headers(row),
    )
    message.attach_alternative(_render(wording, row.name, "html", context), "text/html")
    return message


def build_headers(row: Delivery) -> dict[str, str]:
    found = {"Message-ID": build_message_id(row.key), "Auto-Submitted": "auto-generated"}
    return found | ({"X-Request-ID": row.request_id} if row.request_id else {})


def build_message_id(key: str) -> str:
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    return f"<{digest}@{_domain(settings.DEFAULT_FROM_EMAIL)}>"


@functools.cache  # the sender is always the same
def _domain(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2] or "holdfast.example"


def _still_true(row: Delivery, email: Email, booking: Booking) -> None:
    verb = str(row.payload.get("verb", "")).partition(".")[0]
    if booking.status in ENDED_EARLY and verb in BOOKING_STANDS and _is_late(row):
        raise Withheld(f"the booking is {booking.status} by now")
    if email.only_while and booking.status not in email.only_while:
        raise Withheld(f"the booking is {booking.status}")
    if email.before_start and booking.starts_at <= database_now():
        raise Withheld("it has begun")
    if email.to == "owner" and booking.owner.erased_at:
        raise Withheld("the person asked to be forgotten")


def _is_late(row: Delivery) -> bool:
    """Whoever books and cancels at once is told of both; what an outage kept back is old news."""
    return row.attempts > 1 or database_now() - row.created_at > OLD_NEWS_AFTER


def _render(wording: str, name: str, ending: str, context: dict[str, Any]) -> str:
    names = [f"{wording}/{name}.{ending}"] if wording else []
    emails: Environment = engines["emails"].env  # type: ignore[attr-defined]
    text = emails.select_template([*names, f"{name}.{ending}"]).render(context)
    return GAPS.sub("\n\n", text).strip() + "\n"


def _context(row: Delivery, booking: Booking | None) -> dict[str, Any]:
    context: dict[str, Any] = {"site": settings.PUBLIC_URL, "frontend": settings.FRONTEND_URL}
    context |= row.payload
    if booking is not None:
        # the status that was news, not the one that the booking may have by now
        status = row.payload.get("status") or booking.status
        word = get_status_label(str(status), booking.venue.wording).replace("_", " ")
        news = {"status": word, "status_word": word.capitalize()}
        trade = _trade_context(row, booking) if "trade" in row.payload else {}
        return context | _booking_context(booking) | news | trade
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
        "price": money.format_amount(booking.price_minor, booking.currency),
        "freed": count_minutes_freed(booking),
        "pay_link": f"{settings.FRONTEND_URL}/bookings/{booking.pk}/pay",
        "pay_label": f"Pay {money.format_amount(booking.price_minor, booking.currency)}",
        "admin_link": f"{settings.PUBLIC_URL}/admin/api/booking/{booking.pk}/change/",
    }


def _trade_context(row: Delivery, booking: Booking) -> dict[str, Any]:
    """The trade as one of its two people sees it: what `booking` has become theirs for, or may."""
    sides = ("requester", "target")
    trade = Trade.objects.select_related(
        *sides, *(f"{side}_booking__{name}" for side in sides for name in ("venue", "resource"))
    ).get(pk=row.payload["trade"])
    if row.name == "trade_offered" and trade.status != TradeStatus.OFFERED:
        raise Withheld(f"the offer is {trade.status}")
    mine = row.payload["side"]
    me, other = trade.requester, trade.target
    if mine == "target":
        me, other = other, me
    if me.erased_at:
        raise Withheld("the person asked to be forgotten")
    first, second = trade.requester_booking, trade.target_booking
    counterpart = _booking_context(second if booking.pk == first.pk else first)
    return {
        "trade": trade,
        "name": me.name,
        "answered": mine == "requester",
        "other": other.name,
        "other_what": counterpart["resource"].name,
        "other_when": counterpart["when"],
    }


def count_minutes_freed(booking: Booking) -> int:
    """Whole minutes from an early end to what would have been the end."""
    if booking.ended_at is None or booking.ended_at >= booking.ends_at:
        return 0
    return int((booking.ends_at - booking.ended_at).total_seconds() // 60)


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
    """Sends one e-mail of `api.emails.ACCOUNT_EMAILS` past the outbox: what went wrong, or None."""
    row = Delivery(key=key, name=name, to=to)
    return next(iter(send([row])))[1]
