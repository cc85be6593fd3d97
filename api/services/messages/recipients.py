"""What people get whose address nobody has verified: it may be a stranger's, given by somebody who
wants to write to them. No free text with links, and a few letters an hour."""

from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar

from django.conf import settings
from django.db.models import Model, Q

from api.emails import ACCOUNT_EMAILS, PASSWORD_RESETS
from api.models import Booking, Delivery, Trade, User
from api.models.outbox import Kind, State
from api.services.operations.lease_queue import Withheld

Row = TypeVar("Row", bound=Model)

MAX_TEXT: Final = 60  # characters of a line of free text
FREE_TEXTS: Final = (
    *("title", "notes", "rejection_reason", "guest_name", "message", "response_message"),
)
NAMES: Final = ("first_name", "last_name", "username")
# a word that a mail program may make a link of: a scheme, an address, a name with a dot
_LINK: Final = re.compile(
    r"[@/\\]|(?:mailto|tel|sms|data|javascript):|www\.|[\w)][.。][^\W\d_]", re.IGNORECASE
)


def check_limit(row: Delivery) -> None:
    """Raise `Withheld` for what is over the limit of its kind, for one address in an hour."""
    kind, limit = _find_kind(row)
    earlier = Delivery.objects.filter(
        kind,
        kind=Kind.EMAIL,
        to=row.to,
        pk__lt=row.pk,
        created_at__gt=row.created_at - timedelta(hours=1),
    ).exclude(state=State.WITHHELD)
    if earlier.count() >= limit:
        raise Withheld(f"over {limit} an hour to an address that nobody has verified")


def _find_kind(row: Delivery) -> tuple[Q, int]:
    if row.name in PASSWORD_RESETS:
        return Q(name__in=PASSWORD_RESETS), settings.MAX_RESETS_TO_UNVERIFIED
    others = Q(name__in=ACCOUNT_EMAILS.keys() - PASSWORD_RESETS)
    if row.name in ACCOUNT_EMAILS:
        return others, settings.MAX_RESETS_TO_UNVERIFIED
    return ~Q(name__in=ACCOUNT_EMAILS), settings.MAX_BOOKING_EMAILS_TO_UNVERIFIED


def shorten(text: str) -> str:
    """Free text as one short line without links or addresses; empty if nothing else was in it."""
    plain = unicodedata.normalize("NFKC", text[: 10 * MAX_TEXT])
    shown = "".join(each if each.isprintable() else " " for each in plain)
    words = " ".join("..." if _LINK.search(word) else word for word in shown.split())
    if len(words) > MAX_TEXT:
        words = words[: MAX_TEXT - 3].rstrip() + "..."
    return words if re.search(r"\w", words) else ""


def shorten_booking(booking: Booking) -> Booking:
    """A copy of the booking and its owner to write about; the row of others' emails stays."""
    shown = _shorten_copy(booking, FREE_TEXTS)
    if booking.owner is not None:
        shown.owner = shorten_user(booking.owner)
    return shown


def shorten_user(user: User) -> User:
    return _shorten_copy(user, NAMES)


def shorten_trade(trade: Trade) -> Trade:
    """A copy of the trade, with its people and bookings."""
    shown = _shorten_copy(trade, FREE_TEXTS)
    for side in ("requester", "target"):
        setattr(shown, side, shorten_user(getattr(trade, side)))
        booking = getattr(trade, f"{side}_booking")
        setattr(shown, f"{side}_booking", _shorten_copy(booking, FREE_TEXTS))
    return shown


def shorten_payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {
        k: shorten(v) if k == "reason" and isinstance(v, str) else v for k, v in payload.items()
    }


def _shorten_copy(row: Row, names: tuple[str, ...]) -> Row:
    shown = copy.copy(row)
    shown._state = copy.copy(row._state)
    shown._state.fields_cache = dict(row._state.fields_cache)
    for name in names:
        if text := row.__dict__.get(name):
            setattr(shown, name, shorten(text))
    return shown
