"""Queues the emails that moves cause: from the table of `api.emails` to rows of the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import prefetch_related_objects

from api.emails import Email, caused_by
from api.models import Booking, User

from . import outbox
from .outbox import Effect


def notify(verb: str, rows: Sequence[Booking], details: Mapping[str, Any]) -> None:
    """Queues what `verb` causes for every row: a constant number of statements for any batch."""
    for name in ("owner", "venue"):
        if not all(name in row._state.fields_cache for row in rows):
            prefetch_related_objects(list(rows), name)
    outbox.put(_effects(verb, rows, details))


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
                    payload={"verb": verb, **_told(details)},
                )


def _told(details: Mapping[str, Any]) -> dict[str, Any]:
    return {key: details[key] for key in ("reason", "from", "to") if key in details}


def _address(email: Email, row: Booking) -> str:
    if email.to == "admin":
        return row.venue.admin_email or settings.ADMIN_EMAIL
    # booked at a door in the name of whoever paired the panel: nobody to write to
    nobody = row.owner.erased_at or row.contract == "panel"
    return "" if nobody else row.owner.email


def write_to(user: User, name: str, key: str, **payload: Any) -> None:
    """Queues an e-mail that no booking causes. Secrets are made when it is sent, not stored."""
    outbox.put([Effect(key=key, name=name, to=user.email, payload={"user": user.pk, **payload})])
