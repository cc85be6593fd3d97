"""The zone of the venue that a form is about."""

from __future__ import annotations

from datetime import UTC, tzinfo

from api.models import Venue


def find_zone(pk: str, kind: str) -> tzinfo:
    """That of the venue which has the row with this id, `kind` being what venues call such rows;
    UTC while none is chosen."""
    if not (pk.isascii() and pk.isdigit() and len(pk) < 19):
        return UTC
    venue = Venue.objects.filter(**{kind: int(pk)}).first()
    return venue.zone if venue else UTC
