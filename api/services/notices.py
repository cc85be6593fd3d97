"""Queues the emails that moves cause: from the table of `api.emails` to rows of the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import prefetch_related_objects

from api.emails import Email, caused_by
from api.lifecycle import BOOKING
from api.models import Booking, Trade, User, Venue

from . import outbox
from .outbox import Effect

DEADLINES = {move.name: move.deadline for move in BOOKING.clocked}


def notify(verb: str, rows: Sequence[Booking], details: Mapping[str, Any]) -> None:
    """Queues what `verb` causes for every row: a constant number of statements for any batch."""
    _know(rows, "owner", User)
    _know(rows, "venue", Venue)
    outbox.put(_effects(verb, rows, details))


def _know(rows: Sequence[Booking], name: str, model: type[User | Venue]) -> None:
    """Puts at every row what it refers to; what a prefetch does, for many rows in less time."""
    lacking = [row for row in rows if name not in row._state.fields_cache]
    if lacking:
        known = model._base_manager.in_bulk({getattr(row, f"{name}_id") for row in lacking})
        for row in lacking:
            row._state.fields_cache[name] = known[getattr(row, f"{name}_id")]


def _effects(verb: str, rows: Sequence[Booking], details: Mapping[str, Any]) -> Iterable[Effect]:
    for row in rows:
        for email in caused_by(verb, row.venue.wording):
            to = _address(email, row)
            if to and (row.venue.send_confirmation_emails or not email.optional):
                yield Effect(
                    key=f"email:{email.name}:{row.pk}:{row.version}",
                    name=email.name,
                    booking_id=row.pk,
                    to=to,
                    payload={"verb": verb, "status": str(row.status), **_told(details)},
                    due_at=_fell_due(verb, row),
                )


def _fell_due(verb: str, row: Booking) -> datetime | None:
    """When the clock should have caused this, so that after an outage emails keep that order."""
    if verb == "remind":
        return getattr(row, "was_due", None)
    deadline = getattr(row, DEADLINES[verb]) if verb in DEADLINES else None
    return min(deadline, row.updated_at) if deadline else None


def _told(details: Mapping[str, Any]) -> dict[str, Any]:
    return {key: details[key] for key in ("reason", "from", "to") if key in details}


def _address(email: Email, row: Booking) -> str:
    if email.to == "admin":
        return row.venue.admin_email or settings.ADMIN_EMAIL
    # booked at a door in the name of whoever paired the panel: nobody to write to
    nobody = row.owner.erased_at or row.contract == "panel"
    return "" if nobody else row.owner.address


def tell(booking: Booking, verb: str, key: str, **payload: Any) -> None:
    """Queues what `verb` causes for one booking whose status did not change, once per key."""
    outbox.put(
        Effect(
            key=f"email:{key}:{email.name}",
            name=email.name,
            booking_id=booking.pk,
            to=to,
            payload={"verb": verb, **payload},
        )
        for email in caused_by(verb, booking.venue.wording)
        if (to := _address(email, booking))
        and (booking.venue.send_confirmation_emails or not email.optional)
    )


def write_to(user: User, name: str, key: str, **payload: Any) -> None:
    """Queues an e-mail that no booking causes. Secrets are made when it is sent, not stored."""
    if user.address:
        told = {"user": user.pk, **payload}
        outbox.put([Effect(key=key, name=name, to=user.address, payload=told)])


def notify_traders(verb: str, trades: Sequence[Trade]) -> None:
    """Queues what `verb` of a trade causes, to its two people."""
    if not caused_by(f"trade.{verb}"):
        return
    sides = ("requester", "target")
    prefetch_related_objects(list(trades), *sides, *(f"{side}_booking__venue" for side in sides))
    outbox.put(_to_traders(verb, trades))


def _to_traders(verb: str, trades: Sequence[Trade]) -> Iterable[Effect]:
    for trade in trades:
        venue = trade.target_booking.venue
        for email in caused_by(f"trade.{verb}", venue.wording):
            person = getattr(trade, email.to)
            if person.address:
                # the booking is the one that this person has now
                swapped = verb == "accept"
                side = "target" if (email.to == "target") != swapped else "requester"
                yield Effect(
                    key=f"email:{email.name}:trade:{trade.pk}:{email.to}",
                    name=email.name,
                    booking_id=getattr(trade, f"{side}_booking_id"),
                    to=person.address,
                    payload={"trade": trade.pk, "side": email.to},
                )
