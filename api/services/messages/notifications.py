"""Queues the emails that `api.emails` lists for a transition, as rows of the outbox."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import prefetch_related_objects

from api.emails import CONFIRM_GUEST, REASONS, WORDINGS, Email, list_emails
from api.models import Booking, Invitation, Trade, User, Venue
from api.models.users import ABSENT_DOMAIN
from api.services.bookings.statements import InsertPart, build_statement

from . import outbox
from .outbox import Effect


def build_email_part(verb: str, status: str, details: Mapping[str, Any]) -> InsertPart | None:
    """Queues what `verb` causes for every booking that a statement writes and that now has this
    status; None where nobody is written to."""
    payload = {"verb": verb, "status": status, **_pick_details(details)}
    return _build_email_part(verb, payload, reason=details.get("reason", ""))


def notify(verb: str, bookings: Sequence[Booking], details: Mapping[str, Any]) -> None:
    """Queues what `verb` causes for bookings that were edited and kept their status."""
    for booking in bookings:
        _queue(booking, build_email_part(verb, str(booking.status), details))


def notify_once(booking: Booking, verb: str, key: str, **payload: Any) -> None:
    """Queues what `verb` causes for one booking whose status did not change, once per key."""
    _queue(booking, _build_email_part(verb, {"verb": verb, **payload}, key=key))


def review_part() -> InsertPart:
    """Queues what a review causes, once for each that a statement opens: its rows of `written` have
    the `review_id`, and the `rule` for people."""
    own = ", jsonb_build_object('rule', m.rule)"
    select = _build_recipients_sql(_list_emails("review", ""), "'review:' || m.review_id", own)
    return outbox.build_email_part(select, [settings.ADMIN_EMAIL], {"verb": "review"}, own=True)


def withhold_reviews(ids: Iterable[int]) -> None:
    """Withholds what waits to be sent about these reviews: their bookings fit the rules again."""
    keys = [f"email:review:{pk}" for pk in ids]
    if keys:
        outbox.withhold_keys(keys, "the booking fits the rules again")


def _queue(booking: Booking, part: InsertPart | None) -> None:
    if part is not None:
        with connection.cursor() as cursor:
            cursor.execute(*build_statement((_ONE, [booking.pk]), [part], "SELECT FROM written"))


_ONE = (
    "written AS (SELECT b.*, NULL::timestamptz AS fell_due"
    f" FROM {Booking._meta.db_table} b WHERE id = %s)"
)


def _build_email_part(
    verb: str, payload: Mapping[str, Any], *, reason: str = "", key: str = ""
) -> InsertPart | None:
    emails = _list_emails(verb, reason if reason in REASONS else "")
    if not emails:
        return None
    select = _build_recipients_sql(emails, "%s || ':' || e.name" if key else _KEY_OF_VERSION)
    return outbox.build_email_part(select, [*([key] if key else ()), settings.ADMIN_EMAIL], payload)


@functools.cache
def _list_emails(verb: str, reason: str) -> tuple[tuple[str, int, Email], ...]:
    """Each wording, and the first to last of the emails that the verb causes in it."""
    return tuple(
        (wording, position, email)
        for wording in ("", *WORDINGS)
        for position, email in enumerate(list_emails(verb, wording, reason))
    )


_KEY_OF_VERSION = "e.name || ':' || m.id || ':' || m.version"


@functools.cache
def _build_recipients_sql(
    emails: tuple[tuple[str, int, Email], ...], key: str, own: str = ""
) -> str:
    """Key, name, booking, address and due, for each of the emails that the booking's venue words;
    takes the address of the site's admin. What fell due in the past keeps that order after an
    outage. The table of emails is written out: as parameters it would cost more than the rest."""
    rows = ", ".join(
        f"('{wording}', {position}, '{email.name}', {email.to == 'admin'}, {email.optional})"
        for wording, position, email in emails
    )
    wordings = ", ".join(f"'{wording}'" for wording in WORDINGS)
    return f"""
    SELECT 'email:' || {key}, e.name, m.id, a.address, least(m.fell_due, statement_timestamp()){own}
    FROM written m
    JOIN {Venue._meta.db_table} v ON v.id = m.venue_id
    LEFT JOIN {User._meta.db_table} u ON u.id = m.owner_id
    JOIN (VALUES {rows}) AS e(wording, position, name, to_admin, optional)
        ON e.wording = CASE WHEN v.wording IN ({wordings}) THEN v.wording ELSE '' END
    CROSS JOIN LATERAL (SELECT CASE
        WHEN e.to_admin THEN coalesce(nullif(v.admin_email, ''), %s)
        -- booked at a door in the name of whoever paired the panel: nobody to write to
        WHEN u.erased_at IS NOT NULL OR m.contract = 'panel' THEN ''
        -- whoever has not said that it was them gets one letter
        WHEN m.owner_id IS NULL AND m.guest_confirmed_at IS NULL
            AND e.name <> '{CONFIRM_GUEST.name}' THEN ''
        ELSE coalesce(u.email, m.guest_email) END) AS a(address)
    WHERE a.address <> '' AND right(a.address, {len(ABSENT_DOMAIN)}) <> '{ABSENT_DOMAIN}'
    AND (v.send_confirmation_emails OR NOT e.optional)
    ORDER BY m.fell_due, m.id, e.position"""


def _pick_details(details: Mapping[str, Any]) -> dict[str, Any]:
    return {key: details[key] for key in ("reason", "from", "to") if key in details}


def email_user(user: User, name: str, key: str, **payload: Any) -> None:
    """Queue an e-mail that no booking causes. Tokens are made when it is sent, not stored."""
    if user.address:
        payload = {"user": user.pk, **payload}
        outbox.put([Effect(key=key, name=name, to=user.address, payload=payload)])


def email_invitation(invitation: Invitation) -> None:
    """Queue the letter to an address that has no account. Its link is made when it is sent."""
    key = f"email:invitation:{invitation.pk}:{invitation.created_at.timestamp()}"
    payload = {"invitation": invitation.pk}
    outbox.put([Effect(key=key, name="invitation", to=invitation.email, payload=payload)])


def notify_traders(verb: str, trades: Sequence[Trade]) -> None:
    """Queue what `verb` of a trade causes, to its two people."""
    if not list_emails(f"trade.{verb}"):
        return
    sides = ("requester", "target")
    prefetch_related_objects(list(trades), *sides, *(f"{side}_booking__venue" for side in sides))
    outbox.put(_list_effects(verb, trades))


def _list_effects(verb: str, trades: Sequence[Trade]) -> Iterable[Effect]:
    for trade in trades:
        venue = trade.target_booking.venue
        for email in list_emails(f"trade.{verb}", venue.wording):
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
