"""What people have agreed to: the text of the instance when they register, that of a venue when
they first book there, and each again when there is a new version."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from api import errors, policy
from api.models import Consent, ConsentText, Guest, User, Venue
from api.models.identifiers import build_key
from api.policy import Check, Rules


def publish_text(venue: Venue | None, text: str) -> ConsentText:
    """Return the next version of a venue's text, or of the instance's. From now on it is asked for;
    an empty one asks for nothing. Of two at once one is the later version."""
    with transaction.atomic():
        if venue is not None:
            Venue.objects.select_for_update(no_key=True).get(pk=venue.pk)
        last = find_text(venue)
        row = ConsentText.objects.create(
            venue=venue, version=last.version + 1 if last else 1, text=text.strip()
        )
        if venue is not None:
            Venue.objects.filter(pk=venue.pk).update(consent_version=row.version if row.text else 0)
    return row


def find_text(venue: Venue | None) -> ConsentText | None:
    """The present version, whose text may be empty."""
    return ConsentText.objects.filter(venue=venue).order_by("-version").first()


def find_text_to_accept(venue: Venue | None, accepted: int | None) -> ConsentText | None:
    """Return the present text, or None where nothing is asked. Raises `ConsentRequired` unless its
    id is the one that was accepted."""
    text = find_text(venue)
    if text is None or not text.text:
        return None
    if accepted != text.pk:
        raise errors.ConsentRequired(
            errors={"consent": [f"Agree to text {text.pk} (version {text.version})."]},
            consent={"id": text.pk, "version": text.version},
        )
    return text


def record_consent(text: ConsentText | None, user: User | None, email: str = "") -> None:
    """Keep that the person agreed, by the address of somebody without an account."""
    if text is not None:
        key = "" if user else build_key(email)
        Consent.objects.get_or_create(text=text, user=user, email_key=key)


def require_consent(
    venue: Venue, accepted: int | None, user: User | None = None, email: str = ""
) -> None:
    """Keep the consent that comes with a booking. Raises `ConsentRequired` where neither this one
    nor an earlier one is to the venue's present text."""
    given = Consent.objects.filter(text__venue=venue, text__version=venue.consent_version)
    if not given.filter(user=user, email_key="" if user else build_key(email)).exists():
        record_consent(find_text_to_accept(venue, accepted), user, email)


def build_check(owner: User | Guest, accepted: int | None) -> Check:
    """The check of a new booking, with the venue's consent. Where a venue asks for none it costs
    nothing: the rules say so."""

    def check(
        rules: Rules, starts_at: datetime, ends_at: datetime, now: datetime, guests: int
    ) -> None:
        policy.check_booking(rules, starts_at, ends_at, now, guests)
        if rules.venue.consent_version:
            user = owner if isinstance(owner, User) else None
            require_consent(rules.venue, accepted, user, owner.email)

    return check
