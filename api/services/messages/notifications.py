"""Queues the emails that moves cause: from the table of `api.emails` to rows of the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import prefetch_related_objects

from api.emails import WORDINGS, Email, caused_by
from api.models import Booking, Trade, User, Venue
from api.models.users import NOWHERE

from . import outbox
from .outbox import Effect


def notify(verb: str, rows: Sequence[Booking], details: Mapping[str, Any]) -> None:
    """Queues what `verb` causes for rows that are new or were edited."""
    outbox.put(_effects(verb, rows, details))


def _effects(verb: str, rows: Sequence[Booking], details: Mapping[str, Any]) -> Iterable[Effect]:
    for row in rows:
        for email in caused_by(verb, row.venue.wording, details.get("reason", "")):
            to = _address(email, row)
            if to and (row.venue.send_confirmation_emails or not email.optional):
                yield Effect(
                    key=f"email:{email.name}:{row.pk}:{row.version}",
                    name=email.name,
                    booking_id=row.pk,
                    to=to,
                    payload={"verb": verb, "status": str(row.status), **_told(details)},
                )


def _told(details: Mapping[str, Any]) -> dict[str, Any]:
    return {key: details[key] for key in ("reason", "from", "to") if key in details}


def _address(email: Email, row: Booking) -> str:
    if email.to == "admin":
        return row.venue.admin_email or settings.ADMIN_EMAIL
    # booked at a door in the name of whoever paired the panel: nobody to write to
    nobody = row.owner.erased_at or row.contract == "panel"
    return "" if nobody else row.owner.address


def notify_moved(verb: str, status: str, details: Mapping[str, Any]) -> None:
    """Queues what `verb` causes for every row of `moved`, with the statement that moves them: who
    is written to is what `_effects` says, in SQL."""
    emails = [
        (wording, place, email)
        for wording in ("", *WORDINGS)
        for place, email in enumerate(caused_by(verb, wording, details.get("reason", "")))
    ]
    if not emails:
        return
    wordings, places, kinds = zip(*emails, strict=True)
    outbox.put_moved(
        _OF_MOVED,
        [
            list(wordings),
            list(places),
            [email.name for email in kinds],
            [email.to == "admin" for email in kinds],
            [email.optional for email in kinds],
            list(WORDINGS),
            settings.ADMIN_EMAIL,
            len(NOWHERE),
            NOWHERE,
        ],
        {"verb": verb, "status": status, **_told(details)},
    )


# key, name, booking, address, due; what fell due in the past keeps that order after an outage
_OF_MOVED = f"""
    SELECT 'email:' || e.name || ':' || m.id || ':' || m.version, e.name, m.id, a.address,
        least(m.fell_due, statement_timestamp())
    FROM moved m
    JOIN {Venue._meta.db_table} v ON v.id = m.venue_id
    JOIN {User._meta.db_table} u ON u.id = m.owner_id
    JOIN unnest(%s::text[], %s::int[], %s::text[], %s::bool[], %s::bool[])
            AS e(wording, place, name, to_admin, optional)
        ON e.wording = CASE WHEN v.wording = ANY(%s) THEN v.wording ELSE '' END
    CROSS JOIN LATERAL (SELECT CASE
        WHEN e.to_admin THEN coalesce(nullif(v.admin_email, ''), %s)
        WHEN u.erased_at IS NOT NULL OR m.contract = 'panel' THEN ''
        WHEN right(u.email, %s) = %s THEN ''
        ELSE u.email END) AS a(address)
    WHERE a.address <> '' AND (v.send_confirmation_emails OR NOT e.optional)
    ORDER BY m.fell_due, m.id, e.place
"""  # noqa: S608


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
