"""One letter a request about a series, not one an occurrence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from psycopg.types.json import Jsonb

from api.emails import list_emails
from api.lifecycle import HELD, PENDING
from api.models import Series
from api.models.series import Outcome
from api.models.users import ABSENT_DOMAIN
from api.queries.series.occurrences import OccurrenceOutcome
from api.services.bookings.statements import InsertPart
from api.services.messages import outbox
from api.services.messages.outbox import Effect

# says where the e-mail belongs: with the first of the bookings that the statement writes
_SELECT = (
    "SELECT e.key, e.name, (SELECT min(id) FROM written), e.address, statement_timestamp(), e.own"
    " FROM unnest(%s::text[], %s::text[], %s::text[], %s::jsonb[]) AS e(key, name, address, own)"
)


def build_letters(
    series: Series, verb: str, outcomes: Sequence[OccurrenceOutcome], **more: Any
) -> list[Effect]:
    """What `verb` causes: to the owner and, where requests wait, to the venue's admins."""
    bookings = [each.booking for each in outcomes if each.booking]
    statuses = {str(booking.status) for booking in bookings}
    verbs = [f"series.{verb}"]
    if verb == "booked" and HELD in statuses:
        verbs = ["series.held"]
    elif verb == "booked" and statuses == {PENDING}:
        verbs = ["series.asked"]
    if verb in ("booked", "changed", "resumed") and PENDING in statuses:
        verbs.append("series.waiting")
    payload = {
        "series": series.pk,
        "lines": [_build_line(each) for each in outcomes],
        **more,
    }
    first = min((booking.pk for booking in bookings), default=None)
    return [
        effect
        for each in verbs
        for effect in _list_effects(series, each, {"verb": each, **payload}, first)
    ]


def _list_effects(
    series: Series, verb: str, payload: dict[str, Any], booking_id: int | None
) -> Iterable[Effect]:
    venue, owner = series.venue, series.owner
    for email in list_emails(verb, venue.wording):
        to_admin = email.to == "admin"
        address = (venue.admin_email or settings.ADMIN_EMAIL) if to_admin else owner.address
        if not address or address.endswith(ABSENT_DOMAIN):
            continue
        if email.optional and not venue.send_confirmation_emails:
            continue
        yield Effect(
            key=f"email:{email.name}:series:{series.pk}:{series.version}:{payload['verb']}",
            name=email.name,
            booking_id=booking_id,
            to=address,
            payload=payload if to_admin else {"user": owner.pk, **payload},
        )


def build_letters_part(effects: Sequence[Effect]) -> list[InsertPart]:
    """The same as part of the statement that writes the bookings."""
    if not effects:
        return []
    columns: list[list[Any]] = [
        [each.key for each in effects],
        [each.name for each in effects],
        [each.to for each in effects],
        [Jsonb(each.payload) for each in effects],
    ]
    return [outbox.build_email_part(_SELECT, columns, {}, own=True)]


def _build_line(outcome: OccurrenceOutcome) -> list[str]:
    """Times, and what the letter says of them: the booking's status, or why there is none."""
    booking = outcome.booking
    moved = outcome.outcome == Outcome.MOVED
    said = str(booking.status) if booking else outcome.outcome.value
    return [
        outcome.starts_at.isoformat(),
        outcome.ends_at.isoformat(),
        said,
        "moved" if moved else outcome.code,
    ]
